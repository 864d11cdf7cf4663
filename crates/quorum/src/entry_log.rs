//! The Raft log itself: entries by index.

use crate::raft_types::{Entry, LogId};
use openraft::entry::RaftEntry;
use std::{collections::VecDeque, io, path::Path};

/// Entries by index, without a hole.
///
/// ```text
/// start_index ≤ next_index
/// ```
#[derive(Debug, Default)]
pub(crate) struct EntryLog {
    start_index: u64,
    entries: VecDeque<Entry>,
}

/// Makes what was appended durable, without holding up whoever appends meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Flusher;

impl EntryLog {
    pub(crate) fn open(_folder: &Path) -> io::Result<EntryLog> {
        Ok(EntryLog::default())
    }

    pub(crate) fn flusher(&self) -> Flusher {
        Flusher
    }

    pub(crate) fn last_log_id(&self) -> io::Result<Option<LogId>> {
        Ok(self.entries.back().map(RaftEntry::log_id))
    }

    pub(crate) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        if self.entries.is_empty()
            && let Some(first) = entries.first()
        {
            self.start_index = first.log_id().index;
        }
        self.entries.extend(entries.iter().cloned());
        Ok(())
    }

    /// Entries of `start..end` that are there, at least one if any is, and then as many as fit
    /// `bytes_max`.
    pub(crate) fn read(&self, start: u64, end: u64, _bytes_max: usize) -> io::Result<Vec<Entry>> {
        let start = start.max(self.start_index);
        let skip = (start - self.start_index) as usize;
        let take = end.saturating_sub(start) as usize;
        Ok(self.entries.iter().skip(skip).take(take).cloned().collect())
    }

    /// Removes entries from `next_index` on.
    pub(crate) fn truncate(&mut self, next_index: u64) -> io::Result<()> {
        let keep = next_index.saturating_sub(self.start_index) as usize;
        self.entries.truncate(keep);
        Ok(())
    }

    /// Removes entries below `start_index`.
    pub(crate) fn purge(&mut self, start_index: u64) -> io::Result<()> {
        while self.start_index < start_index && self.entries.pop_front().is_some() {
            self.start_index += 1;
        }
        self.start_index = self.start_index.max(start_index);
        Ok(())
    }
}

impl Flusher {
    pub(crate) fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
