//! `OffsetForLeaderEpochRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 2-4.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetForLeaderEpochRequest {
    /// Versions 3+, default `-2`.
    pub replica_id: i32,
    /// Versions 0+.
    pub topics: Vec<OffsetForLeaderTopic>,
}

impl Default for OffsetForLeaderEpochRequest {
    fn default() -> Self {
        Self {
            replica_id: -2,
            topics: Default::default(),
        }
    }
}

impl Wire for OffsetForLeaderEpochRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 3 { m.replica_id = d.get(cx)?; }
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 3 { self.replica_id.write(e, cx)?; }
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 3 { m.replica_id = r.get(cx); }
        m.topics = r.get(cx);
        m
    }
}

impl Message for OffsetForLeaderEpochRequest {
    const NAME: &'static str = "OffsetForLeaderEpochRequest";
    const API_KEY: i16 = 23;
    const MIN_VERSION: i16 = 2;
    const MAX_VERSION: i16 = 4;
    const FLEXIBLE_FROM: i16 = 4;
}

impl Request for OffsetForLeaderEpochRequest {
    type Response = super::offset_for_leader_epoch_response::OffsetForLeaderEpochResponse;
    const KEY: ApiKey = ApiKey::OffsetForLeaderEpoch;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OffsetForLeaderTopic {
    /// Versions 0+.
    pub topic: String,
    /// Versions 0+.
    pub partitions: Vec<OffsetForLeaderPartition>,
}

impl Wire for OffsetForLeaderTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetForLeaderPartition {
    /// Versions 0+.
    pub partition: i32,
    /// Versions 2+, default `-1`.
    pub current_leader_epoch: i32,
    /// Versions 0+.
    pub leader_epoch: i32,
}

impl Default for OffsetForLeaderPartition {
    fn default() -> Self {
        Self {
            partition: 0,
            current_leader_epoch: -1,
            leader_epoch: 0,
        }
    }
}

impl Wire for OffsetForLeaderPartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition = d.get(cx)?;
        m.current_leader_epoch = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.partition.write(e, cx)?;
        self.current_leader_epoch.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.partition = r.get(cx);
        m.current_leader_epoch = r.get(cx);
        m.leader_epoch = r.get(cx);
        m
    }
}
