//! `SaslHandshakeRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SaslHandshakeRequest {
    /// Versions 0+.
    pub mechanism: String,
}

impl Wire for SaslHandshakeRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.mechanism = d.get(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.mechanism.write(e, cx)?;
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.mechanism = r.get(cx);
        m
    }
}

impl Message for SaslHandshakeRequest {
    const NAME: &'static str = "SaslHandshakeRequest";
    const API_KEY: i16 = 17;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = i16::MAX;
}

impl Request for SaslHandshakeRequest {
    type Response = super::sasl_handshake_response::SaslHandshakeResponse;
    const KEY: ApiKey = ApiKey::SaslHandshake;
}
