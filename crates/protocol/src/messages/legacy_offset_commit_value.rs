//! `LegacyOffsetCommitValue`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LegacyOffsetCommitValue {
    /// Versions 0.
    pub offset: i64,
    /// Versions 0.
    pub metadata: String,
    /// Versions 0.
    pub commit_timestamp: i64,
}

impl Wire for LegacyOffsetCommitValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.offset = d.get(cx)?;
        m.metadata = d.get(cx)?;
        m.commit_timestamp = d.get(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.offset.write(e, cx)?;
        self.metadata.write(e, cx)?;
        self.commit_timestamp.write(e, cx)?;
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.offset = r.get(cx);
        m.metadata = r.get(cx);
        m.commit_timestamp = r.get(cx);
        m
    }
}

impl Message for LegacyOffsetCommitValue {
    const NAME: &'static str = "LegacyOffsetCommitValue";
    const API_KEY: i16 = 0;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 0;
    const FLEXIBLE_FROM: i16 = i16::MAX;
}
