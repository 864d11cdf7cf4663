//! Why a leader refuses what a client produced, and what the client is told.

use crate::batch::BatchError;
use crate::compression::DecompressError;
use crate::record_walk::RecordError;
use klamm_types::ErrorCode;

/// Why a record of a batch was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecordReason {
    /// A compacted topic keeps records by key.
    #[error("a record of a compacted topic needs a key")]
    MissingKey,
    /// The timestamp (ms) is too far from the broker's clock.
    #[error("timestamp {timestamp} is outside the allowed range [{from}, {to}]")]
    Timestamp {
        /// The record's.
        timestamp: i64,
        /// Earliest allowed.
        from: i64,
        /// Latest allowed.
        to: i64,
    },
}

/// A refused record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRecord {
    /// Its place in the batch, from 0.
    pub batch_index: i32,
    /// Why.
    pub reason: InvalidRecordReason,
}

/// Why a batch was refused. See [`InvalidBatch::error_code`] for what clients are told.
#[derive(Debug, thiserror::Error)]
pub enum InvalidBatch {
    /// There is no complete batch.
    #[error("produce request has no record batch for the partition")]
    Missing,
    /// There is more than one batch.
    #[error("produce request has more than one record batch for the partition")]
    MoreThanOne,
    /// The header is wrong.
    #[error(transparent)]
    Header(BatchError),
    /// Larger than `max.message.bytes`.
    #[error("batch of {size} bytes exceeds max.message.bytes {size_max}")]
    TooLarge {
        /// Bytes of the batch.
        size: usize,
        /// The limit.
        size_max: usize,
    },
    /// Larger than `segment.bytes`.
    #[error("batch of {size} bytes exceeds segment.bytes {size_max}")]
    LargerThanSegment {
        /// Bytes of the batch.
        size: usize,
        /// The limit.
        size_max: usize,
    },
    /// The checksum does not match.
    #[error("batch checksum does not match")]
    Crc,
    /// Clients number from 0; the leader assigns offsets.
    #[error("base offset is {0} where 0 is expected")]
    BaseOffset(i64),
    /// The count of records does not match the offsets, or is 0.
    #[error("batch of {records_count} records with last offset delta {last_offset_delta}")]
    Count {
        /// Count of records in the header.
        records_count: i32,
        /// Last offset delta in the header.
        last_offset_delta: i32,
    },
    /// Only brokers write control batches.
    #[error("clients must not write control batches")]
    Control,
    /// A producer id without a sequence number.
    #[error("producer {producer_id} sent sequence number {base_sequence}")]
    Sequence {
        /// The producer.
        producer_id: i64,
        /// Its base sequence.
        base_sequence: i32,
    },
    /// Old Produce versions must not use zstd.
    #[error("zstd needs Produce version 7 or later")]
    Zstd,
    /// Clients must not claim that a broker set the timestamps.
    #[error("clients must not send batches of timestamp type LogAppendTime")]
    TimestampType,
    /// The records cannot be decompressed, or only into too much.
    #[error(transparent)]
    Decompress(DecompressError),
    /// The records are malformed.
    #[error(transparent)]
    Malformed(RecordError),
    /// Record number `batch_index` says that it is another one.
    #[error("record {batch_index} has offset delta {offset_delta}")]
    OffsetDelta {
        /// Place in the batch, from 0.
        batch_index: i32,
        /// What the record says.
        offset_delta: i32,
    },
    /// Well-formed records that the topic refuses; the first one decides the error code.
    #[error("{} of the records were refused, the first ({}) because {}", .0.len(), .0[0].batch_index, .0[0].reason)]
    Records(Vec<InvalidRecord>),
}

impl InvalidBatch {
    /// The error code that Kafka answers with.
    pub fn error_code(&self) -> ErrorCode {
        match self {
            InvalidBatch::Header(BatchError::Length(_)) | InvalidBatch::Crc => {
                ErrorCode::CorruptMessage
            }
            InvalidBatch::Header(BatchError::Codec(_)) | InvalidBatch::Zstd => {
                ErrorCode::UnsupportedCompressionType
            }
            InvalidBatch::TooLarge { .. }
            | InvalidBatch::Decompress(DecompressError::TooLarge { .. }) => {
                ErrorCode::MessageTooLarge
            }
            InvalidBatch::LargerThanSegment { .. } => ErrorCode::RecordListTooLarge,
            InvalidBatch::TimestampType => ErrorCode::InvalidTimestamp,
            InvalidBatch::Records(records) => match records.first().map(|first| first.reason) {
                Some(InvalidRecordReason::Timestamp { .. }) => ErrorCode::InvalidTimestamp,
                _ => ErrorCode::InvalidRecord,
            },
            _ => ErrorCode::InvalidRecord,
        }
    }

    /// The refused records, for `record_errors` of a Produce response (version 8 and later).
    pub fn invalid_records(&self) -> &[InvalidRecord] {
        match self {
            InvalidBatch::Records(records) => records,
            _ => &[],
        }
    }
}
