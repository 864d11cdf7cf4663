//! `ListOffsetsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1-11.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListOffsetsRequest {
    /// Versions 0+.
    pub replica_id: i32,
    /// Versions 2+.
    pub isolation_level: i8,
    /// Versions 0+.
    pub topics: Vec<ListOffsetsTopic>,
    /// Versions 10+.
    pub timeout_ms: i32,
}

impl Wire for ListOffsetsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.replica_id = d.get(cx)?;
        if v >= 2 { m.isolation_level = d.get(cx)?; }
        m.topics = d.get(cx)?;
        if v >= 10 { m.timeout_ms = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.replica_id.write(e, cx)?;
        if v >= 2 { self.isolation_level.write(e, cx)?; } else { e.absent(self.isolation_level != 0, "ListOffsetsRequest.IsolationLevel", cx)?; }
        self.topics.write(e, cx)?;
        if v >= 10 { self.timeout_ms.write(e, cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.replica_id = r.get(cx);
        if v >= 2 { m.isolation_level = r.get(cx); }
        m.topics = r.get(cx);
        if v >= 10 { m.timeout_ms = r.get(cx); }
        m
    }
}

impl Message for ListOffsetsRequest {
    const NAME: &'static str = "ListOffsetsRequest";
    const API_KEY: i16 = 2;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 11;
    const FLEXIBLE_FROM: i16 = 6;
}

impl Request for ListOffsetsRequest {
    type Response = super::list_offsets_response::ListOffsetsResponse;
    const KEY: ApiKey = ApiKey::ListOffsets;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListOffsetsTopic {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub partitions: Vec<ListOffsetsPartition>,
}

impl Wire for ListOffsetsTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct ListOffsetsPartition {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 4+, default `-1`.
    pub current_leader_epoch: i32,
    /// Versions 0+.
    pub timestamp: i64,
}

impl Default for ListOffsetsPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            current_leader_epoch: -1,
            timestamp: 0,
        }
    }
}

impl Wire for ListOffsetsPartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        if v >= 4 { m.current_leader_epoch = d.get(cx)?; }
        m.timestamp = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.partition_index.write(e, cx)?;
        if v >= 4 { self.current_leader_epoch.write(e, cx)?; }
        self.timestamp.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        if v >= 4 { m.current_leader_epoch = r.get(cx); }
        m.timestamp = r.get(cx);
        m
    }
}
