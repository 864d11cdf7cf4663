//! What a log knows of the idempotent producers that wrote to it.

use klamm_records::{BatchHeader, NO_SEQUENCE};
use klamm_types::{ErrorCode, ProducerEpoch, ProducerId};
use std::collections::{BTreeMap, VecDeque};

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

/// The producers of a log, by id.
///
/// The leader asks [`ProducerStates::check`] before each append (rules 40 to 43);
/// replicas only learn from what they append.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerStates {
    producers: BTreeMap<ProducerId, ProducerState>,
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
        if is_next(last_sequence, header.base_sequence) {
            Verdict::Append
        } else {
            Verdict::Reject(ErrorCode::OutOfOrderSequenceNumber)
        }
    }

    /// Learns from a batch that was appended, its offsets final.
    pub fn update(&mut self, header: &BatchHeader) {
        if !header.has_producer_id() {
            return;
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
        state.update(header);
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

    fn update(&mut self, header: &BatchHeader) {
        if self.epoch != header.producer_epoch {
            self.epoch = header.producer_epoch;
            self.batches.clear();
        }
        self.last_timestamp = header.max_timestamp;
        if header.is_control {
            self.transaction_first_offset = None;
            return;
        }
        if header.is_transactional {
            self.transaction_first_offset
                .get_or_insert(header.base_offset);
        }
        if self.batches.len() == BATCHES_MAX {
            self.batches.pop_front();
        }
        self.batches.push_back(SequencedBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
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
            states.update(header);
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
        states.update(&open);
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
        states.update(&marker);
        assert_eq!(
            states.get(ProducerId(8)).unwrap().transaction_first_offset,
            None
        );
    }
}
