//! Rewrites a batch with some of its records, as compaction does. Offsets, epochs and the
//! producer's fields stay what they were.

use crate::batch::{BatchHeader, HEADER_SIZE, NO_TIMESTAMP, TimestampType, encode_unsealed, seal};
use crate::builder::BuildError;
use crate::compression::{Compression, CompressionLevels, compress};
use crate::record::record_timestamp;
use crate::record_view::RecordView;
use bytes::Bytes;

/// A batch that keeps some of another one's records.
#[derive(Debug)]
pub struct BatchRewrite {
    original: BatchHeader,
    header: BatchHeader,
    /// Room for the header, then the records so far.
    bytes: Vec<u8>,
}

impl BatchRewrite {
    /// Starts without records. `delete_horizon_ms` is the time from which tombstones in the
    /// batch may go; it is kept from the original if that has one already (KIP-534).
    pub fn new(original: &BatchHeader, delete_horizon_ms: Option<i64>) -> BatchRewrite {
        let horizon = if original.has_delete_horizon {
            Some(original.base_timestamp)
        } else {
            delete_horizon_ms
        };
        let max_timestamp = match original.timestamp_type {
            TimestampType::LogAppendTime => original.max_timestamp,
            TimestampType::CreateTime => NO_TIMESTAMP,
        };
        let header = BatchHeader {
            has_delete_horizon: horizon.is_some(),
            base_timestamp: horizon.unwrap_or(NO_TIMESTAMP),
            max_timestamp,
            records_count: 0,
            ..*original
        };
        BatchRewrite {
            original: *original,
            header,
            bytes: vec![0; HEADER_SIZE],
        }
    }

    /// Keeps a record of the original batch.
    pub fn append(&mut self, record: &RecordView<'_>) {
        let timestamp = record_timestamp(&self.original, record.timestamp_delta);
        let header = &mut self.header;
        if header.records_count == 0 && !header.has_delete_horizon {
            header.base_timestamp = timestamp;
        }
        header.max_timestamp = header.max_timestamp.max(timestamp);
        header.records_count += 1;
        let delta = timestamp.wrapping_sub(header.base_timestamp);
        record.encode(delta, &mut self.bytes);
    }

    /// Count of records so far.
    pub fn records_count(&self) -> i32 {
        self.header.records_count
    }

    /// Finishes the batch in the codec of the original.
    ///
    /// # Errors
    /// The codec fails, or the batch exceeds 2 GiB.
    pub fn build(self) -> Result<Bytes, BuildError> {
        let BatchRewrite {
            header, mut bytes, ..
        } = self;
        if header.compression != Compression::None {
            let levels = CompressionLevels::default();
            let records = compress(header.compression, levels, &bytes[HEADER_SIZE..])?;
            bytes.truncate(HEADER_SIZE);
            bytes.extend_from_slice(&records);
        }
        if i32::try_from(bytes.len()).is_err() {
            return Err(BuildError::TooLarge(bytes.len()));
        }
        finish(&header, &mut bytes);
        Ok(bytes.into())
    }
}

/// A batch without records in place of another one: it remembers the offsets and the producer's
/// sequence numbers.
pub fn empty_batch(original: &BatchHeader) -> Bytes {
    let header = BatchHeader {
        compression: Compression::None,
        has_delete_horizon: false,
        base_timestamp: NO_TIMESTAMP,
        records_count: 0,
        ..*original
    };
    let mut bytes = vec![0; HEADER_SIZE];
    finish(&header, &mut bytes);
    bytes.into()
}

fn finish(header: &BatchHeader, bytes: &mut [u8]) {
    if let Some(raw) = bytes.first_chunk_mut() {
        encode_unsealed(header, raw);
    }
    seal(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchBuilder, Record, RecordViews, Records, decompress, verify_crc};
    use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};

    fn original(codec: Compression, kind: TimestampType) -> Bytes {
        let mut builder = BatchBuilder::new(100)
            .compression(codec)
            .timestamp_type(kind)
            .leader_epoch(LeaderEpoch(4))
            .producer(ProducerId(9), ProducerEpoch(2), 40)
            .transactional(true);
        for i in 0..10i64 {
            builder.append(
                1_000 - 10 * i,
                Some(b"k"),
                Some(&[b'x'; 40]),
                &[(b"h", None)],
            );
        }
        builder.build().unwrap()
    }

    fn keep(batch: &Bytes, horizon: Option<i64>, wanted: &[i32]) -> Bytes {
        let header = BatchHeader::parse(batch).unwrap();
        let records = decompress(header.compression, &batch[HEADER_SIZE..], 1 << 20).unwrap();
        let mut rewrite = BatchRewrite::new(&header, horizon);
        for record in RecordViews::new(&records, header.records_count).map(Result::unwrap) {
            if wanted.contains(&record.offset_delta) {
                rewrite.append(&record);
            }
        }
        rewrite.build().unwrap()
    }

    fn read(batch: &Bytes) -> (BatchHeader, Vec<(i64, i64, Record)>) {
        assert!(verify_crc(batch));
        let (header, records) = Records::of_batch(batch, 1 << 20).unwrap();
        let records = records.map(Result::unwrap);
        let records = records.map(|r| (r.offset(&header), r.timestamp(&header), r));
        (header, records.collect())
    }

    #[test]
    fn kept_records_and_the_header_stay_what_they_were() {
        for codec in Compression::ALL {
            for kind in [TimestampType::CreateTime, TimestampType::LogAppendTime] {
                for horizon in [None, Some(5_000_000)] {
                    let batch = original(codec, kind);
                    let kept = keep(&batch, horizon, &[2, 3, 7]);
                    let ((old, all), (new, some)) = (read(&batch), read(&kept));
                    assert_eq!(new.records_count, 3);
                    for ((offset, timestamp, record), i) in some.iter().zip([2usize, 3, 7]) {
                        assert_eq!((*offset, *timestamp), (all[i].0, all[i].1));
                        assert_eq!(record.key, all[i].2.key);
                        assert_eq!(record.value, all[i].2.value);
                        assert_eq!(record.headers, all[i].2.headers);
                    }
                    let max_timestamp = some.iter().map(|r| r.1).max().unwrap();
                    let expected = BatchHeader {
                        batch_length: new.batch_length,
                        crc: new.crc,
                        base_timestamp: horizon.unwrap_or(new.base_timestamp),
                        max_timestamp,
                        has_delete_horizon: horizon.is_some(),
                        records_count: 3,
                        ..old
                    };
                    assert_eq!(new, expected);
                }
            }
        }
    }

    #[test]
    fn a_delete_horizon_is_set_once() {
        let batch = original(Compression::None, TimestampType::CreateTime);
        let first = keep(&batch, Some(7_000), &[1, 2, 3]);
        let second = keep(&first, Some(9_000), &[2]);
        let (header, records) = read(&second);
        assert!(header.has_delete_horizon);
        assert_eq!(header.base_timestamp, 7_000);
        assert_eq!(records[0].1, 980);
    }

    #[test]
    fn an_emptied_batch_keeps_offsets_and_producer() {
        let batch = original(Compression::Gzip, TimestampType::CreateTime);
        let (old, _) = read(&batch);
        let (new, records) = read(&empty_batch(&old));
        assert!(records.is_empty());
        assert_eq!((new.base_offset, new.last_offset()), (100, 109));
        assert_eq!(
            (new.producer_id, new.producer_epoch),
            (old.producer_id, old.producer_epoch)
        );
        assert_eq!((new.base_sequence, new.last_sequence()), (40, 49));
        assert_eq!(
            (new.max_timestamp, new.base_timestamp),
            (old.max_timestamp, NO_TIMESTAMP)
        );
        assert_eq!(new.batch_size(), HEADER_SIZE);
    }
}
