//! From fetched bytes to records.

use crate::error::ClientError;
use bytes::Bytes;
use klamm_protocol::messages::fetch_response::AbortedTransaction;
use klamm_records::{
    BatchError, BatchHeader, ControlRecordType, DECOMPRESSED_BYTES_MAX_DEFAULT, RecordHeader,
    Records, split_batches, verify_crc,
};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumedRecord {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since 1970, −1 if it has none.
    pub timestamp_ms: i64,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Vec<RecordHeader>,
}

/// What a fetch brought for one partition.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    /// The offset that was asked for; batches may begin earlier.
    pub(super) from: i64,
    pub(super) records: Bytes,
    /// Transactions whose records must not be seen, empty when uncommitted records are wanted.
    pub(super) aborted: Vec<AbortedTransaction>,
}

impl Fetched {
    /// Appends the records to `out` and returns the offset to go on at.
    pub(super) fn records(self, out: &mut Vec<ConsumedRecord>) -> Result<i64, ClientError> {
        let Fetched {
            topic,
            partition,
            from,
            records,
            mut aborted,
        } = self;
        let damaged = |reason: String| ClientError::Records {
            topic: topic.clone(),
            partition,
            reason: reason.into(),
        };
        aborted.sort_by_key(|transaction| transaction.first_offset);
        let mut aborted = Aborted {
            coming: aborted.into(),
            open: BTreeSet::new(),
        };
        let mut next = from;
        for batch in split_batches(records) {
            let (header, bytes) = match batch {
                Ok(batch) => batch,
                // A response may end in the middle of a batch; it comes again with the next one.
                Err(BatchError::Truncated { .. }) => break,
                Err(error) => return Err(damaged(error.to_string())),
            };
            if !verify_crc(&bytes) {
                return Err(damaged(format!(
                    "wrong checksum at offset {}",
                    header.base_offset
                )));
            }
            let (_, records) = Records::of_batch(&bytes, DECOMPRESSED_BYTES_MAX_DEFAULT)
                .map_err(|error| damaged(error.to_string()))?;
            if aborted.visible(&header, &records) {
                for record in records {
                    let record = record.map_err(|error| damaged(error.to_string()))?;
                    let offset = record.offset(&header);
                    if offset < from {
                        continue;
                    }
                    out.push(ConsumedRecord {
                        topic: topic.clone(),
                        partition,
                        offset,
                        timestamp_ms: record.timestamp(&header),
                        key: record.key,
                        value: record.value,
                        headers: record.headers,
                    });
                }
            }
            next = next.max(header.next_offset());
        }
        Ok(next)
    }
}

/// Follows which producers are inside a transaction that was aborted later.
struct Aborted {
    coming: VecDeque<AbortedTransaction>,
    open: BTreeSet<i64>,
}

impl Aborted {
    /// Whether the records of a batch are for consumers.
    fn visible(&mut self, header: &BatchHeader, records: &Records) -> bool {
        while self
            .coming
            .front()
            .is_some_and(|t| t.first_offset <= header.last_offset())
        {
            self.open.extend(
                self.coming
                    .pop_front()
                    .map(|transaction| transaction.producer_id),
            );
        }
        if header.is_control {
            let marker = records.clone().next().and_then(Result::ok);
            let kind = marker
                .and_then(|marker| marker.key)
                .and_then(|key| ControlRecordType::from_key(&key));
            if kind == Some(ControlRecordType::Abort) {
                self.open.remove(&header.producer_id.get());
            }
            return false;
        }
        !(header.is_transactional && self.open.contains(&header.producer_id.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use klamm_records::{BatchBuilder, EndTransactionMarker};
    use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};

    const TIME: i64 = 1_700_000_000_000;

    fn batch(offset: i64, producer: i64, values: &[&str]) -> Bytes {
        let mut builder = BatchBuilder::new(offset);
        if producer >= 0 {
            builder = builder
                .producer(ProducerId(producer), ProducerEpoch(0), 0)
                .transactional(true);
        }
        values
            .iter()
            .for_each(|value| builder.append(TIME, None, Some(value.as_bytes()), &[]));
        builder.build().unwrap()
    }

    fn marker(offset: i64, producer: i64, committed: bool) -> Bytes {
        EndTransactionMarker {
            committed,
            coordinator_epoch: 0,
        }
        .batch(
            offset,
            LeaderEpoch(0),
            ProducerId(producer),
            ProducerEpoch(0),
            TIME,
        )
        .unwrap()
    }

    fn read(from: i64, parts: &[Bytes], aborted: Vec<AbortedTransaction>) -> (Vec<String>, i64) {
        let mut records = BytesMut::new();
        parts
            .iter()
            .for_each(|part| records.extend_from_slice(part));
        let topic = "t".into();
        let fetched = Fetched {
            topic,
            partition: 0,
            from,
            records: records.freeze(),
            aborted,
        };
        let mut out = Vec::new();
        let next = fetched.records(&mut out).unwrap();
        let text = |record: ConsumedRecord| {
            let value = record.value.unwrap();
            format!("{}:{}", record.offset, std::str::from_utf8(&value).unwrap())
        };
        (out.into_iter().map(text).collect(), next)
    }

    #[test]
    fn records_before_the_wanted_offset_are_skipped() {
        let (records, next) = read(1, &[batch(0, -1, &["a", "b", "c"])], vec![]);
        assert_eq!(records, ["1:b", "2:c"]);
        assert_eq!(next, 3);
    }

    #[test]
    fn a_torn_batch_at_the_end_is_left_for_the_next_fetch() {
        let whole = batch(0, -1, &["a"]);
        let torn = batch(1, -1, &["b"]).slice(..40);
        let (records, next) = read(0, &[whole, torn], vec![]);
        assert_eq!((records, next), (vec!["0:a".to_owned()], 1));
    }

    #[test]
    fn aborted_transactions_are_not_seen() {
        let parts = [
            batch(0, 7, &["aborted"]),
            batch(1, 8, &["committed"]),
            batch(2, -1, &["plain"]),
            marker(3, 7, false),
            marker(4, 8, true),
            batch(5, 7, &["again"]),
            marker(6, 7, true),
        ];
        let aborted = vec![AbortedTransaction {
            producer_id: 7,
            first_offset: 0,
        }];
        let (records, next) = read(0, &parts, aborted);
        assert_eq!(records, ["1:committed", "2:plain", "5:again"]);
        assert_eq!(next, 7);
        let (all, _) = read(0, &parts, vec![]);
        assert_eq!(
            all.len(),
            4,
            "without the list nothing but markers is hidden"
        );
    }

    #[test]
    fn damage_is_reported_and_not_skipped() {
        let mut bytes = batch(0, -1, &["a"]).to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let fetched = Fetched {
            topic: "t".into(),
            partition: 3,
            from: 0,
            records: bytes.into(),
            aborted: vec![],
        };
        let error = fetched.records(&mut Vec::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "records of t-3: wrong checksum at offset 0"
        );
    }
}
