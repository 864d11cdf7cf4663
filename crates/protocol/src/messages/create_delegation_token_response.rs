//! `CreateDelegationTokenResponse`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 1-3.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreateDelegationTokenResponse {
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+.
    pub principal_type: String,
    /// Versions 0+.
    pub principal_name: String,
    /// Versions 3+.
    pub token_requester_principal_type: String,
    /// Versions 3+.
    pub token_requester_principal_name: String,
    /// Versions 0+.
    pub issue_timestamp_ms: i64,
    /// Versions 0+.
    pub expiry_timestamp_ms: i64,
    /// Versions 0+.
    pub max_timestamp_ms: i64,
    /// Versions 0+.
    pub token_id: String,
    /// Versions 0+.
    pub hmac: Bytes,
    /// Versions 0+.
    pub throttle_time_ms: i32,
}

impl Wire for CreateDelegationTokenResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = d.get(cx)?;
        m.principal_type = d.get(cx)?;
        m.principal_name = d.get(cx)?;
        if v >= 3 { m.token_requester_principal_type = d.get(cx)?; }
        if v >= 3 { m.token_requester_principal_name = d.get(cx)?; }
        m.issue_timestamp_ms = d.get(cx)?;
        m.expiry_timestamp_ms = d.get(cx)?;
        m.max_timestamp_ms = d.get(cx)?;
        m.token_id = d.get(cx)?;
        m.hmac = d.get(cx)?;
        m.throttle_time_ms = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.error_code.write(e, cx)?;
        self.principal_type.write(e, cx)?;
        self.principal_name.write(e, cx)?;
        if v >= 3 { self.token_requester_principal_type.write(e, cx)?; } else { e.absent(!self.token_requester_principal_type.is_empty(), "CreateDelegationTokenResponse.TokenRequesterPrincipalType", cx)?; }
        if v >= 3 { self.token_requester_principal_name.write(e, cx)?; } else { e.absent(!self.token_requester_principal_name.is_empty(), "CreateDelegationTokenResponse.TokenRequesterPrincipalName", cx)?; }
        self.issue_timestamp_ms.write(e, cx)?;
        self.expiry_timestamp_ms.write(e, cx)?;
        self.max_timestamp_ms.write(e, cx)?;
        self.token_id.write(e, cx)?;
        self.hmac.write(e, cx)?;
        self.throttle_time_ms.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.error_code = r.get(cx);
        m.principal_type = r.get(cx);
        m.principal_name = r.get(cx);
        if v >= 3 { m.token_requester_principal_type = r.get(cx); }
        if v >= 3 { m.token_requester_principal_name = r.get(cx); }
        m.issue_timestamp_ms = r.get(cx);
        m.expiry_timestamp_ms = r.get(cx);
        m.max_timestamp_ms = r.get(cx);
        m.token_id = r.get(cx);
        m.hmac = r.get(cx);
        m.throttle_time_ms = r.get(cx);
        m
    }
}

impl Message for CreateDelegationTokenResponse {
    const NAME: &'static str = "CreateDelegationTokenResponse";
    const API_KEY: i16 = 38;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 3;
    const FLEXIBLE_FROM: i16 = 2;
}
