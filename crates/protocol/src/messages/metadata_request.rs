//! `MetadataRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0-13.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequest {
    /// Versions 0+, nullable 1+.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// Versions 4+, default `true`.
    pub allow_auto_topic_creation: bool,
    /// Versions 8-10.
    pub include_cluster_authorized_operations: bool,
    /// Versions 8+.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Some(Default::default()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: Default::default(),
            include_topic_authorized_operations: Default::default(),
        }
    }
}

impl Wire for MetadataRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.topics = d.nullable(cx, v >= 1)?;
        if v >= 4 { m.allow_auto_topic_creation = d.get(cx)?; }
        if (8..=10).contains(&v) { m.include_cluster_authorized_operations = d.get(cx)?; }
        if v >= 8 { m.include_topic_authorized_operations = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        e.nullable(&self.topics, cx, v >= 1, "Topics")?;
        if v >= 4 { self.allow_auto_topic_creation.write(e, cx)?; } else { e.absent(!self.allow_auto_topic_creation, "MetadataRequest.AllowAutoTopicCreation", cx)?; }
        if (8..=10).contains(&v) { self.include_cluster_authorized_operations.write(e, cx)?; } else { e.absent(self.include_cluster_authorized_operations, "MetadataRequest.IncludeClusterAuthorizedOperations", cx)?; }
        if v >= 8 { self.include_topic_authorized_operations.write(e, cx)?; } else { e.absent(self.include_topic_authorized_operations, "MetadataRequest.IncludeTopicAuthorizedOperations", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.topics = r.nullable(cx, v >= 1);
        if v >= 4 { m.allow_auto_topic_creation = r.get(cx); }
        if (8..=10).contains(&v) { m.include_cluster_authorized_operations = r.get(cx); }
        if v >= 8 { m.include_topic_authorized_operations = r.get(cx); }
        m
    }
}

impl Message for MetadataRequest {
    const NAME: &'static str = "MetadataRequest";
    const API_KEY: i16 = 3;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 13;
    const FLEXIBLE_FROM: i16 = 9;
}

impl Request for MetadataRequest {
    type Response = super::metadata_response::MetadataResponse;
    const KEY: ApiKey = ApiKey::Metadata;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequestTopic {
    /// Versions 10+.
    pub topic_id: Uuid,
    /// Versions 0+, nullable 10+.
    pub name: Option<String>,
}

impl Default for MetadataRequestTopic {
    fn default() -> Self {
        Self {
            topic_id: Default::default(),
            name: Some(Default::default()),
        }
    }
}

impl Wire for MetadataRequestTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 10 { m.topic_id = d.get(cx)?; }
        m.name = d.nullable(cx, v >= 10)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 10 { self.topic_id.write(e, cx)?; }
        e.nullable(&self.name, cx, v >= 10, "Name")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 10 { m.topic_id = r.get(cx); }
        m.name = r.nullable(cx, v >= 10);
        m
    }
}
