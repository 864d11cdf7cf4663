//! One segment: a file of batches and its two indexes, shared by the writer and the readers.

use crate::batch_scan::{BatchAt, BatchScan, ScanError};
use crate::damage::SegmentChecks;
use crate::disk::{self, DiskFile};
use crate::error::ReadError;
use crate::log_files::LogFile;
use crate::offset_index::{self, OffsetIndex};
use crate::open_files::{CachedFile, OpenFiles};
use crate::time_index::{TimeEntry, TimeIndex};
use crate::transaction_index::TransactionIndex;
use klamm_records::{BatchHeader, NO_TIMESTAMP};
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
    max_timestamp: Mutex<Option<Option<TimeEntry>>>,
    /// (base offset, position) of the latest appends, ascending.
    recent: Mutex<VecDeque<(i64, u64)>>,
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

    /// The largest timestamp and the last offset of its batch; `None` if no batch has one.
    pub(crate) fn max_timestamp(&self) -> io::Result<Option<TimeEntry>> {
        let mut known = lock(&self.max_timestamp);
        if let Some(known) = *known {
            return Ok(known);
        }
        let found = self.find_max_timestamp()?;
        *known = Some(found);
        Ok(found)
    }

    /// The last entry of the time index, if it is true and nothing at the end of the segment is
    /// newer; else every batch is asked.
    fn find_max_timestamp(&self) -> io::Result<Option<TimeEntry>> {
        let indexed = self.time_index.last()?;
        let last_position = self.offset_index.last()?.map_or(0, |entry| entry.position);
        if let Some(indexed) = indexed
            && self.batch_of(indexed)?.is_some()
        {
            let newest = self.newest_from(last_position)?;
            if newest.is_some_and(|newest| newest.timestamp <= indexed.timestamp) {
                return Ok(Some(indexed));
            }
        }
        self.newest_from(0)
    }

    /// The newest batch from a position on; what lies behind damage is left out.
    fn newest_from(&self, position: u64) -> io::Result<Option<TimeEntry>> {
        let mut newest: Option<TimeEntry> = None;
        let mut scan = self.scan(position)?;
        loop {
            let header = match scan.next() {
                Ok(Some(batch)) => batch.header,
                Ok(None) | Err(ScanError::Batch { .. }) => return Ok(newest),
                Err(ScanError::Io(error)) => return Err(error),
            };
            let (timestamp, offset) = (header.max_timestamp, header.last_offset());
            if newest.map_or(NO_TIMESTAMP, |newest| newest.timestamp) < timestamp {
                newest = Some(TimeEntry { timestamp, offset });
            }
        }
    }

    /// The batch that an entry of the time index is about; `None` if the entry is wrong.
    pub(crate) fn batch_of(&self, entry: TimeEntry) -> io::Result<Option<BatchAt>> {
        let is_true = |batch: &BatchAt| {
            batch.header.max_timestamp == entry.timestamp
                && batch.header.base_offset <= entry.offset
        };
        match self.find_batch(entry.offset) {
            Ok(found) => Ok(found.filter(is_true)),
            Err(ReadError::Io { source, .. }) => Err(source),
            Err(_) => Ok(None),
        }
    }

    /// The last indexed batch whose predecessors are all older than `timestamp`.
    pub(crate) fn batch_before(&self, timestamp: i64) -> io::Result<Option<BatchAt>> {
        // Entries of exactly this timestamp may point behind the first record that has it.
        match unless_cut(self.time_index.lookup(timestamp.saturating_sub(1)))? {
            Some(entry) => self.batch_of(entry),
            None => Ok(None),
        }
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

    /// The offset behind the last one that an index knows.
    pub(crate) fn indexed_end_offset(&self) -> io::Result<i64> {
        let by_offset = self.offset_index.last()?.map(|entry| entry.last_offset + 1);
        let by_time = self.time_index.last()?.map(|entry| entry.offset + 1);
        Ok(by_offset.max(by_time).unwrap_or(self.base_offset))
    }

    /// The first batch that ends at or behind `offset`; `None` if all end before it.
    pub(crate) fn find_batch(&self, offset: i64) -> Result<Option<BatchAt>, ReadError> {
        if self.size() == 0 {
            return Ok(None); // without opening the file
        }
        let start = self
            .position_before(offset)
            .map_err(ReadError::io(self.path()))?;
        match self.find_batch_from(start, offset) {
            // An index that points between batches, or to a later one; without it, it is only
            // slower.
            Err(ReadError::Damaged { .. }) if start.position > 0 => {
                self.find_batch_from(IndexedPlace::default(), offset)
            }
            Ok(Some(found))
                if start.position == found.position && found.header.base_offset > offset =>
            {
                self.find_batch_from(IndexedPlace::default(), offset)
            }
            found => found,
        }
    }

    fn find_batch_from(
        &self,
        start: IndexedPlace,
        offset: i64,
    ) -> Result<Option<BatchAt>, ReadError> {
        let mut scan = self
            .scan(start.position)
            .map_err(ReadError::io(self.path()))?;
        let mut due = self.base_offset;
        loop {
            let batch = scan.next().map_err(|error| self.read_error(error))?;
            let Some(batch) = batch else {
                return Ok(None);
            };
            let header = &batch.header;
            let is_indexed = batch.position == start.position;
            if header.base_offset < due || (is_indexed && start.contradicts(header)) {
                return Err(self.out_of_place(&batch));
            }
            if header.last_offset() >= offset {
                return Ok(Some(batch));
            }
            due = header.next_offset();
        }
    }

    /// A batch stands where another one was.
    pub(crate) fn out_of_place(&self, batch: &BatchAt) -> ReadError {
        let BatchAt { position, header } = batch;
        let reason = format!("base offset {} is out of place", header.base_offset);
        ReadError::damaged(self.path(), *position, reason)
    }

    /// Where the batch of base offset `offset` starts, if one of the latest appends began
    /// with it: what readers at the tail ask for.
    pub(crate) fn recent_position(&self, offset: i64) -> Option<u64> {
        let recent = lock(&self.recent);
        let found = recent.binary_search_by_key(&offset, |&(base_offset, _)| base_offset);
        found.ok().map(|index| recent[index].1)
    }

    /// Where a batch starts that is at or before the one of `offset`.
    fn position_before(&self, offset: i64) -> io::Result<IndexedPlace> {
        let recent = lock(&self.recent);
        let count = recent.partition_point(|&(base_offset, _)| base_offset <= offset);
        if let Some(&(_, position)) = count.checked_sub(1).and_then(|last| recent.get(last)) {
            return Ok(IndexedPlace {
                position,
                last_offset: None,
            });
        }
        drop(recent);
        let entry = unless_cut(self.offset_index.lookup(offset))?;
        let size = self.size();
        Ok(match entry {
            // No index has an entry for the first batch: zeroes are no entry.
            Some((_, entry)) if (1..size).contains(&entry.position) => IndexedPlace {
                position: entry.position,
                last_offset: Some(entry.last_offset),
            },
            _ => IndexedPlace::default(),
        })
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

/// Where to begin to look for a batch, and what should be there.
#[derive(Clone, Copy, Debug, Default)]
struct IndexedPlace {
    position: u64,
    /// Last offset of the batch there, if an index says.
    last_offset: Option<i64>,
}

impl IndexedPlace {
    fn contradicts(&self, header: &BatchHeader) -> bool {
        self.last_offset
            .is_some_and(|last| last != header.last_offset())
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

/// Does without an index that was cut while it was being read.
fn unless_cut<T>(found: io::Result<Option<T>>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        found => found,
    }
}

/// Locks what no panic can leave half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
