//! The codec in which a topic stores batches (`compression.type`).
//!
//! Records stay as they are, with their offsets, timestamps, keys and headers; so does everything
//! in the batch's header but the codec. A batch that comes in the topic's codec already is not
//! touched, whatever its level.

use super::AppendError;
use bytes::Bytes;
use klamm_config::{CompressionType, TopicConfig};
use klamm_records::{
    Compression, CompressionLevels, InvalidBatch, ProducePolicy, RecompressError, ValidatedBatch,
    recompress,
};
use klamm_types::ErrorCode;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
};
use tracing::error;

/// The codec of a topic; `None`: each batch keeps its producer's.
fn codec(config: &TopicConfig) -> Option<Compression> {
    match config.compression_type {
        CompressionType::Producer => None,
        CompressionType::Uncompressed => Some(Compression::None),
        CompressionType::Gzip => Some(Compression::Gzip),
        CompressionType::Snappy => Some(Compression::Snappy),
        CompressionType::Lz4 => Some(Compression::Lz4),
        CompressionType::Zstd => Some(Compression::Zstd),
    }
}

/// A batch as the topic stores it, without what may stand behind it in `records`.
///
/// # Errors
/// In its new codec the batch is larger than `max.message.bytes`, or the codec failed.
pub(super) fn in_stored_codec(
    records: &Bytes,
    validated: ValidatedBatch,
    config: &TopicConfig,
    policy: &ProducePolicy,
) -> Result<(Bytes, ValidatedBatch), AppendError> {
    let Some(codec) = codec(config).filter(|codec| *codec != validated.header.compression) else {
        return Ok((records.clone(), validated));
    };
    let levels = CompressionLevels {
        gzip: config.compression_gzip_level,
        lz4: config.compression_lz4_level,
        zstd: config.compression_zstd_level,
    };
    let bytes_max = policy.decompressed_bytes_max;
    let batch = beside_the_runtime(|| recompress(records, codec, levels, bytes_max))
        .map_err(|error| failed(codec, error))?;
    let size_max = policy.message_bytes_max.min(policy.segment_bytes_max);
    if batch.len() > size_max {
        return Err(AppendError::Invalid(InvalidBatch::TooLarge {
            size: batch.len(),
            size_max,
        }));
    }
    let header = klamm_records::BatchHeader::parse(&batch)
        .map_err(|error| AppendError::Invalid(InvalidBatch::Header(error)))?;
    Ok((
        batch,
        ValidatedBatch {
            header,
            ..validated
        },
    ))
}

/// Runs what may take long: a high level compresses a megabyte in a second. Meanwhile, another thread
/// takes over what else this one had to do, such as telling the controller that the broker lives.
fn beside_the_runtime<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(work),
        _ => work(),
    }
}

fn failed(codec: Compression, error: RecompressError) -> AppendError {
    match error {
        RecompressError::Batch(error) => AppendError::Invalid(InvalidBatch::Header(error)),
        RecompressError::Decompress(error) => AppendError::Invalid(InvalidBatch::Decompress(error)),
        RecompressError::Compress(error) => {
            error!(codec = codec.name(), %error, "cannot compress a batch");
            AppendError::Refused(ErrorCode::UnknownServerError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_records::{
        BatchBuilder, BatchHeader, DECOMPRESSED_BYTES_MAX_DEFAULT, Record, Records, TimestampType,
        validate_produce, verify_crc,
    };

    const POLICY: ProducePolicy = ProducePolicy {
        message_bytes_max: 1 << 20,
        segment_bytes_max: 1 << 30,
        decompressed_bytes_max: DECOMPRESSED_BYTES_MAX_DEFAULT,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: i64::MAX,
        timestamp_after_max_ms: i64::MAX,
        compacted: false,
        produce_version: 12,
    };

    fn batch(codec: Compression) -> Bytes {
        let mut builder = BatchBuilder::new(0).compression(codec);
        for i in 0..10 {
            builder.append(1_000 + i, Some(b"key"), Some(&[b'x'; 500]), &[(b"h", None)]);
        }
        builder.build().unwrap()
    }

    fn store(records: &Bytes, topic: CompressionType, policy: &ProducePolicy) -> Stored {
        let config = TopicConfig {
            compression_type: topic,
            ..TopicConfig::default()
        };
        let validated = validate_produce(records, policy, 1_000).unwrap();
        in_stored_codec(records, validated, &config, policy)
    }

    type Stored = Result<(Bytes, ValidatedBatch), AppendError>;

    fn records(batch: &Bytes) -> (BatchHeader, Vec<Record>) {
        let (header, records) = Records::of_batch(batch, 1 << 20).unwrap();
        (header, records.map(Result::unwrap).collect())
    }

    #[test]
    fn every_codec_becomes_the_topics() {
        let codecs = [
            (CompressionType::Uncompressed, Compression::None),
            (CompressionType::Gzip, Compression::Gzip),
            (CompressionType::Snappy, Compression::Snappy),
            (CompressionType::Lz4, Compression::Lz4),
            (CompressionType::Zstd, Compression::Zstd),
        ];
        for from in Compression::ALL {
            let sent = batch(from);
            for (topic, to) in codecs {
                let (stored, validated) = store(&sent, topic, &POLICY).unwrap();
                let (header, kept) = records(&stored);
                assert_eq!(header.compression, to, "{from:?} {topic:?}");
                assert_eq!(kept, records(&sent).1, "{from:?} {topic:?}");
                assert_eq!(validated.header, header);
                assert!(verify_crc(&stored));
                assert_eq!(stored == sent, from == to, "{from:?} {topic:?}");
            }
            let (stored, _) = store(&sent, CompressionType::Producer, &POLICY).unwrap();
            assert_eq!(stored, sent, "{from:?}");
        }
    }

    #[test]
    fn what_grows_beyond_the_limit_is_refused() {
        let sent = batch(Compression::Zstd);
        let policy = ProducePolicy {
            message_bytes_max: sent.len(),
            ..POLICY
        };
        assert!(store(&sent, CompressionType::Producer, &policy).is_ok());
        let refused = store(&sent, CompressionType::Uncompressed, &policy);
        assert!(matches!(
            refused,
            Err(AppendError::Invalid(InvalidBatch::TooLarge { .. }))
        ));
    }

    #[test]
    fn levels_are_heeded() {
        let mut builder = BatchBuilder::new(0);
        let text: Vec<u8> = (0..20_000u32)
            .flat_map(|i| (i * i).to_string().into_bytes())
            .collect();
        builder.append(1_000, None, Some(&text), &[]);
        let sent = builder.build().unwrap();
        let size = |codec: &str, level: &str| {
            let settings = [
                ("compression.type".to_owned(), codec.to_owned()),
                (format!("compression.{codec}.level"), level.to_owned()),
            ];
            let config = TopicConfig::resolve(&settings.into(), &TopicConfig::default());
            let validated = validate_produce(&sent, &POLICY, 1_000).unwrap();
            in_stored_codec(&sent, validated, &config, &POLICY)
                .unwrap()
                .0
                .len()
        };
        assert!(size("gzip", "9") < size("gzip", "1"));
        // 9, the default, is the level of the fast compressor (as in Kafka's own producer).
        assert!(size("lz4", "1") < size("lz4", "9"));
        assert!(size("lz4", "12") < size("lz4", "1"));
        assert!(size("lz4", "17") <= size("lz4", "12"));
        assert!(size("zstd", "19") < size("zstd", "-100"));
    }
}
