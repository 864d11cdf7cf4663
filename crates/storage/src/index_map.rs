//! The beginning of an index file as memory. The only unsafe code of this crate.

use crate::disk::DiskFile;
use memmap2::{Mmap, MmapOptions};
use std::io;

/// Entries of an index, read by the system when they are first looked at.
///
/// What is mapped never changes and is never cut off: entries are only added behind it, and an
/// index that is cut becomes another file (`CachedFile::cut`), while this keeps the old one. A
/// page that the disk cannot read ends the process, like any other memory that is gone.
#[derive(Debug)]
pub(crate) struct IndexMap(Mmap);

impl IndexMap {
    /// Maps the first `size` bytes; `None` if the file is shorter or the system has no room. The
    /// caller sees to it that the file is not cut from now on.
    pub(crate) fn of(file: &DiskFile, size: usize) -> io::Result<Option<IndexMap>> {
        if file.len()? < size as u64 {
            return Ok(None);
        }
        let mut options = MmapOptions::new();
        options.len(size);
        // SAFETY: the map is read-only, and so is what it shows for as long as it lives. The file
        // is at least this long, and nobody of this process cuts a file that was mapped: the
        // decision to cut and this call are made under the lock of the file's slot. Bytes within
        // the map were written before its size was published and are not written again. The log
        // directory is locked, so other processes have no business here; one that cut the file
        // all the same would end this process with SIGBUS, one that changed bytes would show as
        // wrong entries, which are checked against the batches.
        #[allow(unsafe_code)]
        let map = unsafe { options.map(file) };
        // Where there is no room for more maps, the file does as well.
        Ok(map.ok().map(IndexMap))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
