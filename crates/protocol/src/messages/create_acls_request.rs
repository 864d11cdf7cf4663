//! `CreateAclsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1-3.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreateAclsRequest {
    /// Versions 0+.
    pub creations: Vec<AclCreation>,
}

impl Wire for CreateAclsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.creations = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.creations.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.creations = r.get(cx);
        m
    }
}

impl Message for CreateAclsRequest {
    const NAME: &'static str = "CreateAclsRequest";
    const API_KEY: i16 = 30;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 3;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for CreateAclsRequest {
    type Response = super::create_acls_response::CreateAclsResponse;
    const KEY: ApiKey = ApiKey::CreateAcls;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq)]
pub struct AclCreation {
    /// Versions 0+.
    pub resource_type: i8,
    /// Versions 0+.
    pub resource_name: String,
    /// Versions 1+, default `3`.
    pub resource_pattern_type: i8,
    /// Versions 0+.
    pub principal: String,
    /// Versions 0+.
    pub host: String,
    /// Versions 0+.
    pub operation: i8,
    /// Versions 0+.
    pub permission_type: i8,
}

impl Default for AclCreation {
    fn default() -> Self {
        Self {
            resource_type: 0,
            resource_name: Default::default(),
            resource_pattern_type: 3,
            principal: Default::default(),
            host: Default::default(),
            operation: 0,
            permission_type: 0,
        }
    }
}

impl Wire for AclCreation {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.resource_type = d.get(cx)?;
        m.resource_name = d.get(cx)?;
        m.resource_pattern_type = d.get(cx)?;
        m.principal = d.get(cx)?;
        m.host = d.get(cx)?;
        m.operation = d.get(cx)?;
        m.permission_type = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.resource_type.write(e, cx)?;
        self.resource_name.write(e, cx)?;
        self.resource_pattern_type.write(e, cx)?;
        self.principal.write(e, cx)?;
        self.host.write(e, cx)?;
        self.operation.write(e, cx)?;
        self.permission_type.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.resource_type = r.get(cx);
        m.resource_name = r.get(cx);
        m.resource_pattern_type = r.get(cx);
        m.principal = r.get(cx);
        m.host = r.get(cx);
        m.operation = r.get(cx);
        m.permission_type = r.get(cx);
        m
    }
}
