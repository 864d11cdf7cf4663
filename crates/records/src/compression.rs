//! The codecs of record batches, in the framings that Kafka's clients write and read.
//!
//! Every decompression has a cap on its output. Memory stays near the output that was really
//! produced: no length that the input claims is allocated on its word.

use crate::{lz4_frame, snappy};
use std::io::{self, BufRead, BufReader, Read, Write};

/// A cap on the records of one batch once decompressed, in bytes, for callers without a better
/// one: far above what clients build, whose buffers hold tens of MiB.
pub const DECOMPRESSED_BYTES_MAX_DEFAULT: usize = 256 << 20;

/// Window of the largest zstd level (22), 2^27 bytes: what Java's decoder accepts. Pages of it
/// are touched only as output is produced.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Buffer between a codec without one of its own and the walk over records.
const STREAM_BUFFER_SIZE: usize = 16 << 10;

/// The codec of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Compression {
    /// Records as they are.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// Snappy blocks in the framing of Java's `SnappyOutputStream`.
    Snappy,
    /// LZ4 frames with independent blocks.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

impl Compression {
    /// Every codec, by id.
    pub const ALL: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];

    /// The number in a batch's attributes.
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The codec of a number in a batch's attributes.
    pub const fn from_id(id: u8) -> Option<Compression> {
        match id {
            0 => Some(Compression::None),
            1 => Some(Compression::Gzip),
            2 => Some(Compression::Snappy),
            3 => Some(Compression::Lz4),
            4 => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// Kafka's name, as in a producer's `compression.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }

    /// The codec of Kafka's name; a topic's `uncompressed` is none as well.
    pub fn from_name(name: &str) -> Option<Compression> {
        let name = if name == "uncompressed" { "none" } else { name };
        Compression::ALL
            .into_iter()
            .find(|codec| codec.name() == name)
    }
}

/// How hard codecs with levels try (`compression.gzip.level`, `compression.lz4.level`,
/// `compression.zstd.level`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompressionLevels {
    /// 1 to 9, or −1 for the codec's default.
    pub gzip: i32,
    /// 1 to 17; 9, the default, is the fast compressor, and all others search harder.
    pub lz4: i32,
    /// −131072 to 22.
    pub zstd: i32,
}

impl Default for CompressionLevels {
    fn default() -> Self {
        CompressionLevels {
            gzip: -1,
            lz4: lz4_frame::LEVEL_DEFAULT,
            zstd: 3,
        }
    }
}

/// Why records could not be decompressed.
#[derive(Debug, thiserror::Error)]
pub enum DecompressError {
    /// More output than the caller allows.
    #[error("records take more than {bytes_max} bytes once decompressed")]
    TooLarge {
        /// The caller's cap.
        bytes_max: usize,
    },
    /// The input is not what its codec writes.
    #[error("records cannot be decompressed as {}: {source}", codec.name())]
    Corrupt {
        /// The codec of the batch.
        codec: Compression,
        /// What the codec says.
        source: io::Error,
    },
}

/// Compresses the records of a batch.
///
/// # Errors
/// The codec refuses its level or is out of memory.
pub fn compress(
    codec: Compression,
    levels: CompressionLevels,
    records: &[u8],
) -> io::Result<Vec<u8>> {
    match codec {
        Compression::None => Ok(records.to_vec()),
        Compression::Gzip => {
            let level = match u32::try_from(levels.gzip) {
                Ok(level) => flate2::Compression::new(level.min(9)),
                Err(_) => flate2::Compression::default(),
            };
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(records)?;
            encoder.finish()
        }
        Compression::Snappy => snappy::compress(records),
        Compression::Lz4 => lz4_frame::compress(levels.lz4, records),
        Compression::Zstd => zstd::bulk::compress(records, levels.zstd),
    }
}

/// Decompresses the records of a batch into at most `bytes_max` bytes.
///
/// # Errors
/// The input is not what the codec writes, or its output is larger than the cap.
pub fn decompress(
    codec: Compression,
    input: &[u8],
    bytes_max: usize,
) -> Result<Vec<u8>, DecompressError> {
    let mut output = Vec::new();
    let cap = u64::try_from(bytes_max)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let read = match codec {
        Compression::None => input.take(cap).read_to_end(&mut output),
        Compression::Gzip => gzip_reader(input).take(cap).read_to_end(&mut output),
        Compression::Snappy => snappy::Reader::new(input, bytes_max)
            .and_then(|reader| reader.take(cap).read_to_end(&mut output)),
        Compression::Lz4 => lz4_frame::reader(input).take(cap).read_to_end(&mut output),
        Compression::Zstd => {
            zstd_reader(input).and_then(|reader| reader.take(cap).read_to_end(&mut output))
        }
    };
    match read {
        Ok(_) if output.len() > bytes_max => Err(DecompressError::TooLarge { bytes_max }),
        Ok(_) => Ok(output),
        Err(source) => Err(decompress_error(codec, source, bytes_max)),
    }
}

/// Classifies what a codec's reader answered.
pub(crate) fn decompress_error(
    codec: Compression,
    source: io::Error,
    bytes_max: usize,
) -> DecompressError {
    if source.kind() == io::ErrorKind::FileTooLarge {
        return DecompressError::TooLarge { bytes_max };
    }
    DecompressError::Corrupt { codec, source }
}

/// Streams gzip's output; members may follow one another, as Java reads them.
pub(crate) fn gzip_reader(input: &[u8]) -> impl BufRead {
    let decoder = flate2::bufread::MultiGzDecoder::new(input);
    BufReader::with_capacity(STREAM_BUFFER_SIZE, decoder)
}

/// Streams zstd's output.
pub(crate) fn zstd_reader(input: &[u8]) -> io::Result<impl BufRead> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(BufReader::with_capacity(STREAM_BUFFER_SIZE, decoder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CAP: usize = 1 << 20;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn round_trips(data in prop::collection::vec(any::<u8>(), 0..2_000), copies in 1usize..100) {
            let data = data.repeat(copies);
            for codec in Compression::ALL {
                let packed = compress(codec, CompressionLevels::default(), &data).unwrap();
                let back = decompress(codec, &packed, data.len()).unwrap();
                prop_assert_eq!(&back, &data);
            }
        }

        #[test]
        fn damaged_input_never_panics(
            data in prop::collection::vec(any::<u8>(), 0..400),
            at: prop::sample::Index,
            with: u8,
        ) {
            for codec in Compression::ALL {
                let mut packed = compress(codec, CompressionLevels::default(), &data).unwrap();
                let _ = decompress(codec, &data, CAP);
                if !packed.is_empty() {
                    let at = at.index(packed.len());
                    packed[at] ^= with;
                    let _ = decompress(codec, &packed, CAP);
                    let _ = decompress(codec, &packed[..at], CAP);
                }
            }
        }
    }

    #[test]
    fn bombs_are_capped() {
        let zeros = vec![0; 16 << 20];
        for codec in Compression::ALL {
            let bomb = compress(codec, CompressionLevels::default(), &zeros).unwrap();
            let result = decompress(codec, &bomb, CAP);
            assert!(
                matches!(result, Err(DecompressError::TooLarge { bytes_max: CAP })),
                "{codec:?}"
            );
        }
    }

    #[test]
    fn names_and_ids_round_trip() {
        for codec in Compression::ALL {
            assert_eq!(Compression::from_id(codec.id()), Some(codec));
            assert_eq!(Compression::from_name(codec.name()), Some(codec));
        }
        assert_eq!(
            Compression::from_name("uncompressed"),
            Some(Compression::None)
        );
        assert_eq!(Compression::from_id(5), None);
    }
}
