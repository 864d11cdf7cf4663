//! Timestamp → offset.
//!
//! An entry is 12 bytes: the largest timestamp of the segment so far, and the last offset of the
//! batch that brought it, relative to the segment's base offset. Whatever is newer than an
//! entry's timestamp lies behind its offset.

use crate::index_file::IndexFile;
use crate::open_files::OpenFiles;
use klamm_records::HEADER_SIZE;
use std::{io, path::PathBuf, sync::Arc};

/// Bytes of an entry.
pub(crate) const ENTRY_SIZE: usize = 12;

/// A timestamp that the index knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    /// In ms.
    pub(crate) timestamp: i64,
    /// Last offset of the batch of that timestamp.
    pub(crate) offset: i64,
}

/// The time index of a segment.
#[derive(Debug)]
pub(crate) struct TimeIndex {
    base_offset: i64,
    file: IndexFile<ENTRY_SIZE>,
}

impl TimeIndex {
    /// An index without entries; see [`IndexFile::new`].
    pub(crate) fn new(path: PathBuf, base_offset: i64, files: &Arc<OpenFiles>) -> TimeIndex {
        TimeIndex {
            base_offset,
            file: IndexFile::new(path, files),
        }
    }

    /// The index there is; `None` if it is missing or visibly damaged.
    pub(crate) fn open(
        path: PathBuf,
        base_offset: i64,
        log_size: u64,
        files: &Arc<OpenFiles>,
    ) -> io::Result<Option<TimeIndex>> {
        let file = match IndexFile::open(path, files) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if file.len() > log_size / HEADER_SIZE as u64 {
            return Ok(None);
        }
        let index = TimeIndex { base_offset, file };
        let (first, last) = (index.first()?, index.last()?);
        // Entries of zeros stand where a crash left a hole.
        let sane = last.is_none_or(|last| last.timestamp > 0)
            && first.is_none_or(|first| first.timestamp >= 0)
            && (index.file.len() < 2 || first.map(|e| e.timestamp) < last.map(|e| e.timestamp));
        Ok(sane.then_some(index))
    }

    /// Adds entries, each newer than the one before.
    pub(crate) fn append(&self, entries: &[TimeEntry]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(entries.len() * ENTRY_SIZE);
        for entry in entries {
            let relative_offset = (entry.offset - self.base_offset) as u32;
            bytes.extend_from_slice(&entry.timestamp.to_be_bytes());
            bytes.extend_from_slice(&relative_offset.to_be_bytes());
        }
        self.file.append(&bytes)
    }

    /// The last entry that is at most as new as `timestamp`.
    pub(crate) fn lookup(&self, timestamp: i64) -> io::Result<Option<TimeEntry>> {
        let found = self
            .file
            .last_before(|entry| self.decode(entry).timestamp <= timestamp)?;
        Ok(found.map(|(_, entry)| self.decode(&entry)))
    }

    /// The last entry: the largest timestamp of a segment that is no longer written.
    pub(crate) fn last(&self) -> io::Result<Option<TimeEntry>> {
        Ok(self.file.last()?.map(|entry| self.decode(&entry)))
    }

    /// Whether timestamps rise strictly, and offsets at all, from entry to entry.
    pub(crate) fn is_ordered(&self) -> io::Result<bool> {
        let entries = self.file.read_all()?;
        Ok(entries.is_sorted_by(|a, b| {
            let (a, b) = (self.decode(a), self.decode(b));
            a.timestamp < b.timestamp && a.offset <= b.offset
        }))
    }

    /// Drops the entries whose offset is at or behind `offset`.
    pub(crate) fn truncate_to_offset(&self, offset: i64) -> io::Result<()> {
        let kept = self
            .file
            .last_before_cut(|entry| self.decode(entry).offset < offset)?;
        self.file.truncate(kept.map_or(0, |(index, _)| index + 1))
    }

    /// The entries, as a file.
    pub(crate) fn file(&self) -> &IndexFile<ENTRY_SIZE> {
        &self.file
    }

    fn first(&self) -> io::Result<Option<TimeEntry>> {
        Ok(self.file.get(0)?.map(|entry| self.decode(&entry)))
    }

    fn decode(&self, entry: &[u8; ENTRY_SIZE]) -> TimeEntry {
        let [t @ .., a, b, c, d] = *entry;
        TimeEntry {
            timestamp: i64::from_be_bytes(t),
            offset: self.base_offset + i64::from(u32::from_be_bytes([a, b, c, d])),
        }
    }
}
