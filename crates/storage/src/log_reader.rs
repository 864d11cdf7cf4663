//! Reads a log beside its writer.

use crate::batch_scan::BatchAt;
use crate::error::ReadError;
use crate::leader_epochs::{EpochEndOffset, LeaderEpochs};
use crate::log_state::{LogState, Segments};
use crate::scrub::Expected;
use crate::segment::Segment;
use bytes::Bytes;
use klamm_records::{BatchHeader, Batches, HEADER_SIZE, verify_crc};
use klamm_types::LeaderEpoch;
use std::{io, sync::Arc};

/// Reads a log. Clones share it; none ever waits for an append or a flush.
#[derive(Clone, Debug)]
pub struct LogReader {
    pub(crate) state: Arc<LogState>,
}

/// Batches that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRead {
    /// Complete batches. The first one contains the offset asked for, or follows it.
    pub records: Bytes,
    /// Base offset of the first batch; the offset asked for if there is none.
    pub base_offset: i64,
    /// The offset after the last batch; the offset asked for if there is none.
    pub next_offset: i64,
}

impl LogReader {
    /// The first offset that can be read.
    pub fn log_start_offset(&self) -> i64 {
        self.state.log_start_offset()
    }

    /// The offset of the next append.
    pub fn log_end_offset(&self) -> i64 {
        self.state.log_end_offset()
    }

    /// Where the segment begins that appends go to.
    pub fn active_base_offset(&self) -> i64 {
        let segments = self.state.segments();
        segments.last().map_or(0, |active| active.base_offset())
    }

    /// The offset up to which the log survives a power failure.
    pub fn flushed_offset(&self) -> i64 {
        self.state.flushed_offset()
    }

    /// The leader epochs of the log.
    pub fn epochs(&self) -> LeaderEpochs {
        self.state.epochs().clone()
    }

    /// The latest leader epoch, if there is any.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.state.epochs().latest()
    }

    /// See [`LeaderEpochs::end_offset_for`].
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> EpochEndOffset {
        self.state
            .epochs()
            .end_offset_for(epoch, self.log_end_offset())
    }

    /// Bytes of the batches on disk.
    pub fn size_bytes(&self) -> u64 {
        self.state
            .segments()
            .iter()
            .map(|segment| segment.size())
            .sum()
    }

    /// Reads batches from the one that contains `start_offset` on, those before `offset_max`
    /// only, at most `bytes_max` bytes of them. With `at_least_one`, the first batch comes even
    /// if it is larger (KIP-74).
    ///
    /// # Errors
    /// `start_offset` is outside the log, or the disk failed. An offset between `offset_max`
    /// and the end of the log is no error, but finds nothing (rule 60).
    pub fn read(
        &self,
        start_offset: i64,
        bytes_max: usize,
        offset_max: i64,
        at_least_one: bool,
    ) -> Result<LogRead, ReadError> {
        self.unless_replaced(|segments| {
            self.read_from(segments, start_offset, bytes_max, offset_max, at_least_one)
        })
    }

    /// Reads from segments as they were a moment ago, and again if they are not the log's any
    /// more and do not give it: files of theirs may be gone.
    pub(crate) fn unless_replaced<T>(
        &self,
        read: impl Fn(&Segments) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        loop {
            let segments = self.state.segments();
            match read(&segments) {
                Err(_) if self.state.has_replaced(&segments) => {}
                result => return result,
            }
        }
    }

    pub(crate) fn read_from(
        &self,
        segments: &Segments,
        start_offset: i64,
        bytes_max: usize,
        offset_max: i64,
        at_least_one: bool,
    ) -> Result<LogRead, ReadError> {
        let read = || self.try_read(segments, start_offset, bytes_max, offset_max, at_least_one);
        match read() {
            // Once the damage is located, what is good before and behind it can be read.
            Err(Trouble::Suspect(segment, _)) => {
                self.locate_damage(&segment)?;
                read().map_err(Trouble::into_error)
            }
            done => done.map_err(Trouble::into_error),
        }
    }

    fn try_read(
        &self,
        segments: &Segments,
        start_offset: i64,
        bytes_max: usize,
        offset_max: i64,
        at_least_one: bool,
    ) -> Result<LogRead, Trouble> {
        let limit = self.check_range(start_offset)?.min(offset_max);
        let nothing = LogRead {
            records: Bytes::new(),
            base_offset: start_offset,
            next_offset: start_offset,
        };
        if start_offset >= limit {
            return Ok(nothing);
        }
        let Some((segment, position)) = self.find(segments, start_offset)? else {
            return Ok(nothing);
        };
        let good_until = segment.checks().good_until(position, segment.size());
        let available = good_until.saturating_sub(position);
        let available = usize::try_from(available).unwrap_or(usize::MAX);
        let size = bytes_max.max(HEADER_SIZE).min(available);
        let read = read_at(&segment, position, size);
        let mut bytes = read.map_err(|error| self.removed_or(error, start_offset))?;
        let first = match BatchHeader::parse(&bytes) {
            Ok(first) => first,
            Err(_) if self.log_end_offset() <= start_offset => return Ok(nothing),
            Err(error) => return Err(suspect(&segment, position, error.to_string())),
        };
        let first_size = first.batch_size();
        let first_end = position + first_size as u64;
        if first.last_offset() >= limit && !segment.checks().bytes().covers(position, first_end) {
            self.check_offsets(
                &segment,
                &BatchAt {
                    position,
                    header: first,
                },
            )?;
        }
        if first.last_offset() >= limit || (first_size > bytes_max && !at_least_one) {
            return Ok(nothing);
        }
        if first_size > bytes.len() {
            bytes = read_at(&segment, position, first_size.min(available))?;
        }
        let (size, next_offset) = whole_batches(&bytes, limit);
        if size == 0 {
            return Err(suspect(&segment, position, "not a whole batch"));
        }
        self.check(&segment, position, &bytes[..size])?;
        Ok(LogRead {
            records: bytes.slice(..size),
            base_offset: first.base_offset,
            next_offset,
        })
    }

    /// Checks whole batches that were read at `position`, unless that has been done since the
    /// segment was opened.
    fn check(&self, segment: &Arc<Segment>, position: u64, batches: &[u8]) -> Result<(), Trouble> {
        let end = position + batches.len() as u64;
        let checked = segment.checks().bytes();
        if checked.covers(position, end) {
            return Ok(());
        }
        let epochs = self.epochs();
        let expected = Expected {
            end_offset: i64::MAX,
            epochs: Some(&epochs),
        };
        let (mut due, mut at) = (segment.base_offset(), position);
        for batch in Batches::new(batches) {
            let Ok((header, bytes)) = batch else {
                return Err(suspect(segment, at, "not a whole batch"));
            };
            let batch = BatchAt {
                position: at,
                header,
            };
            if !verify_crc(bytes) {
                return Err(suspect(segment, at, "checksum does not match"));
            }
            if let Some(objection) = expected.objection(&header, due) {
                return Err(suspect(segment, at, objection));
            }
            (due, at) = (header.next_offset(), batch.end());
            if at == end {
                self.check_offsets(segment, &batch)?;
            }
        }
        checked.add(position, end);
        Ok(())
    }

    /// Whether the offsets of a batch fit before what comes behind it.
    fn check_offsets(&self, segment: &Arc<Segment>, batch: &BatchAt) -> Result<(), Trouble> {
        let next = self.next_base_offset(segment, batch.end())?;
        let end_offset = next.unwrap_or(self.log_end_offset());
        if end_offset < batch.header.next_offset() {
            return Err(suspect(
                segment,
                batch.position,
                "the next offsets are lower",
            ));
        }
        Ok(())
    }

    /// The base offset of the batch at `position`, or of the next segment at the end of this one.
    fn next_base_offset(&self, segment: &Segment, position: u64) -> Result<Option<i64>, ReadError> {
        if position >= segment.size() {
            return Ok(self.end_of(segment));
        }
        let header = BatchHeader::parse(&read_at(segment, position, HEADER_SIZE)?);
        Ok(header.ok().map(|header| header.base_offset))
    }

    /// The log end offset, if an offset is within the log.
    fn check_range(&self, offset: i64) -> Result<i64, ReadError> {
        let (log_start_offset, log_end_offset) = (self.log_start_offset(), self.log_end_offset());
        if offset < log_start_offset || offset > log_end_offset {
            return Err(ReadError::OffsetOutOfRange {
                offset,
                log_start_offset,
                log_end_offset,
            });
        }
        Ok(log_end_offset)
    }

    /// The segment and the place of the first batch that ends at or behind an offset.
    fn find(
        &self,
        segments: &Segments,
        offset: i64,
    ) -> Result<Option<(Arc<Segment>, u64)>, Trouble> {
        let count = segments.partition_point(|segment| segment.base_offset() <= offset);
        for segment in &segments[count.saturating_sub(1)..] {
            if let Some(position) = segment.recent_position(offset) {
                return Ok(Some((segment.clone(), position)));
            }
            if let Some(range) = segment.checks().damage_at(offset) {
                return Err(Trouble::Read(ReadError::of_range(&range)));
            }
            match segment.find_batch(offset) {
                Ok(Some(batch)) => return Ok(Some((segment.clone(), batch.position))),
                Ok(None) if self.has_lost(segment, offset)? => {
                    return Err(suspect(segment, segment.size(), "indexes know more"));
                }
                Ok(None) => {}
                // Cut while it was being read.
                Err(_) if self.log_end_offset() <= offset => return Ok(None),
                Err(error @ ReadError::Damaged { .. }) => {
                    return Err(Trouble::Suspect(segment.clone(), error));
                }
                Err(error) => return Err(Trouble::Read(self.removed_or(error, offset))),
            }
        }
        Ok(None)
    }

    /// Whether a sealed segment once had an offset that lies behind its last batch now.
    fn has_lost(&self, segment: &Segment, offset: i64) -> Result<bool, ReadError> {
        let offset = offset.max(segment.base_offset());
        let is_sealed = self.end_of(segment).is_some_and(|end| offset < end);
        let known = segment
            .indexed_end_offset()
            .map_err(ReadError::io(segment.path()))?;
        Ok(is_sealed && offset < known)
    }

    /// A file that is gone was removed with the offsets before the log start.
    fn removed_or(&self, error: ReadError, offset: i64) -> ReadError {
        match error {
            ReadError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                let (log_start_offset, log_end_offset) =
                    (self.log_start_offset(), self.log_end_offset());
                ReadError::OffsetOutOfRange {
                    offset,
                    log_start_offset,
                    log_end_offset,
                }
            }
            error => error,
        }
    }
}

/// Size of the complete batches before an offset, and the offset after them.
fn whole_batches(bytes: &[u8], limit: i64) -> (usize, i64) {
    let (mut size, mut next_offset) = (0, 0);
    for batch in Batches::new(bytes) {
        match batch {
            Ok((header, batch)) if header.last_offset() < limit => {
                size += batch.len();
                next_offset = header.next_offset();
            }
            _ => break,
        }
    }
    (size, next_offset)
}

/// Reads bytes of a segment, fewer at its end.
pub(crate) fn read_at(segment: &Segment, position: u64, size: usize) -> Result<Bytes, ReadError> {
    let file = segment.file().map_err(ReadError::io(segment.path()))?;
    let bytes = file.read_vec_at(size, position);
    bytes
        .map(Bytes::from)
        .map_err(ReadError::io(segment.path()))
}

fn suspect(segment: &Arc<Segment>, position: u64, reason: impl Into<String>) -> Trouble {
    let reason = reason.into();
    let error = ReadError::damaged(segment.path(), position, reason);
    Trouble::Suspect(segment.clone(), error)
}

/// Why something could not be read at once.
enum Trouble {
    Read(ReadError),
    /// The segment is damaged somewhere; where and how far is to be found out.
    Suspect(Arc<Segment>, ReadError),
}

impl Trouble {
    fn into_error(self) -> ReadError {
        match self {
            Trouble::Read(error) | Trouble::Suspect(_, error) => error,
        }
    }
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        Trouble::Read(error)
    }
}
