//! `ShareGroupDescribeRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ShareGroupDescribeRequest {
    /// Versions 0+.
    pub group_ids: Vec<String>,
    /// Versions 0+.
    pub include_authorized_operations: bool,
}

impl Wire for ShareGroupDescribeRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_ids = d.get(cx)?;
        m.include_authorized_operations = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.group_ids.write(e, cx)?;
        self.include_authorized_operations.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.group_ids = r.get(cx);
        m.include_authorized_operations = r.get(cx);
        m
    }
}

impl Message for ShareGroupDescribeRequest {
    const NAME: &'static str = "ShareGroupDescribeRequest";
    const API_KEY: i16 = 77;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for ShareGroupDescribeRequest {
    type Response = super::share_group_describe_response::ShareGroupDescribeResponse;
    const KEY: ApiKey = ApiKey::ShareGroupDescribe;
}
