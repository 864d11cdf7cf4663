//! Walks the headers of the batches in a segment, reading the file in pieces.

use crate::disk::DiskFile;
use klamm_records::{BatchError, BatchHeader, HEADER_SIZE, MAGIC};
use std::{io, sync::Arc};

/// Bytes read at once. Headers of small batches come from one read; those of large ones cost
/// one read each.
const CHUNK_SIZE: usize = 16 << 10;

/// Bytes of the header that the checksum does not cover.
const CRC_COVERS_FROM: u64 = 21;

/// Where a batch tells its format.
const MAGIC_AT: usize = 16;

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
    /// (start, end) of bytes that are known to be damaged, ascending.
    skipped: Vec<(u64, u64)>,
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
            skipped: Vec::new(),
        }
    }

    /// Passes over bytes that are known to be damaged, (start, end) ascending.
    pub(crate) fn skipping(self, skipped: Vec<(u64, u64)>) -> BatchScan {
        BatchScan { skipped, ..self }
    }

    /// Ends at `end`, where a batch must end, or before it.
    pub(crate) fn until(self, end: u64) -> BatchScan {
        BatchScan {
            end: end.min(self.end),
            ..self
        }
    }

    /// Goes on at `position`, where a batch must start.
    pub(crate) fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// The next batch; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<BatchAt>, ScanError> {
        for &(start, end) in &self.skipped {
            if (start..end).contains(&self.position) {
                self.position = end;
            }
        }
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

    /// The header that stands at a position, whether or not the batch is there as a whole. The walk
    /// goes on there.
    pub(crate) fn header_at(&mut self, position: u64) -> io::Result<Option<BatchHeader>> {
        self.position = position;
        if position + HEADER_SIZE as u64 > self.end {
            return Ok(None);
        }
        self.fill(HEADER_SIZE)?;
        let start = (position - self.chunk_position) as usize;
        Ok(BatchHeader::parse(&self.chunk[start..]).ok())
    }

    /// Checks the checksum of a batch that this walk yielded.
    pub(crate) fn verify(&mut self, batch: &BatchAt) -> Result<(), ScanError> {
        let from = batch.position + CRC_COVERS_FROM;
        let crc = self.checksum(0, from, batch.end());
        if crc.map_err(ScanError::Io)? == batch.header.crc {
            return Ok(());
        }
        Err(ScanError::Batch {
            position: batch.position,
            error: BatchError::Crc,
        })
    }

    /// The checksum `crc` of what lies before `from`, continued up to `to`.
    fn checksum(&self, mut crc: u32, from: u64, to: u64) -> io::Result<u32> {
        let mut position = from;
        let mut piece = vec![0; CHUNK_SIZE];
        while position < to {
            let size = (CHUNK_SIZE as u64).min(to - position) as usize;
            let piece = &mut piece[..size];
            match self.buffered(position, size) {
                Some(bytes) => crc = crc32c::crc32c_append(crc, bytes),
                None => {
                    self.file.read_exact_at(piece, position)?;
                    crc = crc32c::crc32c_append(crc, piece);
                }
            }
            position += size as u64;
        }
        Ok(crc)
    }

    /// As [`BatchScan::find_good`] behind a broken batch whose header is believed: nothing in
    /// between is a batch unless the broken one is whole up to there, and only its size is wrong.
    pub(crate) fn find_good_behind(
        &mut self,
        broken: &BatchAt,
        is_plausible: &dyn Fn(&BatchHeader) -> bool,
    ) -> io::Result<Option<BatchAt>> {
        let (mut crc, mut checked_to) = (0, broken.position + CRC_COVERS_FROM);
        let mut from = broken.position + HEADER_SIZE as u64;
        while let Some(next) = self.find_good(from, is_plausible)? {
            if next.position >= broken.end() {
                return Ok(Some(next));
            }
            crc = self.checksum(crc, checked_to, next.position)?;
            checked_to = next.position;
            if crc == broken.header.crc {
                return Ok(Some(next));
            }
            from = next.position + 1;
        }
        Ok(None)
    }

    /// The first undamaged batch from `from` on, wherever it starts, that `is_plausible`; the walk
    /// goes on behind it. A batch may lie in the value of a record: what is plausible should be narrow.
    pub(crate) fn find_good(
        &mut self,
        from: u64,
        is_plausible: &dyn Fn(&BatchHeader) -> bool,
    ) -> io::Result<Option<BatchAt>> {
        let mut from = from;
        while from + HEADER_SIZE as u64 <= self.end {
            self.position = from;
            self.fill(HEADER_SIZE)?;
            let start = (from - self.chunk_position) as usize;
            let count = (self.chunk.len() + 1).saturating_sub(start + HEADER_SIZE);
            for at in start..start + count {
                if let Some(batch) = self.plausible(at, is_plausible)
                    && self.is_good(&batch)?
                {
                    self.position = batch.end();
                    return Ok(Some(batch));
                }
            }
            if count == 0 {
                break; // cut while being read
            }
            from += count as u64;
        }
        self.position = self.end;
        Ok(None)
    }

    /// What starts at an index of the chunk, if it looks like a batch.
    fn plausible(&self, at: usize, is_plausible: &dyn Fn(&BatchHeader) -> bool) -> Option<BatchAt> {
        let bytes = self.chunk.get(at..at + HEADER_SIZE)?;
        if bytes[MAGIC_AT] != MAGIC as u8 {
            return None;
        }
        let header = BatchHeader::parse(bytes).ok().filter(is_plausible)?;
        let position = self.chunk_position + at as u64;
        let batch = BatchAt { position, header };
        (batch.end() <= self.end).then_some(batch)
    }

    /// Whether the checksum of a batch fits.
    pub(crate) fn is_good(&mut self, batch: &BatchAt) -> io::Result<bool> {
        match self.verify(batch) {
            Ok(()) => Ok(true),
            Err(ScanError::Batch { .. }) => Ok(false),
            Err(ScanError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(ScanError::Io(error)) => Err(error),
        }
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
