//! The leader epochs that the batches of a log tell of. No checksum covers them.

use crate::batch_scan::{BatchAt, BatchScan, ScanError};
use crate::disk;
use crate::leader_epochs::LeaderEpochs;
use crate::producer_recovery::visit_batches;
use crate::segment::Segment;
use klamm_types::LeaderEpoch;
use std::{io, path::Path, sync::Arc};

/// The leader epoch that a log file begins with. Two batches are asked: one may be damaged.
pub(crate) fn first_epoch(path: &Path) -> io::Result<LeaderEpoch> {
    let file = disk::open_to_read(path)?;
    let mut scan = BatchScan::new(Arc::new(file), 0, disk::size(path)?);
    let mut latest = LeaderEpoch::NONE;
    for _ in 0..2 {
        match scan.next() {
            Ok(Some(batch)) => latest = latest.max(batch.header.partition_leader_epoch),
            Ok(None) | Err(ScanError::Batch { .. }) => break,
            Err(ScanError::Io(error)) => return Err(error),
        }
    }
    let unknown = latest.is_none();
    Ok(if unknown {
        LeaderEpoch(i32::MAX)
    } else {
        latest
    })
}

/// Notes the epoch of a batch that follows one which ends before `after`. If compaction removed
/// the batches in between, the file knows better where the epoch began: followers are told to
/// truncate to it.
pub(crate) fn note_epoch(
    epochs: &mut LeaderEpochs,
    stored: Option<&LeaderEpochs>,
    after: i64,
    batch: &BatchAt,
) {
    let (epoch, base_offset) = (
        batch.header.partition_leader_epoch,
        batch.header.base_offset,
    );
    if epochs.latest().is_some_and(|latest| latest >= epoch) {
        return;
    }
    let mut entries = stored.into_iter().flat_map(LeaderEpochs::entries);
    let start_offset = entries
        .find(|(stored_epoch, start)| {
            *stored_epoch == epoch && (after..=base_offset).contains(start)
        })
        .map_or(base_offset, |(_, start)| *start);
    epochs.assign(epoch, start_offset);
}

/// The epochs that the batches tell of. One of the last batch alone is believed if the file, which
/// may be damaged elsewhere, has it, too; unless the log was not closed, when it may be too old.
pub(crate) fn epochs_of_batches(
    segments: &[Arc<Segment>],
    closed_with: Option<&LeaderEpochs>,
) -> io::Result<LeaderEpochs> {
    let mut epochs = LeaderEpochs::default();
    // No checksum covers an epoch. One that the next batch does not keep up with is damaged.
    let mut new: Option<(LeaderEpoch, i64)> = None;
    visit_batches(segments, 0, &mut |_, batch| {
        let epoch = batch.header.partition_leader_epoch;
        if let Some((new, start)) = new.take().filter(|(new, _)| *new <= epoch) {
            epochs.assign(new, start);
        }
        if epochs.latest().is_none_or(|latest| latest < epoch) {
            new = Some((epoch, batch.header.base_offset));
        }
        Ok(())
    })?;
    let is_known = |new: LeaderEpoch| {
        closed_with.is_none_or(|all| all.entries().iter().any(|&(epoch, _)| epoch == new))
    };
    if let Some((new, start)) = new.filter(|(new, _)| is_known(*new)) {
        epochs.assign(new, start);
    }
    Ok(epochs)
}
