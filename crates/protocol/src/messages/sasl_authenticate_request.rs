//! `SaslAuthenticateRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0-2.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SaslAuthenticateRequest {
    /// Versions 0+.
    pub auth_bytes: Bytes,
}

impl Wire for SaslAuthenticateRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.auth_bytes = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.auth_bytes.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.auth_bytes = r.get(cx);
        m
    }
}

impl Message for SaslAuthenticateRequest {
    const NAME: &'static str = "SaslAuthenticateRequest";
    const API_KEY: i16 = 36;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for SaslAuthenticateRequest {
    type Response = super::sasl_authenticate_response::SaslAuthenticateResponse;
    const KEY: ApiKey = ApiKey::SaslAuthenticate;
}
