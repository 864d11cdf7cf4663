//! `InitProducerIdResponse`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-6.
#[derive(Clone, Debug, PartialEq)]
pub struct InitProducerIdResponse {
    /// Versions 0+.
    pub throttle_time_ms: i32,
    /// Versions 0+.
    pub error_code: i16,
    /// Versions 0+, default `-1`.
    pub producer_id: i64,
    /// Versions 0+.
    pub producer_epoch: i16,
    /// Versions 6+, default `-1`.
    pub ongoing_txn_producer_id: i64,
    /// Versions 6+, default `-1`.
    pub ongoing_txn_producer_epoch: i16,
}

impl Default for InitProducerIdResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            producer_id: -1,
            producer_epoch: 0,
            ongoing_txn_producer_id: -1,
            ongoing_txn_producer_epoch: -1,
        }
    }
}

impl Wire for InitProducerIdResponse {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.throttle_time_ms = d.get(cx)?;
        m.error_code = d.get(cx)?;
        m.producer_id = d.get(cx)?;
        m.producer_epoch = d.get(cx)?;
        if v >= 6 { m.ongoing_txn_producer_id = d.get(cx)?; }
        if v >= 6 { m.ongoing_txn_producer_epoch = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.throttle_time_ms.write(e, cx)?;
        self.error_code.write(e, cx)?;
        self.producer_id.write(e, cx)?;
        self.producer_epoch.write(e, cx)?;
        if v >= 6 { self.ongoing_txn_producer_id.write(e, cx)?; } else { e.absent(self.ongoing_txn_producer_id != -1, "InitProducerIdResponse.OngoingTxnProducerId", cx)?; }
        if v >= 6 { self.ongoing_txn_producer_epoch.write(e, cx)?; } else { e.absent(self.ongoing_txn_producer_epoch != -1, "InitProducerIdResponse.OngoingTxnProducerEpoch", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.throttle_time_ms = r.get(cx);
        m.error_code = r.get(cx);
        m.producer_id = r.get(cx);
        m.producer_epoch = r.get(cx);
        if v >= 6 { m.ongoing_txn_producer_id = r.get(cx); }
        if v >= 6 { m.ongoing_txn_producer_epoch = r.get(cx); }
        m
    }
}

impl Message for InitProducerIdResponse {
    const NAME: &'static str = "InitProducerIdResponse";
    const API_KEY: i16 = 22;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 6;
    const FLEXIBLE_FROM: i16 = 2;
}
