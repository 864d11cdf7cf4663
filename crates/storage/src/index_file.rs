//! A file of entries of one size, as both indexes are.
//!
//! One writer appends; readers see the entries that were published before they looked. The file
//! is made with the first entry, so that an empty segment costs none.

use crate::disk;
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
            file: CachedFile::closed(path, files),
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
            file: CachedFile::closed(path, files),
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
            let file = self.file.pin()?;
            file.set_len(count * SIZE as u64)?;
            self.file.set_dirty();
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
        let (mut low, mut high) = (0, self.len());
        if high == 0 {
            return Ok(None);
        }
        let file = self.file.get()?;
        let mut found = None;
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
