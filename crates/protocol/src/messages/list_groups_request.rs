//! `ListGroupsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-5.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListGroupsRequest {
    /// Versions 4+.
    pub states_filter: Vec<String>,
    /// Versions 5+.
    pub types_filter: Vec<String>,
}

impl Wire for ListGroupsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 4 { m.states_filter = d.get(cx)?; }
        if v >= 5 { m.types_filter = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 4 { self.states_filter.write(e, cx)?; } else { e.absent(!self.states_filter.is_empty(), "ListGroupsRequest.StatesFilter", cx)?; }
        if v >= 5 { self.types_filter.write(e, cx)?; } else { e.absent(!self.types_filter.is_empty(), "ListGroupsRequest.TypesFilter", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 4 { m.states_filter = r.get(cx); }
        if v >= 5 { m.types_filter = r.get(cx); }
        m
    }
}

impl Message for ListGroupsRequest {
    const NAME: &'static str = "ListGroupsRequest";
    const API_KEY: i16 = 16;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 3;
}

impl Request for ListGroupsRequest {
    type Response = super::list_groups_response::ListGroupsResponse;
    const KEY: ApiKey = ApiKey::ListGroups;
}
