//! `DeleteGroupsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-3.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeleteGroupsRequest {
    /// Versions 0+.
    pub groups_names: Vec<String>,
}

impl Wire for DeleteGroupsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.groups_names = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.groups_names.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.groups_names = r.get(cx);
        m
    }
}

impl Message for DeleteGroupsRequest {
    const NAME: &'static str = "DeleteGroupsRequest";
    const API_KEY: i16 = 42;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 3;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for DeleteGroupsRequest {
    type Response = super::delete_groups_response::DeleteGroupsResponse;
    const KEY: ApiKey = ApiKey::DeleteGroups;
}
