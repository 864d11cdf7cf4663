//! `EndTxnRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-5.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct EndTxnRequest {
    /// Versions 0+.
    pub transactional_id: String,
    /// Versions 0+.
    pub producer_id: i64,
    /// Versions 0+.
    pub producer_epoch: i16,
    /// Versions 0+.
    pub committed: bool,
}

impl Wire for EndTxnRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.transactional_id = d.get(cx)?;
        m.producer_id = d.get(cx)?;
        m.producer_epoch = d.get(cx)?;
        m.committed = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.transactional_id.write(e, cx)?;
        self.producer_id.write(e, cx)?;
        self.producer_epoch.write(e, cx)?;
        self.committed.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.transactional_id = r.get(cx);
        m.producer_id = r.get(cx);
        m.producer_epoch = r.get(cx);
        m.committed = r.get(cx);
        m
    }
}

impl Message for EndTxnRequest {
    const NAME: &'static str = "EndTxnRequest";
    const API_KEY: i16 = 26;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 3;
}

impl Request for EndTxnRequest {
    type Response = super::end_txn_response::EndTxnResponse;
    const KEY: ApiKey = ApiKey::EndTxn;
}
