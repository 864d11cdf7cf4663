//! `AbortedTxn`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AbortedTxn {
    /// Versions 0+.
    pub producer_id: i64,
    /// Versions 0+.
    pub first_offset: i64,
    /// Versions 0+.
    pub last_offset: i64,
    /// Versions 0+.
    pub last_stable_offset: i64,
}

impl Wire for AbortedTxn {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.producer_id = d.get(cx)?;
        m.first_offset = d.get(cx)?;
        m.last_offset = d.get(cx)?;
        m.last_stable_offset = d.get(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.producer_id.write(e, cx)?;
        self.first_offset.write(e, cx)?;
        self.last_offset.write(e, cx)?;
        self.last_stable_offset.write(e, cx)?;
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.producer_id = r.get(cx);
        m.first_offset = r.get(cx);
        m.last_offset = r.get(cx);
        m.last_stable_offset = r.get(cx);
        m
    }
}

impl Message for AbortedTxn {
    const NAME: &'static str = "AbortedTxn";
    const API_KEY: i16 = -1;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = i16::MAX;
}
