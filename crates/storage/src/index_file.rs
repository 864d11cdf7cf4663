//! A file of entries of one size, as both indexes are.
//!
//! One writer appends; readers see the entries that were published before they looked. The file
//! is made with the first entry, so that an empty segment costs none.

use crate::disk;
use crate::index_map::IndexMap;
use crate::open_files::{CachedFile, OpenFiles};
use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Entries that a search reads at once when few enough are left.
const SEARCH_BLOCK: u64 = 64;

/// Entries behind the map of an index before it is mapped anew.
const UNMAPPED_MAX: u64 = 1_024;

/// Entries of `SIZE` bytes each.
#[derive(Debug)]
pub(crate) struct IndexFile<const SIZE: usize> {
    file: CachedFile,
    exists: AtomicBool,
    count: AtomicU64,
}

impl<const SIZE: usize> IndexFile<SIZE> {
    /// No entries; a file that there may be is emptied with the first one.
    pub(crate) fn new(path: PathBuf, files: &Arc<OpenFiles>) -> IndexFile<SIZE> {
        IndexFile {
            file: CachedFile::hint(path, files),
            exists: AtomicBool::new(false),
            count: AtomicU64::new(0),
        }
    }

    /// A file that must exist; `None` if its size is not a multiple of an entry's.
    pub(crate) fn open(
        path: PathBuf,
        files: &Arc<OpenFiles>,
    ) -> io::Result<Option<IndexFile<SIZE>>> {
        let size = disk::size(&path)?;
        let whole = size.is_multiple_of(SIZE as u64);
        Ok(whole.then(|| IndexFile {
            file: CachedFile::hint(path, files),
            exists: AtomicBool::new(true),
            count: AtomicU64::new(size / SIZE as u64),
        }))
    }

    /// Count of entries.
    pub(crate) fn len(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Bytes of entries.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.len() * SIZE as u64
    }

    /// Makes the file if there is none.
    pub(crate) fn create_if_missing(&self) -> io::Result<()> {
        if !self.exists.load(Ordering::Relaxed) {
            self.file.create()?;
            self.file.set_dirty();
            self.exists.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Adds entries.
    pub(crate) fn append(&self, entries: &[u8]) -> io::Result<()> {
        self.create_if_missing()?;
        let count = self.len();
        let file = self.file.pin()?;
        file.write_all_at(entries, count * SIZE as u64)?;
        self.file.set_dirty();
        drop(file);
        self.count
            .store(count + (entries.len() / SIZE) as u64, Ordering::Release);
        Ok(())
    }

    /// Drops the entries from `count` on.
    pub(crate) fn truncate(&self, count: u64) -> io::Result<()> {
        if count < self.len() {
            self.count.store(count, Ordering::Release);
            if !self.file.cut(count * SIZE as u64)? {
                // Without entries it is slower, but as right.
                self.count.store(0, Ordering::Release);
                self.exists.store(false, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Makes the entries durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync().map(|_| ())
    }

    /// Closes the file; it is opened again when it is needed.
    pub(crate) fn close(&self) {
        self.file.close();
    }

    /// Notes that the file is about to lose its name.
    pub(crate) fn disown(&self) {
        self.file.disown();
    }

    /// Entry number `index`, if there is one.
    pub(crate) fn get(&self, index: u64) -> io::Result<Option<[u8; SIZE]>> {
        if index >= self.len() {
            return Ok(None);
        }
        let mut entry = [0; SIZE];
        let file = self.file.get()?;
        file.read_exact_at(&mut entry, index * SIZE as u64)?;
        Ok(Some(entry))
    }

    /// The last entry, if there is one.
    pub(crate) fn last(&self) -> io::Result<Option<[u8; SIZE]>> {
        match self.len().checked_sub(1) {
            Some(last) => self.get(last),
            None => Ok(None),
        }
    }

    /// The beginning of an index of `count` entries as memory, if that is worth it.
    fn map(&self, count: u64) -> io::Result<Option<Arc<IndexMap>>> {
        if count <= SEARCH_BLOCK {
            return Ok(None);
        }
        // The active segment's grows all the time; its end is read from the file.
        let size_min = count.saturating_sub(UNMAPPED_MAX) as usize * SIZE;
        self.file.map(size_min, count as usize * SIZE)
    }

    /// Every entry, in order.
    pub(crate) fn read_all(&self) -> io::Result<Vec<[u8; SIZE]>> {
        let mut bytes = vec![0; self.len() as usize * SIZE];
        if !bytes.is_empty() {
            self.file.get()?.read_exact_at(&mut bytes, 0)?;
        }
        Ok(bytes.as_chunks().0.to_vec())
    }

    /// Of the entries for which `is_before` holds, all of them at the front, the last one and
    /// its number.
    pub(crate) fn last_before(
        &self,
        is_before: impl Fn(&[u8; SIZE]) -> bool,
    ) -> io::Result<Option<(u64, [u8; SIZE])>> {
        let count = self.len();
        let Some(map) = self.map(count)? else {
            return self.search_file(0, count, None, is_before);
        };
        let entries = map.bytes().as_chunks::<SIZE>().0;
        let entries = &entries[..entries.len().min(count as usize)];
        let before = entries.partition_point(&is_before);
        let found = before
            .checked_sub(1)
            .map(|last| (last as u64, entries[last]));
        if before < entries.len() {
            return Ok(found);
        }
        self.search_file(entries.len() as u64, count, found, is_before)
    }

    /// The same without a map: one that is about to be cut is not worth it, since a file that
    /// was mapped has to be replaced.
    pub(crate) fn last_before_cut(
        &self,
        is_before: impl Fn(&[u8; SIZE]) -> bool,
    ) -> io::Result<Option<(u64, [u8; SIZE])>> {
        self.search_file(0, self.len(), None, is_before)
    }

    /// Searches the entries from `low` to `high`; `found` is the one before them.
    fn search_file(
        &self,
        mut low: u64,
        mut high: u64,
        mut found: Option<(u64, [u8; SIZE])>,
        is_before: impl Fn(&[u8; SIZE]) -> bool,
    ) -> io::Result<Option<(u64, [u8; SIZE])>> {
        if low == high {
            return Ok(found);
        }
        let file = self.file.get()?;
        while high - low > SEARCH_BLOCK {
            let middle = low + (high - low) / 2;
            let mut entry = [0; SIZE];
            file.read_exact_at(&mut entry, middle * SIZE as u64)?;
            if is_before(&entry) {
                found = Some((middle, entry));
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut block = vec![0; (high - low) as usize * SIZE];
        file.read_exact_at(&mut block, low * SIZE as u64)?;
        let entries = block.as_chunks::<SIZE>().0;
        let count = entries.partition_point(is_before);
        match count.checked_sub(1) {
            Some(last) => Ok(Some((low + last as u64, entries[last]))),
            None => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::fs::MetadataExt, path::Path};

    fn index(dir: &Path, files: &Arc<OpenFiles>) -> IndexFile<8> {
        IndexFile::new(dir.join("0.index"), files)
    }

    /// Adds even numbers.
    fn grow(index: &IndexFile<8>, to: u64) {
        let numbers = (index.len()..to).flat_map(|i| (2 * i).to_be_bytes());
        index.append(&numbers.collect::<Vec<_>>()).unwrap();
    }

    fn last_below(index: &IndexFile<8>, bound: u64) -> Option<(u64, u64)> {
        let found = index.last_before(|entry| u64::from_be_bytes(*entry) < bound);
        found
            .unwrap()
            .map(|(number, entry)| (number, u64::from_be_bytes(entry)))
    }

    fn check(index: &IndexFile<8>) {
        assert_eq!(last_below(index, 0), None);
        for bound in (1..2 * index.len() + 10).step_by(3) {
            let number = bound.div_ceil(2).min(index.len()) - 1;
            assert_eq!(last_below(index, bound), Some((number, 2 * number)));
        }
    }

    #[test]
    fn entries_are_found_in_the_map_and_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let index = index(dir.path(), &OpenFiles::new(10));
        for count in [10, 64, 65, 500, 1_000, 5_000] {
            grow(&index, count);
            check(&index);
        }
    }

    #[test]
    fn a_map_outlives_a_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.index");
        let index = index(dir.path(), &OpenFiles::new(10));
        grow(&index, 5_000);
        let inode = || std::fs::metadata(&path).unwrap().ino();
        let before = inode();
        index.truncate(4_000).unwrap();
        assert_eq!(inode(), before);
        let map = index.map(4_000).unwrap().unwrap();
        index.truncate(70).unwrap();
        assert_ne!(inode(), before);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 70 * 8);
        let last = map.bytes().as_chunks::<8>().0[3_999];
        assert_eq!(u64::from_be_bytes(last), 2 * 3_999);
        check(&index);
        grow(&index, 300);
        index.sync().unwrap();
        check(&index);
        let reopened = IndexFile::open(path, &OpenFiles::new(10)).unwrap().unwrap();
        check(&reopened);
    }

    #[test]
    fn readers_are_not_disturbed_by_cuts_and_evictions() {
        let dir = tempfile::tempdir().unwrap();
        let files = OpenFiles::new(1);
        let index = index(dir.path(), &files);
        let other = IndexFile::<8>::new(dir.path().join("1.index"), &files);
        grow(&index, 3_000);
        grow(&other, 3_000);
        other.sync().unwrap();
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..300 {
                    index.truncate(100 + round * 7 % 400).unwrap();
                    grow(&index, 1_500 + round * 13 % 900);
                    index.sync().unwrap();
                    check(&other);
                }
                is_done.store(true, Ordering::Release);
            });
            while !is_done.load(Ordering::Acquire) {
                for bound in (1..3_000).step_by(100) {
                    let found = index.last_before(|entry| u64::from_be_bytes(*entry) < bound);
                    match found {
                        Ok(found) => assert!(found.is_some_and(|(number, entry)| {
                            u64::from_be_bytes(entry) == 2 * number && 2 * number < bound
                        })),
                        Err(error) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
                    }
                }
            }
        });
        assert!(files.count() <= 2);
    }
}
