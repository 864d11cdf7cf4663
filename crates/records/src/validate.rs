//! What a leader checks of a produced batch before it appends it, and what it then sets.

use crate::batch::{
    BatchError, BatchHeader, Batches, HEADER_SIZE, NO_SEQUENCE, NO_TIMESTAMP, TimestampType,
    set_base_offset, set_partition_leader_epoch, set_timestamps, verify_crc,
};
use crate::compression::{
    Compression, DecompressError, decompress_error, gzip_reader, lz4_reader, zstd_reader,
};
use crate::record::record_timestamp;
use crate::record_walk::{RecordError, RecordWalk, WalkError};
use crate::snappy;
use klamm_types::{ErrorCode, LeaderEpoch};
use std::io::{self, BufRead};

/// Most records of a batch that are reported one by one; the batch fails as a whole anyway.
const INVALID_RECORDS_MAX: usize = 1_000;

/// First version of Produce whose clients may use zstd.
const PRODUCE_VERSION_OF_ZSTD: i16 = 7;

/// A topic's rules for what may be appended to it.
#[derive(Clone, Copy, Debug)]
pub struct ProducePolicy {
    /// `max.message.bytes`: largest batch as it travels.
    pub message_bytes_max: usize,
    /// `segment.bytes`: largest batch that a segment can hold.
    pub segment_bytes_max: usize,
    /// Largest size of a batch's records once decompressed, in bytes.
    pub decompressed_bytes_max: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    /// Whether `cleanup.policy` contains `compact`, so that every record needs a key.
    pub compacted: bool,
    /// Version of the Produce request.
    pub produce_version: i16,
}

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

/// A batch that may be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidatedBatch {
    /// The header as the client sent it.
    pub header: BatchHeader,
    /// The timestamp type that the batch gets.
    pub timestamp_type: TimestampType,
    /// The max timestamp that the batch gets: the largest of its records, or the time of the
    /// append, in ms.
    pub max_timestamp: i64,
}

impl ValidatedBatch {
    /// Bytes of the batch: those of the input from here on are not part of it.
    pub fn batch_size(&self) -> usize {
        self.header.batch_size()
    }

    /// What a Produce response tells as `log_append_time_ms`: −1 unless the broker set it.
    pub fn log_append_time_ms(&self) -> i64 {
        match self.timestamp_type {
            TimestampType::CreateTime => NO_TIMESTAMP,
            TimestampType::LogAppendTime => self.max_timestamp,
        }
    }

    /// Makes the batch final, in place: its offset, leader epoch and timestamps. The header
    /// of the batch as it then is.
    ///
    /// # Panics
    /// `batch` is shorter than a header.
    pub fn assign(&self, batch: &mut [u8], base_offset: i64, epoch: LeaderEpoch) -> BatchHeader {
        set_timestamps(batch, self.timestamp_type, self.max_timestamp);
        set_base_offset(batch, base_offset);
        set_partition_leader_epoch(batch, epoch);
        BatchHeader {
            base_offset,
            partition_leader_epoch: epoch,
            timestamp_type: self.timestamp_type,
            max_timestamp: self.max_timestamp,
            ..self.header
        }
    }
}

/// Checks the records of one partition of a Produce request (inventory, rules 28 to 33).
///
/// Every record is looked at, those of compressed batches as a stream: memory stays within
/// a codec's window. `now_ms` is the broker's clock. A cut-off batch behind the first is
/// ignored, as Kafka does; see [`ValidatedBatch::batch_size`].
///
/// # Errors
/// The reason to refuse the batch; nothing of it may be appended.
pub fn validate_produce(
    records: &[u8],
    policy: &ProducePolicy,
    now_ms: i64,
) -> Result<ValidatedBatch, InvalidBatch> {
    let (header, batch) = only_batch(records)?;
    if header.compression == Compression::Zstd && policy.produce_version < PRODUCE_VERSION_OF_ZSTD {
        return Err(InvalidBatch::Zstd);
    }
    check_size(batch.len(), policy)?;
    if !verify_crc(batch) {
        return Err(InvalidBatch::Crc);
    }
    check_header(&header)?;
    let largest = check_records(&header, &batch[HEADER_SIZE..], policy, now_ms)?;
    let max_timestamp = match policy.timestamp_type {
        TimestampType::CreateTime => largest,
        TimestampType::LogAppendTime => now_ms,
    };
    Ok(ValidatedBatch {
        header,
        timestamp_type: policy.timestamp_type,
        max_timestamp,
    })
}

fn only_batch(records: &[u8]) -> Result<(BatchHeader, &[u8]), InvalidBatch> {
    let mut batches = Batches::new(records);
    let first = match batches.next() {
        None | Some(Err(BatchError::Truncated { .. })) => return Err(InvalidBatch::Missing),
        Some(first) => first.map_err(InvalidBatch::Header)?,
    };
    match batches.next() {
        None | Some(Err(BatchError::Truncated { .. })) => Ok(first),
        Some(Ok(_)) => Err(InvalidBatch::MoreThanOne),
        Some(Err(error)) => Err(InvalidBatch::Header(error)),
    }
}

fn check_size(size: usize, policy: &ProducePolicy) -> Result<(), InvalidBatch> {
    if size > policy.message_bytes_max {
        return Err(InvalidBatch::TooLarge {
            size,
            size_max: policy.message_bytes_max,
        });
    }
    if size > policy.segment_bytes_max {
        return Err(InvalidBatch::LargerThanSegment {
            size,
            size_max: policy.segment_bytes_max,
        });
    }
    Ok(())
}

fn check_header(header: &BatchHeader) -> Result<(), InvalidBatch> {
    if header.base_offset != 0 {
        return Err(InvalidBatch::BaseOffset(header.base_offset));
    }
    let BatchHeader {
        records_count,
        last_offset_delta,
        ..
    } = *header;
    if records_count == 0 || records_count - 1 != last_offset_delta {
        return Err(InvalidBatch::Count {
            records_count,
            last_offset_delta,
        });
    }
    if header.is_control {
        return Err(InvalidBatch::Control);
    }
    if header.has_producer_id() && header.base_sequence <= NO_SEQUENCE {
        return Err(InvalidBatch::Sequence {
            producer_id: header.producer_id.0,
            base_sequence: header.base_sequence,
        });
    }
    if header.timestamp_type == TimestampType::LogAppendTime {
        return Err(InvalidBatch::TimestampType);
    }
    Ok(())
}

/// Checks every record; the largest timestamp among them.
fn check_records(
    header: &BatchHeader,
    records: &[u8],
    policy: &ProducePolicy,
    now_ms: i64,
) -> Result<i64, InvalidBatch> {
    let bytes_max = policy.decompressed_bytes_max;
    let mut check = RecordCheck::new(header, policy, now_ms);
    let walked = match header.compression {
        Compression::None => check.walk(records, records.len()),
        Compression::Gzip => check.walk(gzip_reader(records), bytes_max),
        Compression::Snappy => snappy::Reader::new(records, bytes_max)
            .map_err(|error| check.io(error))
            .and_then(|reader| check.walk(reader, bytes_max)),
        Compression::Lz4 => check.walk(lz4_reader(records), bytes_max),
        Compression::Zstd => zstd_reader(records)
            .map_err(|error| check.io(error))
            .and_then(|reader| check.walk(reader, bytes_max)),
    };
    walked?;
    if check.invalid.is_empty() {
        Ok(check.max_timestamp)
    } else {
        Err(InvalidBatch::Records(check.invalid))
    }
}

struct RecordCheck<'a> {
    header: &'a BatchHeader,
    compacted: bool,
    bytes_max: usize,
    timestamps: Option<(i64, i64)>,
    max_timestamp: i64,
    invalid: Vec<InvalidRecord>,
}

impl<'a> RecordCheck<'a> {
    fn new(header: &'a BatchHeader, policy: &ProducePolicy, now_ms: i64) -> RecordCheck<'a> {
        let range = (
            now_ms.saturating_sub(policy.timestamp_before_max_ms),
            now_ms.saturating_add(policy.timestamp_after_max_ms),
        );
        let checked = policy.timestamp_type == TimestampType::CreateTime;
        RecordCheck {
            header,
            compacted: policy.compacted,
            bytes_max: policy.decompressed_bytes_max,
            timestamps: checked.then_some(range),
            max_timestamp: NO_TIMESTAMP,
            invalid: Vec::new(),
        }
    }

    fn walk(&mut self, source: impl BufRead, bytes_max: usize) -> Result<(), InvalidBatch> {
        let mut walk = RecordWalk::new(source, bytes_max);
        for index in 0..self.header.records_count {
            let record = walk.next().map_err(|error| self.stopped(error))?;
            if record.offset_delta != index {
                return Err(InvalidBatch::OffsetDelta {
                    batch_index: index,
                    offset_delta: record.offset_delta,
                });
            }
            let timestamp = record_timestamp(self.header, record.timestamp_delta);
            self.max_timestamp = self.max_timestamp.max(timestamp);
            if let Some(reason) = self.reason_to_refuse(record.has_key, timestamp) {
                if self.invalid.len() < INVALID_RECORDS_MAX {
                    self.invalid.push(InvalidRecord {
                        batch_index: index,
                        reason,
                    });
                }
            }
        }
        walk.finish().map_err(|error| self.stopped(error))
    }

    fn reason_to_refuse(&self, has_key: bool, timestamp: i64) -> Option<InvalidRecordReason> {
        if self.compacted && !has_key {
            return Some(InvalidRecordReason::MissingKey);
        }
        let (from, to) = self.timestamps?;
        let refused = timestamp != NO_TIMESTAMP && !(from..=to).contains(&timestamp);
        refused.then_some(InvalidRecordReason::Timestamp {
            timestamp,
            from,
            to,
        })
    }

    fn stopped(&self, error: WalkError) -> InvalidBatch {
        match error {
            WalkError::Record(RecordError::TooLarge)
                if self.header.compression != Compression::None =>
            {
                InvalidBatch::Decompress(DecompressError::TooLarge {
                    bytes_max: self.bytes_max,
                })
            }
            WalkError::Record(error) => InvalidBatch::Malformed(error),
            WalkError::Io(error) => self.io(error),
        }
    }

    fn io(&self, error: io::Error) -> InvalidBatch {
        InvalidBatch::Decompress(decompress_error(
            self.header.compression,
            error,
            self.bytes_max,
        ))
    }
}
