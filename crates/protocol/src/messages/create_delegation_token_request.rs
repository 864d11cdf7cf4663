//! `CreateDelegationTokenRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1-3.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateDelegationTokenRequest {
    /// Versions 3+, nullable 3+.
    pub owner_principal_type: Option<String>,
    /// Versions 3+, nullable 3+.
    pub owner_principal_name: Option<String>,
    /// Versions 0+.
    pub renewers: Vec<CreatableRenewers>,
    /// Versions 0+.
    pub max_lifetime_ms: i64,
}

impl Default for CreateDelegationTokenRequest {
    fn default() -> Self {
        Self {
            owner_principal_type: Some(Default::default()),
            owner_principal_name: Some(Default::default()),
            renewers: Default::default(),
            max_lifetime_ms: 0,
        }
    }
}

impl Wire for CreateDelegationTokenRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 3 { m.owner_principal_type = d.nullable(cx, true)?; }
        if v >= 3 { m.owner_principal_name = d.nullable(cx, true)?; }
        m.renewers = d.get(cx)?;
        m.max_lifetime_ms = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 3 { e.nullable(&self.owner_principal_type, cx, true, "OwnerPrincipalType")?; } else { e.absent(self.owner_principal_type.as_ref().is_none_or(|x| !x.is_empty()), "CreateDelegationTokenRequest.OwnerPrincipalType", cx)?; }
        if v >= 3 { e.nullable(&self.owner_principal_name, cx, true, "OwnerPrincipalName")?; } else { e.absent(self.owner_principal_name.as_ref().is_none_or(|x| !x.is_empty()), "CreateDelegationTokenRequest.OwnerPrincipalName", cx)?; }
        self.renewers.write(e, cx)?;
        self.max_lifetime_ms.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 3 { m.owner_principal_type = r.nullable(cx, true); }
        if v >= 3 { m.owner_principal_name = r.nullable(cx, true); }
        m.renewers = r.get(cx);
        m.max_lifetime_ms = r.get(cx);
        m
    }
}

impl Message for CreateDelegationTokenRequest {
    const NAME: &'static str = "CreateDelegationTokenRequest";
    const API_KEY: i16 = 38;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 3;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for CreateDelegationTokenRequest {
    type Response = super::create_delegation_token_response::CreateDelegationTokenResponse;
    const KEY: ApiKey = ApiKey::CreateDelegationToken;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CreatableRenewers {
    /// Versions 0+.
    pub principal_type: String,
    /// Versions 0+.
    pub principal_name: String,
}

impl Wire for CreatableRenewers {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.principal_type = d.get(cx)?;
        m.principal_name = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.principal_type.write(e, cx)?;
        self.principal_name.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.principal_type = r.get(cx);
        m.principal_name = r.get(cx);
        m
    }
}
