//! `TransactionLogValue`. Generated from the schema; do not edit.

use crate::wire::*;

/// Versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionLogValue {
    /// Versions 0+.
    pub producer_id: i64,
    /// Versions 1+, tag 0 in 1+, default `-1`.
    pub previous_producer_id: i64,
    /// Versions 1+, tag 1 in 1+, default `-1`.
    pub next_producer_id: i64,
    /// Versions 0+.
    pub producer_epoch: i16,
    /// Versions 1+, tag 3 in 1+, default `-1`.
    pub next_producer_epoch: i16,
    /// Versions 0+.
    pub transaction_timeout_ms: i32,
    /// Versions 0+.
    pub transaction_status: i8,
    /// Versions 0+, nullable 0+.
    pub transaction_partitions: Option<Vec<PartitionsSchema>>,
    /// Versions 0+.
    pub transaction_last_update_timestamp_ms: i64,
    /// Versions 0+.
    pub transaction_start_timestamp_ms: i64,
    /// Versions 1+, tag 2 in 1+, default `0`.
    pub client_transaction_version: i16,
}

impl Default for TransactionLogValue {
    fn default() -> Self {
        Self {
            producer_id: 0,
            previous_producer_id: -1,
            next_producer_id: -1,
            producer_epoch: 0,
            next_producer_epoch: -1,
            transaction_timeout_ms: 0,
            transaction_status: 0,
            transaction_partitions: Some(Default::default()),
            transaction_last_update_timestamp_ms: 0,
            transaction_start_timestamp_ms: 0,
            client_transaction_version: 0,
        }
    }
}

impl Wire for TransactionLogValue {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let v = cx.version;
        let mut m = Self::default();
        m.producer_id = d.get(cx)?;
        m.producer_epoch = d.get(cx)?;
        m.transaction_timeout_ms = d.get(cx)?;
        m.transaction_status = d.get(cx)?;
        m.transaction_partitions = d.nullable(cx, true)?;
        m.transaction_last_update_timestamp_ms = d.get(cx)?;
        m.transaction_start_timestamp_ms = d.get(cx)?;
        d.tags(cx, &mut |d, tag| {
            match tag {
                0 if v >= 1 => m.previous_producer_id = d.get(cx)?,
                1 if v >= 1 => m.next_producer_id = d.get(cx)?,
                2 if v >= 1 => m.client_transaction_version = d.get(cx)?,
                3 if v >= 1 => m.next_producer_epoch = d.get(cx)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        let v = cx.version;
        self.producer_id.write(e, cx)?;
        if !(v >= 1) { e.absent(self.previous_producer_id != -1, "TransactionLogValue.PreviousProducerId", cx)?; }
        if !(v >= 1) { e.absent(self.next_producer_id != -1, "TransactionLogValue.NextProducerId", cx)?; }
        self.producer_epoch.write(e, cx)?;
        if !(v >= 1) { e.absent(self.next_producer_epoch != -1, "TransactionLogValue.NextProducerEpoch", cx)?; }
        self.transaction_timeout_ms.write(e, cx)?;
        self.transaction_status.write(e, cx)?;
        e.nullable(&self.transaction_partitions, cx, true, "TransactionPartitions")?;
        self.transaction_last_update_timestamp_ms.write(e, cx)?;
        self.transaction_start_timestamp_ms.write(e, cx)?;
        if !(v >= 1) { e.absent(self.client_transaction_version != 0, "TransactionLogValue.ClientTransactionVersion", cx)?; }
        if cx.flexible {
            let tags = [v >= 1 && self.previous_producer_id != -1, v >= 1 && self.next_producer_id != -1, v >= 1 && self.client_transaction_version != 0, v >= 1 && self.next_producer_epoch != -1];
            e.tag_count(&tags);
            if tags[0] { e.tag(0, &mut |e| self.previous_producer_id.write(e, cx))?; }
            if tags[1] { e.tag(1, &mut |e| self.next_producer_id.write(e, cx))?; }
            if tags[2] { e.tag(2, &mut |e| self.client_transaction_version.write(e, cx))?; }
            if tags[3] { e.tag(3, &mut |e| self.next_producer_epoch.write(e, cx))?; }
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let v = cx.version;
        let mut m = Self::default();
        m.producer_id = r.get(cx);
        if v >= 1 { m.previous_producer_id = r.get(cx); }
        if v >= 1 { m.next_producer_id = r.get(cx); }
        m.producer_epoch = r.get(cx);
        if v >= 1 { m.next_producer_epoch = r.get(cx); }
        m.transaction_timeout_ms = r.get(cx);
        m.transaction_status = r.get(cx);
        m.transaction_partitions = r.nullable(cx, true);
        m.transaction_last_update_timestamp_ms = r.get(cx);
        m.transaction_start_timestamp_ms = r.get(cx);
        if v >= 1 { m.client_transaction_version = r.get(cx); }
        m
    }
}

impl Message for TransactionLogValue {
    const NAME: &'static str = "TransactionLogValue";
    const API_KEY: i16 = 0;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 1;
    const FLEXIBLE_FROM: i16 = 1;
}

/// Versions 0+.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PartitionsSchema {
    /// Versions 0+.
    pub topic: String,
    /// Versions 0+.
    pub partition_ids: Vec<i32>,
}

impl Wire for PartitionsSchema {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic = d.get(cx)?;
        m.partition_ids = d.get(cx)?;
        d.skip_tags(cx)?;
        Ok(m)
    }

    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        self.topic.write(e, cx)?;
        self.partition_ids.write(e, cx)?;
        e.no_tags(cx);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        let mut m = Self::default();
        m.topic = r.get(cx);
        m.partition_ids = r.get(cx);
        m
    }
}
