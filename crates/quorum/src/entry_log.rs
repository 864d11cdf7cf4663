//! The Raft log as a partition log: one record batch an entry, index = offset, term = leader
//! epoch.

use crate::room::io_error;
use crate::{
    damage_check::check_damage,
    raft_types::{Entry, LogId, epoch_of},
    wire,
};
use bytes::Bytes;
use klamm_records::{BatchBuilder, BatchHeader, Records, split_batches};
use klamm_storage::{Log, LogConfig, LogFlusher, LogReader, OpenOptions};
use klamm_types::LeaderEpoch;
use openraft::entry::RaftEntry;
use std::{io, path::Path};

/// Small segments: the log is cut by whole ones, and scanned whole after a crash.
const SEGMENT_BYTES: u64 = 8 << 20;
/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;
/// The largest entry that is accepted when it is read back.
const ENTRY_BYTES_MAX: usize = 64 << 20;

/// Entries by index, without a hole.
///
/// ```text
/// start index ≤ next index = log end offset
/// ```
#[derive(Debug)]
pub(crate) struct EntryLog {
    log: Log,
    reader: LogReader,
}

impl EntryLog {
    /// Opens or makes the log in `folder`; entries below `start_index` were purged. A torn end
    /// is cut off.
    ///
    /// # Errors
    /// The disk refused, or what was synced is damaged.
    pub(crate) fn open(folder: &Path, start_index: u64) -> io::Result<EntryLog> {
        check_damage(folder)?;
        let config = LogConfig {
            segment_bytes: SEGMENT_BYTES,
            // Nobody comes later to unlink what was purged.
            file_delete_delay_ms: 0,
            ..LogConfig::default()
        };
        let options = OpenOptions {
            clean_shutdown: false,
            recovery_point: 0,
            log_start_offset: offset_of(start_index),
        };
        let (log, report) = Log::open(folder, config, options).map_err(io_error)?;
        if report.bytes_truncated > 0 {
            tracing::warn!(?report, "a torn end of the raft log was cut off");
        }
        let reader = log.reader();
        let mut this = EntryLog { log, reader };
        // A crash may have come between remembering the purge and carrying it out.
        this.purge(start_index)?;
        // What was found may not be on disk yet, and whoever asks for the last entry takes it
        // for durable.
        this.flusher().flush().map_err(io_error)?;
        Ok(this)
    }

    pub(crate) fn flusher(&self) -> LogFlusher {
        self.log.flusher()
    }

    pub(crate) fn last_log_id(&self) -> io::Result<Option<LogId>> {
        let next = index_of(self.log.log_end_offset());
        let last = match next.checked_sub(1) {
            Some(last) => self.read(last, next, READ_BYTES)?,
            None => Vec::new(),
        };
        Ok(last.last().map(RaftEntry::log_id))
    }

    /// Writes entries that follow on the last one.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut batches = Vec::new();
        let flushed = self.reader.flushed_offset();
        for entry in entries {
            batches.extend_from_slice(&encode(entry, flushed)?);
        }
        if !batches.is_empty() {
            self.log.append(&batches).map_err(io_error)?;
        }
        Ok(())
    }

    /// Entries of `start..end` that are there, at least one if any is, and then as many as fit
    /// `bytes_max`.
    pub(crate) fn read(&self, start: u64, end: u64, bytes_max: usize) -> io::Result<Vec<Entry>> {
        let first = self.reader.log_start_offset();
        let mut next = offset_of(start).max(first);
        let end = offset_of(end).min(self.reader.log_end_offset());
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while next < end && bytes < bytes_max {
            let read = self
                .reader
                .read(next, READ_BYTES.min(bytes_max - bytes), end, true)
                .map_err(io::Error::other)?;
            bytes += read.records.len();
            for batch in split_batches(read.records) {
                let (header, batch) = batch.map_err(invalid)?;
                if header.base_offset >= next && header.base_offset < end {
                    entries.push(decode(&header, &batch)?);
                }
            }
            if read.next_offset <= next {
                return Err(invalid(format!("the raft log ends at {next} before {end}")));
            }
            next = read.next_offset;
        }
        Ok(entries)
    }

    /// Removes entries from `next_index` on.
    pub(crate) fn truncate(&mut self, next_index: u64) -> io::Result<()> {
        self.log
            .truncate_to(offset_of(next_index))
            .map(drop)
            .map_err(io_error)
    }

    /// Removes entries below `start_index`; if there are none from there on, the log goes on
    /// there.
    pub(crate) fn purge(&mut self, start_index: u64) -> io::Result<()> {
        let start = offset_of(start_index);
        if start > self.log.log_end_offset() {
            self.log.truncate_fully_and_start_at(start)
        } else {
            self.log.advance_start_offset(start)
        }
        .map_err(io_error)
    }
}

/// Indexes never come near the bound.
fn offset_of(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn index_of(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The log was synced up to `flushed` before this entry was appended; the entry vouches for that
/// where other logs have their time, see [`check_damage`].
fn encode(entry: &Entry, flushed: i64) -> io::Result<Bytes> {
    let log_id = entry.log_id();
    let payload = wire::encode(&entry.payload)?;
    let mut batch = BatchBuilder::new(offset_of(log_id.index))
        .leader_epoch(LeaderEpoch(epoch_of(log_id.leader_id.term)));
    batch.append(flushed, None, Some(&payload), &[]);
    batch.build().map_err(io::Error::other)
}

fn decode(header: &BatchHeader, batch: &Bytes) -> io::Result<Entry> {
    let (_, mut records) = Records::of_batch(batch, ENTRY_BYTES_MAX).map_err(invalid)?;
    let record = records
        .next()
        .ok_or_else(|| invalid("an entry without a record"))?
        .map_err(invalid)?;
    let value = record
        .value
        .ok_or_else(|| invalid("an entry without a value"))?;
    let term = u64::try_from(header.partition_leader_epoch.0).map_err(invalid)?;
    let log_id = LogId::new(term.into(), index_of(header.base_offset));
    Ok(Entry::new(log_id, wire::decode(&value)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft_types::EncodedBatch;
    use openraft::EntryPayload;
    use std::fs;

    fn entry(term: u64, index: u64) -> Entry {
        let payload = Bytes::from(vec![7; 100 + index as usize]);
        let payload = EntryPayload::Normal(EncodedBatch(payload));
        Entry::new(LogId::new(term.into(), index), payload)
    }

    /// Flips a byte in the body of the entry at `index`.
    fn damage(folder: &Path, index: u64) {
        let mut damaged = 0;
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            let needle = offset_of(index).to_be_bytes();
            let is_batch = |at: &usize| bytes[*at..].starts_with(&needle) && bytes[at + 16] == 2;
            let starts = 0..bytes.len().saturating_sub(80);
            if path.extension().is_some_and(|is| is == "log")
                && let Some(at) = starts.clone().find(is_batch)
            {
                bytes[at + 70] ^= 1;
                fs::write(&path, &bytes).unwrap();
                damaged += 1;
            }
        }
        assert_eq!(damaged, 1);
    }

    #[test]
    fn damage_of_what_was_synced_is_refused() {
        for (damaged_at, is_refused) in [(0, true), (3, true), (5, true), (6, false), (9, false)] {
            let temp = tempfile::tempdir().unwrap();
            let mut log = EntryLog::open(temp.path(), 0).unwrap();
            for index in 0..6 {
                log.append(&[entry(1, index)]).unwrap();
                log.flusher().flush().unwrap();
            }
            // Only these may be torn by a power cut, in any order.
            let tail: Vec<Entry> = (6..10).map(|index| entry(1, index)).collect();
            log.append(&tail).unwrap();
            drop(log);

            damage(temp.path(), damaged_at);
            let opened = EntryLog::open(temp.path(), 0);
            if is_refused {
                let error = opened.unwrap_err().to_string();
                assert!(
                    error.contains("00000000000000000000.log is damaged"),
                    "{error}"
                );
                assert!(error.contains(&format!("entry {damaged_at} ")), "{error}");
                // Nothing was cut: it is refused again.
                assert!(EntryLog::open(temp.path(), 0).is_err());
            } else {
                let last = opened.unwrap().last_log_id().unwrap();
                assert_eq!(last, Some(entry(1, damaged_at - 1).log_id()));
            }
        }
    }

    #[test]
    fn a_segment_that_is_missing_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let mut log = EntryLog::open(temp.path(), 0).unwrap();
        let large = EntryPayload::Normal(EncodedBatch(vec![7; 5 << 20].into()));
        for index in 0..6 {
            let log_id = LogId::new(1.into(), index);
            log.append(&[Entry::new(log_id, large.clone())]).unwrap();
            log.flusher().flush().unwrap();
        }
        drop(log);
        let segments = |folder: &Path| {
            let files = fs::read_dir(folder).unwrap();
            let mut logs: Vec<_> = files
                .map(|file| file.unwrap().path())
                .filter(|path| path.extension().is_some_and(|is| is == "log"))
                .collect();
            logs.sort();
            logs
        };
        let found = segments(temp.path());
        assert!(found.len() >= 3);
        fs::remove_file(&found[1]).unwrap();
        assert!(EntryLog::open(temp.path(), 0).is_err());
        assert_eq!(segments(temp.path()).len(), found.len() - 1);
    }

    #[test]
    fn what_is_found_is_durable_before_it_is_told_of() {
        let temp = tempfile::tempdir().unwrap();
        let mut log = EntryLog::open(temp.path(), 0).unwrap();
        log.append(&[entry(1, 0), entry(1, 1)]).unwrap();
        assert!(log.flusher().is_dirty());
        drop(log);

        let log = EntryLog::open(temp.path(), 0).unwrap();
        assert_eq!(log.last_log_id().unwrap(), Some(entry(1, 1).log_id()));
        assert!(!log.flusher().is_dirty());
    }

    #[test]
    fn entries_come_back_after_a_restart() {
        let temp = tempfile::tempdir().unwrap();
        let mut log = EntryLog::open(temp.path(), 0).unwrap();
        assert_eq!(log.last_log_id().unwrap(), None);
        let entries: Vec<Entry> = (0..10).map(|index| entry(1 + index / 4, index)).collect();
        log.append(&entries).unwrap();
        log.flusher().flush().unwrap();
        drop(log);

        let mut log = EntryLog::open(temp.path(), 0).unwrap();
        assert_eq!(log.read(0, u64::MAX, usize::MAX).unwrap(), entries);
        assert_eq!(log.read(3, 5, usize::MAX).unwrap(), entries[3..5]);
        assert_eq!(log.read(3, 5, 1).unwrap(), entries[3..4]);
        assert_eq!(log.last_log_id().unwrap(), Some(entries[9].log_id()));

        log.truncate(6).unwrap();
        assert_eq!(log.last_log_id().unwrap(), Some(entries[5].log_id()));
        log.append(&[entry(9, 6)]).unwrap();
        log.purge(4).unwrap();
        let kept = log.read(4, 100, usize::MAX).unwrap();
        assert_eq!(kept, [entries[4].clone(), entries[5].clone(), entry(9, 6)]);

        log.purge(50).unwrap();
        assert_eq!(log.last_log_id().unwrap(), None);
        log.append(&[entry(9, 50)]).unwrap();
        drop(log);
        let log = EntryLog::open(temp.path(), 50).unwrap();
        assert_eq!(log.read(0, 100, usize::MAX).unwrap(), [entry(9, 50)]);
    }
}
