//! `RenewDelegationTokenResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1-2.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RenewDelegationTokenResponse {
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+.
    pub expiry_timestamp_ms: i64,
    /// Versions 0+.
    pub throttle_time_ms: i32,
}

impl Wire for RenewDelegationTokenResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = d.get(cx)?;
        m.expiry_timestamp_ms = d.get(cx)?;
        m.throttle_time_ms = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.error_code.write(e, cx)?;
        self.expiry_timestamp_ms.write(e, cx)?;
        self.throttle_time_ms.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.error_code = r.get(cx);
        m.expiry_timestamp_ms = r.get(cx);
        m.throttle_time_ms = r.get(cx);
        m
    }
}

impl Message for RenewDelegationTokenResponse {
    const NAME: &'static str = "RenewDelegationTokenResponse";
    const API_KEY: i16 = 39;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 2;
    const FLEXIBLE_FROM: i16 = 2;
}
