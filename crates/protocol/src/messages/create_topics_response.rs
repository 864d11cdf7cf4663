//! `CreateTopicsResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 2-7.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreateTopicsResponse {
    /// Versions 2+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub topics: Vec<CreatableTopicResult>,
}

impl Wire for CreateTopicsResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = d.get(cx)?;
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.throttle_time_ms.write(e, cx)?;
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.throttle_time_ms = r.get(cx);
        m.topics = r.get(cx);
        m
    }
}

impl Message for CreateTopicsResponse {
    const NAME: &'static str = "CreateTopicsResponse";
    const API_KEY: i16 = 19;
    const MIN_VERSION: i16 = 2;
    const MAX_VERSION: i16 = 7;
    const FLEXIBLE_FROM: i16 = 5;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicResult {
    /// Versions 0+.
    pub name: String,
    /// Versions 7+.
    pub topic_id: Uuid,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 1+, nullable 0+.
    pub error_message: Option<String>,
    /// Versions 5+, tag 0 in 5+.
    pub topic_config_error_code: i16,
    /// Versions 5+, default `-1`.
    pub num_partitions: i32,
    /// Versions 5+, default `-1`.
    pub replication_factor: i16,
    /// Versions 5+, nullable 5+.
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

impl Default for CreatableTopicResult {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            error_code: 0,
            error_message: Some(Default::default()),
            topic_config_error_code: 0,
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Default::default()),
        }
    }
}

impl Wire for CreatableTopicResult {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.name = d.get(cx)?;
        if v >= 7 { m.topic_id = d.get(cx)?; }
        m.error_code = d.get(cx)?;
        m.error_message = d.nullable(cx, true)?;
        if v >= 5 { m.num_partitions = d.get(cx)?; }
        if v >= 5 { m.replication_factor = d.get(cx)?; }
        if v >= 5 { m.configs = d.nullable(cx, true)?; }
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 5 => m.topic_config_error_code = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.name.write(e, cx)?;
        if v >= 7 { self.topic_id.write(e, cx)?; }
        self.error_code.write(e, cx)?;
        e.nullable(&self.error_message, cx, true, "ErrorMessage")?;
        if v >= 5 { self.num_partitions.write(e, cx)?; }
        if v >= 5 { self.replication_factor.write(e, cx)?; }
        if v >= 5 { e.nullable(&self.configs, cx, true, "Configs")?; }
        if cx.flexible {
            let tags = [v >= 5 && self.topic_config_error_code != 0];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.topic_config_error_code.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.name = r.get(cx);
        if v >= 7 { m.topic_id = r.get(cx); }
        m.error_code = r.get(cx);
        m.error_message = r.nullable(cx, true);
        if v >= 5 { m.topic_config_error_code = r.get(cx); }
        if v >= 5 { m.num_partitions = r.get(cx); }
        if v >= 5 { m.replication_factor = r.get(cx); }
        if v >= 5 { m.configs = r.nullable(cx, true); }
        m
    }
}

/// Versions 5+.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfigs {
    /// Versions 5+.
    pub name: String,
    /// Versions 5+, nullable 5+.
    pub value: Option<String>,
    /// Versions 5+.
    pub read_only: bool,
    /// Versions 5+, default `-1`.
    pub config_source: i8,
    /// Versions 5+.
    pub is_sensitive: bool,
}

impl Default for CreatableTopicConfigs {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: Some(Default::default()),
            read_only: Default::default(),
            config_source: -1,
            is_sensitive: Default::default(),
        }
    }
}

impl Wire for CreatableTopicConfigs {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.value = d.nullable(cx, true)?;
        m.read_only = d.get(cx)?;
        m.config_source = d.get(cx)?;
        m.is_sensitive = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        e.nullable(&self.value, cx, true, "Value")?;
        self.read_only.write(e, cx)?;
        self.config_source.write(e, cx)?;
        self.is_sensitive.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.value = r.nullable(cx, true);
        m.read_only = r.get(cx);
        m.config_source = r.get(cx);
        m.is_sensitive = r.get(cx);
        m
    }
}
