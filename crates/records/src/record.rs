//! The records of a batch, as slices of one buffer.

use crate::batch::{BatchError, BatchHeader, HEADER_SIZE, NO_TIMESTAMP, TimestampType};
use crate::compression::{Compression, DecompressError, decompress};
use crate::record_walk::RecordError;
use crate::varint::{Decoded, decode_varlong};
use bytes::{Buf, Bytes};

/// Fewest bytes of a header of a record: two lengths.
const RECORD_HEADER_SIZE_MIN: usize = 2;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the offset adds to the batch's base offset.
    pub offset_delta: i32,
    /// What the timestamp adds to the batch's base timestamp, in ms.
    pub timestamp_delta: i64,
    /// The key, if there is one.
    pub key: Option<Bytes>,
    /// The value; none is a tombstone.
    pub value: Option<Bytes>,
    /// The headers, in order.
    pub headers: Vec<RecordHeader>,
}

/// One header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// The key, UTF-8 by agreement (not checked here).
    pub key: Bytes,
    /// The value, if there is one.
    pub value: Option<Bytes>,
}

impl Record {
    /// The record's offset within a batch of this header.
    pub fn offset(&self, batch: &BatchHeader) -> i64 {
        batch.base_offset.wrapping_add(i64::from(self.offset_delta))
    }

    /// The record's timestamp within a batch of this header, in ms; −1 if there is none.
    pub fn timestamp(&self, batch: &BatchHeader) -> i64 {
        record_timestamp(batch, self.timestamp_delta)
    }
}

/// The timestamp of a record whose delta is known.
pub(crate) fn record_timestamp(batch: &BatchHeader, timestamp_delta: i64) -> i64 {
    match batch.timestamp_type {
        TimestampType::LogAppendTime => batch.max_timestamp,
        TimestampType::CreateTime if batch.base_timestamp == NO_TIMESTAMP => NO_TIMESTAMP,
        TimestampType::CreateTime => batch.base_timestamp.wrapping_add(timestamp_delta),
    }
}

/// Why the records of a batch cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The batch itself is wrong or cut off.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The records cannot be decompressed within the cap.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
}

/// Iterates over the records of a batch. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Records {
    rest: Bytes,
    left: i32,
}

impl Records {
    /// Over decompressed records, of which the batch promises `count`.
    pub fn new(records: Bytes, count: i32) -> Records {
        Records {
            rest: records,
            left: count.max(0),
        }
    }

    /// Over a whole batch. Uncompressed records share the buffer; compressed ones are
    /// decompressed into at most `bytes_max` bytes. The checksum is not looked at.
    ///
    /// # Errors
    /// The batch is cut off or not of format v2, or its records cannot be decompressed.
    pub fn of_batch(
        batch: &Bytes,
        bytes_max: usize,
    ) -> Result<(BatchHeader, Records), RecordsError> {
        let header = BatchHeader::parse(batch)?;
        let needed = header.batch_size();
        if batch.len() < needed {
            return Err(BatchError::Truncated {
                needed,
                available: batch.len(),
            }
            .into());
        }
        let records = batch.slice(HEADER_SIZE..needed);
        let records = match header.compression {
            Compression::None => records,
            codec => decompress(codec, &records, bytes_max)?.into(),
        };
        Ok((header, Records::new(records, header.records_count)))
    }

    fn parse_next(&mut self) -> Result<Record, RecordError> {
        let size = take_length(&mut self.rest)?;
        if size > self.rest.len() {
            return Err(RecordError::Truncated);
        }
        let mut body = self.rest.split_to(size);
        body.try_get_i8().map_err(|_| RecordError::Length)?; // attributes are unused
        let record = Record {
            timestamp_delta: take_number(&mut body)?,
            offset_delta: take_int(&mut body)?,
            key: take_nullable(&mut body)?,
            value: take_nullable(&mut body)?,
            headers: take_headers(&mut body)?,
        };
        if body.is_empty() {
            Ok(record)
        } else {
            Err(RecordError::Size)
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let trailing = !std::mem::take(&mut self.rest).is_empty();
            return trailing.then_some(Err(RecordError::Trailing));
        }
        self.left -= 1;
        let next = self.parse_next();
        if next.is_err() {
            self.left = 0;
            self.rest = Bytes::new();
        }
        Some(next)
    }
}

fn take_headers(body: &mut Bytes) -> Result<Vec<RecordHeader>, RecordError> {
    let count = take_length(body)?;
    if count > body.len() / RECORD_HEADER_SIZE_MIN {
        return Err(RecordError::Length);
    }
    (0..count)
        .map(|_| {
            let length = take_length(body)?;
            Ok(RecordHeader {
                key: take_bytes(body, length)?,
                value: take_nullable(body)?,
            })
        })
        .collect()
}

fn take_nullable(body: &mut Bytes) -> Result<Option<Bytes>, RecordError> {
    match take_int(body)? {
        -1 => Ok(None),
        length => {
            let length = usize::try_from(length).map_err(|_| RecordError::Length)?;
            take_bytes(body, length).map(Some)
        }
    }
}

fn take_bytes(body: &mut Bytes, length: usize) -> Result<Bytes, RecordError> {
    if length > body.len() {
        return Err(RecordError::Length);
    }
    Ok(body.split_to(length))
}

fn take_length(body: &mut Bytes) -> Result<usize, RecordError> {
    usize::try_from(take_int(body)?).map_err(|_| RecordError::Length)
}

fn take_int(body: &mut Bytes) -> Result<i32, RecordError> {
    i32::try_from(take_number(body)?).map_err(|_| RecordError::Number)
}

fn take_number(body: &mut Bytes) -> Result<i64, RecordError> {
    match decode_varlong(body) {
        Decoded::Value(value, size) => {
            body.advance(size);
            Ok(value)
        }
        Decoded::Incomplete => Err(RecordError::Truncated),
        Decoded::TooLong => Err(RecordError::Number),
    }
}
