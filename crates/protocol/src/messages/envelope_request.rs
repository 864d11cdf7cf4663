//! `EnvelopeRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvelopeRequest {
    /// Versions 0+.
    pub request_data: Bytes,
    /// Versions 0+, nullable 0+.
    pub request_principal: Option<Bytes>,
    /// Versions 0+.
    pub client_host_address: Bytes,
}

impl Default for EnvelopeRequest {
    fn default() -> Self {
        Self {
            request_data: Default::default(),
            request_principal: Some(Default::default()),
            client_host_address: Default::default(),
        }
    }
}

impl Wire for EnvelopeRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.request_data = d.get(cx)?;
        m.request_principal = d.nullable(cx, true)?;
        m.client_host_address = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.request_data.write(e, cx)?;
        e.nullable(&self.request_principal, cx, true, "RequestPrincipal")?;
        self.client_host_address.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.request_data = r.get(cx);
        m.request_principal = r.nullable(cx, true);
        m.client_host_address = r.get(cx);
        m
    }
}

impl Message for EnvelopeRequest {
    const NAME: &'static str = "EnvelopeRequest";
    const API_KEY: i16 = 58;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for EnvelopeRequest {
    type Response = super::envelope_response::EnvelopeResponse;
    const KEY: ApiKey = ApiKey::Envelope;
}
