//! Removing the old end of a log.
//!
//! It takes two steps: first the log start moves, then the files of the segments below it go.
//! In between, the caller makes the new log start durable. Without that, a crash that keeps some
//! of the removals and loses others would open a hole in the log.

use crate::disk;
use crate::error::StorageError;
use crate::log::Log;
use crate::log_files::LogFile;
use crate::producer_snapshot;
use crate::retention::{RetentionInput, SegmentFacts, expired};

/// What retention decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Segments that lie below the log start now and wait for [`Log::remove_old_segments`].
    pub segments: usize,
    /// Bytes of their batches.
    pub bytes: u64,
}

impl Log {
    /// Moves the log start past the segments that the configuration no longer keeps (rule 118),
    /// none of them above `high_watermark`. Once the new log start is recorded for good,
    /// [`Log::remove_old_segments`] removes their files.
    ///
    /// On a full disk the active segment, for which a new one would have to be made, stays.
    ///
    /// # Errors
    /// The disk failed, now or before.
    pub fn retain(&mut self, now_ms: i64, high_watermark: i64) -> Result<Retained, StorageError> {
        self.state.check()?;
        let result = self.expire(now_ms, high_watermark);
        self.state.poison_on_error(result)
    }

    fn expire(&mut self, now_ms: i64, high_watermark: i64) -> Result<Retained, StorageError> {
        let segments = self.state.segments();
        let log_end_offset = self.log_end_offset();
        let next_offset = |index: usize| {
            let next = segments.get(index + 1);
            next.map_or(log_end_offset, |segment| segment.base_offset())
        };
        let facts: Vec<SegmentFacts> = segments
            .iter()
            .enumerate()
            .map(|(index, segment)| SegmentFacts {
                size: segment.size(),
                next_offset: next_offset(index),
            })
            .collect();
        let input = RetentionInput {
            segments: &facts,
            log_start_offset: self.log_start_offset(),
            high_watermark,
            now_ms,
        };
        let newest_ms = |index: usize| match segments[index].max_timestamp()? {
            Some(newest) => Ok(newest.timestamp),
            None => disk::modified_ms(segments[index].path()),
        };
        let expired = expired(&input, self.config(), newest_ms)
            .map_err(StorageError::io("read", self.dir()))?;
        let mut count = expired.segments;
        if expired.roll_first && !self.roll_if_there_is_room(log_end_offset)? {
            count -= 1;
        }
        if count == 0 {
            return Ok(Retained::default());
        }
        // What lies below the log start already may end before it.
        let log_start_offset = self.log_start_offset().max(next_offset(count - 1));
        self.raise_start_offset(log_start_offset)?;
        Ok(Retained {
            segments: count,
            bytes: facts[..count].iter().map(|segment| segment.size).sum(),
        })
    }

    fn roll_if_there_is_room(&mut self, base_offset: i64) -> Result<bool, StorageError> {
        match self.roll(base_offset) {
            Ok(()) => Ok(true),
            Err(error) if error.is_storage_full() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Moves the log start offset up and removes nothing yet. A lower offset than the present one
    /// changes nothing.
    ///
    /// # Errors
    /// The offset is behind the end of the log, or the disk failed before.
    pub fn raise_start_offset(&mut self, offset: i64) -> Result<(), StorageError> {
        self.state.check()?;
        let (log_start_offset, log_end_offset) = (self.log_start_offset(), self.log_end_offset());
        if offset > log_end_offset {
            return Err(StorageError::OutOfRange {
                offset,
                log_start_offset,
                log_end_offset,
            });
        }
        if offset > log_start_offset {
            self.state.set_log_start_offset(offset);
            self.state
                .change_epochs(|epochs| epochs.truncate_from_start(offset));
        }
        Ok(())
    }

    /// Removes the segments that lie below the log start as a whole; how many. Their files are
    /// renamed at once and unlinked by [`LogFlusher::purge_removed`](crate::LogFlusher::purge_removed) when `file.delete.delay.ms` has
    /// passed.
    ///
    /// # Errors
    /// The disk failed, now or before.
    pub fn remove_old_segments(&mut self) -> Result<usize, StorageError> {
        self.state.check()?;
        let result = self.remove_segments_below_start();
        self.state.poison_on_error(result)
    }

    fn remove_segments_below_start(&mut self) -> Result<usize, StorageError> {
        let segments = self.state.segments();
        let log_start_offset = self.log_start_offset();
        let count = segments.partition_point(|segment| segment.base_offset() <= log_start_offset);
        let (removed, kept) = segments.split_at(count.saturating_sub(1));
        if removed.is_empty() {
            return Ok(0);
        }
        self.state.set_segments(kept.to_vec());
        let delay_ms = self.config().file_delete_delay_ms;
        for segment in removed {
            self.state.remove_segment(segment, delay_ms)?;
        }
        let first_offset = kept[0].base_offset();
        self.remove_snapshots(|snapshot_offset| snapshot_offset < first_offset)?;
        Ok(removed.len())
    }

    pub(crate) fn remove_snapshots(
        &self,
        is_unwanted: impl Fn(i64) -> bool,
    ) -> Result<(), StorageError> {
        let dir = self.dir();
        let offsets = producer_snapshot::offsets(dir);
        let offsets = offsets.map_err(StorageError::io("read", dir))?;
        let delay_ms = self.config().file_delete_delay_ms;
        offsets
            .into_iter()
            .filter(|&offset| is_unwanted(offset))
            .try_for_each(|offset| {
                let path = LogFile::ProducerSnapshot.path(dir, offset);
                self.state.remove_file(&path, delay_ms)
            })
    }
}
