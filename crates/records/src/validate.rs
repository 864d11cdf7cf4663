//! What a leader checks of a produced batch before it appends it, and what it then sets.

use crate::batch::{
    BatchError, BatchHeader, Batches, HEADER_SIZE, NO_SEQUENCE, NO_TIMESTAMP, TimestampType,
    set_base_offset, set_partition_leader_epoch, set_timestamps, verify_crc,
};
use crate::compression::{
    Compression, DecompressError, decompress_error, gzip_reader, zstd_reader,
};
use crate::invalid_batch::{InvalidBatch, InvalidRecord, InvalidRecordReason};
use crate::record::record_timestamp;
use crate::record_walk::{RecordError, RecordWalk, WalkError};
use crate::{lz4_frame, snappy};
use klamm_types::LeaderEpoch;
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

/// Checks the records of one partition of a Produce request (rules 28 to 33).
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
        Compression::Lz4 => check.walk(lz4_frame::reader(records), bytes_max),
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
            if let Some(reason) = self.reason_to_refuse(record.has_key, timestamp)
                && self.invalid.len() < INVALID_RECORDS_MAX
            {
                self.invalid.push(InvalidRecord {
                    batch_index: index,
                    reason,
                });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchBuilder, CompressionLevels, compress, compression, set_base_offset};
    use klamm_types::{ErrorCode, ProducerEpoch, ProducerId};
    use proptest::prelude::*;

    const NOW: i64 = 1_700_000_000_000;

    const POLICY: ProducePolicy = ProducePolicy {
        message_bytes_max: 1 << 20,
        segment_bytes_max: 1 << 30,
        decompressed_bytes_max: 8 << 20,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: 10_000,
        timestamp_after_max_ms: 1_000,
        compacted: false,
        produce_version: 13,
    };

    type Input = (i64, Option<&'static [u8]>);

    fn builder(codec: Compression, inputs: &[Input]) -> BatchBuilder {
        let mut builder = BatchBuilder::new(0).compression(codec);
        for (timestamp, key) in inputs {
            builder.append(*timestamp, *key, Some(b"value"), &[(b"h", None)]);
        }
        builder
    }

    fn batch(inputs: &[Input]) -> Vec<u8> {
        builder(Compression::None, inputs).build().unwrap().to_vec()
    }

    fn refused(records: &[u8], policy: &ProducePolicy) -> InvalidBatch {
        validate_produce(records, policy, NOW).unwrap_err()
    }

    /// Changes a good batch of two records, with a right checksum, and expects an error.
    fn check(change: impl FnOnce(&mut Vec<u8>), expected: ErrorCode) {
        let mut bytes = batch(&[(NOW, Some(b"a")), (NOW, Some(b"b"))]);
        change(&mut bytes);
        crate::batch::seal(&mut bytes);
        let error = refused(&bytes, &POLICY);
        assert_eq!(error.error_code(), expected, "{error}");
    }

    #[test]
    fn good_batches_of_every_codec_pass() {
        for codec in Compression::ALL {
            let inputs = [
                (NOW - 5, Some(&b"a"[..])),
                (NOW + 7, None),
                (NOW, Some(b"c")),
            ];
            let bytes = builder(codec, &inputs).build().unwrap();
            let valid = validate_produce(&bytes, &POLICY, NOW).unwrap();
            assert_eq!(valid.header.records_count, 3);
            assert_eq!(
                (valid.max_timestamp, valid.log_append_time_ms()),
                (NOW + 7, -1)
            );
            assert_eq!(valid.batch_size(), bytes.len());
        }
    }

    #[test]
    fn headers_that_kafka_refuses_are_refused() {
        let put = |at: usize, with: &'static [u8]| {
            move |bytes: &mut Vec<u8>| bytes[at..at + with.len()].copy_from_slice(with)
        };
        check(|bytes| set_base_offset(bytes, 1), ErrorCode::InvalidRecord);
        check(put(16, &[1]), ErrorCode::InvalidRecord);
        check(put(22, &[0x20]), ErrorCode::InvalidRecord);
        check(put(22, &[0x08]), ErrorCode::InvalidTimestamp);
        check(put(22, &[0x05]), ErrorCode::UnsupportedCompressionType);
        check(put(22, &[0x01]), ErrorCode::InvalidRecord);
        check(put(23, &[0, 0, 0, 2]), ErrorCode::InvalidRecord);
        check(put(43, &[0, 0, 0, 0, 0, 0, 0, 1]), ErrorCode::InvalidRecord);
        check(put(57, &[0, 0, 0, 0]), ErrorCode::InvalidRecord);
        check(put(57, &[0, 0, 0, 3]), ErrorCode::InvalidRecord);
        check(|bytes| bytes.push(0), ErrorCode::InvalidRecord);
        let empty = BatchBuilder::new(0).build().unwrap();
        assert_eq!(
            refused(&empty, &POLICY).error_code(),
            ErrorCode::InvalidRecord
        );
    }

    #[test]
    fn damage_and_size_have_their_own_codes() {
        let good = batch(&[(NOW, Some(b"a"))]);
        let mut bad = good.clone();
        bad[65] ^= 1;
        assert_eq!(
            refused(&bad, &POLICY).error_code(),
            ErrorCode::CorruptMessage
        );
        bad = good.clone();
        bad[8..12].copy_from_slice(&13i32.to_be_bytes());
        assert_eq!(
            refused(&bad, &POLICY).error_code(),
            ErrorCode::CorruptMessage
        );
        let small = ProducePolicy {
            message_bytes_max: good.len() - 1,
            ..POLICY
        };
        assert_eq!(
            refused(&good, &small).error_code(),
            ErrorCode::MessageTooLarge
        );
        let small = ProducePolicy {
            segment_bytes_max: good.len() - 1,
            ..POLICY
        };
        assert_eq!(
            refused(&good, &small).error_code(),
            ErrorCode::RecordListTooLarge
        );
        let exact = ProducePolicy {
            message_bytes_max: good.len(),
            segment_bytes_max: good.len(),
            ..POLICY
        };
        assert!(validate_produce(&good, &exact, NOW).is_ok());
    }

    #[test]
    fn exactly_one_batch_counts() {
        let good = batch(&[(NOW, Some(b"a"))]);
        assert!(matches!(refused(&[], &POLICY), InvalidBatch::Missing));
        assert!(matches!(
            refused(&good[..good.len() - 1], &POLICY),
            InvalidBatch::Missing
        ));
        let two = [&good[..], &good[..]].concat();
        assert!(matches!(refused(&two, &POLICY), InvalidBatch::MoreThanOne));
        let valid = validate_produce(&two[..two.len() - 1], &POLICY, NOW).unwrap();
        assert_eq!(valid.batch_size(), good.len());
    }

    #[test]
    fn zstd_needs_a_recent_client() {
        let bytes = builder(Compression::Zstd, &[(NOW, None)]).build().unwrap();
        let old = ProducePolicy {
            produce_version: 6,
            ..POLICY
        };
        assert_eq!(
            refused(&bytes, &old).error_code(),
            ErrorCode::UnsupportedCompressionType
        );
        let new = ProducePolicy {
            produce_version: 7,
            ..POLICY
        };
        assert!(validate_produce(&bytes, &new, NOW).is_ok());
    }

    #[test]
    fn records_are_refused_one_by_one() {
        let compacted = ProducePolicy {
            compacted: true,
            ..POLICY
        };
        let bytes = batch(&[(NOW, Some(b"a")), (NOW, None), (NOW + 2_000, Some(b"c"))]);
        let error = refused(&bytes, &compacted);
        assert_eq!(error.error_code(), ErrorCode::InvalidRecord);
        let indexes: Vec<_> = error
            .invalid_records()
            .iter()
            .map(|r| r.batch_index)
            .collect();
        assert_eq!(indexes, [1, 2]);
        let error = refused(&bytes, &POLICY);
        assert_eq!(error.error_code(), ErrorCode::InvalidTimestamp);
        assert_eq!(error.invalid_records().len(), 1);
        for (timestamp, is_valid) in [
            (NOW - 10_000, true),
            (NOW - 10_001, false),
            (NOW + 1_000, true),
            (NOW + 1_001, false),
            (NO_TIMESTAMP, true),
        ] {
            let result = validate_produce(&batch(&[(timestamp, None)]), &POLICY, NOW);
            assert_eq!(result.is_ok(), is_valid, "{timestamp}");
        }
    }

    #[test]
    fn log_append_time_replaces_timestamps() {
        let policy = ProducePolicy {
            timestamp_type: TimestampType::LogAppendTime,
            ..POLICY
        };
        let mut bytes = batch(&[(5, None), (NOW * 2, None)]);
        let valid = validate_produce(&bytes, &policy, NOW).unwrap();
        assert_eq!(valid.log_append_time_ms(), NOW);
        let assigned = valid.assign(&mut bytes, 40, LeaderEpoch(3));
        assert!(verify_crc(&bytes));
        let header = BatchHeader::parse(&bytes).unwrap();
        assert_eq!(header.timestamp_type, TimestampType::LogAppendTime);
        assert_eq!((header.max_timestamp, header.last_offset()), (NOW, 41));
        assert_eq!(
            BatchHeader {
                crc: header.crc,
                ..assigned
            },
            header
        );
    }

    #[test]
    fn the_max_timestamp_comes_from_the_records() {
        let mut bytes = batch(&[(NOW, None), (NOW + 3, None)]);
        set_timestamps(&mut bytes, TimestampType::CreateTime, NOW - 77);
        let valid = validate_produce(&bytes, &POLICY, NOW).unwrap();
        assert_eq!(valid.max_timestamp, NOW + 3);
        valid.assign(&mut bytes, 0, LeaderEpoch(0));
        assert_eq!(BatchHeader::parse(&bytes).unwrap().max_timestamp, NOW + 3);
        assert!(verify_crc(&bytes));
    }

    /// A batch of one record whose value inflates to `size` zeros.
    fn bomb(codec: Compression, size: usize) -> Vec<u8> {
        let mut builder = BatchBuilder::new(0).compression(codec);
        builder.append(NOW, None, Some(&vec![0; size]), &[]);
        builder.build().unwrap().to_vec()
    }

    #[test]
    fn bombs_are_refused() {
        let policy = ProducePolicy {
            decompressed_bytes_max: 1 << 20,
            ..POLICY
        };
        for codec in Compression::ALL.into_iter().skip(1) {
            let error = refused(&bomb(codec, 4 << 20), &policy);
            assert_eq!(
                error.error_code(),
                ErrorCode::MessageTooLarge,
                "{codec:?}: {error}"
            );
            assert!(
                validate_produce(&bomb(codec, 1 << 19), &policy, NOW).is_ok(),
                "{codec:?}"
            );
        }
    }

    #[test]
    fn a_trailing_bomb_is_not_inflated() {
        // One small record, then output without end that no record accounts for.
        let record = &bomb(Compression::None, 10)[HEADER_SIZE..];
        let payload = [record, &vec![0; 8 << 20]].concat();
        let packed = compress(Compression::Zstd, CompressionLevels::default(), &payload).unwrap();
        let mut bytes = bomb(Compression::Zstd, 10);
        bytes.truncate(HEADER_SIZE);
        bytes.extend_from_slice(&packed);
        crate::batch::seal(&mut bytes);
        let error = refused(&bytes, &POLICY);
        assert!(
            matches!(error, InvalidBatch::Malformed(RecordError::Trailing)),
            "{error}"
        );
    }

    #[test]
    fn offset_deltas_must_be_consecutive() {
        let mut bytes = batch(&[(NOW, None), (NOW, None)]);
        let second = HEADER_SIZE + (bytes.len() - HEADER_SIZE) / 2;
        bytes[second + 3] = 4;
        crate::batch::seal(&mut bytes);
        let error = refused(&bytes, &POLICY);
        assert!(
            matches!(
                error,
                InvalidBatch::OffsetDelta {
                    batch_index: 1,
                    offset_delta: 2
                }
            ),
            "{error}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn mutations_never_panic_nor_pass_unread(
            codec in 0u8..5,
            producer in any::<bool>(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let codec = compression::Compression::from_id(codec).unwrap();
            let mut builder = builder(codec, &[(NOW, Some(b"a")), (NOW + 1, None)]);
            if producer {
                builder = builder.producer(ProducerId(1), ProducerEpoch(0), 0);
            }
            let mut bytes = builder.build().unwrap().to_vec();
            for (at, with) in changes {
                let at = at.index(bytes.len());
                bytes[at] = with;
            }
            let _ = validate_produce(&bytes, &POLICY, NOW);
            crate::batch::seal(&mut bytes);
            if let Ok(valid) = validate_produce(&bytes, &POLICY, NOW) {
                let (_, records) = crate::Records::of_batch(&bytes.into(), 1 << 20).unwrap();
                let records: Vec<_> = records.map(Result::unwrap).collect();
                prop_assert_eq!(records.len(), valid.header.records_count as usize);
            }
        }
    }
}
