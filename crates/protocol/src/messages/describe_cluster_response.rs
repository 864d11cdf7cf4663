//! `DescribeClusterResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterResponse {
    /// Versions 0+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+, nullable 0+, default `null`.
    pub error_message: Option<String>,
    /// Versions 1+, default `1`.
    pub endpoint_type: i8,
    /// Versions 0+.
    pub cluster_id: String,
    /// Versions 0+, default `-1`.
    pub controller_id: i32,
    /// Versions 0+.
    pub brokers: Vec<DescribeClusterBroker>,
    /// Versions 0+, default `-2147483648`.
    pub cluster_authorized_operations: i32,
}

impl Default for DescribeClusterResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: None,
            endpoint_type: 1,
            cluster_id: Default::default(),
            controller_id: -1,
            brokers: Default::default(),
            cluster_authorized_operations: -2147483648,
        }
    }
}

impl Wire for DescribeClusterResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.throttle_time_ms = d.get(cx)?;
        m.error_code = d.get(cx)?;
        m.error_message = d.nullable(cx, true)?;
        if v >= 1 { m.endpoint_type = d.get(cx)?; }
        m.cluster_id = d.get(cx)?;
        m.controller_id = d.get(cx)?;
        m.brokers = d.get(cx)?;
        m.cluster_authorized_operations = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.throttle_time_ms.write(e, cx)?;
        self.error_code.write(e, cx)?;
        e.nullable(&self.error_message, cx, true, "ErrorMessage")?;
        if v >= 1 { self.endpoint_type.write(e, cx)?; } else { e.absent(self.endpoint_type != 1, "DescribeClusterResponse.EndpointType", cx)?; }
        self.cluster_id.write(e, cx)?;
        self.controller_id.write(e, cx)?;
        self.brokers.write(e, cx)?;
        self.cluster_authorized_operations.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.throttle_time_ms = r.get(cx);
        m.error_code = r.get(cx);
        m.error_message = r.nullable(cx, true);
        if v >= 1 { m.endpoint_type = r.get(cx); }
        m.cluster_id = r.get(cx);
        m.controller_id = r.get(cx);
        m.brokers = r.get(cx);
        m.cluster_authorized_operations = r.get(cx);
        m
    }
}

impl Message for DescribeClusterResponse {
    const NAME: &'static str = "DescribeClusterResponse";
    const API_KEY: i16 = 60;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 0;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeClusterBroker {
    /// Versions 0+.
    pub broker_id: i32,
    /// Versions 0+.
    pub host: String,
    /// Versions 0+.
    pub port: i32,
    /// Versions 0+, nullable 0+, default `null`.
    pub rack: Option<String>,
    /// Versions 2+.
    pub is_fenced: bool,
}

impl Wire for DescribeClusterBroker {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.broker_id = d.get(cx)?;
        m.host = d.get(cx)?;
        m.port = d.get(cx)?;
        m.rack = d.nullable(cx, true)?;
        if v >= 2 { m.is_fenced = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.broker_id.write(e, cx)?;
        self.host.write(e, cx)?;
        self.port.write(e, cx)?;
        e.nullable(&self.rack, cx, true, "Rack")?;
        if v >= 2 { self.is_fenced.write(e, cx)?; } else { e.absent(self.is_fenced, "DescribeClusterBroker.IsFenced", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.broker_id = r.get(cx);
        m.host = r.get(cx);
        m.port = r.get(cx);
        m.rack = r.nullable(cx, true);
        if v >= 2 { m.is_fenced = r.get(cx); }
        m
    }
}
