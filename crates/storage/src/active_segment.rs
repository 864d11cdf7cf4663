//! The segment that is written, with what only its writer knows.

use crate::batch_scan::BatchAt;
use crate::config::LogConfig;
use crate::offset_index::{self, OffsetEntry};
use crate::roll::{RollInput, should_roll};
use crate::segment::Segment;
use crate::time_index::{self, TimeEntry};
use crate::transaction_index::AbortedTransaction;
use klamm_records::NO_TIMESTAMP;
use std::{io, sync::Arc};

/// The last segment of a log.
#[derive(Debug)]
pub(crate) struct ActiveSegment {
    segment: Arc<Segment>,
    /// Bytes of batches since the last one that the offset index knows.
    bytes_since_index: u64,
    /// Largest timestamp so far and the last offset of its batch.
    max_timestamp: Option<TimeEntry>,
    /// Largest timestamp that the time index knows or will know with the next write.
    indexed_timestamp: i64,
    /// Max timestamp of the first batch; negative if there is none.
    first_timestamp: i64,
    /// When it was first written to since it was created or opened, in ms.
    first_used_ms: Option<i64>,
    /// Entries to be added to the offset index with the next write.
    offset_entries: Vec<OffsetEntry>,
    /// Entries to be added to the time index with the next write.
    time_entries: Vec<TimeEntry>,
    /// Entries to be added to the transaction index with the next write.
    aborted: Vec<AbortedTransaction>,
}

impl ActiveSegment {
    /// Takes a segment over. `bytes_since_index` bytes of batches lie behind the last indexed
    /// one; the time index must be right so far.
    pub(crate) fn new(segment: Arc<Segment>, bytes_since_index: u64) -> io::Result<ActiveSegment> {
        let max_timestamp = segment.time_index().last()?;
        Ok(ActiveSegment {
            bytes_since_index,
            max_timestamp,
            indexed_timestamp: max_timestamp.map_or(NO_TIMESTAMP, |entry| entry.timestamp),
            first_timestamp: NO_TIMESTAMP,
            first_used_ms: None,
            offset_entries: Vec::new(),
            time_entries: Vec::new(),
            aborted: Vec::new(),
            segment,
        })
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Sets the max timestamp of the segment's first batch.
    pub(crate) fn set_first_timestamp(&mut self, timestamp: i64) {
        self.first_timestamp = timestamp;
    }

    /// Notes that it is written to.
    pub(crate) fn note_use(&mut self, now_ms: Option<i64>) {
        self.first_used_ms = self.first_used_ms.or(now_ms);
    }

    /// Whether a batch must go to a new segment, `pending` bytes before it being as good as
    /// written.
    pub(crate) fn should_roll(
        &self,
        pending: u64,
        batch: &BatchAt,
        config: &LogConfig,
        now_ms: Option<i64>,
    ) -> bool {
        let pending_entries = self.offset_entries.len() as u64;
        let offset_entries = self.segment.offset_index().file().len() + pending_entries;
        let pending_entries = self.time_entries.len() as u64;
        // One is for the largest timestamp, once the segment is sealed.
        let time_entries = self.segment.time_index().file().len() + pending_entries + 1;
        let offset_bytes = offset_entries * offset_index::ENTRY_SIZE as u64;
        let time_bytes = time_entries * time_index::ENTRY_SIZE as u64;
        let input = RollInput {
            segment_size: self.segment.size() + pending,
            base_offset: self.segment.base_offset(),
            index_bytes: offset_bytes.max(time_bytes),
            first_timestamp: self.first_timestamp,
            batch_size: batch.header.batch_size() as u64,
            last_offset: batch.header.last_offset(),
            max_timestamp: batch.header.max_timestamp,
            age_ms: match (now_ms, self.first_used_ms) {
                (Some(now_ms), Some(first_used_ms)) => now_ms.saturating_sub(first_used_ms),
                _ => 0,
            },
        };
        should_roll(&input, config)
    }

    /// Notes a batch that lies or will lie at the end of the segment.
    pub(crate) fn note(&mut self, batch: &BatchAt, config: &LogConfig) {
        let header = &batch.header;
        if batch.position == 0 {
            self.first_timestamp = header.max_timestamp;
        }
        let largest = self
            .max_timestamp
            .map_or(NO_TIMESTAMP, |entry| entry.timestamp);
        if header.max_timestamp > largest {
            let entry = TimeEntry {
                timestamp: header.max_timestamp,
                offset: header.last_offset(),
            };
            self.max_timestamp = Some(entry);
        }
        if self.bytes_since_index > config.index_interval_bytes {
            self.offset_entries.push(OffsetEntry {
                last_offset: header.last_offset(),
                position: batch.position,
            });
            self.note_timestamp();
            self.bytes_since_index = 0;
        }
        self.bytes_since_index += header.batch_size() as u64;
    }

    /// Notes a transaction that a noted batch aborts.
    pub(crate) fn note_aborted(&mut self, transaction: AbortedTransaction) {
        self.aborted.push(transaction);
    }

    /// Adds the noted transactions to their index, before readers see what they are about.
    /// Whether its file was created.
    pub(crate) fn write_aborted(&mut self) -> io::Result<bool> {
        if self.aborted.is_empty() {
            return Ok(false);
        }
        let created = self.segment.transaction_index().append(&self.aborted)?;
        self.aborted.clear();
        Ok(created)
    }

    /// Appends noted batches, `bytes`, the first of which starts at `base_offset`.
    pub(crate) fn write(
        &mut self,
        bytes: &[u8],
        base_offset: i64,
        config: &LogConfig,
    ) -> io::Result<()> {
        let position = self.segment.size();
        if position == 0 && config.preallocate {
            self.segment.preallocate(config.segment_bytes)?;
        }
        self.segment.write(bytes, position)?;
        self.write_index()?;
        self.segment.set_max_timestamp(self.max_timestamp);
        self.segment
            .publish(base_offset, position, position + bytes.len() as u64);
        Ok(())
    }

    /// Adds the entries of noted batches to the indexes.
    pub(crate) fn write_index(&mut self) -> io::Result<()> {
        if !self.offset_entries.is_empty() {
            self.segment.offset_index().append(&self.offset_entries)?;
            self.offset_entries.clear();
        }
        if !self.time_entries.is_empty() {
            self.segment.time_index().append(&self.time_entries)?;
            self.time_entries.clear();
        }
        Ok(())
    }

    /// Adds the largest timestamp to the time index, and brings the files to their final sizes, as
    /// is due before the segment is sealed.
    pub(crate) fn write_time_entry(&mut self) -> io::Result<()> {
        self.note_timestamp();
        self.write_index()?;
        self.segment.trim()?;
        self.segment.create_missing_indexes()
    }

    /// Notes the largest timestamp for the time index, unless it is there.
    fn note_timestamp(&mut self) {
        if let Some(entry) = self.max_timestamp
            && entry.timestamp > self.indexed_timestamp
        {
            self.time_entries.push(entry);
            self.indexed_timestamp = entry.timestamp;
        }
    }

    /// Lets readers know the largest timestamp.
    pub(crate) fn publish_max_timestamp(&self) {
        self.segment.set_max_timestamp(self.max_timestamp);
    }
}
