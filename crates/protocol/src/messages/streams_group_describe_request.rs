//! `StreamsGroupDescribeRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StreamsGroupDescribeRequest {
    /// Versions 0+.
    pub group_ids: Vec<String>,
    /// Versions 0+.
    pub include_authorized_operations: bool,
    /// Versions 1+, default `false`.
    pub include_topology_description: bool,
}

impl Wire for StreamsGroupDescribeRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.group_ids = d.get(cx)?;
        m.include_authorized_operations = d.get(cx)?;
        if v >= 1 { m.include_topology_description = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.group_ids.write(e, cx)?;
        self.include_authorized_operations.write(e, cx)?;
        if v >= 1 { self.include_topology_description.write(e, cx)?; } else { e.absent(self.include_topology_description, "StreamsGroupDescribeRequest.IncludeTopologyDescription", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.group_ids = r.get(cx);
        m.include_authorized_operations = r.get(cx);
        if v >= 1 { m.include_topology_description = r.get(cx); }
        m
    }
}

impl Message for StreamsGroupDescribeRequest {
    const NAME: &'static str = "StreamsGroupDescribeRequest";
    const API_KEY: i16 = 89;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for StreamsGroupDescribeRequest {
    type Response = super::streams_group_describe_response::StreamsGroupDescribeResponse;
    const KEY: ApiKey = ApiKey::StreamsGroupDescribe;
}
