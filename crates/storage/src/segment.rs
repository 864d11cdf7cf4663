//! One segment: a file of batches and its two indexes, shared by the writer and the readers.

use crate::batch_scan::{BatchScan, ScanError};
use crate::damage::SegmentChecks;
use crate::disk::{self, DiskFile};
use crate::error::ReadError;
use crate::log_files::LogFile;
use crate::offset_index::{self, OffsetIndex};
use crate::open_files::{CachedFile, OpenFiles};
use crate::time_index::{TimeEntry, TimeIndex};
use crate::transaction_index::TransactionIndex;
use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Latest appends whose exact place is remembered, so that readers of the tail need no index.
const RECENT_MAX: usize = 64;

/// Which files of a segment are durable once the whole file system is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LeftToFileSystem {
    batches: bool,
    transactions: bool,
}

/// A segment of a log.
#[derive(Debug)]
pub(crate) struct Segment {
    base_offset: i64,
    /// The batches; dirty while some are not synced.
    file: CachedFile,
    /// Bytes of complete batches; readers look no further.
    size: AtomicU64,
    offset_index: OffsetIndex,
    time_index: TimeIndex,
    transaction_index: TransactionIndex,
    /// Whether what was found of the transaction index was of use.
    has_transaction_index: AtomicBool,
    /// Whether room was reserved behind the batches.
    is_preallocated: AtomicBool,
    /// Whether the indexes are to be synced with the next sync: once a segment is sealed.
    sync_indexes: AtomicBool,
    /// Largest timestamp and its offset, once anyone has looked it up or written it.
    pub(crate) max_timestamp: Mutex<Option<Option<TimeEntry>>>,
    /// (base offset, position) of the latest appends, ascending.
    pub(crate) recent: Mutex<VecDeque<(i64, u64)>>,
    checks: SegmentChecks,
}

impl Segment {
    /// A new, empty segment. Its indexes get files with their first entries.
    pub(crate) fn create(
        dir: &Path,
        base_offset: i64,
        files: &Arc<OpenFiles>,
    ) -> io::Result<Segment> {
        Segment::create_at(&|file| file.path(dir, base_offset), base_offset, files)
    }

    /// The same with other names.
    pub(crate) fn create_at(
        path_of: &dyn Fn(LogFile) -> PathBuf,
        base_offset: i64,
        files: &Arc<OpenFiles>,
    ) -> io::Result<Segment> {
        let segment = Segment::new(path_of, base_offset, 0, files, None);
        segment.file.create()?;
        Ok(segment)
    }

    /// A segment whose log file exists. The indexes are new and empty if what is there cannot
    /// be used; the flag tells.
    pub(crate) fn open(
        dir: &Path,
        base_offset: i64,
        files: &Arc<OpenFiles>,
    ) -> io::Result<(Segment, bool)> {
        let path_of = |file: LogFile| file.path(dir, base_offset);
        let size = disk::size(&path_of(LogFile::Log))?;
        let indexed_behind = || offset_index::points_behind(&path_of(LogFile::OffsetIndex), size);
        let is_short = size == 0 && indexed_behind()?;
        let indexes = open_indexes(dir, base_offset, size, files)?;
        let has_indexes = size == 0 || indexes.is_some();
        let is_short = is_short || (!has_indexes && indexed_behind()?);
        let mut segment = Segment::new(&path_of, base_offset, size, files, indexes);
        if is_short {
            segment.checks.set_short();
        }
        let path = LogFile::TransactionIndex.path(dir, base_offset);
        match TransactionIndex::open(path, base_offset, size)? {
            Some(index) => segment.transaction_index = index,
            None => segment.drop_transaction_index(),
        }
        Ok((segment, has_indexes))
    }

    fn new(
        path_of: &dyn Fn(LogFile) -> PathBuf,
        base_offset: i64,
        size: u64,
        files: &Arc<OpenFiles>,
        indexes: Option<(OffsetIndex, TimeIndex)>,
    ) -> Segment {
        let (offset_index, time_index) = indexes.unwrap_or_else(|| {
            (
                OffsetIndex::new(path_of(LogFile::OffsetIndex), base_offset, files),
                TimeIndex::new(path_of(LogFile::TimeIndex), base_offset, files),
            )
        });
        Segment {
            base_offset,
            transaction_index: TransactionIndex::empty(path_of(LogFile::TransactionIndex)),
            has_transaction_index: AtomicBool::new(true),
            file: CachedFile::closed(path_of(LogFile::Log), files),
            size: AtomicU64::new(size),
            offset_index,
            time_index,
            is_preallocated: AtomicBool::new(false),
            sync_indexes: AtomicBool::new(false),
            max_timestamp: Mutex::new(None),
            recent: Mutex::new(VecDeque::new()),
            checks: SegmentChecks::new(size),
        }
    }

    pub(crate) fn base_offset(&self) -> i64 {
        self.base_offset
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    pub(crate) fn offset_index(&self) -> &OffsetIndex {
        &self.offset_index
    }

    pub(crate) fn time_index(&self) -> &TimeIndex {
        &self.time_index
    }

    /// What is known of the batches: good, damaged, or not checked yet.
    pub(crate) fn checks(&self) -> &SegmentChecks {
        &self.checks
    }

    pub(crate) fn transaction_index(&self) -> &TransactionIndex {
        &self.transaction_index
    }

    /// Whether the transaction index is as it was left; a damaged one is empty now.
    pub(crate) fn has_transaction_index(&self) -> bool {
        self.has_transaction_index.load(Ordering::Acquire)
    }

    /// Takes a damaged transaction index out of use, to be restored from the batches.
    pub(crate) fn drop_transaction_index(&self) {
        self.transaction_index.forget();
        self.has_transaction_index.store(false, Ordering::Release);
    }

    /// The file of the batches, opened when it is needed.
    pub(crate) fn file(&self) -> io::Result<Arc<DiskFile>> {
        self.file.get()
    }

    /// Writes bytes behind what is there; the next sync reaches them.
    pub(crate) fn write(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        let file = self.file.pin()?;
        file.write_all_at(bytes, position)?;
        // After the write: a sync that runs beside it may miss the bytes, and must not take the
        // mark with it. Before they are published: whoever vouches for them finds the mark.
        self.file.set_dirty();
        Ok(())
    }

    /// Reserves room on disk; see [`Segment::trim`].
    pub(crate) fn preallocate(&self, size: u64) -> io::Result<()> {
        self.set_preallocated();
        self.file.get()?.preallocate(size)
    }

    /// Notes that room may have been reserved.
    pub(crate) fn set_preallocated(&self) {
        self.is_preallocated.store(true, Ordering::Release);
    }

    /// Gives back what was reserved and not used.
    pub(crate) fn trim(&self) -> io::Result<()> {
        if self.is_preallocated.swap(false, Ordering::AcqRel) {
            self.set_dirty();
            self.file.pin()?.set_len(self.size())?;
        }
        Ok(())
    }

    /// Has the next sync reach whatever is in the file.
    pub(crate) fn set_dirty(&self) {
        self.file.set_dirty();
    }

    /// Notes that nothing will be written any more.
    pub(crate) fn seal(&self) {
        self.sync_indexes.store(true, Ordering::Release);
        self.set_dirty();
        lock(&self.recent).clear();
    }

    /// Makes what was written before the call durable; the indexes too, once sealed.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.transaction_index.sync()?;
        if !self.file.sync()? {
            return Ok(());
        }
        if self.sync_indexes.swap(false, Ordering::AcqRel) {
            self.settle_indexes().inspect_err(|_| {
                self.sync_indexes.store(true, Ordering::Release);
                self.set_dirty();
            })?;
        }
        Ok(())
    }

    /// Leaves what was written before the call to a sync of the whole file system. A segment that
    /// has just been sealed is synced here and now, since its indexes count too.
    pub(crate) fn leave_to_file_system(&self) -> io::Result<LeftToFileSystem> {
        if self.sync_indexes.load(Ordering::Acquire) {
            self.sync()?;
        }
        Ok(LeftToFileSystem {
            batches: self.file.take_dirty(),
            transactions: self.transaction_index.take_dirty(),
        })
    }

    /// The sync of the file system has failed: the next sync has to reach all that was left to it.
    pub(crate) fn take_back(&self, left: LeftToFileSystem) {
        if left.batches {
            self.set_dirty();
        }
        if left.transactions {
            self.transaction_index.set_dirty();
        }
    }

    /// Makes both indexes durable.
    pub(crate) fn sync_indexes(&self) -> io::Result<()> {
        self.offset_index.file().sync()?;
        self.time_index.file().sync()
    }

    /// Makes both indexes durable and closes them.
    pub(crate) fn settle_indexes(&self) -> io::Result<()> {
        self.sync_indexes()?;
        self.offset_index.file().close();
        self.time_index.file().close();
        Ok(())
    }

    /// Shows readers the batches up to `size`, the last append among them.
    pub(crate) fn publish(&self, append_offset: i64, append_position: u64, size: u64) {
        let mut recent = lock(&self.recent);
        if recent.len() == RECENT_MAX {
            recent.pop_front();
        }
        recent.push_back((append_offset, append_position));
        drop(recent);
        self.size.store(size, Ordering::Release);
    }

    /// Cuts the segment, durably. Nothing from `position`, where `offset` starts, is left.
    pub(crate) fn truncate(&self, position: u64, offset: i64) -> io::Result<()> {
        let mut max_timestamp = lock(&self.max_timestamp);
        *max_timestamp = None;
        lock(&self.recent).clear();
        self.truncate_indexes(position, offset)?;
        self.transaction_index.truncate_to(offset)?;
        drop(max_timestamp);
        self.size.store(position, Ordering::Release);
        self.checks.cut(position);
        self.set_dirty();
        self.file.pin()?.set_len(position)?;
        // Neither old batches nor what the indexes say of them may come back behind new ones.
        self.sync_indexes()?;
        self.transaction_index.sync()?;
        self.file.sync().map(|_| ())
    }

    /// Makes files for indexes without entries, as a segment has that is no longer written.
    pub(crate) fn create_missing_indexes(&self) -> io::Result<()> {
        if self.size() == 0 {
            return Ok(());
        }
        self.offset_index.file().create_if_missing()?;
        self.time_index.file().create_if_missing()
    }

    /// Notes that its files are about to be removed: whatever has their names later is another
    /// segment's. Readers that have them open are not disturbed.
    pub(crate) fn disown(&self) {
        self.file.disown();
        self.offset_index.file().disown();
        self.time_index.file().disown();
        self.transaction_index.disown();
    }

    /// Drops both indexes' entries from a place on, where `offset` starts.
    pub(crate) fn truncate_indexes(&self, position: u64, offset: i64) -> io::Result<()> {
        self.offset_index.truncate_to_position(position)?;
        self.time_index.truncate_to_offset(offset)
    }

    /// Remembers the largest timestamp.
    pub(crate) fn set_max_timestamp(&self, entry: Option<TimeEntry>) {
        *lock(&self.max_timestamp) = Some(entry);
    }

    /// Walks the batches from a place on where one starts, passing over known damage.
    pub(crate) fn scan(&self, position: u64) -> io::Result<BatchScan> {
        let damage = self.checks.damage();
        let damaged = damage
            .iter()
            .map(|range| (range.position, range.end_position));
        let scan = BatchScan::new(self.file()?, position, self.size());
        Ok(scan.skipping(damaged.collect()))
    }

    /// Walks all bytes, whatever is known of them.
    pub(crate) fn scan_all(&self) -> io::Result<BatchScan> {
        Ok(BatchScan::new(self.file()?, 0, self.size()))
    }

    /// What a walk's end means to a reader.
    pub(crate) fn read_error(&self, error: ScanError) -> ReadError {
        match error {
            ScanError::Io(source) => ReadError::io(self.path())(source),
            ScanError::Batch { position, error } => {
                ReadError::damaged(self.path(), position, error.to_string())
            }
        }
    }

    /// The segment's files; not all of them need to exist.
    pub(crate) fn files(&self) -> [PathBuf; 4] {
        let dir = self.path().parent().unwrap_or(Path::new(""));
        LogFile::OF_SEGMENT.map(|file| file.path(dir, self.base_offset))
    }
}

/// The indexes of a segment with batches; `None` if one of them is missing or visibly damaged.
fn open_indexes(
    dir: &Path,
    base_offset: i64,
    size: u64,
    files: &Arc<OpenFiles>,
) -> io::Result<Option<(OffsetIndex, TimeIndex)>> {
    let offset_index_path = LogFile::OffsetIndex.path(dir, base_offset);
    let time_index_path = LogFile::TimeIndex.path(dir, base_offset);
    if size == 0 {
        // What a crash kept of indexes without batches must not wait for new ones.
        disk::remove(&offset_index_path)?;
        disk::remove(&time_index_path)?;
        return Ok(None);
    }
    let offset_index = OffsetIndex::open(offset_index_path, base_offset, size, files)?;
    let time_index = TimeIndex::open(time_index_path, base_offset, size, files)?;
    Ok(match (offset_index, time_index) {
        // An empty one is rare enough to be made anew on suspicion.
        (Some(offset_index), Some(time_index)) if time_index.last()?.is_some() => {
            Some((offset_index, time_index))
        }
        _ => None,
    })
}

/// Locks what no panic can leave half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
