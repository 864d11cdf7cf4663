//! `IncrementalAlterConfigsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct IncrementalAlterConfigsRequest {
    /// Versions 0+.
    pub resources: Vec<AlterConfigsResource>,
    /// Versions 0+.
    pub validate_only: bool,
}

impl Wire for IncrementalAlterConfigsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.resources = d.get(cx)?;
        m.validate_only = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.resources.write(e, cx)?;
        self.validate_only.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.resources = r.get(cx);
        m.validate_only = r.get(cx);
        m
    }
}

impl Message for IncrementalAlterConfigsRequest {
    const NAME: &'static str = "IncrementalAlterConfigsRequest";
    const API_KEY: i16 = 44;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 1;
}

impl Request for IncrementalAlterConfigsRequest {
    type Response = super::incremental_alter_configs_response::IncrementalAlterConfigsResponse;
    const KEY: ApiKey = ApiKey::IncrementalAlterConfigs;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AlterConfigsResource {
    /// Versions 0+.
    pub resource_type: i8,
    /// Versions 0+.
    pub resource_name: String,
    /// Versions 0+.
    pub configs: Vec<AlterableConfig>,
}

impl Wire for AlterConfigsResource {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.resource_type = d.get(cx)?;
        m.resource_name = d.get(cx)?;
        m.configs = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.resource_type.write(e, cx)?;
        self.resource_name.write(e, cx)?;
        self.configs.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.resource_type = r.get(cx);
        m.resource_name = r.get(cx);
        m.configs = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterableConfig {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub config_operation: i8,
    /// Versions 0+, nullable 0+.
    pub value: Option<String>,
}

impl Default for AlterableConfig {
    fn default() -> Self {
        Self {
            name: Default::default(),
            config_operation: 0,
            value: Some(Default::default()),
        }
    }
}

impl Wire for AlterableConfig {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.config_operation = d.get(cx)?;
        m.value = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.config_operation.write(e, cx)?;
        e.nullable(&self.value, cx, true, "Value")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.config_operation = r.get(cx);
        m.value = r.nullable(cx, true);
        m
    }
}
