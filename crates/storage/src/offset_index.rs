//! Offset → position in the segment.
//!
//! An entry is 8 bytes: the last offset of a batch relative to the segment's base offset, and
//! the position of that batch. There is one about every `index.interval.bytes`, none for the
//! first batch of a segment.

use crate::disk;
use crate::index_file::IndexFile;
use crate::open_files::OpenFiles;
use klamm_records::HEADER_SIZE;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Bytes of an entry.
pub(crate) const ENTRY_SIZE: usize = 8;

/// Largest index that is looked at: one of a segment of 2 GiB that indexes every batch.
const FILE_BYTES_MAX: u64 = (2 << 30) / HEADER_SIZE as u64 * ENTRY_SIZE as u64;

/// A batch that the index knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    /// Last offset of the batch.
    pub(crate) last_offset: i64,
    /// Where the batch starts, in bytes.
    pub(crate) position: u64,
}

/// Whether an index, sound in itself, ends with a batch behind the end of a log of this size: the
/// log has lost its end.
pub(crate) fn points_behind(path: &Path, log_size: u64) -> io::Result<bool> {
    let bytes = disk::read(path, FILE_BYTES_MAX)?.unwrap_or_default();
    let (entries, rest) = bytes.as_chunks::<ENTRY_SIZE>();
    let decode = |[a, b, c, d, e, f, g, h]: [u8; ENTRY_SIZE]| {
        (
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]),
        )
    };
    let is_sound = rest.is_empty()
        && entries.is_sorted_by(|a, b| {
            let (a, b) = (decode(*a), decode(*b));
            a.0 < b.0 && a.1 < b.1
        });
    let last = entries.last().map(|entry| u64::from(decode(*entry).1));
    Ok(is_sound && last.is_some_and(|position| position >= log_size))
}

/// The offset index of a segment.
#[derive(Debug)]
pub(crate) struct OffsetIndex {
    base_offset: i64,
    file: IndexFile<ENTRY_SIZE>,
}

impl OffsetIndex {
    /// An index without entries; see [`IndexFile::new`].
    pub(crate) fn new(path: PathBuf, base_offset: i64, files: &Arc<OpenFiles>) -> OffsetIndex {
        OffsetIndex {
            base_offset,
            file: IndexFile::new(path, files),
        }
    }

    /// The index there is; `None` if it is missing or visibly not one of a log of this size.
    pub(crate) fn open(
        path: PathBuf,
        base_offset: i64,
        log_size: u64,
        files: &Arc<OpenFiles>,
    ) -> io::Result<Option<OffsetIndex>> {
        let file = match IndexFile::open(path, files) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if file.len() > log_size / HEADER_SIZE as u64 {
            return Ok(None);
        }
        let index = OffsetIndex { base_offset, file };
        let sane = index.last()?.is_none_or(|last| {
            last.position > 0 && last.position < log_size && last.last_offset > base_offset
        });
        Ok(sane.then_some(index))
    }

    /// Adds batches behind those that are there.
    pub(crate) fn append(&self, entries: &[OffsetEntry]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(entries.len() * ENTRY_SIZE);
        for entry in entries {
            let relative_offset = (entry.last_offset - self.base_offset) as u32;
            bytes.extend_from_slice(&relative_offset.to_be_bytes());
            bytes.extend_from_slice(&(entry.position as u32).to_be_bytes());
        }
        self.file.append(&bytes)
    }

    /// The last known batch that ends at or before `offset`.
    pub(crate) fn lookup(&self, offset: i64) -> io::Result<Option<(u64, OffsetEntry)>> {
        let found = self
            .file
            .last_before(|entry| self.decode(entry).last_offset <= offset)?;
        Ok(found.map(|(index, entry)| (index, self.decode(&entry))))
    }

    /// The same before the index is cut; see [`IndexFile::last_before_cut`].
    pub(crate) fn lookup_before_cut(&self, offset: i64) -> io::Result<Option<(u64, OffsetEntry)>> {
        let found = self
            .file
            .last_before_cut(|entry| self.decode(entry).last_offset <= offset)?;
        Ok(found.map(|(index, entry)| (index, self.decode(&entry))))
    }

    /// The last known batch.
    pub(crate) fn last(&self) -> io::Result<Option<OffsetEntry>> {
        Ok(self.file.last()?.map(|entry| self.decode(&entry)))
    }

    /// Whether offsets and positions rise strictly from entry to entry.
    pub(crate) fn is_ordered(&self) -> io::Result<bool> {
        let entries = self.file.read_all()?;
        Ok(entries.is_sorted_by(|a, b| {
            let (a, b) = (self.decode(a), self.decode(b));
            a.last_offset < b.last_offset && a.position < b.position
        }))
    }

    /// Drops every batch that starts at or behind a position.
    pub(crate) fn truncate_to_position(&self, position: u64) -> io::Result<()> {
        let kept = self
            .file
            .last_before_cut(|entry| self.decode(entry).position < position)?;
        self.file.truncate(kept.map_or(0, |(index, _)| index + 1))
    }

    /// The entries, as a file.
    pub(crate) fn file(&self) -> &IndexFile<ENTRY_SIZE> {
        &self.file
    }

    fn decode(&self, entry: &[u8; ENTRY_SIZE]) -> OffsetEntry {
        let [a, b, c, d, e, f, g, h] = *entry;
        OffsetEntry {
            last_offset: self.base_offset + i64::from(u32::from_be_bytes([a, b, c, d])),
            position: u64::from(u32::from_be_bytes([e, f, g, h])),
        }
    }
}
