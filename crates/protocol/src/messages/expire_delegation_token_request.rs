//! `ExpireDelegationTokenRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 1-2.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ExpireDelegationTokenRequest {
    /// Versions 0+.
    pub hmac: Bytes,
    /// Versions 0+.
    pub expiry_time_period_ms: i64,
}

impl Wire for ExpireDelegationTokenRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.hmac = d.get(cx)?;
        m.expiry_time_period_ms = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.hmac.write(e, cx)?;
        self.expiry_time_period_ms.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.hmac = r.get(cx);
        m.expiry_time_period_ms = r.get(cx);
        m
    }
}

impl Message for ExpireDelegationTokenRequest {
    const NAME: &'static str = "ExpireDelegationTokenRequest";
    const API_KEY: i16 = 40;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for ExpireDelegationTokenRequest {
    type Response = super::expire_delegation_token_response::ExpireDelegationTokenResponse;
    const KEY: ApiKey = ApiKey::ExpireDelegationToken;
}
