//! Producer states and transactions at the end of a log: the latest usable snapshot, and what
//! the batches after it tell.
//!
//! Transaction indexes are made anew on the same walk, from where they cannot be trusted.

use crate::batch_scan::BatchAt;
use crate::batch_walk::{BatchWalk, Step};
use crate::disk;
use crate::error::ReadError;
use crate::log_files::LogFile;
use crate::producer_snapshot;
use crate::producer_states::{ProducerStates, TransactionChange};
use crate::recovery::OpenOptions;
use crate::segment::Segment;
use crate::transaction_index::AbortedTransaction;
use crate::undecided_transactions::Undecided;
use bytes::Bytes;
use klamm_records::{BatchHeader, EndTransactionMarker, Records};
use std::{io, path::Path, sync::Arc};

/// Largest control batch that is looked into. A marker takes 78 bytes.
const CONTROL_BATCH_BYTES_MAX: usize = 64 << 10;

/// How much of what lies beside the batches may be relied on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trust {
    /// Snapshots of a later offset are not of these batches.
    pub(crate) snapshots_to: i64,
    /// Transaction indexes lack what was aborted at or behind this offset.
    pub(crate) transactions_to: i64,
}

impl Trust {
    /// After a clean stop everything is trusted; after a crash what lies below the recovery
    /// point, which files are synced with.
    pub(crate) fn of(options: &OpenOptions) -> Trust {
        let to = if options.clean_shutdown {
            i64::MAX
        } else {
            options.recovery_point
        };
        Trust {
            snapshots_to: to,
            transactions_to: to,
        }
    }
}

/// What is known of producers at the end of a log.
#[derive(Debug, Default)]
pub(crate) struct Producers {
    pub(crate) states: ProducerStates,
    /// Transactions that may be undecided. Of those that have ended, it knows the ones whose
    /// markers lie behind the snapshot.
    pub(crate) undecided: Undecided,
}

/// Loads the producers at the end of a log. Snapshots that cannot be of this log are removed;
/// a damaged one is passed over.
pub(crate) fn load(
    dir: &Path,
    segments: &[Arc<Segment>],
    log_end_offset: i64,
    trust: Trust,
) -> io::Result<Producers> {
    let rebuild_from = trust.transactions_to.min(log_end_offset);
    for segment in segments {
        let index = segment.transaction_index();
        if segment.base_offset() >= rebuild_from && !index.is_empty() {
            // Replaced in one step: a crash on the way must not leave half of it to be believed.
            segment.drop_transaction_index();
        } else {
            index.truncate_to(rebuild_from)?;
        }
    }
    let mut producers = Producers::default();
    let mut covered = segments.first().map_or(0, |segment| segment.base_offset());
    for offset in producer_snapshot::offsets(dir)?.into_iter().rev() {
        if offset > log_end_offset.min(trust.snapshots_to) {
            disk::remove(&LogFile::ProducerSnapshot.path(dir, offset))?;
        } else if offset <= rebuild_from
            && let Some(states) = producer_snapshot::read(dir, offset)?
        {
            producers.states = states;
            covered = offset;
            break;
        }
    }
    for first_offset in producers.states.open_transactions() {
        producers.undecided.begin(first_offset);
    }
    let mut rebuilt = RebuiltIndexes::default();
    visit_batches(segments, covered, &mut |segment, batch| {
        if batch.header.base_offset < covered {
            return Ok(());
        }
        let marker = read_marker(segment, batch)?;
        match producers.states.update(&batch.header, marker) {
            Some(TransactionChange::Began { first_offset }) => {
                producers.undecided.begin(first_offset);
            }
            Some(TransactionChange::Ended {
                transaction,
                is_aborted,
            }) => {
                let marker_offset = transaction.last_offset;
                producers
                    .undecided
                    .end(transaction.first_offset, marker_offset);
                if is_aborted && marker_offset >= rebuild_from {
                    rebuilt.add(segment, transaction)?;
                }
            }
            None => {}
        }
        Ok(())
    })?;
    rebuilt.write()?;
    for segment in segments {
        let index = segment.transaction_index();
        if !segment.has_transaction_index() && index.is_empty() {
            index.restore(&[])?;
        }
    }
    Ok(producers)
}

/// Aborted transactions on their way into the indexes of their segments, one after the other.
#[derive(Default)]
struct RebuiltIndexes {
    segment: Option<Arc<Segment>>,
    aborted: Vec<AbortedTransaction>,
}

impl RebuiltIndexes {
    fn add(&mut self, segment: &Arc<Segment>, aborted: AbortedTransaction) -> io::Result<()> {
        let is_next = self
            .segment
            .as_ref()
            .is_some_and(|s| !Arc::ptr_eq(s, segment));
        if is_next {
            self.write()?;
        }
        self.segment = Some(segment.clone());
        self.aborted.push(aborted);
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let Some(segment) = self.segment.take() else {
            return Ok(());
        };
        let index = segment.transaction_index();
        if segment.has_transaction_index() {
            index.append(&self.aborted)?;
        } else {
            index.restore(&self.aborted)?;
        }
        self.aborted.clear();
        Ok(())
    }
}

/// The transaction marker that a batch is, if it is one. `bytes` begin with the batch.
pub(crate) fn marker_of(header: &BatchHeader, bytes: &[u8]) -> Option<EndTransactionMarker> {
    if !header.is_control || header.batch_size() > CONTROL_BATCH_BYTES_MAX {
        return None;
    }
    let batch = Bytes::copy_from_slice(bytes.get(..header.batch_size())?);
    let (_, mut records) = Records::of_batch(&batch, CONTROL_BATCH_BYTES_MAX).ok()?;
    EndTransactionMarker::from_record(&records.next()?.ok()?)
}

fn read_marker(segment: &Segment, batch: &BatchAt) -> io::Result<Option<EndTransactionMarker>> {
    let size = batch.header.batch_size();
    if !batch.header.is_control || size > CONTROL_BATCH_BYTES_MAX {
        return Ok(None);
    }
    let mut bytes = vec![0; size];
    segment.file()?.read_exact_at(&mut bytes, batch.position)?;
    Ok(marker_of(&batch.header, &bytes))
}

/// Calls `visit` with every batch of a log that ends at or behind an offset. Damage is passed over
/// and noted.
pub(crate) fn visit_batches(
    segments: &[Arc<Segment>],
    from_offset: i64,
    visit: &mut dyn FnMut(&Arc<Segment>, &BatchAt) -> io::Result<()>,
) -> io::Result<()> {
    let first = segments.partition_point(|segment| segment.base_offset() <= from_offset);
    for segment in &segments[first.saturating_sub(1)..] {
        let start = match segment.find_batch(from_offset) {
            Ok(Some(found)) => found.position,
            Ok(None) => continue,
            // The walk from the start meets what is damaged, and passes it.
            Err(ReadError::Damaged { .. }) => 0,
            Err(error) => return Err(io::Error::other(error)),
        };
        let mut walk = BatchWalk::new(segment, start, segment.base_offset(), false)?;
        loop {
            let batch = match walk.next()? {
                Step::Batch(batch) => Some(batch),
                Step::Broken(reason) => walk.pass(reason)?,
                Step::End => None,
            };
            match batch {
                Some(batch) if batch.header.last_offset() >= from_offset => visit(segment, &batch)?,
                Some(_) => {}
                None => break,
            }
        }
    }
    Ok(())
}

/// Removes the snapshots that nothing will start from: all but the latest two and those at the
/// start of a segment. The latest is of no use after a crash that comes before the recovery point
/// has passed it.
pub(crate) fn remove_stray_snapshots(dir: &Path, segments: &[Arc<Segment>]) -> io::Result<()> {
    let mut offsets = producer_snapshot::offsets(dir)?;
    offsets.truncate(offsets.len().saturating_sub(2));
    for offset in offsets {
        if segments
            .binary_search_by_key(&offset, |segment| segment.base_offset())
            .is_err()
        {
            disk::remove(&LogFile::ProducerSnapshot.path(dir, offset))?;
        }
    }
    Ok(())
}
