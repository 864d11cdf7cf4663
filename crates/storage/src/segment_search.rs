//! Finds batches in a segment: by offset, by timestamp, and the newest of all. Indexes say where to
//! begin; the batches have the last word.

use crate::batch_scan::{BatchAt, ScanError};
use crate::error::ReadError;
use crate::segment::{Segment, lock};
use crate::time_index::TimeEntry;
use klamm_records::{BatchHeader, NO_TIMESTAMP};
use std::io;

impl Segment {
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
        let indexed = self.time_index().last()?;
        let last_position = self
            .offset_index()
            .last()?
            .map_or(0, |entry| entry.position);
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
        match unless_cut(self.time_index().lookup(timestamp.saturating_sub(1)))? {
            Some(entry) => self.batch_of(entry),
            None => Ok(None),
        }
    }

    /// The offset behind the last one that an index knows.
    pub(crate) fn indexed_end_offset(&self) -> io::Result<i64> {
        let by_offset = self
            .offset_index()
            .last()?
            .map(|entry| entry.last_offset + 1);
        let by_time = self.time_index().last()?.map(|entry| entry.offset + 1);
        Ok(by_offset.max(by_time).unwrap_or(self.base_offset()))
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
        let mut due = self.base_offset();
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
        let entry = unless_cut(self.offset_index().lookup(offset))?;
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

/// Does without an index that was cut while it was being read.
fn unless_cut<T>(found: io::Result<Option<T>>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        found => found,
    }
}
