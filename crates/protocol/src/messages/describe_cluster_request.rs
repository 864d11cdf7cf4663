//! `DescribeClusterRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterRequest {
    /// Versions 0+.
    pub include_cluster_authorized_operations: bool,
    /// Versions 1+, default `1`.
    pub endpoint_type: i8,
    /// Versions 2+.
    pub include_fenced_brokers: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        Self {
            include_cluster_authorized_operations: Default::default(),
            endpoint_type: 1,
            include_fenced_brokers: Default::default(),
        }
    }
}

impl Wire for DescribeClusterRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.include_cluster_authorized_operations = d.get(cx)?;
        if v >= 1 { m.endpoint_type = d.get(cx)?; }
        if v >= 2 { m.include_fenced_brokers = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.include_cluster_authorized_operations.write(e, cx)?;
        if v >= 1 { self.endpoint_type.write(e, cx)?; } else { e.absent(self.endpoint_type != 1, "DescribeClusterRequest.EndpointType", cx)?; }
        if v >= 2 { self.include_fenced_brokers.write(e, cx)?; } else { e.absent(self.include_fenced_brokers, "DescribeClusterRequest.IncludeFencedBrokers", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.include_cluster_authorized_operations = r.get(cx);
        if v >= 1 { m.endpoint_type = r.get(cx); }
        if v >= 2 { m.include_fenced_brokers = r.get(cx); }
        m
    }
}

impl Message for DescribeClusterRequest {
    const NAME: &'static str = "DescribeClusterRequest";
    const API_KEY: i16 = 60;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for DescribeClusterRequest {
    type Response = super::describe_cluster_response::DescribeClusterResponse;
    const KEY: ApiKey = ApiKey::DescribeCluster;
}
