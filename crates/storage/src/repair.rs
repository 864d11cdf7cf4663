//! Writes a damaged segment anew: its good batches, and between them what a peer has.

use crate::compaction::{
    CompactionError, batch_reader::BatchReader, pace::Pace, segment_writer::SegmentWriter,
};
use crate::damage::DamagedRange;
use crate::error::{ReadError, StorageError};
use crate::leader_epochs::LeaderEpochs;
use crate::log::Log;
use crate::replacement::Replacement;
use crate::scrub::Expected;
use crate::segment::Segment;
use klamm_records::{Batches, verify_crc};
use std::{collections::VecDeque, ops::Range, sync::Arc};

/// Bytes read or written at once.
const PIECE_BYTES: usize = 256 << 10;

/// Why a segment could not be repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// What the peer sent does not fit into the gap, or tells of transactions, whose state would
    /// have to be made anew as well.
    #[error("offset {offset} of the peer does not fit: {reason}")]
    Unfit {
        /// The first offset of a batch.
        offset: i64,
        /// What is wrong.
        reason: &'static str,
    },
    /// A batch that was good is damaged now, or the system refuses to read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The new segment cannot be written.
    #[error(transparent)]
    Write(#[from] StorageError),
}

impl From<CompactionError> for RepairError {
    fn from(error: CompactionError) -> Self {
        match error {
            CompactionError::Read(error) => RepairError::Read(error),
            CompactionError::Write(error) => RepairError::Write(error),
            CompactionError::Stopped => RepairError::Unfit {
                offset: -1,
                reason: "stopped",
            },
        }
    }
}

/// A sealed segment that is being written anew without its damage, beside the writer.
pub struct Repair {
    source: Arc<Segment>,
    /// Of the log, when this began.
    truncations: u64,
    writer: SegmentWriter,
    epochs: LeaderEpochs,
    /// Nobody misses what lies before.
    log_start_offset: i64,
    /// What is not reached yet.
    damage: VecDeque<DamagedRange>,
    /// Where to copy from next.
    position: u64,
    missing: Range<i64>,
}

impl Log {
    /// Begins to repair the segment of a base offset. `None` if it is the active one, or none, or
    /// sound.
    ///
    /// # Errors
    /// The disk failed.
    pub fn repair(&self, segment: i64) -> Result<Option<Repair>, StorageError> {
        let segments = self.state.segments();
        let found = segments.binary_search_by_key(&segment, |known| known.base_offset());
        let Some(source) = found.ok().and_then(|index| segments.get(index)) else {
            return Ok(None);
        };
        let damage = source.checks().damage();
        let is_active = Arc::ptr_eq(source, self.active.segment());
        if is_active || damage.is_empty() || !source.transaction_index().is_empty() {
            return Ok(None);
        }
        let dir = self.state.dir();
        let writer = SegmentWriter::create(dir, segment, &self.config, PIECE_BYTES)?;
        Ok(Some(Repair {
            source: source.clone(),
            truncations: self.state.truncations(),
            writer,
            epochs: self.epochs(),
            log_start_offset: self.log_start_offset(),
            damage: damage.into(),
            position: 0,
            missing: 0..0,
        }))
    }
}

impl Repair {
    /// Copies up to the next offsets that are missing, and names them. `None`: all is there.
    ///
    /// # Errors
    /// See [`RepairError`].
    pub fn next_missing(&mut self) -> Result<Option<Range<i64>>, RepairError> {
        while self.missing.is_empty() {
            let Some(range) = self.damage.pop_front() else {
                self.copy_to(self.source.size())?;
                return Ok(None);
            };
            self.copy_to(range.position)?;
            self.position = range.end_position;
            self.missing = range.first_offset.max(self.log_start_offset)..range.next_offset;
        }
        Ok(Some(self.missing.clone()))
    }

    /// Adds what a peer has from the first missing offset on. A first offset behind what is missing
    /// means that the peer has none of it: compaction has removed it there.
    ///
    /// # Errors
    /// See [`RepairError`].
    pub fn supply(&mut self, batches: &[u8]) -> Result<(), RepairError> {
        for batch in Batches::new(batches) {
            // The last one may be cut off.
            let Ok((header, bytes)) = batch else {
                break;
            };
            if header.base_offset >= self.missing.end {
                self.missing = 0..0;
                return Ok(());
            }
            let expected = Expected {
                end_offset: self.missing.end,
                epochs: Some(&self.epochs),
            };
            let reason = if !verify_crc(bytes) {
                Some("its checksum does not match")
            } else if expected.objection(&header, self.missing.start).is_some() {
                Some("its offsets or its leader epoch are others")
            } else if header.is_transactional || header.is_control {
                Some("it is part of a transaction")
            } else {
                None
            };
            if let Some(reason) = reason {
                let offset = header.base_offset;
                return Err(RepairError::Unfit { offset, reason });
            }
            let mut go_on = |_| true;
            self.writer
                .append(&header, bytes, &mut Pace::new(&mut go_on))?;
            self.missing.start = header.next_offset();
        }
        Ok(())
    }

    /// The segment that is to be installed; all that was missing has been supplied.
    ///
    /// # Errors
    /// The disk failed.
    pub fn finish(self) -> Result<Replacement, RepairError> {
        let mut go_on = |_| true;
        let files = self.writer.finish(Vec::new(), &mut Pace::new(&mut go_on))?;
        let sources = vec![self.source];
        Ok(Replacement::new(sources, self.truncations, files))
    }

    fn copy_to(&mut self, end: u64) -> Result<(), RepairError> {
        let mut go_on = |_| true;
        let mut pace = Pace::new(&mut go_on);
        let mut reader = BatchReader::new(&self.source, self.position, PIECE_BYTES).until(end);
        while let Some(batch) = reader.next(&mut pace)? {
            self.writer.append(&batch.header, batch.bytes, &mut pace)?;
        }
        self.position = end;
        Ok(())
    }
}
