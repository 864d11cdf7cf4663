//! `DeleteTopicsRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 1-6.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteTopicsRequest {
    /// Versions 6+.
    pub topics: Vec<DeleteTopicState>,
    /// Versions 0-5.
    pub topic_names: Vec<String>,
    /// Versions 0+.
    pub timeout_ms: i32,
}

impl Wire for DeleteTopicsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 6 { m.topics = d.get(cx)?; }
        if v <= 5 { m.topic_names = d.get(cx)?; }
        m.timeout_ms = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 6 { self.topics.write(e, cx)?; } else { e.absent(!self.topics.is_empty(), "DeleteTopicsRequest.Topics", cx)?; }
        if v <= 5 { self.topic_names.write(e, cx)?; }
        self.timeout_ms.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 6 { m.topics = r.get(cx); }
        if v <= 5 { m.topic_names = r.get(cx); }
        m.timeout_ms = r.get(cx);
        m
    }
}

impl Message for DeleteTopicsRequest {
    const NAME: &'static str = "DeleteTopicsRequest";
    const API_KEY: i16 = 20;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 6;
    const FLEXIBLE_FROM: i16 = 4;
}

impl Request for DeleteTopicsRequest {
    type Response = super::delete_topics_response::DeleteTopicsResponse;
    const KEY: ApiKey = ApiKey::DeleteTopics;
}

/// Versions 6+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteTopicState {
    /// Versions 6+, nullable 6+, default `null`.
    pub name: Option<String>,
    /// Versions 6+.
    pub topic_id: Uuid,
}

impl Wire for DeleteTopicState {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.nullable(cx, true)?;
        m.topic_id = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        e.nullable(&self.name, cx, true, "Name")?;
        self.topic_id.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.nullable(cx, true);
        m.topic_id = r.get(cx);
        m
    }
}
