//! Snappy as Java's clients frame it: a header, then blocks with a length before each.
//!
//! ```text
//! 0x82 "SNAPPY" 0x00, version int32, lowest compatible version int32, { size int32, block }*
//! ```
//!
//! librdkafka writes the same framing; some clients write one raw block, which is accepted.

use std::io::{self, BufRead, Read};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const HEADER_SIZE: usize = 16;
/// Java's block size.
const BLOCK_SIZE: usize = 32 << 10;
/// Most bytes that one byte of a snappy block can stand for: a copy of three bytes yields 64.
const EXPANSION_MAX: usize = 22;

/// Compresses into Java's framing.
pub(crate) fn compress(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(HEADER_SIZE + data.len() / 2);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&1i32.to_be_bytes());
    out.extend_from_slice(&1i32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for block in data.chunks(BLOCK_SIZE) {
        let packed = encoder.compress_vec(block)?;
        out.extend_from_slice(&(packed.len() as u32).to_be_bytes());
        out.extend_from_slice(&packed);
    }
    Ok(out)
}

/// Decompresses block by block, so that only one block is in memory.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    framed: bool,
    block: Vec<u8>,
    position: usize,
    block_bytes_max: usize,
}

impl<'a> Reader<'a> {
    /// Reads Java's framing if the input starts with its header, one raw block otherwise.
    /// A block larger than `block_bytes_max` once decompressed is an error of kind
    /// [`io::ErrorKind::FileTooLarge`].
    pub(crate) fn new(input: &'a [u8], block_bytes_max: usize) -> io::Result<Reader<'a>> {
        let framed = input.starts_with(&MAGIC);
        let rest = if framed {
            input
                .get(HEADER_SIZE..)
                .ok_or(io::ErrorKind::UnexpectedEof)?
        } else {
            input
        };
        Ok(Reader {
            rest,
            framed,
            block: Vec::new(),
            position: 0,
            block_bytes_max,
        })
    }

    fn next_block(&mut self) -> io::Result<()> {
        let packed = if self.framed {
            let (size, rest) = self
                .rest
                .split_first_chunk::<4>()
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            let size = u32::from_be_bytes(*size) as usize;
            let (packed, rest) = rest
                .split_at_checked(size)
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            self.rest = rest;
            packed
        } else {
            std::mem::take(&mut self.rest)
        };
        let size = snap::raw::decompress_len(packed)?;
        if size > packed.len().saturating_mul(EXPANSION_MAX) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if size > self.block_bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.block.resize(size, 0);
        let size = snap::raw::Decoder::new().decompress(packed, &mut self.block)?;
        self.block.truncate(size);
        self.position = 0;
        Ok(())
    }
}

impl BufRead for Reader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.block.len() && !self.rest.is_empty() {
            self.next_block()?;
        }
        Ok(&self.block[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position = (self.position + amount).min(self.block.len());
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let size = available.len().min(out.len());
        out[..size].copy_from_slice(&available[..size]);
        self.consume(size);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], cap: usize) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Reader::new(input, cap)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn framed_and_raw_blocks_are_read() {
        let data: Vec<u8> = (0..100_000u32).flat_map(|i| i.to_le_bytes()).collect();
        assert_eq!(read(&compress(&data).unwrap(), BLOCK_SIZE).unwrap(), data);
        let raw = snap::raw::Encoder::new().compress_vec(&data).unwrap();
        assert_eq!(read(&raw, data.len()).unwrap(), data);
        let error = read(&raw, data.len() - 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_claimed_size_is_not_believed() {
        // A raw block that claims 4 GiB − 1 and holds nothing.
        let error = read(&[0xff, 0xff, 0xff, 0xff, 0x0f], usize::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let mut framed = compress(b"").unwrap();
        framed.extend_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(
            read(&framed, usize::MAX).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
}
