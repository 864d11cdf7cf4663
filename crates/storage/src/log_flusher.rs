//! Makes appends durable beside the writer.

use crate::error::StorageError;
use crate::file_system::FileSystem;
use crate::flush::LeftFlush;
use crate::log_state::LogState;
use std::sync::Arc;

/// Flushes a log. Clones share it; appends go on during a flush.
#[derive(Clone, Debug)]
pub struct LogFlusher {
    pub(crate) state: Arc<LogState>,
}

impl LogFlusher {
    /// Makes everything appended before this call durable; blocks until the disk has it. The
    /// offset up to which the log survives a power failure.
    ///
    /// # Errors
    /// The disk failed, now or before; the log takes nothing any more.
    pub fn flush(&self) -> Result<i64, StorageError> {
        self.state.flush()
    }

    /// The offset up to which the log survives a power failure: its recovery point. It only
    /// goes back when the log is truncated.
    pub fn flushed_offset(&self) -> i64 {
        self.state.flushed_offset()
    }

    /// Whether something was appended since the last flush began.
    pub fn is_dirty(&self) -> bool {
        self.state.flushed_offset() < self.state.log_end_offset()
    }

    /// Bytes of batches that a start after a crash reads to know the producers, once the recovery
    /// point has passed the latest snapshot.
    pub fn bytes_since_snapshot(&self) -> u64 {
        self.state.bytes_since_snapshot()
    }

    /// Whether the log was let go with [`Log::abandon`](crate::Log::abandon).
    pub fn is_abandoned(&self) -> bool {
        self.state.is_abandoned()
    }

    /// Unlinks the files that were removed from the log `file.delete.delay.ms` ago, or all of
    /// them `at_once`; how many. Files count from the first call after their removal.
    ///
    /// # Errors
    /// The disk failed, now or before; the log takes nothing any more.
    pub fn purge_removed(&self, now_ms: i64, at_once: bool) -> Result<usize, StorageError> {
        self.state.check()?;
        let result = self.state.purge_removed(now_ms, at_once);
        self.state.poison_on_error(result)
    }
}

impl LogFlusher {
    fn begin_left(&self) -> Result<Option<LeftFlush<'_>>, StorageError> {
        match self.state.begin_flush()? {
            Some(flush) => flush.leave_to_file_system().map(Some),
            None => Ok(None),
        }
    }
}

/// Flushes logs of one file system, each as [`LogFlusher::flush`] does, with one sync of all that was
/// written there. The results stand in the order of the logs, of which none may come twice.
pub fn flush_together(
    flushers: &[LogFlusher],
    file_system: &FileSystem,
) -> Vec<Result<i64, StorageError>> {
    // All have begun before the file system is synced.
    let begun: Vec<_> = flushers.iter().map(LogFlusher::begin_left).collect();
    let is_synced = file_system.sync().is_ok();
    let end = |(flusher, begun): (&LogFlusher, Result<Option<LeftFlush<'_>>, _>)| match begun? {
        Some(flush) if is_synced => flush.file_system_synced(),
        Some(flush) => flush.file_system_failed(),
        None => Ok(flusher.flushed_offset()),
    };
    flushers.iter().zip(begun).map(end).collect()
}
