//! `DescribeDelegationTokenRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 1-3.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeDelegationTokenRequest {
    /// Versions 0+, nullable 0+.
    pub owners: Option<Vec<DescribeDelegationTokenOwner>>,
}

impl Default for DescribeDelegationTokenRequest {
    fn default() -> Self {
        Self {
            owners: Some(Default::default()),
        }
    }
}

impl Wire for DescribeDelegationTokenRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.owners = d.nullable(cx, true)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        e.nullable(&self.owners, cx, true, "Owners")?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.owners = r.nullable(cx, true);
        m
    }
}

impl Message for DescribeDelegationTokenRequest {
    const NAME: &'static str = "DescribeDelegationTokenRequest";
    const API_KEY: i16 = 41;
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 3;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for DescribeDelegationTokenRequest {
    type Response = super::describe_delegation_token_response::DescribeDelegationTokenResponse;
    const KEY: ApiKey = ApiKey::DescribeDelegationToken;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DescribeDelegationTokenOwner {
    /// Versions 0+.
    pub principal_type: String,
    /// Versions 0+.
    pub principal_name: String,
}

impl Wire for DescribeDelegationTokenOwner {
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
