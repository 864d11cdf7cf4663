//! `WriteShareGroupStateRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct WriteShareGroupStateRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub topics: Vec<WriteStateData>,
}

impl Wire for WriteShareGroupStateRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.group_id.write(e, cx)?;
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.group_id = r.get(cx);
        m.topics = r.get(cx);
        m
    }
}

impl Message for WriteShareGroupStateRequest {
    const NAME: &'static str = "WriteShareGroupStateRequest";
    const API_KEY: i16 = 85;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for WriteShareGroupStateRequest {
    type Response = super::write_share_group_state_response::WriteShareGroupStateResponse;
    const KEY: ApiKey = ApiKey::WriteShareGroupState;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct WriteStateData {
    /// Versions 0+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partitions: Vec<PartitionData>,
}

impl Wire for WriteStateData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic_id.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic_id = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    /// Versions 0+.
    pub partition: i32,
    /// Versions 0+.
    pub state_epoch: i32,
    /// Versions 0+.
    pub leader_epoch: i32,
    /// Versions 0+.
    pub start_offset: i64,
    /// Versions 1+, default `-1`.
    pub delivery_complete_count: i32,
    /// Versions 0+.
    pub state_batches: Vec<StateBatch>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition: 0,
            state_epoch: 0,
            leader_epoch: 0,
            start_offset: 0,
            delivery_complete_count: -1,
            state_batches: Default::default(),
        }
    }
}

impl Wire for PartitionData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition = d.get(cx)?;
        m.state_epoch = d.get(cx)?;
        m.leader_epoch = d.get(cx)?;
        m.start_offset = d.get(cx)?;
        if v >= 1 { m.delivery_complete_count = d.get(cx)?; }
        m.state_batches = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition.write(e, cx)?;
        self.state_epoch.write(e, cx)?;
        self.leader_epoch.write(e, cx)?;
        self.start_offset.write(e, cx)?;
        if v >= 1 { self.delivery_complete_count.write(e, cx)?; }
        self.state_batches.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition = r.get(cx);
        m.state_epoch = r.get(cx);
        m.leader_epoch = r.get(cx);
        m.start_offset = r.get(cx);
        if v >= 1 { m.delivery_complete_count = r.get(cx); }
        m.state_batches = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StateBatch {
    /// Versions 0+.
    pub first_offset: i64,
    /// Versions 0+.
    pub last_offset: i64,
    /// Versions 0+.
    pub delivery_state: i8,
    /// Versions 0+.
    pub delivery_count: i16,
}

impl Wire for StateBatch {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.first_offset = d.get(cx)?;
        m.last_offset = d.get(cx)?;
        m.delivery_state = d.get(cx)?;
        m.delivery_count = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.first_offset.write(e, cx)?;
        self.last_offset.write(e, cx)?;
        self.delivery_state.write(e, cx)?;
        self.delivery_count.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.first_offset = r.get(cx);
        m.last_offset = r.get(cx);
        m.delivery_state = r.get(cx);
        m.delivery_count = r.get(cx);
        m
    }
}
