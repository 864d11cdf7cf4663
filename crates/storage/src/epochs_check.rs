//! Whether the file of leader epochs tells the truth: it has no checksum.

use crate::batch_scan::BatchAt;
use crate::error::ReadError;
use crate::leader_epochs::LeaderEpochs;
use crate::segment::Segment;
use std::{io, sync::Arc};

/// Latest epochs that are looked at; a log has few, and each costs two reads.
const CHECKED_MAX: usize = 32;

/// Whether every one of the latest epochs starts where the batches say, and none is missing at
/// either end. Where batches are damaged, nothing is known against the epochs.
pub(crate) fn fit(
    epochs: &LeaderEpochs,
    segments: &[Arc<Segment>],
    log_start_offset: i64,
    log_end_offset: i64,
) -> io::Result<bool> {
    let log = BatchesOf { segments };
    let entries = epochs.entries();
    let latest = &entries[entries.len().saturating_sub(CHECKED_MAX)..];
    for &(epoch, start) in latest {
        if let Some(batch) = log.batch_at(start.max(log_start_offset))? {
            let found = batch.header.partition_leader_epoch;
            let is_within = batch.header.base_offset <= start.max(log_start_offset);
            // Compaction may have removed all of an epoch.
            let fits = if is_within {
                found == epoch
            } else {
                found >= epoch
            };
            if !fits {
                return Ok(false);
            }
        }
        if start > log_start_offset
            && let Some(batch) = log.batch_at(start - 1)?
            && batch.header.base_offset < start
            && (batch.header.partition_leader_epoch >= epoch || batch.header.next_offset() > start)
        {
            return Ok(false);
        }
    }
    let knows = |offset: i64| {
        let batch = log.batch_at(offset)?;
        Ok::<_, io::Error>(batch.is_none_or(|batch| {
            let epoch = batch.header.partition_leader_epoch;
            let at = batch.header.base_offset.max(offset);
            epoch.is_none() || epochs.epoch_at(at) == Some(epoch)
        }))
    };
    Ok(knows(log_start_offset)? && knows(log_end_offset - 1)?)
}

/// Lets the first epoch begin at the log start if it does: the file may have been written for a
/// later log start than the one that was checkpointed.
pub(crate) fn complete(
    epochs: &mut LeaderEpochs,
    segments: &[Arc<Segment>],
    log_start_offset: i64,
) -> io::Result<()> {
    let Some(&(epoch, start)) = epochs.entries().first() else {
        return Ok(());
    };
    if start > log_start_offset {
        let first = BatchesOf { segments }.batch_at(log_start_offset)?;
        if first.is_some_and(|first| first.header.partition_leader_epoch == epoch) {
            epochs.start_first_at(log_start_offset);
        }
    }
    Ok(())
}

/// The batches of a log, by offset.
pub(crate) struct BatchesOf<'a> {
    pub(crate) segments: &'a [Arc<Segment>],
}

impl BatchesOf<'_> {
    /// The first batch that ends at or behind an offset, if there is one that can be read.
    pub(crate) fn batch_at(&self, offset: i64) -> io::Result<Option<BatchAt>> {
        let count = self
            .segments
            .partition_point(|segment| segment.base_offset() <= offset);
        for segment in &self.segments[count.saturating_sub(1)..] {
            match segment.find_batch(offset) {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(ReadError::Io { source, .. }) => return Err(source),
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }
}
