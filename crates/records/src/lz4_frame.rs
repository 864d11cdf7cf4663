//! LZ4 frames as Java's clients write them: independent blocks of 64 KiB, without checksums of
//! their own, for a batch has one.
//!
//! ```text
//! header 7 bytes, { size uint32 little-endian, block }*, 0 uint32
//! ```
//!
//! The highest bit of a size says that the block is not compressed. Blocks of every level have
//! the same format, so there is one decoder.

use lz4::block::{CompressionMode, compress_bound, compress_to_buffer};
use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use std::io::{self, BufRead, Write};

/// Kafka's default level. As in Java's producer it stands for the fast compressor; all others,
/// lower ones too, are levels of the one that searches harder.
pub(crate) const LEVEL_DEFAULT: i32 = 9;

/// Magic number, version 1 with independent blocks, 64 KiB blocks, checksum of the two.
const HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
const BLOCK_SIZE: usize = 64 << 10;
const NOT_COMPRESSED: u32 = 1 << 31;

/// Compresses at a level of 1 to 17. The library's levels end at 12; those above are the same.
pub(crate) fn compress(level: i32, data: &[u8]) -> io::Result<Vec<u8>> {
    if level == LEVEL_DEFAULT {
        compress_fast(data)
    } else {
        compress_high(level, data)
    }
}

/// Streams what frames hold.
pub(crate) fn reader(input: &[u8]) -> impl BufRead {
    FrameDecoder::new(input)
}

fn compress_fast(data: &[u8]) -> io::Result<Vec<u8>> {
    // Java's reader refuses blocks that depend on one another.
    let frame = FrameInfo::new()
        .block_mode(BlockMode::Independent)
        .block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(frame, Vec::new());
    encoder.write_all(data)?;
    encoder.finish().map_err(io::Error::from)
}

fn compress_high(level: i32, data: &[u8]) -> io::Result<Vec<u8>> {
    let mode = Some(CompressionMode::HIGHCOMPRESSION(level));
    let mut packed = vec![0; compress_bound(BLOCK_SIZE.min(data.len()))?];
    let mut frame = HEADER.to_vec();
    for block in data.chunks(BLOCK_SIZE) {
        let size = compress_to_buffer(block, mode, false, &mut packed)?;
        let (mark, stored) = match packed.get(..size) {
            Some(packed) if size < block.len() => (0, packed),
            _ => (NOT_COMPRESSED, block),
        };
        frame.extend_from_slice(&(stored.len() as u32 | mark).to_le_bytes());
        frame.extend_from_slice(stored);
    }
    frame.extend_from_slice(&0u32.to_le_bytes());
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn text(bytes: usize) -> Vec<u8> {
        let words = [
            "partition",
            "leader",
            "epoch",
            "offset",
            "segment",
            "broker",
        ];
        let mut state = 7u32;
        let mut text = Vec::new();
        while text.len() < bytes {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.extend_from_slice(words[(state >> 16) as usize % words.len()].as_bytes());
            text.push(b'0' + (state >> 24) as u8 % 10);
        }
        text
    }

    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 1u64;
        let step = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        (0..bytes).map(step).collect()
    }

    fn read(frame: &[u8]) -> Vec<u8> {
        let mut data = Vec::new();
        reader(frame).read_to_end(&mut data).unwrap();
        data
    }

    #[test]
    fn every_level_is_read_back() {
        for data in [
            vec![],
            vec![b'x'],
            text(300_000),
            noise(70_000),
            noise(BLOCK_SIZE),
        ] {
            for level in 1..=17 {
                let frame = compress(level, &data).unwrap();
                assert_eq!(read(&frame), data, "level {level}, {} bytes", data.len());
                assert_eq!(frame[..7], HEADER);
                assert!(frame.len() <= data.len() + 64);
            }
        }
    }

    #[test]
    fn higher_levels_take_less_room() {
        let data = text(200_000);
        let size = |level| compress(level, &data).unwrap().len();
        assert!(size(1) < size(LEVEL_DEFAULT));
        assert!(size(5) < size(1));
        assert!(size(12) < size(5));
        assert!(size(17) <= size(12));
    }
}
