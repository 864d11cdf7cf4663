//! `CreateTopicsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 2-7.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTopicsRequest {
    /// Versions 0+.
    pub topics: Vec<CreatableTopic>,
    /// Versions 0+, default `60000`.
    pub timeout_ms: i32,
    /// Versions 1+, default `false`.
    pub validate_only: bool,
}

impl Default for CreateTopicsRequest {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            timeout_ms: 60000,
            validate_only: false,
        }
    }
}

impl Wire for CreateTopicsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topics = d.get(cx)?;
        m.timeout_ms = d.get(cx)?;
        m.validate_only = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topics.write(e, cx)?;
        self.timeout_ms.write(e, cx)?;
        self.validate_only.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topics = r.get(cx);
        m.timeout_ms = r.get(cx);
        m.validate_only = r.get(cx);
        m
    }
}

impl Message for CreateTopicsRequest {
    const NAME: &'static str = "CreateTopicsRequest";
    const API_KEY: i16 = 19;
    const MIN_VERSION: i16 = 2;
    const MAX_VERSION: i16 = 7;
    const FLEXIBLE_FROM: i16 = 5;
}

impl Request for CreateTopicsRequest {
    type Response = super::create_topics_response::CreateTopicsResponse;
    const KEY: ApiKey = ApiKey::CreateTopics;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreatableTopic {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub num_partitions: i32,
    /// Versions 0+.
    pub replication_factor: i16,
    /// Versions 0+.
    pub assignments: Vec<CreatableReplicaAssignment>,
    /// Versions 0+.
    pub configs: Vec<CreatableTopicConfig>,
}

impl Wire for CreatableTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.num_partitions = d.get(cx)?;
        m.replication_factor = d.get(cx)?;
        m.assignments = d.get(cx)?;
        m.configs = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.num_partitions.write(e, cx)?;
        self.replication_factor.write(e, cx)?;
        self.assignments.write(e, cx)?;
        self.configs.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.num_partitions = r.get(cx);
        m.replication_factor = r.get(cx);
        m.assignments = r.get(cx);
        m.configs = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreatableReplicaAssignment {
    /// Versions 0+.
    pub partition_index: i32,
    /// Versions 0+.
    pub broker_ids: Vec<i32>,
}

impl Wire for CreatableReplicaAssignment {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.get(cx)?;
        m.broker_ids = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.partition_index.write(e, cx)?;
        self.broker_ids.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.partition_index = r.get(cx);
        m.broker_ids = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfig {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+, nullable 0+.
    pub value: Option<String>,
}

impl Default for CreatableTopicConfig {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: Some(Default::default()),
        }
    }
}

impl Wire for CreatableTopicConfig {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.value = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        e.nullable(&self.value, cx, true, "Value")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.value = r.nullable(cx, true);
        m
    }
}
