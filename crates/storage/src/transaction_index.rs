//! Aborted transactions: which ones, where they began, where their markers stand.
//!
//! An entry is 34 bytes: version int16 = 0, producer id int64, first offset int64, last offset
//! int64 (the abort marker's), last stable offset int64. Last offsets rise from entry to entry.
//! The transaction's marker lies in the index's own segment; its first record may lie in an
//! earlier one. The file is created with its first entry, and opened for each use: aborts are
//! rare, and old segments cost no descriptors.
//!
//! Entries below the recovery point are as durable as the batches there; those behind it are
//! made anew from the batches after a crash.

use crate::disk::{self, DiskFile};
use klamm_types::ProducerId;
use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

/// Bytes of an entry.
const ENTRY_SIZE: usize = 34;
const VERSION: i16 = 0;
/// Bytes that an aborted transaction takes in the index's segment at least: its marker. The rest
/// may lie in an earlier segment.
const LOG_BYTES_MIN: u64 = 78;
/// Entries that are read at once.
const BLOCK: u64 = 120;

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Whose it was.
    pub producer_id: ProducerId,
    /// Offset of its first record.
    pub first_offset: i64,
    /// Offset of its marker.
    pub last_offset: i64,
    /// Where the first transaction began that was still open then; the offset after the marker
    /// if there was none. What lies below is described by this entry and those before it.
    pub last_stable_offset: i64,
}

impl AbortedTransaction {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&VERSION.to_be_bytes());
        for field in [
            self.producer_id.0,
            self.first_offset,
            self.last_offset,
            self.last_stable_offset,
        ] {
            out.extend_from_slice(&field.to_be_bytes());
        }
    }

    /// `None` if no broker writes such an entry.
    fn decode(entry: &[u8; ENTRY_SIZE]) -> Option<AbortedTransaction> {
        let (version, rest) = entry.split_first_chunk::<2>()?;
        let [producer_id, first_offset, last_offset, last_stable_offset] = *rest.as_chunks().0
        else {
            return None;
        };
        let aborted = AbortedTransaction {
            producer_id: ProducerId(i64::from_be_bytes(producer_id)),
            first_offset: i64::from_be_bytes(first_offset),
            last_offset: i64::from_be_bytes(last_offset),
            last_stable_offset: i64::from_be_bytes(last_stable_offset),
        };
        let is_sane = i16::from_be_bytes(*version) == VERSION
            && aborted.producer_id.0 >= 0
            && (0..aborted.last_offset).contains(&aborted.first_offset)
            && (0..=aborted.last_offset.saturating_add(1)).contains(&aborted.last_stable_offset);
        is_sane.then_some(aborted)
    }
}

/// The aborted transactions whose markers are in one segment.
#[derive(Debug)]
pub(crate) struct TransactionIndex {
    path: PathBuf,
    count: AtomicU64,
    is_dirty: AtomicBool,
    /// Whether the name is not its own any more.
    is_disowned: AtomicBool,
}

impl TransactionIndex {
    /// The index of a segment without aborted transactions.
    pub(crate) fn empty(path: PathBuf) -> TransactionIndex {
        TransactionIndex {
            path,
            count: AtomicU64::new(0),
            is_dirty: AtomicBool::new(false),
            is_disowned: AtomicBool::new(false),
        }
    }

    /// The index there is, an empty one if there is no file; `None` if it is visibly damaged or
    /// cannot belong to a segment of `log_size` bytes from `base_offset` on. A file without
    /// entries has lost them.
    pub(crate) fn open(
        path: PathBuf,
        base_offset: i64,
        log_size: u64,
    ) -> io::Result<Option<TransactionIndex>> {
        let index = TransactionIndex::empty(path);
        let size = match disk::size(&index.path) {
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(index)),
            Err(error) => return Err(error),
        };
        let is_plausible = size > 0
            && size.is_multiple_of(ENTRY_SIZE as u64)
            && size / ENTRY_SIZE as u64 <= log_size / LOG_BYTES_MIN;
        if !is_plausible {
            return Ok(None);
        }
        index
            .count
            .store(size / ENTRY_SIZE as u64, Ordering::Release);
        let mut last_offset = base_offset.saturating_sub(1);
        let is_sane = index.visit(0, &mut |entry| {
            let rises = entry.is_some_and(|entry| entry.last_offset > last_offset);
            last_offset = entry.map_or(last_offset, |entry| entry.last_offset);
            rises
        })?;
        Ok(is_sane.then_some(index))
    }

    /// The file, which exists if there are entries.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file is about to be removed: whatever has its name later is another one.
    pub(crate) fn disown(&self) {
        self.is_disowned.store(true, Ordering::Release);
    }

    fn open_to_read(&self) -> io::Result<DiskFile> {
        let file = disk::open_to_read(&self.path)?;
        if self.is_disowned.load(Ordering::Acquire) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(file)
    }

    /// Whether no transaction was aborted in the segment.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Adds transactions whose markers stand behind those that are there. Whether the file was
    /// created, so that its folder is to be synced.
    pub(crate) fn append(&self, aborted: &[AbortedTransaction]) -> io::Result<bool> {
        let count = self.len();
        let file = if count == 0 {
            disk::create(&self.path)?
        } else {
            disk::open(&self.path)?
        };
        file.write_all_at(&encode(aborted), count * ENTRY_SIZE as u64)?;
        // After the write: a sync beside it may miss the bytes, and must not take the mark along.
        self.set_dirty();
        self.count
            .store(count + aborted.len() as u64, Ordering::Release);
        Ok(count == 0)
    }

    /// Forgets the entries; the file stays until they are restored.
    pub(crate) fn forget(&self) {
        self.count.store(0, Ordering::Release);
    }

    /// The last entries, at most `count` of them, in order.
    pub(crate) fn latest(&self, count: u64) -> io::Result<Vec<AbortedTransaction>> {
        let mut latest = Vec::new();
        self.visit(self.len().saturating_sub(count), &mut |entry| {
            latest.extend(entry);
            true
        })?;
        Ok(latest)
    }

    /// Puts entries in the place of a damaged file, in one step: were it half done, what is
    /// missing would not be missed.
    pub(crate) fn restore(&self, aborted: &[AbortedTransaction]) -> io::Result<()> {
        if aborted.is_empty() {
            return disk::remove(&self.path);
        }
        disk::replace(&self.path, &encode(aborted))?;
        self.count.store(aborted.len() as u64, Ordering::Release);
        Ok(())
    }

    /// Drops the transactions whose markers stand at or behind an offset.
    pub(crate) fn truncate_to(&self, offset: i64) -> io::Result<()> {
        let kept = self.count_before(offset)?;
        if kept == self.len() {
            return Ok(());
        }
        self.count.store(kept, Ordering::Release);
        if kept == 0 {
            return disk::remove(&self.path);
        }
        disk::open(&self.path)?.set_len(kept * ENTRY_SIZE as u64)?;
        self.set_dirty();
        Ok(())
    }

    /// Makes what was written before the call durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        if self.take_dirty() {
            disk::sync_file(&self.path).inspect_err(|_| self.set_dirty())?;
        }
        Ok(())
    }

    /// Takes the mark off what was written: the caller makes it durable, or marks it again.
    pub(crate) fn take_dirty(&self) -> bool {
        self.is_dirty.swap(false, Ordering::AcqRel)
    }

    /// Has the next sync reach whatever is in the file.
    pub(crate) fn set_dirty(&self) {
        self.is_dirty.store(true, Ordering::Release);
    }

    /// Adds to `found` the transactions of which there may be records in `from_offset..to_offset`.
    /// Whether later segments may hold more of them.
    pub(crate) fn collect(
        &self,
        from_offset: i64,
        to_offset: i64,
        found: &mut Vec<AbortedTransaction>,
    ) -> io::Result<bool> {
        if self.is_empty() {
            return Ok(true);
        }
        let first = self.count_before(from_offset)?;
        self.visit(first, &mut |entry| {
            let Some(entry) = entry else {
                return true; // damage that was done since the file was opened
            };
            if entry.first_offset < to_offset {
                found.push(entry);
            }
            entry.last_stable_offset < to_offset
        })
    }

    /// Count of the entries whose marker stands before an offset.
    fn count_before(&self, offset: i64) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.len());
        if high == 0 {
            return Ok(0);
        }
        let file = self.open_to_read()?;
        while low < high {
            let middle = low + (high - low) / 2;
            let mut entry = [0; ENTRY_SIZE];
            file.read_exact_at(&mut entry, middle * ENTRY_SIZE as u64)?;
            let is_before = AbortedTransaction::decode(&entry)
                .is_some_and(|aborted| aborted.last_offset < offset);
            if is_before {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Calls `visit` with the entries from number `first` on, until it says no. Whether it never
    /// did.
    fn visit(
        &self,
        first: u64,
        visit: &mut dyn FnMut(Option<AbortedTransaction>) -> bool,
    ) -> io::Result<bool> {
        let count = self.len();
        if first >= count {
            return Ok(true);
        }
        let file = self.open_to_read()?;
        let mut next = first;
        while next < count {
            let entries = BLOCK.min(count - next);
            let mut block = vec![0; entries as usize * ENTRY_SIZE];
            file.read_exact_at(&mut block, next * ENTRY_SIZE as u64)?;
            for entry in block.as_chunks().0 {
                if !visit(AbortedTransaction::decode(entry)) {
                    return Ok(false);
                }
            }
            next += entries;
        }
        Ok(true)
    }
}

fn encode(aborted: &[AbortedTransaction]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(aborted.len() * ENTRY_SIZE);
    for transaction in aborted {
        transaction.encode(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn aborted(first_offset: i64, last_offset: i64, last_stable_offset: i64) -> AbortedTransaction {
        AbortedTransaction {
            producer_id: ProducerId(7),
            first_offset,
            last_offset,
            last_stable_offset,
        }
    }

    fn path(dir: &tempfile::TempDir) -> PathBuf {
        dir.path().join("00000000000000000100.txnindex")
    }

    fn stored(index: &TransactionIndex) -> Vec<AbortedTransaction> {
        let mut found = Vec::new();
        index.collect(0, i64::MAX, &mut found).unwrap();
        found
    }

    fn reopen(dir: &tempfile::TempDir) -> Option<TransactionIndex> {
        TransactionIndex::open(path(dir), 100, 1 << 20).unwrap()
    }

    #[test]
    fn the_file_comes_with_the_first_entry_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let index = reopen(&dir).unwrap();
        assert!(index.is_empty() && stored(&index).is_empty());
        assert!(!path(&dir).exists());
        let entries = [aborted(90, 103, 95), aborted(95, 110, 111)];
        assert!(index.append(&entries[..1]).unwrap());
        assert!(!index.append(&entries[1..]).unwrap());
        assert_eq!(fs::metadata(path(&dir)).unwrap().len(), 68);
        assert_eq!(stored(&reopen(&dir).unwrap()), entries);
        index.truncate_to(110).unwrap();
        assert_eq!(stored(&reopen(&dir).unwrap()), entries[..1]);
        index.truncate_to(103).unwrap();
        assert!(reopen(&dir).unwrap().is_empty());
    }

    #[test]
    fn a_search_finds_what_overlaps_and_knows_when_it_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let index = reopen(&dir).unwrap();
        let (a, b, c) = (
            aborted(100, 105, 102),
            aborted(102, 110, 107),
            aborted(107, 120, 121),
        );
        index.append(&[a, b, c]).unwrap();
        let table = [
            ((0, 100), vec![], false),
            ((100, 102), vec![a], false),
            ((100, 103), vec![a, b], false),
            ((105, 107), vec![a, b], false),
            ((106, 107), vec![b], false),
            ((106, 108), vec![b, c], false),
            ((111, 121), vec![c], false),
            ((111, 122), vec![c], true),
            ((121, 130), vec![], true),
        ];
        for ((from, to), expected, goes_on) in table {
            let mut found = Vec::new();
            assert_eq!(
                index.collect(from, to, &mut found).unwrap(),
                goes_on,
                "{from}..{to}"
            );
            assert_eq!(found, expected, "{from}..{to}");
        }
    }

    #[test]
    fn long_files_are_read_in_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let index = reopen(&dir).unwrap();
        let entries: Vec<_> = (0..2 * BLOCK as i64 + 7)
            .map(|i| aborted(100 + 2 * i, 101 + 2 * i, 102 + 2 * i))
            .collect();
        index.append(&entries).unwrap();
        assert_eq!(stored(&reopen(&dir).unwrap()), entries);
        let mut found = Vec::new();
        index.collect(102, i64::MAX, &mut found).unwrap();
        assert_eq!(found, entries[1..]);
    }

    #[test]
    fn damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let index = reopen(&dir).unwrap();
        let entries = [aborted(100, 105, 102), aborted(102, 110, 111)];
        index.append(&entries).unwrap();
        let good = fs::read(path(&dir)).unwrap();
        let damages: [fn(&mut Vec<u8>); 8] = [
            |bytes| bytes.truncate(67),
            |bytes| bytes.clear(),
            |bytes| bytes.copy_within(18..26, 10),
            |bytes| bytes[1] = 1,
            |bytes| bytes.fill(0),
            |bytes| bytes[2] = 0x80,
            |bytes| bytes.copy_within(34..68, 0),
            |bytes| bytes[10] = 1,
        ];
        for (i, damage) in damages.iter().enumerate() {
            let mut bytes = good.clone();
            damage(&mut bytes);
            fs::write(path(&dir), bytes).unwrap();
            assert!(reopen(&dir).is_none(), "damage {i}");
        }
        fs::write(path(&dir), &good).unwrap();
        assert!(reopen(&dir).is_some());
        let too_small = TransactionIndex::open(path(&dir), 100, 155).unwrap();
        assert!(
            too_small.is_none(),
            "more entries than the log has room for"
        );
        let elsewhere = TransactionIndex::open(path(&dir), 106, 1 << 20).unwrap();
        assert!(elsewhere.is_none(), "a marker before the segment");
    }
}
