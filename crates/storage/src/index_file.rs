//! A file of entries of one size, as both indexes are.
//!
//! One writer appends; readers see the entries that were published before they looked. Only the
//! index of the active segment keeps its file open, so that old segments cost no descriptors.

use crate::disk::{self, DiskFile};
use arc_swap::ArcSwapOption;
use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Entries that a search reads at once when few enough are left.
const SEARCH_BLOCK: u64 = 64;

/// Entries of `SIZE` bytes each.
#[derive(Debug)]
pub(crate) struct IndexFile<const SIZE: usize> {
    path: PathBuf,
    open: ArcSwapOption<DiskFile>,
    count: AtomicU64,
}

impl<const SIZE: usize> IndexFile<SIZE> {
    /// A new, empty file.
    pub(crate) fn create(path: PathBuf) -> io::Result<IndexFile<SIZE>> {
        let file = disk::create(&path)?;
        Ok(IndexFile {
            path,
            open: ArcSwapOption::from_pointee(file),
            count: AtomicU64::new(0),
        })
    }

    /// A file that must exist; `None` if its size is not a multiple of an entry's.
    pub(crate) fn open(path: PathBuf) -> io::Result<Option<IndexFile<SIZE>>> {
        let size = disk::size(&path)?;
        let count = AtomicU64::new(size / SIZE as u64);
        let whole = size.is_multiple_of(SIZE as u64);
        Ok(whole.then_some(IndexFile {
            path,
            open: ArcSwapOption::empty(),
            count,
        }))
    }

    /// Count of entries.
    pub(crate) fn len(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Adds entries.
    pub(crate) fn append(&self, entries: &[u8]) -> io::Result<()> {
        let count = self.len();
        self.writable()?
            .write_all_at(entries, count * SIZE as u64)?;
        self.count
            .store(count + (entries.len() / SIZE) as u64, Ordering::Release);
        Ok(())
    }

    /// Drops the entries from `count` on.
    pub(crate) fn truncate(&self, count: u64) -> io::Result<()> {
        if count < self.len() {
            self.count.store(count, Ordering::Release);
            self.writable()?.set_len(count * SIZE as u64)?;
        }
        Ok(())
    }

    /// Makes the entries durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.open.load_full() {
            Some(file) => file.sync_data(),
            None => disk::sync_file(&self.path),
        }
    }

    /// Closes the file; it is opened again when it is needed.
    pub(crate) fn close(&self) {
        self.open.store(None);
    }

    /// Entry number `index`, if there is one.
    pub(crate) fn get(&self, index: u64) -> io::Result<Option<[u8; SIZE]>> {
        if index >= self.len() {
            return Ok(None);
        }
        let mut entry = [0; SIZE];
        self.readable()?
            .read_exact_at(&mut entry, index * SIZE as u64)?;
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
        self.readable()?.read_exact_at(&mut bytes, 0)?;
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
        let file = self.readable()?;
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

    fn writable(&self) -> io::Result<Arc<DiskFile>> {
        if let Some(file) = self.open.load_full() {
            return Ok(file);
        }
        let file = Arc::new(disk::open(&self.path)?);
        self.open.store(Some(file.clone()));
        Ok(file)
    }

    fn readable(&self) -> io::Result<Arc<DiskFile>> {
        match self.open.load_full() {
            Some(file) => Ok(file),
            None => disk::open_to_read(&self.path).map(Arc::new),
        }
    }
}
