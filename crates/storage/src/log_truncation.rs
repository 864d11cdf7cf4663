//! Truncation of a log: what is cut off does not come back.

use crate::disk;
use crate::error::{ReadError, StorageError};
use crate::leader_epochs::LeaderEpochs;
use crate::log::Log;
use crate::log_append::new_active;
use crate::producer_recovery::Producers;
use crate::segment::Segment;
use crate::segment_recovery::resume_active;
use std::{io, sync::Arc};

impl Log {
    /// Removes everything from an offset on, durably: what was removed must not come back behind
    /// what is appended next. A batch that spans the offset goes as a whole, so the log may end
    /// before it, and then even start before it. The new log end offset.
    ///
    /// The caller records the flushed offset anew if it went back, before it appends again: a
    /// recovery point vouches for what lies below it. Epochs that start at or behind the new end
    /// are forgotten, also where there is nothing to remove.
    ///
    /// # Errors
    /// The disk failed, now or before.
    pub fn truncate_to(&mut self, offset: i64) -> Result<i64, StorageError> {
        self.state.check()?;
        let log_end_offset = self.log_end_offset();
        if offset >= log_end_offset {
            // An epoch in which nothing was appended goes all the same.
            self.state
                .change_epochs(|epochs| epochs.truncate_from_end(log_end_offset));
            return Ok(log_end_offset);
        }
        if offset < self.log_start_offset() {
            self.truncate_fully_and_start_at(offset)?;
            return Ok(offset);
        }
        let result = self.cut(offset);
        self.state.poison_on_error(result)
    }

    /// Removes everything from an offset on; see [`Log::truncate_to`].
    pub(crate) fn cut(&mut self, offset: i64) -> Result<i64, StorageError> {
        let state = self.state.clone();
        let flushing = state.pause_flushing();
        let mut segments = state.segments().to_vec();
        if segments[0].base_offset() > offset {
            // It was made for an append behind a large gap that did not fit on the disk.
            let first = new_active(&state, offset)?;
            segments.insert(0, first.segment().clone());
        }
        let count = segments
            .partition_point(|segment| segment.base_offset() <= offset)
            .max(1);
        let removed = segments.split_off(count);
        let last = segments[count - 1].clone();
        let (position, end_offset) = self.cut_point(&last, offset)?;
        if end_offset < state.log_end_offset() {
            state.note_truncation();
        }

        state.cut(
            &flushing,
            end_offset,
            state.flushed_offset().min(end_offset),
        );
        if end_offset < state.log_start_offset() {
            // The log start lay within the batch that went.
            state.set_log_start_offset(end_offset);
        }
        state.set_segments(segments.clone());
        self.remove_snapshots(|snapshot_offset| snapshot_offset > end_offset)?;
        for segment in removed.iter().rev() {
            state.remove_segment(segment, self.config.file_delete_delay_ms)?;
        }
        disk::sync_dir(state.dir()).map_err(StorageError::io("sync", state.dir()))?;
        let cut = || {
            last.truncate(position, end_offset)?;
            resume_active(&last, &self.config)
        };
        let active = cut().map_err(StorageError::io("truncate", last.path()))?;
        self.active = active.ok_or_else(|| {
            let source = io::Error::new(io::ErrorKind::InvalidData, "batches are damaged");
            StorageError::io("truncate", last.path())(source)
        })?;
        state.change_epochs(|epochs| epochs.truncate_from_end(end_offset));
        self.reload_producers(&segments, end_offset)?;
        Ok(end_offset)
    }

    /// Where to cut a segment so that nothing is left from an offset on, and the offset that is
    /// due there then. A batch or damage that spans it goes as a whole.
    fn cut_point(&self, segment: &Arc<Segment>, offset: i64) -> Result<(u64, i64), StorageError> {
        let mut found = segment.find_batch(offset);
        if let Err(ReadError::Damaged { .. }) = found {
            self.reader()
                .locate_damage(segment)
                .map_err(StorageError::from_read)?;
            found = segment.find_batch(offset);
        }
        if let Some(damage) = segment.checks().damage_at(offset) {
            return Ok((damage.position, damage.first_offset));
        }
        Ok(match found.map_err(StorageError::from_read)? {
            Some(batch) => (batch.position, batch.header.base_offset.min(offset)),
            None => (segment.size(), offset),
        })
    }

    /// Removes everything and goes on from an offset, lower or higher.
    ///
    /// # Errors
    /// The disk failed, now or before.
    pub fn truncate_fully_and_start_at(&mut self, offset: i64) -> Result<(), StorageError> {
        self.state.check()?;
        let result = self.start_anew(offset);
        self.state.poison_on_error(result)
    }

    fn start_anew(&mut self, offset: i64) -> Result<(), StorageError> {
        let state = self.state.clone();
        let flushing = state.pause_flushing();
        state.note_truncation();
        state.cut(&flushing, offset, offset);
        state.set_log_start_offset(offset);
        for segment in state.segments().iter().rev() {
            state.remove_segment(segment, self.config.file_delete_delay_ms)?;
        }
        self.remove_snapshots(|_| true)?;
        self.active = new_active(&state, offset)?;
        disk::sync_dir(state.dir()).map_err(StorageError::io("sync", state.dir()))?;
        state.set_segments(vec![self.active.segment().clone()]);
        state.change_epochs(|epochs| std::mem::take(epochs) != LeaderEpochs::default());
        self.set_producers(Producers::default());
        Ok(())
    }
}
