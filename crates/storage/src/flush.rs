//! One flush of a log: file by file, or with a sync of the whole file system that serves many
//! logs at once.
//!
//! What was written before a flush began is durable when it has ended. Whatever may have failed to
//! reach the disk is found by syncing the files themselves: the sync of a file system only tells
//! that something of it has failed, whose ever it was.

use crate::error::StorageError;
use crate::log_state::LogState;
use crate::segment::{LeftToFileSystem, Segment};
use std::sync::{Arc, MutexGuard};

/// A flush that has begun. No other flush of the log begins before it is dropped.
pub(crate) struct Flush<'a> {
    log: &'a LogState,
    flushing: MutexGuard<'a, ()>,
    end_offset: i64,
}

/// A flush that waits for the sync of its file system.
pub(crate) struct LeftFlush<'a> {
    flush: Flush<'a>,
    segments: Vec<(Arc<Segment>, LeftToFileSystem)>,
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
        // Names before contents: a file that is synced may be found without those before it.
        self.log.sync_names()?;
        for segment in self.log.unsynced_segments() {
            self.log.judge_sync(&segment, segment.sync())?;
        }
        self.log.sync_small_files()
    }

    fn end(self, synced: Result<(), StorageError>) -> Result<i64, StorageError> {
        synced.map_err(|error| self.log.flush_failed(error))?;
        self.log.flushed_to(&self.flushing, self.end_offset);
        Ok(self.end_offset)
    }

    /// Leaves to a sync of the file system what it can do.
    pub(crate) fn leave_to_file_system(self) -> Result<LeftFlush<'a>, StorageError> {
        let mut left = LeftFlush {
            flush: self,
            segments: Vec::new(),
        };
        match left.leave_segments() {
            Ok(()) => Ok(left),
            Err(error) => Err(left.take_back().log.flush_failed(error)),
        }
    }
}

impl<'a> LeftFlush<'a> {
    fn leave_segments(&mut self) -> Result<(), StorageError> {
        let log = self.flush.log;
        // Names before contents, here too: it takes its files in any order.
        log.sync_names()?;
        for segment in log.unsynced_segments() {
            let left = log.judge_sync(&segment, segment.leave_to_file_system())?;
            self.segments.push((segment, left));
        }
        Ok(())
    }

    /// The file system was synced: small files remain, of which there is seldom one.
    pub(crate) fn file_system_synced(self) -> Result<i64, StorageError> {
        let synced = self.flush.log.sync_small_files();
        self.flush.end(synced)
    }

    /// The file system could not be synced: each file tells whether it was concerned.
    pub(crate) fn file_system_failed(self) -> Result<i64, StorageError> {
        self.take_back().sync_files()
    }

    fn take_back(self) -> Flush<'a> {
        for (segment, left) in self.segments {
            segment.take_back(left);
        }
        self.flush
    }
}
