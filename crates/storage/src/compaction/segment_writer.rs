//! Writes what is left of segments into a new one, under names that a crash leaves to be removed.

use super::error::CompactionError;
use super::pace::Pace;
use crate::active_segment::ActiveSegment;
use crate::batch_scan::BatchAt;
use crate::config::LogConfig;
use crate::error::StorageError;
use crate::log_files::LogFile;
use crate::open_files::OpenFiles;
use crate::replacement::CleanedFiles;
use crate::segment::Segment;
use crate::transaction_index::AbortedTransaction;
use klamm_records::BatchHeader;
use std::{io, path::Path, sync::Arc};

/// Positions in an offset index are 31 bits.
const SEGMENT_BYTES_MAX: u64 = i32::MAX as u64;

/// A segment that is being written.
pub(crate) struct SegmentWriter {
    files: CleanedFiles,
    active: ActiveSegment,
    config: LogConfig,
    piece_size: usize,
    /// Batches to be written, and the base offset of the first.
    pending: Vec<u8>,
    pending_offset: i64,
    bytes_written: u64,
}

impl SegmentWriter {
    /// Begins an empty segment; writes about `piece_size` bytes at once.
    pub(crate) fn create(
        dir: &Path,
        base_offset: i64,
        config: &LogConfig,
        piece_size: usize,
    ) -> Result<SegmentWriter, StorageError> {
        let files = CleanedFiles::new(dir, base_offset);
        let create = || {
            // Files that come with their first entry must not be of an earlier attempt.
            files.remove()?;
            // No part of the log yet, and closed when it is complete.
            let open_files = OpenFiles::new(LogFile::OF_SEGMENT.len());
            let segment = Segment::create_at(&|f| files.path(f), base_offset, &open_files)?;
            ActiveSegment::new(Arc::new(segment), 0)
        };
        let active = create().map_err(StorageError::io("create a segment in", dir))?;
        Ok(SegmentWriter {
            files,
            active,
            config: *config,
            piece_size,
            pending: Vec::new(),
            pending_offset: base_offset,
            bytes_written: 0,
        })
    }

    /// Adds a batch.
    pub(crate) fn append(
        &mut self,
        header: &BatchHeader,
        batch: &[u8],
        pace: &mut Pace<'_>,
    ) -> Result<(), CompactionError> {
        let position = self.bytes_written + self.pending.len() as u64;
        if position + batch.len() as u64 > SEGMENT_BYTES_MAX {
            // Grown by delete horizons beyond what was one segment before.
            let source = io::Error::from(io::ErrorKind::FileTooLarge);
            return Err(self.error("grow")(source).into());
        }
        if self.pending.is_empty() {
            self.pending_offset = header.base_offset;
        }
        let header = *header;
        self.active
            .note(&BatchAt { position, header }, &self.config);
        self.pending.extend_from_slice(batch);
        if self.pending.len() >= self.piece_size {
            self.write_pending(pace)?;
        }
        Ok(())
    }

    /// Completes the segment and makes it durable. `aborted` are the transactions of which
    /// something is left, and whose markers are in the segment.
    pub(crate) fn finish(
        mut self,
        aborted: Vec<AbortedTransaction>,
        pace: &mut Pace<'_>,
    ) -> Result<CleanedFiles, CompactionError> {
        self.write_pending(pace)?;
        let finish = || {
            for transaction in aborted {
                self.active.note_aborted(transaction);
            }
            self.active.write_aborted()?;
            self.active.write_time_entry()?;
            let segment = self.active.segment();
            segment.seal();
            segment.sync()
        };
        finish().map_err(self.error("finish"))?;
        Ok(self.files)
    }

    fn write_pending(&mut self, pace: &mut Pace<'_>) -> Result<(), CompactionError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let written = self
            .active
            .write(&self.pending, self.pending_offset, &self.config);
        written.map_err(self.error("write"))?;
        let bytes = self.pending.len() as u64;
        self.bytes_written += bytes;
        self.pending.clear();
        pace.after(bytes)
    }

    fn error(&self, action: &'static str) -> impl FnOnce(io::Error) -> StorageError {
        StorageError::io(action, self.active.segment().path())
    }
}
