//! Which data belongs to aborted transactions, and when the marker of a transaction may go.
//!
//! A marker stays as long as any batch of its transaction is left, even an empty one: without
//! it the transaction would count as open. Then it stays until its delete horizon.

use super::batch_reader::damaged;
use super::error::CompactionError;
use super::pace::Pace;
use crate::batch_scan::{BatchAt, ScanError};
use crate::error::ReadError;
use crate::segment::Segment;
use bytes::Bytes;
use klamm_records::{BatchHeader, ControlRecordType, Records};
use klamm_types::ProducerId;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    os::unix::fs::FileExt,
    sync::Arc,
};

/// Largest control batch: one record of a few bytes, and what later versions may add.
const CONTROL_BATCH_BYTES_MAX: usize = 64 << 10;

/// An aborted transaction of one producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AbortedTransaction {
    pub(crate) producer_id: ProducerId,
    pub(crate) first_offset: i64,
    /// Offset of the marker.
    pub(crate) last_offset: i64,
}

/// How the transactions in a range of segments ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TransactionSurvey {
    /// By first offset.
    pub(crate) aborted: Vec<AbortedTransaction>,
    /// Where the first one starts that has no marker in the range.
    pub(crate) first_open_offset: Option<i64>,
}

/// Reads the headers of all batches in segments, and their markers.
pub(crate) fn survey(
    segments: &[Arc<Segment>],
    pace: &mut Pace<'_>,
) -> Result<TransactionSurvey, CompactionError> {
    let mut aborted = Vec::new();
    let mut open: BTreeMap<ProducerId, i64> = BTreeMap::new();
    for segment in segments {
        let mut scan = segment.scan(0).map_err(ReadError::io(segment.path()))?;
        while let Some(batch) = scan.next().map_err(|error| read_error(segment, error))? {
            let header = &batch.header;
            if !header.is_transactional {
                continue;
            }
            if !header.is_control {
                open.entry(header.producer_id).or_insert(header.base_offset);
                continue;
            }
            let kind = control_type(segment, &batch)?;
            let first_offset = match kind {
                Some(ControlRecordType::Abort | ControlRecordType::Commit) => {
                    open.remove(&header.producer_id)
                }
                _ => None,
            };
            if let (Some(ControlRecordType::Abort), Some(first_offset)) = (kind, first_offset) {
                aborted.push(AbortedTransaction {
                    producer_id: header.producer_id,
                    first_offset,
                    last_offset: header.last_offset(),
                });
            }
        }
        pace.after(0)?;
    }
    aborted.sort_by_key(|transaction| transaction.first_offset);
    Ok(TransactionSurvey {
        aborted,
        first_open_offset: open.into_values().min(),
    })
}

fn read_error(segment: &Segment, error: ScanError) -> CompactionError {
    segment.read_error(error).into()
}

/// The type of the record in a control batch, `None` if it was emptied.
fn control_type(
    segment: &Segment,
    batch: &BatchAt,
) -> Result<Option<ControlRecordType>, CompactionError> {
    let size = batch.header.batch_size();
    if size > CONTROL_BATCH_BYTES_MAX {
        return Err(damaged(segment, batch.position, &"oversized control batch"));
    }
    let mut bytes = vec![0; size];
    let read = segment
        .file()
        .and_then(|file| file.read_exact_at(&mut bytes, batch.position));
    read.map_err(ReadError::io(segment.path()))?;
    control_type_of(&bytes).map_err(|reason| damaged(segment, batch.position, &reason))
}

/// The type of the record in a control batch, `None` if it was emptied.
pub(crate) fn control_type_of(batch: &[u8]) -> Result<Option<ControlRecordType>, String> {
    let batch = Bytes::copy_from_slice(batch);
    let (_, mut records) =
        Records::of_batch(&batch, CONTROL_BATCH_BYTES_MAX).map_err(|error| error.to_string())?;
    match records.next() {
        None => Ok(None),
        Some(Ok(record)) => {
            let key = record.key.unwrap_or_default();
            let kind = ControlRecordType::from_key(&key);
            Ok(Some(kind.ok_or("control record without a type")?))
        }
        Some(Err(error)) => Err(error.to_string()),
    }
}

/// Follows the transactions of a log through its batches, in order.
#[derive(Debug)]
pub(crate) struct TransactionTracker {
    /// Not begun yet, by first offset.
    aborted: VecDeque<AbortedTransaction>,
    /// Begun; the flag tells whether a batch of it was seen.
    open_aborted: BTreeMap<ProducerId, (AbortedTransaction, bool)>,
    /// Of these, batches were seen that are not part of an aborted transaction.
    open_committed: BTreeSet<ProducerId>,
}

impl TransactionTracker {
    /// Before the first batch. `aborted` is ordered by first offset.
    pub(crate) fn new(aborted: &[AbortedTransaction]) -> TransactionTracker {
        TransactionTracker {
            aborted: aborted.iter().copied().collect(),
            open_aborted: BTreeMap::new(),
            open_committed: BTreeSet::new(),
        }
    }

    /// Whether a batch of data belongs to an aborted transaction.
    pub(crate) fn on_data(&mut self, header: &BatchHeader) -> bool {
        self.begin_up_to(header.last_offset());
        if !header.is_transactional {
            return false;
        }
        if let Some((_, seen)) = self.open_aborted.get_mut(&header.producer_id) {
            *seen = true;
            return true;
        }
        self.open_committed.insert(header.producer_id);
        false
    }

    /// Whether nothing is left of the transaction that a marker ends.
    pub(crate) fn on_control(
        &mut self,
        header: &BatchHeader,
        kind: Option<ControlRecordType>,
    ) -> bool {
        self.begin_up_to(header.last_offset());
        match kind {
            // Emptied before; it was kept for its producer only.
            None => true,
            Some(ControlRecordType::Abort) => !matches!(
                self.open_aborted.remove(&header.producer_id),
                Some((_, true))
            ),
            Some(ControlRecordType::Commit) => !self.open_committed.remove(&header.producer_id),
            Some(ControlRecordType::Unknown(_)) => false,
        }
    }

    fn begin_up_to(&mut self, offset: i64) {
        while let Some(&next) = self.aborted.front().filter(|t| t.first_offset <= offset) {
            self.aborted.pop_front();
            self.open_aborted
                .entry(next.producer_id)
                .or_insert((next, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ControlRecordType::{Abort, Commit};
    use klamm_records::BatchBuilder;
    use klamm_types::ProducerEpoch;

    fn header(offset: i64, producer: i64, is_control: bool) -> BatchHeader {
        let mut builder = BatchBuilder::new(offset)
            .producer(ProducerId(producer), ProducerEpoch(0), 0)
            .transactional(true)
            .control(is_control);
        builder.append(1, Some(b"k"), None, &[]);
        BatchHeader::parse(&builder.build().unwrap()).unwrap()
    }

    fn aborted(producer: i64, first_offset: i64, last_offset: i64) -> AbortedTransaction {
        AbortedTransaction {
            producer_id: ProducerId(producer),
            first_offset,
            last_offset,
        }
    }

    #[test]
    fn data_is_told_by_the_transaction_it_lies_in() {
        let mut tracker = TransactionTracker::new(&[aborted(1, 0, 4), aborted(1, 8, 9)]);
        assert!(tracker.on_data(&header(0, 1, false)));
        assert!(!tracker.on_data(&header(1, 2, false)));
        assert!(tracker.on_data(&header(2, 1, false)));
        assert!(!tracker.on_control(&header(3, 2, true), Some(Commit)));
        assert!(!tracker.on_control(&header(4, 1, true), Some(Abort)));
        assert!(!tracker.on_data(&header(5, 1, false)));
        assert!(!tracker.on_control(&header(6, 1, true), Some(Commit)));
        assert!(tracker.on_data(&header(8, 1, false)));
        assert!(!tracker.on_control(&header(9, 1, true), Some(Abort)));
    }

    #[test]
    fn a_marker_may_go_once_its_transaction_is_gone() {
        let mut tracker = TransactionTracker::new(&[aborted(1, 0, 1)]);
        assert!(tracker.on_control(&header(1, 1, true), Some(Abort)));
        assert!(tracker.on_control(&header(2, 2, true), Some(Commit)));
        assert!(tracker.on_control(&header(3, 3, true), None));
        let unknown = Some(ControlRecordType::Unknown(9));
        assert!(!tracker.on_control(&header(4, 3, true), unknown));
    }
}
