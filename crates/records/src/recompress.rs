//! Changes the codec of a batch, for topics whose `compression.type` is not `producer`.

use crate::batch::{BatchError, BatchHeader, HEADER_SIZE, encode_unsealed, seal};
use crate::compression::{Compression, CompressionLevels, DecompressError, compress, decompress};
use bytes::Bytes;
use std::io;

/// Why the codec of a batch cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum RecompressError {
    /// The batch itself is wrong or cut off.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Its records cannot be decompressed within the cap.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// The new codec failed.
    #[error("cannot compress records: {0}")]
    Compress(#[from] io::Error),
}

/// A batch with the same records in another codec. The batch must be whole; its records take at
/// most `bytes_max` bytes once decompressed. Checksum and length are computed anew.
///
/// # Errors
/// The batch is cut off, or a codec fails.
pub fn recompress(
    batch: &[u8],
    codec: Compression,
    levels: CompressionLevels,
    bytes_max: usize,
) -> Result<Bytes, RecompressError> {
    let header = BatchHeader::parse(batch)?;
    let (needed, available) = (header.batch_size(), batch.len());
    let Some(records) = batch.get(HEADER_SIZE..needed) else {
        return Err(BatchError::Truncated { needed, available }.into());
    };
    let records = decompress(header.compression, records, bytes_max)?;
    let mut out = vec![0; HEADER_SIZE];
    if let Some(raw) = out.first_chunk_mut() {
        encode_unsealed(
            &BatchHeader {
                compression: codec,
                ..header
            },
            raw,
        );
    }
    out.extend_from_slice(&compress(codec, levels, &records)?);
    seal(&mut out);
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchBuilder, Records, verify_crc};

    #[test]
    fn records_stay_the_same() {
        for from in Compression::ALL {
            let mut builder = BatchBuilder::new(7).compression(from);
            for i in 0..20 {
                builder.append(1_000 + i, Some(b"key"), Some(&[b'x'; 50]), &[(b"h", None)]);
            }
            let batch = builder.build().unwrap();
            let (header, records) = Records::of_batch(&batch, 1 << 20).unwrap();
            let records: Vec<_> = records.map(Result::unwrap).collect();
            for to in Compression::ALL {
                let levels = CompressionLevels::default();
                let changed = recompress(&batch, to, levels, 1 << 20).unwrap();
                assert!(verify_crc(&changed));
                let (now, same) = Records::of_batch(&changed, 1 << 20).unwrap();
                assert_eq!(now.compression, to);
                let (crc, batch_length) = (header.crc, header.batch_length);
                assert_eq!(
                    BatchHeader {
                        compression: from,
                        crc,
                        batch_length,
                        ..now
                    },
                    header
                );
                assert_eq!(same.map(Result::unwrap).collect::<Vec<_>>(), records);
            }
        }
    }

    #[test]
    fn the_cap_holds() {
        let mut builder = BatchBuilder::new(0).compression(Compression::Zstd);
        builder.append(0, None, Some(&[0; 5_000]), &[]);
        let batch = builder.build().unwrap();
        let levels = CompressionLevels::default();
        let error = recompress(&batch, Compression::None, levels, 4_999).unwrap_err();
        assert!(matches!(
            error,
            RecompressError::Decompress(DecompressError::TooLarge { .. })
        ));
        let cut = recompress(&batch[..70], Compression::None, levels, 1 << 20);
        assert!(matches!(
            cut,
            Err(RecompressError::Batch(BatchError::Truncated { .. }))
        ));
    }
}
