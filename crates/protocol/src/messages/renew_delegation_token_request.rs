//! `RenewDelegationTokenRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 1-2.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RenewDelegationTokenRequest {
    /// Versions 0+.
    pub hmac: Bytes,
    /// Versions 0+.
    pub renew_period_ms: i64,
}

impl Wire for RenewDelegationTokenRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.hmac = d.get(cx)?;
        m.renew_period_ms = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.hmac.write(e, cx)?;
        self.renew_period_ms.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.hmac = r.get(cx);
        m.renew_period_ms = r.get(cx);
        m
    }
}

impl Message for RenewDelegationTokenRequest {
    const NAME: &'static str = "RenewDelegationTokenRequest";
    const API_KEY: i16 = 39;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for RenewDelegationTokenRequest {
    type Response = super::renew_delegation_token_response::RenewDelegationTokenResponse;
    const KEY: ApiKey = ApiKey::RenewDelegationToken;
}
