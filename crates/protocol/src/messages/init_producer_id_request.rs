//! `InitProducerIdRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-6.
#[derive(Clone, Debug, PartialEq)]
pub struct InitProducerIdRequest {
    /// Versions 0+, nullable 0+.
    pub transactional_id: Option<String>,
    /// Versions 0+.
    pub transaction_timeout_ms: i32,
    /// Versions 3+, default `-1`.
    pub producer_id: i64,
    /// Versions 3+, default `-1`.
    pub producer_epoch: i16,
    /// Versions 6+, default `false`.
    pub enable2_pc: bool,
    /// Versions 6+, default `false`.
    pub keep_prepared_txn: bool,
}

impl Default for InitProducerIdRequest {
    fn default() -> Self {
        Self {
            transactional_id: Some(Default::default()),
            transaction_timeout_ms: 0,
            producer_id: -1,
            producer_epoch: -1,
            enable2_pc: false,
            keep_prepared_txn: false,
        }
    }
}

impl Wire for InitProducerIdRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.transactional_id = d.nullable(cx, true)?;
        m.transaction_timeout_ms = d.get(cx)?;
        if v >= 3 { m.producer_id = d.get(cx)?; }
        if v >= 3 { m.producer_epoch = d.get(cx)?; }
        if v >= 6 { m.enable2_pc = d.get(cx)?; }
        if v >= 6 { m.keep_prepared_txn = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        e.nullable(&self.transactional_id, cx, true, "TransactionalId")?;
        self.transaction_timeout_ms.write(e, cx)?;
        if v >= 3 { self.producer_id.write(e, cx)?; } else { e.absent(self.producer_id != -1, "InitProducerIdRequest.ProducerId", cx)?; }
        if v >= 3 { self.producer_epoch.write(e, cx)?; } else { e.absent(self.producer_epoch != -1, "InitProducerIdRequest.ProducerEpoch", cx)?; }
        if v >= 6 { self.enable2_pc.write(e, cx)?; } else { e.absent(self.enable2_pc, "InitProducerIdRequest.Enable2Pc", cx)?; }
        if v >= 6 { self.keep_prepared_txn.write(e, cx)?; } else { e.absent(self.keep_prepared_txn, "InitProducerIdRequest.KeepPreparedTxn", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.transactional_id = r.nullable(cx, true);
        m.transaction_timeout_ms = r.get(cx);
        if v >= 3 { m.producer_id = r.get(cx); }
        if v >= 3 { m.producer_epoch = r.get(cx); }
        if v >= 6 { m.enable2_pc = r.get(cx); }
        if v >= 6 { m.keep_prepared_txn = r.get(cx); }
        m
    }
}

impl Message for InitProducerIdRequest {
    const NAME: &'static str = "InitProducerIdRequest";
    const API_KEY: i16 = 22;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 6;
    const FLEXIBLE_FROM: i16 = 2;
}

impl Request for InitProducerIdRequest {
    type Response = super::init_producer_id_response::InitProducerIdResponse;
    const KEY: ApiKey = ApiKey::InitProducerId;
}
