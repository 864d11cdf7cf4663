//! Makes appends durable beside the writer.

use crate::error::StorageError;
use crate::file_system::FileSystem;
use crate::flush::SharedFlush;
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
    fn begin_shared(&self) -> Result<Option<SharedFlush<'_>>, StorageError> {
        match self.state.begin_flush()? {
            Some(flush) => flush.share().map(Some),
            None => Ok(None),
        }
    }
}

/// Flushes logs of one file system, each as [`LogFlusher::flush`] does, with one sync of all that was
/// written there, or two if some have small changes as well. The results stand in the order of the
/// logs, of which none may come twice.
pub fn flush_together(
    flushers: &[LogFlusher],
    file_system: &FileSystem,
) -> Vec<Result<i64, StorageError>> {
    // All have begun before the file system is synced.
    let mut flushes: Vec<_> = flushers.iter().map(LogFlusher::begin_shared).collect();
    let mut begun = flushes.iter().flatten().flatten();
    let has_small_changes = begun.any(SharedFlush::has_small_changes);
    let mut is_synced = !has_small_changes || file_system.sync().is_ok();
    if is_synced {
        flushes = flushes
            .into_iter()
            .map(|flush| flush?.map(SharedFlush::leave_segments).transpose())
            .collect();
        is_synced = file_system.sync().is_ok();
    }
    let end = |(flusher, flush): (&LogFlusher, Result<Option<SharedFlush<'_>>, _>)| match flush? {
        Some(flush) if is_synced => flush.file_system_synced(),
        Some(flush) => flush.file_system_failed(),
        None => Ok(flusher.flushed_offset()),
    };
    flushers.iter().zip(flushes).map(end).collect()
}
