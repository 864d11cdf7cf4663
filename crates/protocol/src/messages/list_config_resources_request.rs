//! `ListConfigResourcesRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListConfigResourcesRequest {
    /// Versions 1+.
    pub resource_types: Vec<i8>,
}

impl Wire for ListConfigResourcesRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.resource_types = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 1 { self.resource_types.write(e, cx)?; } else { e.absent(!self.resource_types.is_empty(), "ListConfigResourcesRequest.ResourceTypes", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 1 { m.resource_types = r.get(cx); }
        m
    }
}

impl Message for ListConfigResourcesRequest {
    const NAME: &'static str = "ListConfigResourcesRequest";
    const API_KEY: i16 = 74;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for ListConfigResourcesRequest {
    type Response = super::list_config_resources_response::ListConfigResourcesResponse;
    const KEY: ApiKey = ApiKey::ListConfigResources;
}
