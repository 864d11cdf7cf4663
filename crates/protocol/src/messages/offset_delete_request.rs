//! `OffsetDeleteRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OffsetDeleteRequest {
    /// Versions 0+.
    pub group_id: String,
    /// Versions 0+.
    pub topics: Vec<OffsetDeleteRequestTopic>,
}

impl Wire for OffsetDeleteRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = d.get(cx)?;
        m.topics = d.get(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.group_id.write(e, cx)?;
        self.topics.write(e, cx)?;
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

impl Message for OffsetDeleteRequest {
    const NAME: &'static str = "OffsetDeleteRequest";
    const API_KEY: i16 = 47;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = i16::MAX;
}

impl Request for OffsetDeleteRequest {
    type Response = super::offset_delete_response::OffsetDeleteResponse;
    const KEY: ApiKey = ApiKey::OffsetDelete;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OffsetDeleteRequestTopic {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub partitions: Vec<OffsetDeleteRequestPartition>,
}

impl Wire for OffsetDeleteRequestTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.partitions = d.get(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.partitions.write(e, cx)?;
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
#[derive(Clone, Debug, PartialEq, Default)]
pub struct OffsetDeleteRequestPartition {
    /// Versions 0+.
    pub partition_index: i32,
}

impl Wire for OffsetDeleteRequestPartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.partition_index.write(e, cx)?;
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m
    }
}
