//! `PushTelemetryRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;
use klamm_types::Uuid;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PushTelemetryRequest {
    /// Versions 0+.
    pub client_instance_id: Uuid,
    /// Versions 0+.
    pub subscription_id: i32,
    /// Versions 0+.
    pub terminating: bool,
    /// Versions 0+.
    pub compression_type: i8,
    /// Versions 0+.
    pub metrics: Bytes,
}

impl Wire for PushTelemetryRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.client_instance_id = d.get(cx)?;
        m.subscription_id = d.get(cx)?;
        m.terminating = d.get(cx)?;
        m.compression_type = d.get(cx)?;
        m.metrics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.client_instance_id.write(e, cx)?;
        self.subscription_id.write(e, cx)?;
        self.terminating.write(e, cx)?;
        self.compression_type.write(e, cx)?;
        self.metrics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.client_instance_id = r.get(cx);
        m.subscription_id = r.get(cx);
        m.terminating = r.get(cx);
        m.compression_type = r.get(cx);
        m.metrics = r.get(cx);
        m
    }
}

impl Message for PushTelemetryRequest {
    const NAME: &'static str = "PushTelemetryRequest";
    const API_KEY: i16 = 72;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for PushTelemetryRequest {
    type Response = super::push_telemetry_response::PushTelemetryResponse;
    const KEY: ApiKey = ApiKey::PushTelemetry;
}
