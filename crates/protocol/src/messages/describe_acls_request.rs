//! `DescribeAclsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1-3.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeAclsRequest {
    /// Versions 0+.
    pub resource_type_filter: i8,
    /// Versions 0+, nullable 0+.
    pub resource_name_filter: Option<String>,
    /// Versions 1+, default `3`.
    pub pattern_type_filter: i8,
    /// Versions 0+, nullable 0+.
    pub principal_filter: Option<String>,
    /// Versions 0+, nullable 0+.
    pub host_filter: Option<String>,
    /// Versions 0+.
    pub operation: i8,
    /// Versions 0+.
    pub permission_type: i8,
}

impl Default for DescribeAclsRequest {
    fn default() -> Self {
        Self {
            resource_type_filter: 0,
            resource_name_filter: Some(Default::default()),
            pattern_type_filter: 3,
            principal_filter: Some(Default::default()),
            host_filter: Some(Default::default()),
            operation: 0,
            permission_type: 0,
        }
    }
}

impl Wire for DescribeAclsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.resource_type_filter = d.get(cx)?;
        m.resource_name_filter = d.nullable(cx, true)?;
        m.pattern_type_filter = d.get(cx)?;
        m.principal_filter = d.nullable(cx, true)?;
        m.host_filter = d.nullable(cx, true)?;
        m.operation = d.get(cx)?;
        m.permission_type = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.resource_type_filter.write(e, cx)?;
        e.nullable(&self.resource_name_filter, cx, true, "ResourceNameFilter")?;
        self.pattern_type_filter.write(e, cx)?;
        e.nullable(&self.principal_filter, cx, true, "PrincipalFilter")?;
        e.nullable(&self.host_filter, cx, true, "HostFilter")?;
        self.operation.write(e, cx)?;
        self.permission_type.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.resource_type_filter = r.get(cx);
        m.resource_name_filter = r.nullable(cx, true);
        m.pattern_type_filter = r.get(cx);
        m.principal_filter = r.nullable(cx, true);
        m.host_filter = r.nullable(cx, true);
        m.operation = r.get(cx);
        m.permission_type = r.get(cx);
        m
    }
}

impl Message for DescribeAclsRequest {
    const NAME: &'static str = "DescribeAclsRequest";
    const API_KEY: i16 = 29;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 3;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for DescribeAclsRequest {
    type Response = super::describe_acls_response::DescribeAclsResponse;
    const KEY: ApiKey = ApiKey::DescribeAcls;
}
