//! Looks records up by their timestamps.

use crate::batch_scan::{BatchAt, ScanError};
use crate::error::ReadError;
use crate::log_reader::{LogReader, read_at};
use crate::log_state::Segments;
use crate::segment::Segment;
use klamm_records::{
    BatchHeader, DECOMPRESSED_BYTES_MAX_DEFAULT, HEADER_SIZE, Records, TimestampType, verify_crc,
};
use klamm_types::LeaderEpoch;

/// A record found by its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// Its timestamp in ms.
    pub timestamp: i64,
    /// Its offset.
    pub offset: i64,
    /// The leader epoch of its batch.
    pub leader_epoch: LeaderEpoch,
}

impl LogReader {
    /// The first record whose timestamp is at least `timestamp` (ms), wherever in the log it is.
    ///
    /// # Errors
    /// The disk failed, or a batch cannot be decompressed.
    pub fn offset_for_timestamp(
        &self,
        timestamp: i64,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        self.unless_replaced(|segments| self.offset_for_timestamp_in(segments, timestamp))
    }

    fn offset_for_timestamp_in(
        &self,
        segments: &Segments,
        timestamp: i64,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        let log_start_offset = self.log_start_offset();
        for segment in segments {
            let newest = segment
                .max_timestamp()
                .map_err(ReadError::io(segment.path()))?;
            if newest.is_none_or(|newest| newest.timestamp < timestamp) {
                continue;
            }
            let mut found = first_at_or_after(segment, timestamp, log_start_offset);
            if let Err(ReadError::Damaged { .. }) = found {
                // Once it is located, it is passed over.
                self.locate_damage(segment)?;
                found = first_at_or_after(segment, timestamp, log_start_offset);
            }
            match found {
                Ok(None) => {}
                found => return found,
            }
        }
        Ok(None)
    }

    /// The first of the records with the largest timestamp; `None` if no record has one.
    ///
    /// # Errors
    /// The disk failed, or a batch cannot be decompressed.
    pub fn offset_of_max_timestamp(&self) -> Result<Option<TimestampOffset>, ReadError> {
        let newest = self.unless_replaced(|segments| {
            let mut newest = None;
            for segment in segments {
                let entry = segment.max_timestamp();
                let entry = entry.map_err(ReadError::io(segment.path()))?;
                newest = newest.max(entry.map(|entry| entry.timestamp));
            }
            Ok(newest)
        })?;
        match newest {
            Some(timestamp) => self.offset_for_timestamp(timestamp),
            None => Ok(None),
        }
    }
}

/// The first record of a segment at or behind `from_offset` whose timestamp is at least
/// `timestamp`.
fn first_at_or_after(
    segment: &Segment,
    timestamp: i64,
    from_offset: i64,
) -> Result<Option<TimestampOffset>, ReadError> {
    let error = || ReadError::io(segment.path());
    let indexed = segment.batch_before(timestamp).map_err(error())?;
    let start = match indexed.filter(|batch| batch.header.base_offset > from_offset) {
        None => segment.find_batch(from_offset)?,
        indexed => indexed,
    };
    let Some(start) = start else {
        return Ok(None);
    };
    let mut scan = segment.scan(start.position).map_err(error())?;
    loop {
        let batch = match scan.next() {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(None),
            Err(ScanError::Io(source)) => return Err(error()(source)),
            Err(damage) => return Err(segment.read_error(damage)),
        };
        if batch.header.max_timestamp < timestamp {
            continue;
        }
        if let Some(found) = first_in_batch(segment, &batch, timestamp, from_offset)? {
            return Ok(Some(found));
        }
    }
}

fn first_in_batch(
    segment: &Segment,
    batch: &BatchAt,
    timestamp: i64,
    from_offset: i64,
) -> Result<Option<TimestampOffset>, ReadError> {
    let header: BatchHeader = batch.header;
    let leader_epoch = header.partition_leader_epoch;
    if header.timestamp_type == TimestampType::LogAppendTime {
        let offset = header.base_offset.max(from_offset);
        return Ok(Some(TimestampOffset {
            timestamp: header.max_timestamp,
            offset,
            leader_epoch,
        }));
    }
    let bytes = read_at(
        segment,
        batch.position,
        header.batch_size().max(HEADER_SIZE),
    )?;
    let damage = |reason: String| ReadError::damaged(segment.path(), batch.position, reason);
    let is_checked = segment.checks().bytes().covers(batch.position, batch.end());
    if !is_checked && !verify_crc(&bytes) {
        return Err(damage("checksum does not match".to_owned()));
    }
    let (_, records) = Records::of_batch(&bytes, DECOMPRESSED_BYTES_MAX_DEFAULT)
        .map_err(|error| damage(error.to_string()))?;
    for record in records {
        let record = record.map_err(|error| damage(error.to_string()))?;
        let (offset, found) = (record.offset(&header), record.timestamp(&header));
        if found >= timestamp && offset >= from_offset {
            return Ok(Some(TimestampOffset {
                timestamp: found,
                offset,
                leader_epoch,
            }));
        }
    }
    Ok(None)
}
