//! Walks the records of a batch without keeping them: what a broker needs to validate them.
//!
//! Reads from a stream, so a compressed batch is checked in the memory of one codec window,
//! and allocates nothing itself.

use crate::varint::{Decoded, VARLONG_SIZE_MAX, decode_varlong};
use std::io::{self, BufRead};

/// Why bytes are not the records their batch promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The records end early.
    #[error("records end within a record")]
    Truncated,
    /// A variable-length number is wider than its field.
    #[error("number in a record is too long")]
    Number,
    /// A length is negative where it must not be, or reaches past its record.
    #[error("length in a record does not fit the record")]
    Length,
    /// A record is longer or shorter than its fields.
    #[error("record size does not match its fields")]
    Size,
    /// Bytes follow the last record.
    #[error("bytes follow the last record of the batch")]
    Trailing,
    /// More bytes than the caller allows.
    #[error("records are larger than allowed")]
    TooLarge,
}

/// What stops a walk.
#[derive(Debug)]
pub(crate) enum WalkError {
    Record(RecordError),
    Io(io::Error),
}

impl From<RecordError> for WalkError {
    fn from(error: RecordError) -> Self {
        WalkError::Record(error)
    }
}

/// What is left of one record after its key, value and headers are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordOutline {
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) has_key: bool,
}

/// Reads outlines of records from a stream of decompressed bytes.
pub(crate) struct RecordWalk<R> {
    source: R,
    /// Bytes left of the current record.
    record_left: usize,
    /// Bytes the caller still allows.
    allowance: usize,
}

impl<R: BufRead> RecordWalk<R> {
    /// Walks over at most `bytes_max` bytes.
    pub(crate) fn new(source: R, bytes_max: usize) -> RecordWalk<R> {
        RecordWalk {
            source,
            record_left: 0,
            allowance: bytes_max,
        }
    }

    /// The next record.
    pub(crate) fn next(&mut self) -> Result<RecordOutline, WalkError> {
        self.record_left = VARLONG_SIZE_MAX.min(self.allowance);
        let size = self.int()?;
        let size = usize::try_from(size).map_err(|_| RecordError::Length)?;
        if size > self.allowance {
            return Err(RecordError::TooLarge.into());
        }
        self.record_left = size;
        self.skip(1)?; // attributes of a record are unused
        let timestamp_delta = self.number()?;
        let offset_delta = self.int()?;
        let has_key = self.skip_nullable()?;
        self.skip_nullable()?;
        let headers = usize::try_from(self.int()?).map_err(|_| RecordError::Length)?;
        for _ in 0..headers {
            let key = usize::try_from(self.int()?).map_err(|_| RecordError::Length)?;
            self.skip(key)?;
            self.skip_nullable()?;
        }
        if self.record_left != 0 {
            return Err(RecordError::Size.into());
        }
        Ok(RecordOutline {
            timestamp_delta,
            offset_delta,
            has_key,
        })
    }

    /// Checks that nothing follows the records read.
    pub(crate) fn finish(mut self) -> Result<(), WalkError> {
        match self.source.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(RecordError::Trailing.into()),
            Err(error) => Err(WalkError::Io(error)),
        }
    }

    fn skip_nullable(&mut self) -> Result<bool, WalkError> {
        match self.int()? {
            -1 => Ok(false),
            length => {
                self.skip(usize::try_from(length).map_err(|_| RecordError::Length)?)?;
                Ok(true)
            }
        }
    }

    fn int(&mut self) -> Result<i32, WalkError> {
        i32::try_from(self.number()?).map_err(|_| RecordError::Number.into())
    }

    fn number(&mut self) -> Result<i64, WalkError> {
        let available = self.source.fill_buf().map_err(WalkError::Io)?;
        match decode_varlong(available) {
            Decoded::Value(value, size) => {
                self.advance(size)?;
                Ok(value)
            }
            Decoded::TooLong => Err(RecordError::Number.into()),
            Decoded::Incomplete => self.number_across_buffers(),
        }
    }

    #[cold]
    fn number_across_buffers(&mut self) -> Result<i64, WalkError> {
        let mut bytes = [0; VARLONG_SIZE_MAX];
        for filled in 1..=VARLONG_SIZE_MAX {
            let available = self.source.fill_buf().map_err(WalkError::Io)?;
            bytes[filled - 1] = *available.first().ok_or(RecordError::Truncated)?;
            self.advance(1)?;
            if let Decoded::Value(value, _) = decode_varlong(&bytes[..filled]) {
                return Ok(value);
            }
        }
        Err(RecordError::Number.into())
    }

    fn skip(&mut self, mut amount: usize) -> Result<(), WalkError> {
        if amount > self.record_left {
            return Err(RecordError::Length.into());
        }
        while amount > 0 {
            let available = self.source.fill_buf().map_err(WalkError::Io)?.len();
            if available == 0 {
                return Err(RecordError::Truncated.into());
            }
            let step = available.min(amount);
            self.advance(step)?;
            amount -= step;
        }
        Ok(())
    }

    fn advance(&mut self, amount: usize) -> Result<(), WalkError> {
        self.record_left = self
            .record_left
            .checked_sub(amount)
            .ok_or(RecordError::Length)?;
        self.allowance = self
            .allowance
            .checked_sub(amount)
            .ok_or(RecordError::TooLarge)?;
        self.source.consume(amount);
        Ok(())
    }
}
