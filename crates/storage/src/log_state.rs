//! What the writer, the readers and the flusher of a log share.

use crate::error::StorageError;
use crate::flush::Flush;
use crate::leader_epochs::LeaderEpochs;
use crate::open_files::OpenFiles;
use crate::removed_files::RemovedFiles;
use crate::segment::{Segment, lock};
use crate::small_files::{SmallChanges, SmallFiles};
use crate::undecided_transactions::UndecidedTransactions;
use arc_swap::ArcSwap;
use std::{
    io::{self, ErrorKind::NotFound},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

/// The segments of a log by ascending base offset, at least one; the last is the active one.
pub(crate) type Segments = Vec<Arc<Segment>>;

#[derive(Debug)]
pub(crate) struct LogState {
    dir: PathBuf,
    files: Arc<OpenFiles>,
    segments: ArcSwap<Segments>,
    log_start_offset: AtomicI64,
    log_end_offset: AtomicI64,
    flushed_offset: AtomicI64,
    epochs: Mutex<LeaderEpochs>,
    undecided: UndecidedTransactions,
    /// Whether an epoch was noted in which nothing has been appended yet: it need not be on disk.
    epoch_is_empty: AtomicBool,
    /// Bytes of batches behind the latest producer states.
    bytes_since_snapshot: AtomicU64,
    /// Whether anything changed since the log was opened.
    changed: AtomicBool,
    small_files: SmallFiles,
    /// Files that were removed and are still to be unlinked.
    pub(crate) removed: Mutex<RemovedFiles>,
    /// How often the log was truncated.
    truncations: AtomicU64,
    /// Held by a flush, and by whatever moves the flushed offset back.
    flushing: Mutex<()>,
    /// Held while segments are being replaced.
    replacing: Mutex<()>,
    /// The folder is not the log's any more: flushes do nothing, all else is refused.
    abandoned: AtomicBool,
    failure: OnceLock<Arc<str>>,
}

impl LogState {
    pub(crate) fn new(
        dir: PathBuf,
        files: Arc<OpenFiles>,
        segments: Segments,
        log_start_offset: i64,
        log_end_offset: i64,
        flushed_offset: i64,
        epochs: LeaderEpochs,
    ) -> LogState {
        LogState {
            dir,
            files,
            segments: ArcSwap::from_pointee(segments),
            log_start_offset: AtomicI64::new(log_start_offset),
            log_end_offset: AtomicI64::new(log_end_offset),
            flushed_offset: AtomicI64::new(flushed_offset),
            epochs: Mutex::new(epochs),
            undecided: UndecidedTransactions::default(),
            epoch_is_empty: AtomicBool::new(false),
            bytes_since_snapshot: AtomicU64::new(0),
            changed: AtomicBool::new(false),
            small_files: SmallFiles::new(),
            removed: Mutex::default(),
            truncations: AtomicU64::new(0),
            flushing: Mutex::new(()),
            replacing: Mutex::new(()),
            abandoned: AtomicBool::new(false),
            failure: OnceLock::new(),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the log's files are kept open.
    pub(crate) fn files(&self) -> &Arc<OpenFiles> {
        &self.files
    }

    pub(crate) fn segments(&self) -> Arc<Segments> {
        self.segments.load_full()
    }

    fn has_segment(&self, segment: &Arc<Segment>) -> bool {
        let segments = self.segments.load();
        segments.iter().any(|known| Arc::ptr_eq(known, segment))
    }

    pub(crate) fn set_segments(&self, segments: Segments) {
        self.segments.store(Arc::new(segments));
        self.small_files.set_names();
        self.set_changed();
    }

    /// Whether anything changed since the log was opened, other than the start of an epoch.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    pub(crate) fn set_changed(&self) {
        self.changed.store(true, Ordering::Release);
    }

    pub(crate) fn log_start_offset(&self) -> i64 {
        self.log_start_offset.load(Ordering::Acquire)
    }

    pub(crate) fn set_log_start_offset(&self, offset: i64) {
        self.log_start_offset.store(offset, Ordering::Release);
    }

    pub(crate) fn log_end_offset(&self) -> i64 {
        self.log_end_offset.load(Ordering::Acquire)
    }

    /// Shows readers the log up to an offset.
    pub(crate) fn publish(&self, log_end_offset: i64) {
        self.set_changed();
        self.log_end_offset.store(log_end_offset, Ordering::Release);
    }

    pub(crate) fn bytes_since_snapshot(&self) -> u64 {
        self.bytes_since_snapshot.load(Ordering::Relaxed)
    }

    /// Only the writer of the log sets it.
    pub(crate) fn set_bytes_since_snapshot(&self, bytes: u64) {
        self.bytes_since_snapshot.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn flushed_offset(&self) -> i64 {
        self.flushed_offset.load(Ordering::Acquire)
    }

    /// Moves the end of the log back or elsewhere; nothing may be flushing meanwhile.
    pub(crate) fn cut(&self, _flushing: &MutexGuard<'_, ()>, log_end_offset: i64, flushed: i64) {
        self.set_changed();
        self.flushed_offset.store(flushed, Ordering::Release);
        self.log_end_offset.store(log_end_offset, Ordering::Release);
    }

    /// The log is about to be truncated: what was made of its segments may be of no use.
    pub(crate) fn note_truncation(&self) {
        self.truncations.fetch_add(1, Ordering::AcqRel);
    }

    /// Another number after each truncation.
    pub(crate) fn truncations(&self) -> u64 {
        self.truncations.load(Ordering::Acquire)
    }

    /// Waits for a flush in progress and keeps others from starting.
    pub(crate) fn pause_flushing(&self) -> MutexGuard<'_, ()> {
        lock(&self.flushing)
    }

    /// Keeps readers from opening files: segments are being replaced.
    pub(crate) fn pause_opening(&self) -> MutexGuard<'_, ()> {
        lock(&self.replacing)
    }

    /// Whether segments other than these make up the log now. Waits for a replacement that is
    /// under way.
    pub(crate) fn has_replaced(&self, segments: &Arc<Segments>) -> bool {
        let _replacing = lock(&self.replacing);
        !Arc::ptr_eq(segments, &self.segments.load())
    }

    /// Whether [`LogState::abandon`] was called.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// See [`Log::abandon`](crate::Log::abandon).
    pub(crate) fn abandon(&self) {
        let _flushing = self.pause_flushing();
        self.abandoned.store(true, Ordering::Release);
    }

    pub(crate) fn epochs(&self) -> MutexGuard<'_, LeaderEpochs> {
        lock(&self.epochs)
    }

    pub(crate) fn undecided(&self) -> &UndecidedTransactions {
        &self.undecided
    }

    /// Changes the epochs; the next flush makes the change durable.
    pub(crate) fn change_epochs(&self, change: impl FnOnce(&mut LeaderEpochs) -> bool) {
        if change(&mut self.epochs()) {
            self.small_files.set_epochs();
            self.set_changed();
        }
    }

    /// Notes an epoch in which nothing was appended yet, if `change` says that it is new. It is
    /// written with the first append.
    pub(crate) fn begin_epoch(&self, change: impl FnOnce(&mut LeaderEpochs) -> bool) {
        if change(&mut self.epochs()) {
            self.epoch_is_empty.store(true, Ordering::Release);
        }
    }

    /// Something was appended in the latest epoch.
    pub(crate) fn fill_epoch(&self) {
        if self.epoch_is_empty.load(Ordering::Relaxed)
            && self.epoch_is_empty.swap(false, Ordering::AcqRel)
        {
            self.small_files.set_epochs();
        }
    }

    /// Has a small file or a folder synced with the next flush.
    pub(crate) fn sync_later(&self, path: PathBuf) {
        self.small_files.add(path);
    }

    /// Fails once an earlier write or sync has failed, or the log was abandoned.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        if self.is_abandoned() {
            return Err(StorageError::Abandoned);
        }
        match self.failure.get() {
            Some(reason) => Err(StorageError::Poisoned(reason.clone())),
            None => Ok(()),
        }
    }

    /// Takes the log offline if `result` is a failure of the disk.
    pub(crate) fn poison_on_error<T>(
        &self,
        result: Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if let Err(error) = &result {
            self.note_failure(error);
        }
        result
    }

    fn note_failure(&self, error: &StorageError) {
        if matches!(error, StorageError::Io { .. }) {
            // A later failure is a consequence of the first, which stays.
            self.failure.get_or_init(|| error.to_string().into());
        }
    }

    /// Makes everything before the log end offset durable; that offset. On a full disk it may
    /// fail and succeed later.
    pub(crate) fn flush(&self) -> Result<i64, StorageError> {
        match self.begin_flush()? {
            Some(flush) => flush.sync_files(),
            None => Ok(self.flushed_offset()),
        }
    }

    /// Begins to make everything before the log end offset durable; `None` if there is nothing to
    /// do any more.
    pub(crate) fn begin_flush(&self) -> Result<Option<Flush<'_>>, StorageError> {
        let flushing = self.pause_flushing();
        if self.is_abandoned() {
            return Ok(None);
        }
        self.check()?;
        Ok(Some(Flush::new(self, flushing)))
    }

    /// Notes that everything before an offset has become durable.
    pub(crate) fn flushed_to(&self, _flushing: &MutexGuard<'_, ()>, end_offset: i64) {
        let flushed_offset = self.flushed_offset();
        assert!(
            end_offset >= flushed_offset,
            "flushed {flushed_offset}, log ends at {end_offset}"
        );
        self.flushed_offset.store(end_offset, Ordering::Release);
    }

    /// Notes why a flush has failed; what the caller is told.
    pub(crate) fn flush_failed(&self, error: StorageError) -> StorageError {
        let error = self.sync_unopened_later(error);
        self.note_failure(&error);
        error
    }

    /// What a flush has to make durable beside the batches.
    pub(crate) fn take_small_changes(&self) -> SmallChanges {
        self.small_files.take(|| self.epochs().clone())
    }

    /// What a flush has not made durable.
    pub(crate) fn give_back_small_changes(&self, changes: SmallChanges) {
        self.small_files.give_back(changes);
    }

    /// Segments that may have something to be synced.
    pub(crate) fn unsynced_segments(&self) -> Vec<Arc<Segment>> {
        let segments = self.segments();
        let flushed_offset = self.flushed_offset();
        // One that ends at the flushed offset may have been sealed since: its indexes count too.
        let first_dirty = segments.partition_point(|s| s.base_offset() < flushed_offset);
        segments[first_dirty.saturating_sub(1)..].to_vec()
    }

    /// What is made of a sync of a segment that has failed.
    pub(crate) fn judge_sync<T: Default>(
        &self,
        segment: &Arc<Segment>,
        synced: io::Result<T>,
    ) -> Result<T, StorageError> {
        match synced {
            // Removed meanwhile: nothing of it is to survive.
            Err(error) if error.kind() == NotFound && !self.has_segment(segment) => {
                Ok(T::default())
            }
            synced => synced.map_err(StorageError::io("sync", segment.path())),
        }
    }

    /// What could not be opened for want of descriptors is synced by the next flush: it has lost
    /// nothing, unlike a file whose sync failed.
    fn sync_unopened_later(&self, error: StorageError) -> StorageError {
        if !error.is_unopened() {
            return error;
        }
        self.files.give_way();
        StorageError::Full(error.to_string())
    }
}
