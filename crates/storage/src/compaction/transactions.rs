//! Which data belongs to aborted transactions, and when the marker of a transaction may go.
//!
//! A marker stays as long as any batch of its transaction is left, even an empty one: without
//! it the transaction would count as open. Then it stays until its delete horizon.

use crate::transaction_index::AbortedTransaction;
use bytes::Bytes;
use klamm_records::{BatchHeader, ControlRecordType, Records};
use klamm_types::ProducerId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Largest control batch: one record of a few bytes, and what later versions may add.
const CONTROL_BATCH_BYTES_MAX: usize = 64 << 10;

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

/// What a control batch is still good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// Nothing is left of its transaction.
    Needless,
    /// It ends what is left of a transaction, or is none of a transaction's.
    Needed,
    /// As before, and readers must not see what is left: the index names it.
    Aborts(AbortedTransaction),
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
    /// Before the first batch. `aborted` are those of which batches may follow.
    pub(crate) fn new(mut aborted: Vec<AbortedTransaction>) -> TransactionTracker {
        aborted.sort_by_key(|transaction| transaction.first_offset);
        TransactionTracker {
            aborted: aborted.into(),
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

    /// What a marker is still good for.
    pub(crate) fn on_control(
        &mut self,
        header: &BatchHeader,
        kind: Option<ControlRecordType>,
    ) -> Marker {
        self.begin_up_to(header.last_offset());
        let is_needed = match kind {
            // Emptied before; it was kept for its producer only.
            None => false,
            Some(ControlRecordType::Abort) => {
                return match self.open_aborted.remove(&header.producer_id) {
                    Some((aborted, true)) => Marker::Aborts(aborted),
                    _ => Marker::Needless,
                };
            }
            Some(ControlRecordType::Commit) => self.open_committed.remove(&header.producer_id),
            Some(ControlRecordType::Unknown(_)) => true,
        };
        match is_needed {
            true => Marker::Needed,
            false => Marker::Needless,
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
            last_stable_offset: last_offset + 1,
        }
    }

    #[test]
    fn data_is_told_by_the_transaction_it_lies_in() {
        let (first, second) = (aborted(1, 0, 4), aborted(1, 8, 9));
        let mut tracker = TransactionTracker::new(vec![second, first]);
        assert!(tracker.on_data(&header(0, 1, false)));
        assert!(!tracker.on_data(&header(1, 2, false)));
        assert!(tracker.on_data(&header(2, 1, false)));
        let mut ends = |offset, producer, kind| {
            tracker.on_control(&header(offset, producer, true), Some(kind))
        };
        assert_eq!(ends(3, 2, Commit), Marker::Needed);
        assert_eq!(ends(4, 1, Abort), Marker::Aborts(first));
        assert!(!tracker.on_data(&header(5, 1, false)));
        let commit = tracker.on_control(&header(6, 1, true), Some(Commit));
        assert_eq!(commit, Marker::Needed);
        assert!(tracker.on_data(&header(8, 1, false)));
        let abort = tracker.on_control(&header(9, 1, true), Some(Abort));
        assert_eq!(abort, Marker::Aborts(second));
    }

    #[test]
    fn a_marker_may_go_once_its_transaction_is_gone() {
        let mut tracker = TransactionTracker::new(vec![aborted(1, 0, 1)]);
        let mut ends =
            |offset, producer, kind| tracker.on_control(&header(offset, producer, true), kind);
        assert_eq!(ends(1, 1, Some(Abort)), Marker::Needless);
        assert_eq!(ends(2, 2, Some(Commit)), Marker::Needless);
        assert_eq!(ends(3, 3, None), Marker::Needless);
        let unknown = Some(ControlRecordType::Unknown(9));
        assert_eq!(ends(4, 3, unknown), Marker::Needed);
    }
}
