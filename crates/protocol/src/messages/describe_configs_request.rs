//! `DescribeConfigsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1-4.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeConfigsRequest {
    /// Versions 0+.
    pub resources: Vec<DescribeConfigsResource>,
    /// Versions 1+, default `false`.
    pub include_synonyms: bool,
    /// Versions 3+, default `false`.
    pub include_documentation: bool,
}

impl Wire for DescribeConfigsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.resources = d.get(cx)?;
        m.include_synonyms = d.get(cx)?;
        if v >= 3 { m.include_documentation = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.resources.write(e, cx)?;
        self.include_synonyms.write(e, cx)?;
        if v >= 3 { self.include_documentation.write(e, cx)?; } else { e.absent(self.include_documentation, "DescribeConfigsRequest.IncludeDocumentation", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.resources = r.get(cx);
        m.include_synonyms = r.get(cx);
        if v >= 3 { m.include_documentation = r.get(cx); }
        m
    }
}

impl Message for DescribeConfigsRequest {
    const NAME: &'static str = "DescribeConfigsRequest";
    const API_KEY: i16 = 32;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 4;
    const FLEXIBLE_FROM: i16 = 4;
}

impl Request for DescribeConfigsRequest {
    type Response = super::describe_configs_response::DescribeConfigsResponse;
    const KEY: ApiKey = ApiKey::DescribeConfigs;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsResource {
    /// Versions 0+.
    pub resource_type: i8,
    /// Versions 0+.
    pub resource_name: String,
    /// Versions 0+, nullable 0+.
    pub configuration_keys: Option<Vec<String>>,
}

impl Default for DescribeConfigsResource {
    fn default() -> Self {
        Self {
            resource_type: 0,
            resource_name: Default::default(),
            configuration_keys: Some(Default::default()),
        }
    }
}

impl Wire for DescribeConfigsResource {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.resource_type = d.get(cx)?;
        m.resource_name = d.get(cx)?;
        m.configuration_keys = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.resource_type.write(e, cx)?;
        self.resource_name.write(e, cx)?;
        e.nullable(&self.configuration_keys, cx, true, "ConfigurationKeys")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.resource_type = r.get(cx);
        m.resource_name = r.get(cx);
        m.configuration_keys = r.nullable(cx, true);
        m
    }
}
