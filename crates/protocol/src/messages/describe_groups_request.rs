//! `DescribeGroupsRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-6.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeGroupsRequest {
    /// Versions 0+.
    pub groups: Vec<String>,
    /// Versions 3+.
    pub include_authorized_operations: bool,
}

impl Wire for DescribeGroupsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.groups = d.get(cx)?;
        if v >= 3 { m.include_authorized_operations = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.groups.write(e, cx)?;
        if v >= 3 { self.include_authorized_operations.write(e, cx)?; } else { e.absent(self.include_authorized_operations, "DescribeGroupsRequest.IncludeAuthorizedOperations", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.groups = r.get(cx);
        if v >= 3 { m.include_authorized_operations = r.get(cx); }
        m
    }
}

impl Message for DescribeGroupsRequest {
    const NAME: &'static str = "DescribeGroupsRequest";
    const API_KEY: i16 = 15;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 6;
    const FLEXIBLE_FROM: i16 = 5;
}

impl Request for DescribeGroupsRequest {
    type Response = super::describe_groups_response::DescribeGroupsResponse;
    const KEY: ApiKey = ApiKey::DescribeGroups;
}
