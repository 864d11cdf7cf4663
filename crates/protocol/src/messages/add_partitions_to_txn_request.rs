//! `AddPartitionsToTxnRequest`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-5.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddPartitionsToTxnRequest {
    /// Versions 4+.
    pub transactions: Vec<AddPartitionsToTxnTransaction>,
    /// Versions 0-3.
    pub v3_and_below_transactional_id: String,
    /// Versions 0-3.
    pub v3_and_below_producer_id: i64,
    /// Versions 0-3.
    pub v3_and_below_producer_epoch: i16,
    /// Versions 0-3.
    pub v3_and_below_topics: Vec<AddPartitionsToTxnTopic>,
}

impl Wire for AddPartitionsToTxnRequest {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 4 { m.transactions = d.get(cx)?; }
        if v <= 3 { m.v3_and_below_transactional_id = d.get(cx)?; }
        if v <= 3 { m.v3_and_below_producer_id = d.get(cx)?; }
        if v <= 3 { m.v3_and_below_producer_epoch = d.get(cx)?; }
        if v <= 3 { m.v3_and_below_topics = d.get(cx)?; }
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        if v >= 4 { self.transactions.write(e, cx)?; } else { e.absent(!self.transactions.is_empty(), "AddPartitionsToTxnRequest.Transactions", cx)?; }
        if v <= 3 { self.v3_and_below_transactional_id.write(e, cx)?; } else { e.absent(!self.v3_and_below_transactional_id.is_empty(), "AddPartitionsToTxnRequest.V3AndBelowTransactionalId", cx)?; }
        if v <= 3 { self.v3_and_below_producer_id.write(e, cx)?; } else { e.absent(self.v3_and_below_producer_id != 0, "AddPartitionsToTxnRequest.V3AndBelowProducerId", cx)?; }
        if v <= 3 { self.v3_and_below_producer_epoch.write(e, cx)?; } else { e.absent(self.v3_and_below_producer_epoch != 0, "AddPartitionsToTxnRequest.V3AndBelowProducerEpoch", cx)?; }
        if v <= 3 { self.v3_and_below_topics.write(e, cx)?; } else { e.absent(!self.v3_and_below_topics.is_empty(), "AddPartitionsToTxnRequest.V3AndBelowTopics", cx)?; }
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        if v >= 4 { m.transactions = r.get(cx); }
        if v <= 3 { m.v3_and_below_transactional_id = r.get(cx); }
        if v <= 3 { m.v3_and_below_producer_id = r.get(cx); }
        if v <= 3 { m.v3_and_below_producer_epoch = r.get(cx); }
        if v <= 3 { m.v3_and_below_topics = r.get(cx); }
        m
    }
}

impl Message for AddPartitionsToTxnRequest {
    const NAME: &'static str = "AddPartitionsToTxnRequest";
    const API_KEY: i16 = 24;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FLEXIBLE_FROM: i16 = 3;
}

impl Request for AddPartitionsToTxnRequest {
    type Response = super::add_partitions_to_txn_response::AddPartitionsToTxnResponse;
    const KEY: ApiKey = ApiKey::AddPartitionsToTxn;
}

/// Versions 4+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddPartitionsToTxnTransaction {
    /// Versions 4+.
    pub transactional_id: String,
    /// Versions 4+.
    pub producer_id: i64,
    /// Versions 4+.
    pub producer_epoch: i16,
    /// Versions 4+, default `false`.
    pub verify_only: bool,
    /// Versions 4+.
    pub topics: Vec<AddPartitionsToTxnTopic>,
}

impl Wire for AddPartitionsToTxnTransaction {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.transactional_id = d.get(cx)?;
        m.producer_id = d.get(cx)?;
        m.producer_epoch = d.get(cx)?;
        m.verify_only = d.get(cx)?;
        m.topics = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.transactional_id.write(e, cx)?;
        self.producer_id.write(e, cx)?;
        self.producer_epoch.write(e, cx)?;
        self.verify_only.write(e, cx)?;
        self.topics.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.transactional_id = r.get(cx);
        m.producer_id = r.get(cx);
        m.producer_epoch = r.get(cx);
        m.verify_only = r.get(cx);
        m.topics = r.get(cx);
        m
    }
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AddPartitionsToTxnTopic {
    /// Versions 0+.
    pub name: String,
    /// Versions 0+.
    pub partitions: Vec<i32>,
}

impl Wire for AddPartitionsToTxnTopic {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.get(cx)?;
        m.partitions = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.name.write(e, cx)?;
        self.partitions.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.name = r.get(cx);
        m.partitions = r.get(cx);
        m
    }
}
