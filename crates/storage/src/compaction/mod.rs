//! Log compaction: of each key, only the last record is kept (rule 119).
//!
//! A [`Compaction`] works on the sealed segments beside the writer. It first notes the last
//! offset of each key in the dirty part of the log, then rewrites the log from its start on,
//! several segments into one where they fit. Each [`Replacement`] is handed to
//! [`Log::install`](crate::Log::install), which puts it in the place of its sources if they are
//! still there. Stopping anywhere leaves a log that says the same as before.
//!
//! Memory: the map of keys, one batch of each input and output, and what one batch takes
//! decompressed. Not here: when to compact what, and waiting; both are the caller's.

mod batch_filter;
pub(crate) mod batch_reader;
mod cleanable;
mod error;
mod grouping;
mod offset_map;
pub(crate) mod pace;
pub(crate) mod segment_writer;

mod transactions;

pub use cleanable::Cleanable;
pub use error::CompactionError;

use crate::config::LogConfig;
use crate::error::ReadError;
use crate::log::Log;
use crate::log_reader::LogReader;
use crate::log_state::LogState;
use crate::replacement::Replacement;
use crate::segment::Segment;
use crate::transaction_index::AbortedTransaction;
use crate::transactions_reader::search_aborted;
use batch_filter::{BatchFilter, Kept, LastWrite, records_of};
use batch_reader::{BatchReader, damaged};
use cleanable::{CleanableInput, SegmentFacts, cleanable};
use grouping::{SegmentSize, group};
use klamm_records::{BatchHeader, RecordViews};
use klamm_types::ProducerId;
use offset_map::OffsetMap;
use pace::Pace;
use segment_writer::SegmentWriter;
use std::{collections::BTreeMap, ops::Range, sync::Arc};
use transactions::TransactionTracker;

/// What a compaction may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompactionLimits {
    /// Memory for the keys, in bytes.
    pub map_bytes: u64,
    /// How full the table of keys may get, 0 to 1.
    pub map_load_factor: f64,
    /// Bytes read or written at once.
    pub io_bytes: usize,
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactionStats {
    /// Bytes of the segments that were rewritten.
    pub bytes_before: u64,
    /// Bytes of those that took their place.
    pub bytes_after: u64,
    /// Keys in the part that was dirty.
    pub keys: u64,
}

/// A compaction under way.
pub struct Compaction {
    state: Arc<LogState>,
    config: LogConfig,
    limits: CompactionLimits,
    now_ms: i64,
    /// Of the log, when this began.
    truncations: u64,
    first_dirty_offset: i64,
    end_offset: i64,
    active_producers: BTreeMap<ProducerId, LastWrite>,
    /// The segments before the end.
    segments: Vec<Arc<Segment>>,
    stats: CompactionStats,
}

/// A compaction that knows the keys: the rewriting.
pub struct Rewriting {
    job: Compaction,
    filter: BatchFilter,
    groups: std::vec::IntoIter<Range<usize>>,
}

impl LogReader {
    /// What of the log can be compacted; `None` if there is nothing new. `checkpoint` is where
    /// the last compaction ended; what is not committed or belongs to an open transaction lies
    /// at or behind `first_undecided_offset`.
    ///
    /// # Errors
    /// The disk failed.
    pub fn cleanable(
        &self,
        config: &LogConfig,
        checkpoint: Option<i64>,
        first_undecided_offset: i64,
        now_ms: i64,
    ) -> Result<Option<Cleanable>, ReadError> {
        // In this order: an offset that is known lies in segments that are known.
        let (log_start_offset, log_end_offset) = (self.log_start_offset(), self.log_end_offset());
        let segments = self.state.segments();
        let facts: Vec<SegmentFacts> = segments
            .iter()
            .map(|segment| facts(segment, config))
            .collect::<Result<_, _>>()?;
        let input = CleanableInput {
            segments: &facts,
            log_start_offset,
            log_end_offset,
            checkpoint,
            first_undecided_offset: first_undecided_offset.min(log_end_offset),
            now_ms,
        };
        Ok(cleanable(&input, config))
    }
}

/// Timestamps are looked up only if something depends on them.
fn facts(segment: &Segment, config: &LogConfig) -> Result<SegmentFacts, ReadError> {
    let error = || ReadError::io(segment.path());
    let mut facts = SegmentFacts {
        base_offset: segment.base_offset(),
        size_bytes: segment.size(),
        largest_timestamp: klamm_records::NO_TIMESTAMP,
        first_timestamp: klamm_records::NO_TIMESTAMP,
    };
    if config.min_compaction_lag_ms > 0
        && let Some(entry) = segment.max_timestamp().map_err(error())?
    {
        facts.largest_timestamp = entry.timestamp;
    }
    if config.max_compaction_lag_ms < i64::MAX {
        let mut scan = segment.scan(0).map_err(error())?;
        let first = scan.next().map_err(|error| segment.read_error(error))?;
        if let Some(batch) = first {
            facts.first_timestamp = batch.header.max_timestamp;
        }
    }
    Ok(facts)
}

impl Log {
    /// Begins a compaction of what [`LogReader::cleanable`] found.
    pub fn compaction(
        &self,
        cleanable: &Cleanable,
        limits: CompactionLimits,
        now_ms: i64,
    ) -> Compaction {
        let segments = self.state.segments();
        let count = segments.partition_point(|s| s.base_offset() < cleanable.end_offset);
        // The last segment is active, whatever the caller says.
        let count = count.min(segments.len() - 1);
        let last_write = |(id, state): (ProducerId, &crate::ProducerState)| {
            let last_offset = state.batches.back().map(|batch| batch.last_offset);
            let epoch = state.epoch;
            (id, LastWrite { epoch, last_offset })
        };
        Compaction {
            state: self.state.clone(),
            config: self.config,
            limits,
            now_ms,
            truncations: self.state.truncations(),
            first_dirty_offset: cleanable.first_dirty_offset,
            end_offset: segments[count].base_offset(),
            active_producers: self.producers.iter().map(last_write).collect(),
            segments: segments[..count].to_vec(),
            stats: CompactionStats::default(),
        }
    }
}

impl Compaction {
    /// Notes the last offset of each key. `go_on` hears of bytes that were read or written and
    /// says whether to go on.
    ///
    /// # Errors
    /// A segment is damaged, the disk failed, or `go_on` said no.
    pub fn map_keys(
        mut self,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Rewriting, CompactionError> {
        let mapped = self.map(&mut Pace::new(go_on));
        // A segment that was removed meanwhile is no failure.
        let mapped = mapped.map_err(|error| self.check(&self.segments).err().unwrap_or(error));
        let (aborted, map) = mapped?;
        self.stats.keys = map.keys.len();
        let sizes: Vec<SegmentSize> = (0..self.segments.len()).map(|i| self.size(i)).collect();
        let rewritten = sizes.partition_point(|s| s.base_offset <= map.last_offset);
        let groups = group(&sizes[..rewritten], &self.config).into_iter();
        self.end_offset = map.last_offset + 1;
        let filter = BatchFilter {
            keys: map.keys,
            last_mapped_offset: map.last_offset,
            now_ms: self.now_ms,
            delete_retention_ms: self.config.delete_retention_ms,
            active_producers: std::mem::take(&mut self.active_producers),
            transactions: TransactionTracker::new(aborted),
            still_aborted: Vec::new(),
        };
        Ok(Rewriting {
            job: self,
            filter,
            groups,
        })
    }

    fn map(
        &self,
        pace: &mut Pace<'_>,
    ) -> Result<(Vec<AbortedTransaction>, MappedKeys), CompactionError> {
        // Markers may lie behind the end.
        let aborted = search_aborted(&self.state.segments(), 0, self.end_offset)?;
        let span = self
            .end_offset
            .saturating_sub(self.first_dirty_offset)
            .max(0);
        let mut map = MappedKeys {
            keys: OffsetMap::new(
                self.limits.map_bytes,
                self.limits.map_load_factor,
                span.unsigned_abs(),
            ),
            first_offset: self.first_dirty_offset,
            last_offset: self.first_dirty_offset - 1,
        };
        let is_ahead = |t: &AbortedTransaction| t.last_offset >= self.first_dirty_offset;
        let ahead = aborted.iter().copied().filter(is_ahead).collect();
        let mut transactions = TransactionTracker::new(ahead);
        for segment in &self.segments[self.first_dirty_segment()..] {
            if !map.add_segment(segment, &mut transactions, &self.limits, pace)? {
                return Ok((aborted, map));
            }
        }
        map.last_offset = self.end_offset - 1;
        Ok((aborted, map))
    }

    fn first_dirty_segment(&self) -> usize {
        self.segments
            .partition_point(|segment| segment.base_offset() <= self.first_dirty_offset)
            .saturating_sub(1)
    }

    fn size(&self, i: usize) -> SegmentSize {
        let segment = &self.segments[i];
        let next = self.segments.get(i + 1);
        SegmentSize {
            base_offset: segment.base_offset(),
            next_base_offset: next.map_or(self.end_offset, |next| next.base_offset()),
            log_bytes: segment.size(),
            offset_index_bytes: segment.offset_index().file().size_bytes(),
            time_index_bytes: segment.time_index().file().size_bytes(),
        }
    }

    /// Fails if segments are not the log's any more, or the log was truncated: keys may be mapped
    /// to records that are gone, and other batches are the last ones of their producers.
    fn check(&self, segments: &[Arc<Segment>]) -> Result<(), CompactionError> {
        let now = self.state.segments();
        let is_there = |segment: &Arc<Segment>| now.iter().any(|s| Arc::ptr_eq(s, segment));
        let is_cut = self.state.truncations() != self.truncations;
        if is_cut || self.state.is_abandoned() || !segments.iter().all(is_there) {
            return Err(CompactionError::Stopped);
        }
        Ok(())
    }
}

impl Rewriting {
    /// Where the compaction will have ended: the next one's checkpoint.
    pub fn end_offset(&self) -> i64 {
        self.job.end_offset
    }

    /// What was done so far.
    pub fn stats(&self) -> CompactionStats {
        self.job.stats
    }

    /// Rewrites the next group of segments; `None` after the last.
    ///
    /// # Errors
    /// A segment is damaged, the disk failed, or `go_on` said no.
    pub fn next_replacement(
        &mut self,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Option<Replacement>, CompactionError> {
        let Some(range) = self.groups.next() else {
            return Ok(None);
        };
        let sources = self.job.segments[range].to_vec();
        self.job.check(&sources)?;
        let rewritten = self.rewrite(sources.clone(), &mut Pace::new(go_on));
        rewritten
            .map(Some)
            .map_err(|error| self.job.check(&sources).err().unwrap_or(error))
    }

    fn rewrite(
        &mut self,
        sources: Vec<Arc<Segment>>,
        pace: &mut Pace<'_>,
    ) -> Result<Replacement, CompactionError> {
        let (dir, config) = (self.job.state.dir(), &self.job.config);
        let io_bytes = self.job.limits.io_bytes;
        let base_offset = sources[0].base_offset();
        let mut writer = SegmentWriter::create(dir, base_offset, config, io_bytes)?;
        let last_source = sources.iter().rposition(|source| source.size() > 0);
        for (i, source) in sources.iter().enumerate() {
            let mut reader = BatchReader::new(source, 0, io_bytes);
            while let Some(batch) = reader.next(pace)? {
                let is_last = batch.is_last && Some(i) == last_source;
                let kept = self.filter.apply(&batch.header, batch.bytes, is_last);
                let kept = kept.map_err(|reason| damaged(source, batch.position, &reason))?;
                self.job.stats.bytes_before += batch.bytes.len() as u64;
                let (header, bytes) = match &kept {
                    Kept::Nothing => continue,
                    Kept::Unchanged => (batch.header, batch.bytes),
                    Kept::Changed(bytes) => match BatchHeader::parse(bytes) {
                        Ok(header) => (header, &bytes[..]),
                        Err(error) => return Err(damaged(source, batch.position, &error)),
                    },
                };
                self.job.stats.bytes_after += bytes.len() as u64;
                writer.append(&header, bytes, pace)?;
            }
        }
        let still_aborted = std::mem::take(&mut self.filter.still_aborted);
        let files = writer.finish(still_aborted, pace)?;
        Ok(Replacement::new(sources, self.job.truncations, files))
    }
}

/// The keys of the dirty part, as far as they fit.
struct MappedKeys {
    keys: OffsetMap,
    first_offset: i64,
    /// The last offset that is in the map.
    last_offset: i64,
}

impl MappedKeys {
    /// Adds the keys of a segment; whether the map was not full.
    fn add_segment(
        &mut self,
        segment: &Segment,
        transactions: &mut TransactionTracker,
        limits: &CompactionLimits,
        pace: &mut Pace<'_>,
    ) -> Result<bool, CompactionError> {
        let start = segment.find_batch(self.first_offset.max(segment.base_offset()))?;
        let Some(start) = start else {
            return Ok(true);
        };
        let mut reader = BatchReader::new(segment, start.position, limits.io_bytes);
        while let Some(batch) = reader.next(pace)? {
            let header = &batch.header;
            if header.is_control {
                let kind = transactions::control_type_of(batch.bytes);
                let kind = kind.map_err(|reason| damaged(segment, batch.position, &reason))?;
                transactions.on_control(header, kind);
            } else if !transactions.on_data(header) {
                let added = self.add_batch(header, batch.bytes);
                if !added.map_err(|reason| damaged(segment, batch.position, &reason))? {
                    return Ok(false);
                }
            }
            self.last_offset = self.last_offset.max(header.last_offset());
        }
        Ok(true)
    }

    /// Adds the keys of a batch; whether the map was not full.
    fn add_batch(&mut self, header: &BatchHeader, batch: &[u8]) -> Result<bool, String> {
        let records = records_of(header, batch)?;
        for record in RecordViews::new(&records, header.records_count) {
            let record = record.map_err(|error| error.to_string())?;
            let offset = header.base_offset + i64::from(record.offset_delta);
            if let Some(key) = record.key.filter(|_| offset >= self.first_offset) {
                if self.keys.put(key, offset).is_err() {
                    return Ok(false);
                }
                self.last_offset = offset;
            }
        }
        Ok(true)
    }
}
