//! Reads a sealed segment batch by batch, in large pieces, each batch checked.

use super::error::CompactionError;
use super::pace::Pace;
use crate::error::ReadError;
use crate::segment::Segment;
use klamm_records::{BatchError, BatchHeader, HEADER_SIZE, verify_crc};

/// Reads batches one behind another. One batch is in memory at a time, or one piece of the
/// segment if that is larger.
pub(crate) struct BatchReader<'a> {
    segment: &'a Segment,
    piece_size: usize,
    /// Bytes of the segment, from `buffer_position` on.
    buffer: Vec<u8>,
    buffer_position: u64,
    /// Where the next batch starts.
    position: u64,
    end: u64,
}

/// A batch whose checksum is right.
#[derive(Clone, Copy)]
pub(crate) struct CheckedBatch<'a> {
    pub(crate) header: BatchHeader,
    pub(crate) bytes: &'a [u8],
    pub(crate) position: u64,
    /// Whether it is the last one of the segment.
    pub(crate) is_last: bool,
}

impl<'a> BatchReader<'a> {
    /// Starts at `position`, where a batch must start; reads at least `piece_size` bytes at once.
    pub(crate) fn new(segment: &'a Segment, position: u64, piece_size: usize) -> BatchReader<'a> {
        BatchReader {
            segment,
            piece_size,
            buffer: Vec::new(),
            buffer_position: position,
            position,
            end: segment.size(),
        }
    }

    /// Ends at `end`, where a batch must end.
    pub(crate) fn until(self, end: u64) -> BatchReader<'a> {
        BatchReader { end, ..self }
    }

    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// The system refuses to read, the batch is damaged, or the pace says stop.
    pub(crate) fn next(
        &mut self,
        pace: &mut Pace<'_>,
    ) -> Result<Option<CheckedBatch<'_>>, CompactionError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let position = self.position;
        let left = usize::try_from(self.end - position).unwrap_or(usize::MAX);
        self.fill(HEADER_SIZE.min(left), pace)?;
        let header = BatchHeader::parse(self.buffered()).map_err(|e| self.damaged(e))?;
        let needed = header.batch_size();
        if needed > left {
            let available = left;
            return Err(self.damaged(BatchError::Truncated { needed, available }));
        }
        self.fill(needed, pace)?;
        let start = (position - self.buffer_position) as usize;
        if !verify_crc(&self.buffer[start..start + needed]) {
            return Err(self.damaged(BatchError::Crc));
        }
        self.position += needed as u64;
        Ok(Some(CheckedBatch {
            header,
            bytes: &self.buffer[start..start + needed],
            position,
            is_last: self.position >= self.end,
        }))
    }

    fn buffered(&self) -> &[u8] {
        let start = (self.position - self.buffer_position) as usize;
        self.buffer.get(start..).unwrap_or_default()
    }

    /// Makes `needed` bytes from the current position on available; they are in the segment.
    fn fill(&mut self, needed: usize, pace: &mut Pace<'_>) -> Result<(), CompactionError> {
        if self.buffered().len() >= needed {
            return Ok(());
        }
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let size = needed.max(self.piece_size).min(left);
        let start = (self.position - self.buffer_position) as usize;
        self.buffer.drain(..start.min(self.buffer.len()));
        self.buffer_position = self.position;
        let filled = self.buffer.len();
        self.buffer.resize(size, 0);
        let file = self.segment.file();
        let file = file.map_err(ReadError::io(self.segment.path()))?;
        let at = self.position + filled as u64;
        file.read_exact_at(&mut self.buffer[filled..], at)
            .map_err(ReadError::io(self.segment.path()))?;
        pace.after((size - filled) as u64)
    }

    fn damaged(&self, error: BatchError) -> CompactionError {
        damaged(self.segment, self.position, &error)
    }
}

/// What is wrong with the batch at `position`.
pub(crate) fn damaged(
    segment: &Segment,
    position: u64,
    reason: &dyn std::fmt::Display,
) -> CompactionError {
    let reason = reason.to_string();
    CompactionError::Read(ReadError::damaged(segment.path(), position, reason))
}
