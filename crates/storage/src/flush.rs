//! One flush of a log: file by file, or with syncs of the whole file system that serve many logs
//! at once.
//!
//! What was written before a flush began is durable when it has ended. Small changes go first, and
//! names among them: batches in a file that is synced may be found without the files before it.
//! Whatever may have failed to reach the disk is found by syncing the files themselves: the sync
//! of a file system only tells that something of it has failed, whose ever it was.

use crate::error::StorageError;
use crate::log_state::LogState;
use crate::segment::{LeftToFileSystem, Segment};
use crate::small_files::SmallChanges;
use std::sync::{Arc, MutexGuard};

/// A flush that has begun. No other flush of the log begins before it is dropped.
pub(crate) struct Flush<'a> {
    log: &'a LogState,
    flushing: MutexGuard<'a, ()>,
    end_offset: i64,
}

/// A flush that leaves to syncs of its file system what they can do.
pub(crate) struct SharedFlush<'a> {
    flush: Flush<'a>,
    small: SmallChanges,
    segments: Vec<(Arc<Segment>, LeftToFileSystem)>,
    has_small_changes: bool,
}

impl<'a> Flush<'a> {
    pub(crate) fn new(log: &'a LogState, flushing: MutexGuard<'a, ()>) -> Flush<'a> {
        Flush {
            log,
            flushing,
            end_offset: log.log_end_offset(),
        }
    }

    /// Syncs each file; the offset before which everything is durable.
    pub(crate) fn sync_files(self) -> Result<i64, StorageError> {
        let synced = self.try_sync_files();
        self.end(synced)
    }

    fn try_sync_files(&self) -> Result<(), StorageError> {
        let small = self.log.take_small_changes();
        let synced = small.sync(self.log.dir());
        if synced.is_err() {
            self.log.give_back_small_changes(small);
            return synced;
        }
        for segment in self.log.unsynced_segments() {
            self.log.judge_sync(&segment, segment.sync())?;
        }
        Ok(())
    }

    fn end(self, synced: Result<(), StorageError>) -> Result<i64, StorageError> {
        synced.map_err(|error| self.log.flush_failed(error))?;
        self.log.flushed_to(&self.flushing, self.end_offset);
        Ok(self.end_offset)
    }

    /// Prepares the log for syncs of its file system.
    pub(crate) fn share(self) -> Result<SharedFlush<'a>, StorageError> {
        let mut shared = SharedFlush {
            small: self.log.take_small_changes(),
            flush: self,
            segments: Vec::new(),
            has_small_changes: false,
        };
        match shared.small.prepare(shared.flush.log.dir()) {
            Ok(has_small_changes) => shared.has_small_changes = has_small_changes,
            Err(error) => return Err(shared.fail(error)),
        }
        Ok(shared)
    }
}

impl<'a> SharedFlush<'a> {
    /// Whether the file system has to be synced before [`SharedFlush::leave_segments`].
    pub(crate) fn has_small_changes(&self) -> bool {
        self.has_small_changes
    }

    /// Leaves the batches to the next sync of the file system.
    pub(crate) fn leave_segments(mut self) -> Result<SharedFlush<'a>, StorageError> {
        match self.try_leave_segments() {
            Ok(()) => Ok(self),
            Err(error) => Err(self.fail(error)),
        }
    }

    fn try_leave_segments(&mut self) -> Result<(), StorageError> {
        let log = self.flush.log;
        self.small.install(log.dir())?;
        for segment in log.unsynced_segments() {
            let left = log.judge_sync(&segment, segment.leave_to_file_system())?;
            self.segments.push((segment, left));
        }
        Ok(())
    }

    /// The file system was synced: the offset before which everything is durable.
    pub(crate) fn file_system_synced(self) -> Result<i64, StorageError> {
        self.flush.end(Ok(()))
    }

    /// The file system could not be synced: each file tells whether it was concerned.
    pub(crate) fn file_system_failed(self) -> Result<i64, StorageError> {
        self.take_back().sync_files()
    }

    fn fail(self, error: StorageError) -> StorageError {
        self.take_back().log.flush_failed(error)
    }

    fn take_back(self) -> Flush<'a> {
        for (segment, left) in self.segments {
            segment.take_back(left);
        }
        self.flush.log.give_back_small_changes(self.small);
        self.flush
    }
}
