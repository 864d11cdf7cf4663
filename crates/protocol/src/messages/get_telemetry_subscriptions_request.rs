//! `GetTelemetrySubscriptionsRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use klamm_types::Uuid;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct GetTelemetrySubscriptionsRequest {
    /// Versions 0+.
    pub client_instance_id: Uuid,
}

impl Wire for GetTelemetrySubscriptionsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.client_instance_id = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.client_instance_id.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.client_instance_id = r.get(cx);
        m
    }
}

impl Message for GetTelemetrySubscriptionsRequest {
    const NAME: &'static str = "GetTelemetrySubscriptionsRequest";
    const API_KEY: i16 = 71;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for GetTelemetrySubscriptionsRequest {
    type Response = super::get_telemetry_subscriptions_response::GetTelemetrySubscriptionsResponse;
    const KEY: ApiKey = ApiKey::GetTelemetrySubscriptions;
}
