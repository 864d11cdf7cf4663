//! What a log knows of the idempotent producers that wrote to it.

use crate::transaction_index::AbortedTransaction;
use klamm_records::{BatchHeader, EndTransactionMarker, NO_SEQUENCE};
use klamm_types::{ErrorCode, ProducerEpoch, ProducerId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Batches of a producer that are remembered to recognise their repetition: as many as a
/// producer may have in flight.
const BATCHES_MAX: usize = 5;

/// A batch that a producer wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequencedBatch {
    /// Sequence number of its last record.
    pub last_sequence: i32,
    /// Offset of its last record.
    pub last_offset: i64,
    /// Last offset minus base offset.
    pub offset_delta: i32,
    /// Its max timestamp, in ms.
    pub timestamp: i64,
}

impl SequencedBatch {
    /// Offset of the first record.
    pub fn base_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }

    /// Sequence number of the first record.
    pub fn base_sequence(&self) -> i32 {
        let base = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        (base & i64::from(i32::MAX)) as i32
    }
}

/// One producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerState {
    /// Its latest epoch.
    pub epoch: ProducerEpoch,
    /// Its latest batches in that epoch, oldest first, at most 5.
    pub batches: VecDeque<SequencedBatch>,
    /// Max timestamp of its latest batch or marker, in ms.
    pub last_timestamp: i64,
    /// Epoch of the coordinator of its latest transaction marker, or −1.
    pub coordinator_epoch: i32,
    /// Where its open transaction starts, if it has one.
    pub transaction_first_offset: Option<i64>,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Append it.
    Append,
    /// It was appended before: answer as then.
    Duplicate {
        /// Offset of its first record then.
        base_offset: i64,
        /// Offset of its last record then.
        last_offset: i64,
        /// Its max timestamp then, in ms.
        timestamp: i64,
    },
    /// Refuse it with this error.
    Reject(ErrorCode),
}

/// What a batch did to the transactions of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionChange {
    /// It is the first of a transaction.
    Began {
        /// Offset of its first record.
        first_offset: i64,
    },
    /// It is the marker of a transaction that has records.
    Ended {
        /// The transaction, as the transaction index tells of it if it was aborted.
        transaction: AbortedTransaction,
        /// Whether it was.
        is_aborted: bool,
    },
}

/// A marker that a transaction coordinator wants to append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkerRequest {
    /// Whose transaction ends.
    pub producer_id: ProducerId,
    /// The epoch that ends it.
    pub producer_epoch: ProducerEpoch,
    /// The epoch of the coordinator that asks.
    pub coordinator_epoch: i32,
    /// `transaction.version` of the transaction: from 2 on, each one has an epoch of its own.
    pub transaction_version: i16,
}

/// The producers of a log, by id.
///
/// The leader asks [`ProducerStates::check`] before each append (rules 40 to 43) and
/// [`ProducerStates::check_marker`] before each marker (rule 52); replicas only learn from what
/// they append.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerStates {
    producers: BTreeMap<ProducerId, ProducerState>,
    /// First offsets of the open transactions.
    open_transactions: BTreeSet<i64>,
}

impl ProducerStates {
    /// Judges a client's batch, its offsets not assigned yet.
    pub fn check(&self, header: &BatchHeader) -> Verdict {
        if !header.has_producer_id() || header.is_control {
            return Verdict::Append;
        }
        let Some(state) = self.producers.get(&header.producer_id) else {
            return Verdict::Append;
        };
        if header.producer_epoch == state.epoch
            && let Some(batch) = state.duplicate_of(header)
        {
            return Verdict::Duplicate {
                base_offset: batch.base_offset(),
                last_offset: batch.last_offset,
                timestamp: batch.timestamp,
            };
        }
        if header.producer_epoch < state.epoch {
            return Verdict::Reject(ErrorCode::InvalidProducerEpoch);
        }
        let last_sequence = state.last_sequence_in(header.producer_epoch);
        if !is_next(last_sequence, header.base_sequence) {
            Verdict::Reject(ErrorCode::OutOfOrderSequenceNumber)
        } else if state.transaction_first_offset.is_some() && !header.is_transactional {
            // Rule 49.
            Verdict::Reject(ErrorCode::InvalidTxnState)
        } else {
            Verdict::Append
        }
    }

    /// Judges a transaction's end (rule 52).
    ///
    /// # Errors
    /// INVALID_PRODUCER_EPOCH if the marker's epoch is too old for the producer's,
    /// TRANSACTION_COORDINATOR_FENCED if a later coordinator has written a marker.
    pub fn check_marker(&self, marker: &MarkerRequest) -> Result<(), ErrorCode> {
        let Some(state) = self.producers.get(&marker.producer_id) else {
            return Ok(());
        };
        let needs_next_epoch =
            marker.transaction_version >= 2 && state.transaction_first_offset.is_some();
        if marker.producer_epoch < state.epoch
            || (needs_next_epoch && marker.producer_epoch == state.epoch)
        {
            return Err(ErrorCode::InvalidProducerEpoch);
        }
        if marker.coordinator_epoch < state.coordinator_epoch {
            return Err(ErrorCode::TransactionCoordinatorFenced);
        }
        Ok(())
    }

    /// Learns from a batch that was appended, its offsets final; `marker` is what it holds if it
    /// is a control batch of a transaction.
    pub(crate) fn update(
        &mut self,
        header: &BatchHeader,
        marker: Option<EndTransactionMarker>,
    ) -> Option<TransactionChange> {
        // A control batch that compaction has emptied, or one of a later kind, tells nothing.
        if !header.has_producer_id() || (header.is_control && marker.is_none()) {
            return None;
        }
        let state = self
            .producers
            .entry(header.producer_id)
            .or_insert_with(|| ProducerState {
                epoch: header.producer_epoch,
                batches: VecDeque::new(),
                last_timestamp: header.max_timestamp,
                coordinator_epoch: -1,
                transaction_first_offset: None,
            });
        state.enter_epoch(header.producer_epoch);
        state.last_timestamp = header.max_timestamp;
        match marker {
            Some(marker) => {
                state.coordinator_epoch = marker.coordinator_epoch;
                let first_offset = state.transaction_first_offset.take()?;
                Some(self.end(header, first_offset, marker.committed))
            }
            None => {
                let first_offset = state.append(header)?;
                self.open_transactions.insert(first_offset);
                Some(TransactionChange::Began { first_offset })
            }
        }
    }

    fn end(
        &mut self,
        header: &BatchHeader,
        first_offset: i64,
        committed: bool,
    ) -> TransactionChange {
        self.open_transactions.remove(&first_offset);
        let last_offset = header.base_offset;
        let first_open = self.open_transactions.first();
        TransactionChange::Ended {
            transaction: AbortedTransaction {
                producer_id: header.producer_id,
                first_offset,
                last_offset,
                last_stable_offset: first_open.copied().unwrap_or(last_offset + 1),
            },
            is_aborted: !committed,
        }
    }

    /// First offsets of the transactions without a marker, ascending.
    pub(crate) fn open_transactions(&self) -> impl Iterator<Item = i64> {
        self.open_transactions.iter().copied()
    }

    /// Forgets producers that wrote nothing for `expiration_ms` and have no open transaction.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.producers.retain(|_, state| {
            state.transaction_first_offset.is_some()
                || now_ms.saturating_sub(state.last_timestamp) < expiration_ms
        });
    }

    /// One producer.
    pub fn get(&self, id: ProducerId) -> Option<&ProducerState> {
        self.producers.get(&id)
    }

    /// Every producer, by ascending id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ProducerId, &ProducerState)> {
        self.producers.iter().map(|(&id, state)| (id, state))
    }

    /// Whether no producer is known.
    pub fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }

    /// Adds a producer as a snapshot tells of it.
    pub(crate) fn insert(&mut self, id: ProducerId, state: ProducerState) {
        self.open_transactions
            .extend(state.transaction_first_offset);
        self.producers.insert(id, state);
    }
}

impl ProducerState {
    fn duplicate_of(&self, header: &BatchHeader) -> Option<&SequencedBatch> {
        self.batches.iter().find(|batch| {
            batch.base_sequence() == header.base_sequence
                && batch.last_sequence == header.last_sequence()
        })
    }

    fn last_sequence_in(&self, epoch: ProducerEpoch) -> i32 {
        match self.batches.back() {
            Some(batch) if epoch == self.epoch => batch.last_sequence,
            _ => NO_SEQUENCE,
        }
    }

    fn enter_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.batches.clear();
        }
    }

    /// Remembers a batch of records; its first offset, if a transaction begins with it.
    fn append(&mut self, header: &BatchHeader) -> Option<i64> {
        if self.batches.len() == BATCHES_MAX {
            self.batches.pop_front();
        }
        self.batches.push_back(SequencedBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        if header.is_transactional && self.transaction_first_offset.is_none() {
            self.transaction_first_offset = Some(header.base_offset);
            return self.transaction_first_offset;
        }
        None
    }
}

/// Whether a sequence number follows another; after the largest comes 0.
fn is_next(last_sequence: i32, base_sequence: i32) -> bool {
    match last_sequence.checked_add(1) {
        Some(next) => base_sequence == next,
        None => base_sequence == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_records::BatchBuilder;

    fn header(epoch: i16, base_sequence: i32, records: i32, base_offset: i64) -> BatchHeader {
        let mut builder = BatchBuilder::new(base_offset).producer(
            ProducerId(7),
            ProducerEpoch(epoch),
            base_sequence,
        );
        for _ in 0..records {
            builder.append(1_000 + base_offset, None, Some(b"v"), &[]);
        }
        BatchHeader::parse(&builder.build().unwrap()).unwrap()
    }

    fn after(headers: &[BatchHeader]) -> ProducerStates {
        let mut states = ProducerStates::default();
        for header in headers {
            states.update(header, None);
        }
        states
    }

    #[test]
    fn order_is_enforced_per_epoch() {
        let states = after(&[header(1, 0, 3, 100)]);
        let table = [
            (header(1, 3, 2, 0), Verdict::Append),
            (
                header(1, 4, 2, 0),
                Verdict::Reject(ErrorCode::OutOfOrderSequenceNumber),
            ),
            (
                header(1, 0, 2, 0),
                Verdict::Reject(ErrorCode::OutOfOrderSequenceNumber),
            ),
            (
                header(0, 3, 2, 0),
                Verdict::Reject(ErrorCode::InvalidProducerEpoch),
            ),
            (header(2, 0, 2, 0), Verdict::Append),
            (
                header(2, 3, 2, 0),
                Verdict::Reject(ErrorCode::OutOfOrderSequenceNumber),
            ),
        ];
        for (header, expected) in table {
            assert_eq!(states.check(&header), expected, "{header:?}");
        }
        assert_eq!(
            ProducerStates::default().check(&header(1, 99, 1, 0)),
            Verdict::Append
        );
    }

    #[test]
    fn the_last_five_batches_are_recognised() {
        let headers: Vec<_> = (0..7)
            .map(|i| header(0, 2 * i, 2, 100 + 2 * i64::from(i)))
            .collect();
        let states = after(&headers);
        for (i, sent) in headers.iter().enumerate() {
            let again = BatchHeader {
                base_offset: 0,
                ..*sent
            };
            let expected = if i < 2 {
                Verdict::Reject(ErrorCode::OutOfOrderSequenceNumber)
            } else {
                Verdict::Duplicate {
                    base_offset: sent.base_offset,
                    last_offset: sent.last_offset(),
                    timestamp: sent.max_timestamp,
                }
            };
            assert_eq!(states.check(&again), expected, "{i}");
        }
    }

    #[test]
    fn sequences_wrap() {
        let last = header(0, i32::MAX - 1, 2, 0);
        assert_eq!(after(&[last]).check(&header(0, 0, 1, 0)), Verdict::Append);
        let across = header(0, i32::MAX, 3, 50);
        let states = after(&[across]);
        assert_eq!(states.check(&header(0, 2, 1, 0)), Verdict::Append);
        let again = states.check(&header(0, i32::MAX, 3, 0));
        assert_eq!(
            again,
            Verdict::Duplicate {
                base_offset: 50,
                last_offset: 52,
                timestamp: 1_050
            }
        );
    }

    #[test]
    fn idle_producers_expire_unless_in_a_transaction() {
        let mut states = after(&[header(0, 0, 1, 0)]);
        let open = BatchHeader {
            is_transactional: true,
            producer_id: ProducerId(8),
            ..header(0, 0, 1, 0)
        };
        states.update(&open, None);
        states.expire(1_999, 1_000);
        assert_eq!(states.iter().len(), 2);
        states.expire(2_000, 1_000);
        let left: Vec<_> = states.iter().map(|(id, _)| id).collect();
        assert_eq!(left, [ProducerId(8)]);
        let marker = BatchHeader {
            is_control: true,
            base_sequence: NO_SEQUENCE,
            ..open
        };
        let committed = EndTransactionMarker {
            committed: true,
            coordinator_epoch: 0,
        };
        states.update(&marker, Some(committed));
        assert_eq!(
            states.get(ProducerId(8)).unwrap().transaction_first_offset,
            None
        );
    }

    fn transactional(epoch: i16, base_sequence: i32, base_offset: i64) -> BatchHeader {
        BatchHeader {
            is_transactional: true,
            ..header(epoch, base_sequence, 1, base_offset)
        }
    }

    fn marker(epoch: i16, offset: i64) -> BatchHeader {
        BatchHeader {
            is_control: true,
            base_sequence: NO_SEQUENCE,
            ..transactional(epoch, 0, offset)
        }
    }

    const ABORT: EndTransactionMarker = EndTransactionMarker {
        committed: false,
        coordinator_epoch: 3,
    };

    #[test]
    fn transactions_begin_with_a_batch_and_end_with_a_marker() {
        let mut states = ProducerStates::default();
        let began = states.update(&transactional(0, 0, 10), None);
        assert_eq!(began, Some(TransactionChange::Began { first_offset: 10 }));
        assert_eq!(states.update(&transactional(0, 1, 11), None), None);
        let other = BatchHeader {
            producer_id: ProducerId(8),
            ..transactional(0, 0, 12)
        };
        states.update(&other, None);
        let mut aborted = AbortedTransaction {
            producer_id: ProducerId(7),
            first_offset: 10,
            last_offset: 13,
            last_stable_offset: 12,
        };
        let ended = states.update(&marker(0, 13), Some(ABORT));
        let expected = TransactionChange::Ended {
            transaction: aborted,
            is_aborted: true,
        };
        assert_eq!(ended, Some(expected));
        // Nothing was written since: no transaction ends (rule 55).
        assert_eq!(states.update(&marker(0, 14), Some(ABORT)), None);
        let state = states.get(ProducerId(7)).unwrap();
        assert_eq!((state.coordinator_epoch, state.batches.len()), (3, 2));

        let committed = EndTransactionMarker {
            committed: true,
            coordinator_epoch: 4,
        };
        let other_marker = BatchHeader {
            producer_id: ProducerId(8),
            ..marker(1, 15)
        };
        aborted = AbortedTransaction {
            producer_id: ProducerId(8),
            first_offset: 12,
            last_offset: 15,
            last_stable_offset: 16,
        };
        let expected = TransactionChange::Ended {
            transaction: aborted,
            is_aborted: false,
        };
        assert_eq!(
            states.update(&other_marker, Some(committed)),
            Some(expected)
        );
        let state = states.get(ProducerId(8)).unwrap();
        assert_eq!(state.epoch, ProducerEpoch(1));
        assert!(
            state.batches.is_empty(),
            "sequences begin anew in the marker's epoch"
        );
        assert_eq!(states.open_transactions().next(), None);
    }

    #[test]
    fn control_batches_without_a_marker_tell_nothing() {
        let mut states = ProducerStates::default();
        assert_eq!(states.update(&marker(5, 10), None), None);
        assert!(states.is_empty());
    }

    #[test]
    fn plain_batches_do_not_mix_with_a_transaction() {
        let mut states = ProducerStates::default();
        states.update(&transactional(0, 0, 10), None);
        let plain = states.check(&header(0, 1, 1, 0));
        assert_eq!(plain, Verdict::Reject(ErrorCode::InvalidTxnState));
        assert_eq!(states.check(&transactional(0, 1, 0)), Verdict::Append);
        states.update(&marker(0, 11), Some(ABORT));
        assert_eq!(states.check(&header(0, 1, 1, 0)), Verdict::Append);
    }

    #[test]
    fn markers_are_fenced_by_epochs() {
        let mut states = ProducerStates::default();
        let request = |producer_epoch, coordinator_epoch, transaction_version| MarkerRequest {
            producer_id: ProducerId(7),
            producer_epoch: ProducerEpoch(producer_epoch),
            coordinator_epoch,
            transaction_version,
        };
        assert_eq!(states.check_marker(&request(0, 0, 2)), Ok(()));
        states.update(&transactional(1, 0, 10), None);
        states.update(&marker(2, 11), Some(ABORT));
        let too_old = Err(ErrorCode::InvalidProducerEpoch);
        let fenced = Err(ErrorCode::TransactionCoordinatorFenced);
        let closed = [
            (request(1, 3, 1), too_old),
            (request(1, 3, 2), too_old),
            (request(2, 3, 1), Ok(())),
            // A repetition.
            (request(2, 3, 2), Ok(())),
            (request(2, 2, 2), fenced),
            (request(3, 4, 2), Ok(())),
        ];
        for (request, expected) in closed {
            assert_eq!(states.check_marker(&request), expected, "{request:?}");
        }
        states.update(&transactional(2, 0, 12), None);
        let open = [
            (request(2, 3, 1), Ok(())),
            (request(2, 3, 2), too_old),
            (request(3, 3, 2), Ok(())),
            (request(3, 2, 2), fenced),
        ];
        for (request, expected) in open {
            assert_eq!(states.check_marker(&request), expected, "{request:?}");
        }
    }
}
