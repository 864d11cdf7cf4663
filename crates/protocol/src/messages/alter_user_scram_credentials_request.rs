//! `AlterUserScramCredentialsRequest`. Generated from the schema; do not edit.

use crate::wire::*;
use bytes::Bytes;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AlterUserScramCredentialsRequest {
    /// Versions 0+.
    pub deletions: Vec<ScramCredentialDeletion>,
    /// Versions 0+.
    pub upsertions: Vec<ScramCredentialUpsertion>,
}

impl Wire for AlterUserScramCredentialsRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.deletions = d.get(cx)?;
        m.upsertions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.deletions.write(e, cx)?;
        self.upsertions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.deletions = r.get(cx);
        m.upsertions = r.get(cx);
        m
    }
}

impl Message for AlterUserScramCredentialsRequest {
    const NAME: &'static str = "AlterUserScramCredentialsRequest";
    const API_KEY: i16 = 51;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}

impl Request for AlterUserScramCredentialsRequest {
    type Response = super::alter_user_scram_credentials_response::AlterUserScramCredentialsResponse;
    const KEY: ApiKey = ApiKey::AlterUserScramCredentials;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ScramCredentialDeletion {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub mechanism: i8,
}

impl Wire for ScramCredentialDeletion {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.mechanism = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.mechanism.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.mechanism = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ScramCredentialUpsertion {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub mechanism: i8,
    /// Versions 0+.
    pub iterations: i32,
    /// Versions 0+.
    pub salt: Bytes,
    /// Versions 0+.
    pub salted_password: Bytes,
}

impl Wire for ScramCredentialUpsertion {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.mechanism = d.get(cx)?;
        m.iterations = d.get(cx)?;
        m.salt = d.get(cx)?;
        m.salted_password = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.mechanism.write(e, cx)?;
        self.iterations.write(e, cx)?;
        self.salt.write(e, cx)?;
        self.salted_password.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.mechanism = r.get(cx);
        m.iterations = r.get(cx);
        m.salt = r.get(cx);
        m.salted_password = r.get(cx);
        m
    }
}
