//! `DescribeClientQuotasRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeClientQuotasRequest {
    /// Versions 0+.
    pub components: Vec<ComponentData>,
    /// Versions 0+.
    pub strict: bool,
}

impl Wire for DescribeClientQuotasRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.components = d.get(cx)?;
        m.strict = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.components.write(e, cx)?;
        self.strict.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.components = r.get(cx);
        m.strict = r.get(cx);
        m
    }
}

impl Message for DescribeClientQuotasRequest {
    const NAME: &'static str = "DescribeClientQuotasRequest";
    const API_KEY: i16 = 48;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 1;
}

impl Request for DescribeClientQuotasRequest {
    type Response = super::describe_client_quotas_response::DescribeClientQuotasResponse;
    const KEY: ApiKey = ApiKey::DescribeClientQuotas;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentData {
    /// Versions 0+.
    pub entity_type: String,
    /// Versions 0+.
    pub match_type: i8,
    /// Versions 0+, nullable 0+.
    pub match_: Option<String>,
}

impl Default for ComponentData {
    fn default() -> Self {
        Self {
            entity_type: Default::default(),
            match_type: 0,
            match_: Some(Default::default()),
        }
    }
}

impl Wire for ComponentData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.entity_type = d.get(cx)?;
        m.match_type = d.get(cx)?;
        m.match_ = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.entity_type.write(e, cx)?;
        self.match_type.write(e, cx)?;
        e.nullable(&self.match_, cx, true, "Match")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.entity_type = r.get(cx);
        m.match_type = r.get(cx);
        m.match_ = r.nullable(cx, true);
        m
    }
}
