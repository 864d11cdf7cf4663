//! `ApiVersionsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-5.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiVersionsRequest {
    /// Versions 3+.
    pub client_software_name: String,
    /// Versions 3+.
    pub client_software_version: String,
    /// Versions 5+, nullable 5+, default `null`.
    pub cluster_id: Option<String>,
    /// Versions 5+, default `-1`.
    pub node_id: i32,
}

impl Default for ApiVersionsRequest {
    fn default() -> Self {
        Self {
            client_software_name: Default::default(),
            client_software_version: Default::default(),
            cluster_id: None,
            node_id: -1,
        }
    }
}

impl Wire for ApiVersionsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 3 { m.client_software_name = d.get(cx)?; }
        if v >= 3 { m.client_software_version = d.get(cx)?; }
        if v >= 5 { m.cluster_id = d.nullable(cx, true)?; }
        if v >= 5 { m.node_id = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 3 { self.client_software_name.write(e, cx)?; }
        if v >= 3 { self.client_software_version.write(e, cx)?; }
        if v >= 5 { e.nullable(&self.cluster_id, cx, true, "ClusterId")?; }
        if v >= 5 { self.node_id.write(e, cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 3 { m.client_software_name = r.get(cx); }
        if v >= 3 { m.client_software_version = r.get(cx); }
        if v >= 5 { m.cluster_id = r.nullable(cx, true); }
        if v >= 5 { m.node_id = r.get(cx); }
        m
    }
}

impl Message for ApiVersionsRequest {
    const NAME: &'static str = "ApiVersionsRequest";
    const API_KEY: i16 = 18;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 3;
}

impl Request for ApiVersionsRequest {
    type Response = super::api_versions_response::ApiVersionsResponse;
    const KEY: ApiKey = ApiKey::ApiVersions;
}
