//! `ProduceRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;
use klamm_types::Uuid;

/// Versions 3-13.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ProduceRequest {
    /// Versions 3+, nullable 3+, default `null`.
    pub transactional_id: Option<String>,
    /// Versions 0+.
    pub acks: i16,
    /// Versions 0+.
    pub timeout_ms: i32,
    /// Versions 0+.
    pub topic_data: Vec<TopicProduceData>,
}

impl Wire for ProduceRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.transactional_id = d.nullable(cx, true)?;
        m.acks = d.get(cx)?;
        m.timeout_ms = d.get(cx)?;
        m.topic_data = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        e.nullable(&self.transactional_id, cx, true, "TransactionalId")?;
        self.acks.write(e, cx)?;
        self.timeout_ms.write(e, cx)?;
        self.topic_data.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.transactional_id = r.nullable(cx, true);
        m.acks = r.get(cx);
        m.timeout_ms = r.get(cx);
        m.topic_data = r.get(cx);
        m
    }
}

impl Message for ProduceRequest {
    const NAME: &'static str = "ProduceRequest";
    const API_KEY: i16 = 0;
    const MIN_VERSION: i16 = 3;
    const MAX_VERSION: i16 = 13;
    const FLEXIBLE_FROM: i16 = 9;
}

impl Request for ProduceRequest {
    type Response = super::produce_response::ProduceResponse;
    const KEY: ApiKey = ApiKey::Produce;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TopicProduceData {
    /// Versions 0-12.
    pub name: String,
    /// Versions 13+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub partition_data: Vec<PartitionProduceData>,
}

impl Wire for TopicProduceData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 12 { m.name = d.get(cx)?; }
        if v >= 13 { m.topic_id = d.get(cx)?; }
        m.partition_data = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v <= 12 { self.name.write(e, cx)?; }
        if v >= 13 { self.topic_id.write(e, cx)?; }
        self.partition_data.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v <= 12 { m.name = r.get(cx); }
        if v >= 13 { m.topic_id = r.get(cx); }
        m.partition_data = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PartitionProduceData {
    /// Versions 0+.
    pub index: i32,
    /// Versions 0+, nullable 0+.
    pub records: Option<Bytes>,
}

impl Wire for PartitionProduceData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.index = d.get(cx)?;
        m.records = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.index.write(e, cx)?;
        e.nullable(&self.records, cx, true, "Records")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.index = r.get(cx);
        m.records = r.nullable(cx, true);
        m
    }
}
