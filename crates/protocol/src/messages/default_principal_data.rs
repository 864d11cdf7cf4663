//! `DefaultPrincipalData`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DefaultPrincipalData {
    /// Versions 0+.
    pub type_: String,
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub token_authenticated: bool,
}

impl Wire for DefaultPrincipalData {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.type_ = d.get(cx)?;
        m.name = d.get(cx)?;
        m.token_authenticated = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.type_.write(e, cx)?;
        self.name.write(e, cx)?;
        self.token_authenticated.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.type_ = r.get(cx);
        m.name = r.get(cx);
        m.token_authenticated = r.get(cx);
        m
    }
}

impl Message for DefaultPrincipalData {
    const NAME: &'static str = "DefaultPrincipalData";
    const API_KEY: i16 = -1;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = 0;
}
