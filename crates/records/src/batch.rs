//! The header of a record batch, the walk over batches that lie one behind another, and the
//! fields a broker sets in place.
//!
//! ```text
//! offset size field                   offset size field
//!      0    8 base offset                 27    8 base timestamp
//!      8    4 length of what follows      35    8 max timestamp
//!     12    4 partition leader epoch      43    8 producer id
//!     16    1 magic, 2                    51    2 producer epoch
//!     17    4 CRC-32C of 21..end          53    4 base sequence
//!     21    2 attributes                  57    4 count of records
//!     23    4 last offset delta           61      records
//! ```

use crate::Compression;
use bytes::Bytes;
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};

/// Bytes of a batch before its records.
pub const HEADER_SIZE: usize = 61;
/// Bytes of a batch that its length field does not count: base offset and the length itself.
pub const LOG_OVERHEAD: usize = 12;
/// The only format this crate knows.
pub const MAGIC: i8 = 2;
/// Kafka's "no timestamp".
pub const NO_TIMESTAMP: i64 = -1;
/// Kafka's "no sequence number".
pub const NO_SEQUENCE: i32 = -1;

const LENGTH_AT: usize = 8;
const LEADER_EPOCH_AT: usize = 12;
const MAGIC_AT: usize = 16;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const LAST_OFFSET_DELTA_AT: usize = 23;
const BASE_TIMESTAMP_AT: usize = 27;
const MAX_TIMESTAMP_AT: usize = 35;
const PRODUCER_ID_AT: usize = 43;
const PRODUCER_EPOCH_AT: usize = 51;
const BASE_SEQUENCE_AT: usize = 53;
const RECORDS_COUNT_AT: usize = 57;

pub(crate) const CODEC_MASK: i16 = 0x07;
pub(crate) const LOG_APPEND_TIME_BIT: i16 = 0x08;
pub(crate) const TRANSACTIONAL_BIT: i16 = 0x10;
pub(crate) const CONTROL_BIT: i16 = 0x20;
pub(crate) const DELETE_HORIZON_BIT: i16 = 0x40;

/// Whose clock the timestamps of a batch come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TimestampType {
    /// The producer set one on each record.
    #[default]
    CreateTime,
    /// The broker set one for the whole batch; it is the batch's max timestamp.
    LogAppendTime,
}

/// Why bytes are not a batch of format v2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes end before the batch does.
    #[error("batch of {needed} bytes is cut off after {available}")]
    Truncated {
        /// Bytes of the whole batch, or of a header where even that is incomplete.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// The length field is too small for a header.
    #[error("batch length {0} is too small for a batch")]
    Length(i32),
    /// A message format other than v2.
    #[error("magic {0} where 2 is expected")]
    Magic(i8),
    /// A compression codec nobody has defined.
    #[error("unknown compression codec {0}")]
    Codec(u8),
    /// Offsets are negative or overflow.
    #[error("base offset {base_offset} with last offset delta {last_offset_delta} is no range")]
    Offsets {
        /// The first offset.
        base_offset: i64,
        /// What the last offset adds to it.
        last_offset_delta: i32,
    },
    /// A negative count of records.
    #[error("batch has {0} records")]
    Count(i32),
    /// The checksum does not match the bytes.
    #[error("checksum does not match")]
    Crc,
}

/// The decoded header of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record, as it was before any compaction.
    pub base_offset: i64,
    /// Bytes that follow the length field, at least 49.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch. Not covered by the checksum.
    pub partition_leader_epoch: LeaderEpoch,
    /// CRC-32C over everything from the attributes on.
    pub crc: u32,
    /// Codec of the records.
    pub compression: Compression,
    /// Whose clock the timestamps come from.
    pub timestamp_type: TimestampType,
    /// Whether the batch is part of a transaction.
    pub is_transactional: bool,
    /// Whether the records are control records.
    pub is_control: bool,
    /// Whether `base_timestamp` holds the time from which tombstones may go (KIP-534).
    pub has_delete_horizon: bool,
    /// Last offset minus base offset, 0 or more.
    pub last_offset_delta: i32,
    /// What the timestamp deltas of the records count from, in ms.
    pub base_timestamp: i64,
    /// Largest timestamp of the records, in ms; −1 if none has one.
    pub max_timestamp: i64,
    /// The idempotent producer, or none.
    pub producer_id: ProducerId,
    /// The producer's epoch, or none.
    pub producer_epoch: ProducerEpoch,
    /// Sequence number of the first record, −1 if none.
    pub base_sequence: i32,
    /// Count of records, 0 or more (compaction may leave an empty batch).
    pub records_count: i32,
}

impl BatchHeader {
    /// Decodes the first 61 bytes of a batch; the rest need not be there.
    ///
    /// # Errors
    /// The bytes are not the header of a batch of format v2. The checksum is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        let Some(raw) = bytes.first_chunk::<HEADER_SIZE>() else {
            return Err(too_short(bytes));
        };
        let batch_length = i32::from_be_bytes(field(raw, LENGTH_AT));
        if batch_length < (HEADER_SIZE - LOG_OVERHEAD) as i32 {
            return Err(BatchError::Length(batch_length));
        }
        let magic = raw[MAGIC_AT] as i8;
        if magic != MAGIC {
            return Err(BatchError::Magic(magic));
        }
        let attributes = i16::from_be_bytes(field(raw, ATTRIBUTES_AT));
        let codec = (attributes & CODEC_MASK) as u8;
        let compression = Compression::from_id(codec).ok_or(BatchError::Codec(codec))?;
        let header = BatchHeader {
            base_offset: i64::from_be_bytes(field(raw, 0)),
            batch_length,
            partition_leader_epoch: LeaderEpoch(i32::from_be_bytes(field(raw, LEADER_EPOCH_AT))),
            crc: u32::from_be_bytes(field(raw, CRC_AT)),
            compression,
            timestamp_type: timestamp_type(attributes),
            is_transactional: attributes & TRANSACTIONAL_BIT != 0,
            is_control: attributes & CONTROL_BIT != 0,
            has_delete_horizon: attributes & DELETE_HORIZON_BIT != 0,
            last_offset_delta: i32::from_be_bytes(field(raw, LAST_OFFSET_DELTA_AT)),
            base_timestamp: i64::from_be_bytes(field(raw, BASE_TIMESTAMP_AT)),
            max_timestamp: i64::from_be_bytes(field(raw, MAX_TIMESTAMP_AT)),
            producer_id: ProducerId(i64::from_be_bytes(field(raw, PRODUCER_ID_AT))),
            producer_epoch: ProducerEpoch(i16::from_be_bytes(field(raw, PRODUCER_EPOCH_AT))),
            base_sequence: i32::from_be_bytes(field(raw, BASE_SEQUENCE_AT)),
            records_count: i32::from_be_bytes(field(raw, RECORDS_COUNT_AT)),
        };
        header.check_ranges()
    }

    fn check_ranges(self) -> Result<BatchHeader, BatchError> {
        let end = self
            .base_offset
            .checked_add(i64::from(self.last_offset_delta) + 1);
        if self.base_offset < 0 || self.last_offset_delta < 0 || end.is_none() {
            return Err(BatchError::Offsets {
                base_offset: self.base_offset,
                last_offset_delta: self.last_offset_delta,
            });
        }
        if self.records_count < 0 {
            return Err(BatchError::Count(self.records_count));
        }
        Ok(self)
    }

    /// Bytes of the whole batch, at least [`HEADER_SIZE`].
    pub fn batch_size(&self) -> usize {
        LOG_OVERHEAD + self.batch_length as usize
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// The offset after the last record.
    pub fn next_offset(&self) -> i64 {
        self.last_offset() + 1
    }

    /// Sequence number of the last record: wraps from `i32::MAX` to 0; −1 if there is none.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            return NO_SEQUENCE;
        }
        let sequence = i64::from(self.base_sequence) + i64::from(self.last_offset_delta);
        (sequence & i64::from(i32::MAX)) as i32
    }

    /// Whether an idempotent or transactional producer wrote the batch.
    pub fn has_producer_id(&self) -> bool {
        !self.producer_id.is_none()
    }
}

/// The error for bytes too few for a header: wrong ones are told apart from cut ones where
/// the length is already there.
fn too_short(bytes: &[u8]) -> BatchError {
    let needed = match bytes.get(LENGTH_AT..LOG_OVERHEAD) {
        Some(_) => {
            let length = i32::from_be_bytes(field(bytes, LENGTH_AT));
            if length < (HEADER_SIZE - LOG_OVERHEAD) as i32 {
                return BatchError::Length(length);
            }
            LOG_OVERHEAD + length as usize
        }
        None => HEADER_SIZE,
    };
    BatchError::Truncated {
        needed,
        available: bytes.len(),
    }
}

fn timestamp_type(attributes: i16) -> TimestampType {
    if attributes & LOG_APPEND_TIME_BIT != 0 {
        TimestampType::LogAppendTime
    } else {
        TimestampType::CreateTime
    }
}

/// `N` bytes from `at` on; zeros stand for bytes that are not there.
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

/// Whether the checksum of a whole batch (and nothing behind it) matches.
pub fn verify_crc(batch: &[u8]) -> bool {
    batch.len() >= HEADER_SIZE
        && crc32c::crc32c(&batch[ATTRIBUTES_AT..]) == u32::from_be_bytes(field(batch, CRC_AT))
}

/// Sets the offset of the first record. The checksum does not cover it.
///
/// # Panics
/// `batch` is shorter than a header.
pub fn set_base_offset(batch: &mut [u8], offset: i64) {
    batch[..LENGTH_AT].copy_from_slice(&offset.to_be_bytes());
}

/// Sets the epoch of the leader that appends the batch. The checksum does not cover it.
///
/// # Panics
/// `batch` is shorter than a header.
pub fn set_partition_leader_epoch(batch: &mut [u8], epoch: LeaderEpoch) {
    batch[LEADER_EPOCH_AT..MAGIC_AT].copy_from_slice(&epoch.0.to_be_bytes());
}

/// Sets the timestamp type and the max timestamp (in ms) of a whole batch. The checksum is
/// computed anew only if something changed.
///
/// # Panics
/// `batch` is shorter than a header.
pub fn set_timestamps(batch: &mut [u8], kind: TimestampType, max_timestamp: i64) {
    let attributes = i16::from_be_bytes(field(batch, ATTRIBUTES_AT));
    let unchanged = i64::from_be_bytes(field(batch, MAX_TIMESTAMP_AT)) == max_timestamp
        && timestamp_type(attributes) == kind;
    if unchanged {
        return;
    }
    let attributes = match kind {
        TimestampType::CreateTime => attributes & !LOG_APPEND_TIME_BIT,
        TimestampType::LogAppendTime => attributes | LOG_APPEND_TIME_BIT,
    };
    batch[ATTRIBUTES_AT..LAST_OFFSET_DELTA_AT].copy_from_slice(&attributes.to_be_bytes());
    batch[MAX_TIMESTAMP_AT..PRODUCER_ID_AT].copy_from_slice(&max_timestamp.to_be_bytes());
    seal(batch);
}

/// Writes length and checksum of a batch whose other fields and records are in place.
pub(crate) fn seal(batch: &mut [u8]) {
    let length = (batch.len() - LOG_OVERHEAD) as i32;
    batch[LENGTH_AT..LEADER_EPOCH_AT].copy_from_slice(&length.to_be_bytes());
    let crc = crc32c::crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&crc.to_be_bytes());
}

/// Encodes the fields of a header except length and checksum, which [`seal`] writes.
pub(crate) fn encode_unsealed(header: &BatchHeader, out: &mut [u8; HEADER_SIZE]) {
    let mut attributes = i16::from(header.compression.id());
    for (set, bit) in [
        (
            header.timestamp_type == TimestampType::LogAppendTime,
            LOG_APPEND_TIME_BIT,
        ),
        (header.is_transactional, TRANSACTIONAL_BIT),
        (header.is_control, CONTROL_BIT),
        (header.has_delete_horizon, DELETE_HORIZON_BIT),
    ] {
        attributes |= if set { bit } else { 0 };
    }
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &header.base_offset.to_be_bytes());
    put(
        LEADER_EPOCH_AT,
        &header.partition_leader_epoch.0.to_be_bytes(),
    );
    put(MAGIC_AT, &MAGIC.to_be_bytes());
    put(ATTRIBUTES_AT, &attributes.to_be_bytes());
    put(
        LAST_OFFSET_DELTA_AT,
        &header.last_offset_delta.to_be_bytes(),
    );
    put(BASE_TIMESTAMP_AT, &header.base_timestamp.to_be_bytes());
    put(MAX_TIMESTAMP_AT, &header.max_timestamp.to_be_bytes());
    put(PRODUCER_ID_AT, &header.producer_id.0.to_be_bytes());
    put(PRODUCER_EPOCH_AT, &header.producer_epoch.0.to_be_bytes());
    put(BASE_SEQUENCE_AT, &header.base_sequence.to_be_bytes());
    put(RECORDS_COUNT_AT, &header.records_count.to_be_bytes());
}

/// Walks batches that lie one behind another.
///
/// Yields each header with the bytes of its whole batch. Ends after the first error; a torn
/// tail is [`BatchError::Truncated`], which readers of a fetch response take as the end.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
    position: usize,
}

impl<'a> Batches<'a> {
    /// Starts at the first byte of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Batches<'a> {
        Batches {
            rest: bytes,
            position: 0,
        }
    }

    /// Bytes of the complete batches yielded so far.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<(BatchHeader, &'a [u8]), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.rest);
        let header = match BatchHeader::parse(rest) {
            Ok(header) => header,
            Err(error) => return Some(Err(error)),
        };
        let needed = header.batch_size();
        let Some((batch, rest)) = rest.split_at_checked(needed) else {
            return Some(Err(BatchError::Truncated {
                needed,
                available: rest.len(),
            }));
        };
        self.rest = rest;
        self.position += needed;
        Some(Ok((header, batch)))
    }
}

/// As [`Batches`], but yields slices that share the buffer.
pub fn split_batches(
    bytes: Bytes,
) -> impl Iterator<Item = Result<(BatchHeader, Bytes), BatchError>> {
    let mut position = 0;
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed {
            return None;
        }
        let next = Batches::new(&bytes[position..]).next()?;
        failed = next.is_err();
        Some(next.map(|(header, batch)| {
            let start = position;
            position += batch.len();
            (header, bytes.slice(start..position))
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatchBuilder;

    fn batch(base_offset: i64, records: i32) -> Bytes {
        let mut builder = BatchBuilder::new(base_offset);
        for i in 0..records {
            builder.append(1_000 + i64::from(i), Some(b"k"), Some(b"v"), &[]);
        }
        builder.build().unwrap()
    }

    #[test]
    fn header_fields_are_where_kafka_puts_them() {
        let header = BatchHeader {
            base_offset: 0x0102_0304_0506_0708,
            batch_length: 49,
            partition_leader_epoch: LeaderEpoch(0x1112_1314),
            crc: 0,
            compression: Compression::Zstd,
            timestamp_type: TimestampType::LogAppendTime,
            is_transactional: true,
            is_control: true,
            has_delete_horizon: true,
            last_offset_delta: 0x2122_2324,
            base_timestamp: 0x3132_3334_3536_3738,
            max_timestamp: 0x4142_4344_4546_4748,
            producer_id: ProducerId(0x5152_5354_5556_5758),
            producer_epoch: ProducerEpoch(0x6162),
            base_sequence: 0x7172_7374,
            records_count: 0x0182_8384,
        };
        let mut bytes = [0; HEADER_SIZE];
        encode_unsealed(&header, &mut bytes);
        seal(&mut bytes);
        let expected = [
            1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 49, 0x11, 0x12, 0x13, 0x14, 2, //
        ];
        assert_eq!(bytes[..17], expected);
        let expected = [
            0, 0x7c, 0x21, 0x22, 0x23, 0x24, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x41,
            0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57,
            0x58, 0x61, 0x62, 0x71, 0x72, 0x73, 0x74, 1, 0x82, 0x83, 0x84,
        ];
        assert_eq!(bytes[21..], expected);
        let parsed = BatchHeader::parse(&bytes).unwrap();
        assert_eq!(BatchHeader { crc: 0, ..parsed }, header);
        assert!(verify_crc(&bytes));
    }

    #[test]
    fn sequences_wrap_after_the_largest() {
        let header = BatchHeader::parse(&batch(0, 3)).unwrap();
        assert_eq!(header.last_sequence(), NO_SEQUENCE);
        for (base, last) in [
            (0, 2),
            (i32::MAX - 2, i32::MAX),
            (i32::MAX - 1, 0),
            (i32::MAX, 1),
        ] {
            let header = BatchHeader {
                base_sequence: base,
                ..header
            };
            assert_eq!(header.last_sequence(), last, "{base}");
        }
    }

    #[test]
    fn offset_and_epoch_are_outside_the_checksum() {
        let mut bytes = batch(0, 2).to_vec();
        set_base_offset(&mut bytes, 77);
        set_partition_leader_epoch(&mut bytes, LeaderEpoch(5));
        assert!(verify_crc(&bytes));
        let header = BatchHeader::parse(&bytes).unwrap();
        assert_eq!((header.base_offset, header.last_offset()), (77, 78));
        assert_eq!(header.partition_leader_epoch, LeaderEpoch(5));
        set_timestamps(&mut bytes, TimestampType::LogAppendTime, 9_999);
        assert!(verify_crc(&bytes));
        let header = BatchHeader::parse(&bytes).unwrap();
        assert_eq!(header.timestamp_type, TimestampType::LogAppendTime);
        assert_eq!(header.max_timestamp, 9_999);
        bytes[40] ^= 1;
        assert!(!verify_crc(&bytes));
    }

    #[test]
    fn walk_stops_at_a_torn_tail() {
        let (first, second) = (batch(0, 2), batch(2, 1));
        let all = [&first[..], &second[..]].concat();
        for cut in 0..=all.len() {
            let mut batches = Batches::new(&all[..cut]);
            let complete = batches.by_ref().take_while(|b| b.is_ok()).count();
            let expected = usize::from(cut >= first.len()) + usize::from(cut == all.len());
            assert_eq!(complete, expected, "{cut}");
            let position = [0, first.len(), all.len()][expected];
            assert_eq!(batches.position(), position);
            let shared: Vec<_> = split_batches(Bytes::copy_from_slice(&all[..cut])).collect();
            assert_eq!(shared.iter().filter(|b| b.is_ok()).count(), expected);
            assert_eq!(shared.iter().any(|b| b.is_err()), position != cut);
        }
    }

    #[test]
    fn wrong_headers_are_told_apart() {
        let good = batch(0, 1);
        let check = |at: usize, bytes: &[u8], expected: BatchError| {
            let mut bad = good.to_vec();
            bad[at..at + bytes.len()].copy_from_slice(bytes);
            assert_eq!(BatchHeader::parse(&bad), Err(expected));
        };
        check(8, &48i32.to_be_bytes(), BatchError::Length(48));
        check(8, &(-1i32).to_be_bytes(), BatchError::Length(-1));
        check(16, &[1], BatchError::Magic(1));
        check(22, &[5], BatchError::Codec(5));
        check(57, &(-1i32).to_be_bytes(), BatchError::Count(-1));
        let offsets = BatchError::Offsets {
            base_offset: i64::MAX,
            last_offset_delta: 0,
        };
        check(0, &i64::MAX.to_be_bytes(), offsets);
    }
}
