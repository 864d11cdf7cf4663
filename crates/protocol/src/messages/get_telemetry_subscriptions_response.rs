//! `GetTelemetrySubscriptionsResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct GetTelemetrySubscriptionsResponse {
    /// Versions 0+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+.
    pub client_instance_id: Uuid,
    /// Versions 0+.
    pub subscription_id: i32,
    /// Versions 0+.
    pub accepted_compression_types: Vec<i8>,
    /// Versions 0+.
    pub push_interval_ms: i32,
    /// Versions 0+.
    pub telemetry_max_bytes: i32,
    /// Versions 0+.
    pub delta_temporality: bool,
    /// Versions 0+.
    pub requested_metrics: Vec<String>,
}

impl Wire for GetTelemetrySubscriptionsResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.throttle_time_ms = d.get(cx)?;
        m.error_code = d.get(cx)?;
        m.client_instance_id = d.get(cx)?;
        m.subscription_id = d.get(cx)?;
        m.accepted_compression_types = d.get(cx)?;
        m.push_interval_ms = d.get(cx)?;
        m.telemetry_max_bytes = d.get(cx)?;
        m.delta_temporality = d.get(cx)?;
        m.requested_metrics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.throttle_time_ms.write(e, cx)?;
        self.error_code.write(e, cx)?;
        self.client_instance_id.write(e, cx)?;
        self.subscription_id.write(e, cx)?;
        self.accepted_compression_types.write(e, cx)?;
        self.push_interval_ms.write(e, cx)?;
        self.telemetry_max_bytes.write(e, cx)?;
        self.delta_temporality.write(e, cx)?;
        self.requested_metrics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.throttle_time_ms = r.get(cx);
        m.error_code = r.get(cx);
        m.client_instance_id = r.get(cx);
        m.subscription_id = r.get(cx);
        m.accepted_compression_types = r.get(cx);
        m.push_interval_ms = r.get(cx);
        m.telemetry_max_bytes = r.get(cx);
        m.delta_temporality = r.get(cx);
        m.requested_metrics = r.get(cx);
        m
    }
}

impl Message for GetTelemetrySubscriptionsResponse {
    const NAME: &'static str = "GetTelemetrySubscriptionsResponse";
    const API_KEY: i16 = 71;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}
