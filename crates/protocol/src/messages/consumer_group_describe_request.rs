//! `ConsumerGroupDescribeRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ConsumerGroupDescribeRequest {
    /// Versions 0+.
    pub group_ids: Vec<String>,
    /// Versions 0+.
    pub include_authorized_operations: bool,
}

impl Wire for ConsumerGroupDescribeRequest {
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

impl Message for ConsumerGroupDescribeRequest {
    const NAME: &'static str = "ConsumerGroupDescribeRequest";
    const API_KEY: i16 = 69;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for ConsumerGroupDescribeRequest {
    type Response = super::consumer_group_describe_response::ConsumerGroupDescribeResponse;
    const KEY: ApiKey = ApiKey::ConsumerGroupDescribe;
}
