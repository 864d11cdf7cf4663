//! `DeleteRecordsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteRecordsRequest {
    /// Versions 0+.
    pub topics: Vec<DeleteRecordsTopic>,
    /// Versions 0+.
    pub timeout_ms: i32,
}

impl Wire for DeleteRecordsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topics = d.get(cx)?;
        m.timeout_ms = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topics.write(e, cx)?;
        self.timeout_ms.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topics = r.get(cx);
        m.timeout_ms = r.get(cx);
        m
    }
}

impl Message for DeleteRecordsRequest {
    const NAME: &'static str = "DeleteRecordsRequest";
    const API_KEY: i16 = 21;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for DeleteRecordsRequest {
    type Response = super::delete_records_response::DeleteRecordsResponse;
    const KEY: ApiKey = ApiKey::DeleteRecords;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteRecordsTopic {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub partitions: Vec<DeleteRecordsPartition>,
}

impl Wire for DeleteRecordsTopic {
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
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteRecordsPartition {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub offset: i64,
}

impl Wire for DeleteRecordsPartition {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.offset = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.partition_index.write(e, cx)?;
        self.offset.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m.offset = r.get(cx);
        m
    }
}
