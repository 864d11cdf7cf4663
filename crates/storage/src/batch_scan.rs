//! Walks the headers of the batches in a segment, reading the file in pieces.

use crate::disk::DiskFile;
use klamm_records::{BatchError, BatchHeader, HEADER_SIZE};
use std::{io, sync::Arc};

/// Bytes read at once. Headers of small batches come from one read; those of large ones cost
/// one read each.
const CHUNK_SIZE: usize = 16 << 10;

/// Bytes of the header that the checksum does not cover.
const CRC_COVERS_FROM: u64 = 21;

/// A batch and where it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchAt {
    pub(crate) position: u64,
    pub(crate) header: BatchHeader,
}

impl BatchAt {
    /// Where the next batch starts.
    pub(crate) fn end(&self) -> u64 {
        self.position + self.header.batch_size() as u64
    }
}

/// Why a walk ended before the end.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// The system refused to read.
    Io(io::Error),
    /// What starts at `position` is not a batch, or is cut off.
    Batch { position: u64, error: BatchError },
}

/// Walks from one batch to the next.
pub(crate) struct BatchScan {
    file: Arc<DiskFile>,
    position: u64,
    end: u64,
    chunk: Vec<u8>,
    chunk_position: u64,
}

impl BatchScan {
    /// Walks from `position`, where a batch must start, to `end`.
    pub(crate) fn new(file: Arc<DiskFile>, position: u64, end: u64) -> BatchScan {
        BatchScan {
            file,
            position,
            end,
            chunk: Vec::new(),
            chunk_position: position,
        }
    }

    /// The next batch; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<BatchAt>, ScanError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let position = self.position;
        let left = self.end - position;
        let needed = (HEADER_SIZE as u64).min(left) as usize;
        self.fill(needed).map_err(ScanError::Io)?;
        let start = (position - self.chunk_position) as usize;
        let header = BatchHeader::parse(&self.chunk[start..])
            .map_err(|error| ScanError::Batch { position, error })?;
        if header.batch_size() as u64 > left {
            let (needed, available) = (header.batch_size(), left as usize);
            let error = BatchError::Truncated { needed, available };
            return Err(ScanError::Batch { position, error });
        }
        let batch = BatchAt { position, header };
        self.position = batch.end();
        Ok(Some(batch))
    }

    /// Checks the checksum of a batch that this walk yielded.
    pub(crate) fn verify(&mut self, batch: &BatchAt) -> Result<(), ScanError> {
        let mut position = batch.position + CRC_COVERS_FROM;
        let mut crc = 0;
        let mut piece = vec![0; CHUNK_SIZE];
        while position < batch.end() {
            let size = (CHUNK_SIZE as u64).min(batch.end() - position) as usize;
            let piece = &mut piece[..size];
            match self.buffered(position, size) {
                Some(bytes) => crc = crc32c::crc32c_append(crc, bytes),
                None => {
                    self.file
                        .read_exact_at(piece, position)
                        .map_err(ScanError::Io)?;
                    crc = crc32c::crc32c_append(crc, piece);
                }
            }
            position += size as u64;
        }
        if crc == batch.header.crc {
            return Ok(());
        }
        Err(ScanError::Batch {
            position: batch.position,
            error: BatchError::Crc,
        })
    }

    fn buffered(&self, position: u64, size: usize) -> Option<&[u8]> {
        let start = usize::try_from(position.checked_sub(self.chunk_position)?).ok()?;
        self.chunk.get(start..start + size)
    }

    /// Makes `needed` bytes from the current position on available in the chunk.
    fn fill(&mut self, needed: usize) -> io::Result<()> {
        if self.buffered(self.position, needed).is_some() {
            return Ok(());
        }
        let size = (CHUNK_SIZE as u64).min(self.end - self.position) as usize;
        self.chunk.resize(size, 0);
        self.chunk_position = self.position;
        let mut filled = 0;
        while filled < needed {
            let read = self
                .file
                .read_at(&mut self.chunk[filled..], self.position + filled as u64)?;
            if read == 0 {
                break; // cut while being read; what is missing shows as a cut-off batch
            }
            filled += read;
        }
        self.chunk.truncate(filled);
        Ok(())
    }
}
