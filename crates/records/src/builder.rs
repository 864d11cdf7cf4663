//! Builds batches record by record.

use crate::batch::{
    BatchHeader, HEADER_SIZE, NO_SEQUENCE, NO_TIMESTAMP, TimestampType, encode_unsealed, seal,
};
use crate::compression::{Compression, CompressionLevels, compress};
use crate::varint::{encode_varlong, varlong_size};
use bytes::Bytes;
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};
use std::io;

/// Why a batch cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The batch would exceed the 2 GiB that its length field can tell.
    #[error("batch of {0} bytes exceeds what its length field can tell")]
    TooLarge(usize),
    /// The codec failed.
    #[error("cannot compress records: {0}")]
    Compress(#[from] io::Error),
}

/// Collects records into one batch.
///
/// ```
/// # use klamm_records::{BatchBuilder, Compression, Records};
/// let mut builder = BatchBuilder::new(100).compression(Compression::Lz4);
/// builder.append(1_700_000_000_000, Some(b"key"), Some(b"value"), &[]);
/// let batch = builder.build().unwrap();
/// let (header, mut records) = Records::of_batch(&batch, 1 << 20).unwrap();
/// assert_eq!(header.base_offset, 100);
/// assert_eq!(records.next().unwrap().unwrap().value.as_deref(), Some(&b"value"[..]));
/// ```
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    header: BatchHeader,
    levels: CompressionLevels,
    /// Room for the header, then the records so far.
    bytes: Vec<u8>,
}

impl BatchBuilder {
    /// An empty batch without a producer, uncompressed, of leader epoch −1.
    pub fn new(base_offset: i64) -> BatchBuilder {
        let header = BatchHeader {
            base_offset,
            batch_length: 0,
            partition_leader_epoch: LeaderEpoch::NONE,
            crc: 0,
            compression: Compression::None,
            timestamp_type: TimestampType::CreateTime,
            is_transactional: false,
            is_control: false,
            has_delete_horizon: false,
            last_offset_delta: 0,
            base_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
            producer_id: ProducerId::NONE,
            producer_epoch: ProducerEpoch::NONE,
            base_sequence: NO_SEQUENCE,
            records_count: 0,
        };
        BatchBuilder {
            header,
            levels: CompressionLevels::default(),
            bytes: vec![0; HEADER_SIZE],
        }
    }

    /// Sets the epoch of the leader that appends the batch.
    #[must_use]
    pub fn leader_epoch(mut self, epoch: LeaderEpoch) -> Self {
        self.header.partition_leader_epoch = epoch;
        self
    }

    /// Sets the codec.
    #[must_use]
    pub fn compression(mut self, codec: Compression) -> Self {
        self.header.compression = codec;
        self
    }

    /// Sets how hard the codec tries.
    #[must_use]
    pub fn compression_levels(mut self, levels: CompressionLevels) -> Self {
        self.levels = levels;
        self
    }

    /// Sets whose clock the timestamps come from.
    #[must_use]
    pub fn timestamp_type(mut self, kind: TimestampType) -> Self {
        self.header.timestamp_type = kind;
        self
    }

    /// Sets an idempotent producer and the sequence number of the first record.
    #[must_use]
    pub fn producer(mut self, id: ProducerId, epoch: ProducerEpoch, base_sequence: i32) -> Self {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Marks the batch as part of a transaction.
    #[must_use]
    pub fn transactional(mut self, is_transactional: bool) -> Self {
        self.header.is_transactional = is_transactional;
        self
    }

    /// Marks the records as control records.
    #[must_use]
    pub fn control(mut self, is_control: bool) -> Self {
        self.header.is_control = is_control;
        self
    }

    /// Adds a record at the next offset. `timestamp` is in ms; headers are (key, value).
    pub fn append(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) {
        if self.header.records_count == 0 {
            self.header.base_timestamp = timestamp;
        }
        self.header.max_timestamp = self.header.max_timestamp.max(timestamp);
        let timestamp_delta = timestamp.wrapping_sub(self.header.base_timestamp);
        let offset_delta = i64::from(self.header.records_count);
        let size = body_size(timestamp_delta, offset_delta, key, value, headers);
        let out = &mut self.bytes;
        out.reserve(size + varlong_size(size as i64));
        encode_varlong(size as i64, out);
        out.push(0);
        encode_varlong(timestamp_delta, out);
        encode_varlong(offset_delta, out);
        encode_nullable(key, out);
        encode_nullable(value, out);
        encode_varlong(headers.len() as i64, out);
        for (key, value) in headers {
            encode_nullable(Some(key), out);
            encode_nullable(*value, out);
        }
        self.header.records_count += 1;
    }

    /// Count of records so far.
    pub fn records_count(&self) -> i32 {
        self.header.records_count
    }

    /// Whether there are no records yet.
    pub fn is_empty(&self) -> bool {
        self.header.records_count == 0
    }

    /// Bytes of the batch so far, before compression.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Finishes the batch. A batch without records is built as compaction leaves it: header only.
    ///
    /// # Errors
    /// The codec fails, or the batch exceeds 2 GiB.
    pub fn build(self) -> Result<Bytes, BuildError> {
        let BatchBuilder {
            mut header,
            levels,
            mut bytes,
        } = self;
        header.last_offset_delta = (header.records_count - 1).max(0);
        if header.compression != Compression::None {
            let records = compress(header.compression, levels, &bytes[HEADER_SIZE..])?;
            bytes.truncate(HEADER_SIZE);
            bytes.extend_from_slice(&records);
        }
        if i32::try_from(bytes.len()).is_err() {
            return Err(BuildError::TooLarge(bytes.len()));
        }
        if let Some(raw) = bytes.first_chunk_mut() {
            encode_unsealed(&header, raw);
        }
        seal(&mut bytes);
        Ok(bytes.into())
    }
}

fn body_size(
    timestamp_delta: i64,
    offset_delta: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[(&[u8], Option<&[u8]>)],
) -> usize {
    let headers_size: usize = headers
        .iter()
        .map(|(key, value)| nullable_size(Some(key)) + nullable_size(*value))
        .sum();
    1 + varlong_size(timestamp_delta)
        + varlong_size(offset_delta)
        + nullable_size(key)
        + nullable_size(value)
        + varlong_size(headers.len() as i64)
        + headers_size
}

fn nullable_size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varlong_size(bytes.len() as i64) + bytes.len())
}

fn encode_nullable(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    match bytes {
        None => encode_varlong(-1, out),
        Some(bytes) => {
            encode_varlong(bytes.len() as i64, out);
            out.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Record, Records, verify_crc};
    use proptest::prelude::*;

    type Input = (
        i64,
        Option<Vec<u8>>,
        Option<Vec<u8>>,
        Vec<(Vec<u8>, Option<Vec<u8>>)>,
    );

    fn blob() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..100)
    }

    fn input() -> impl Strategy<Value = Input> {
        let headers = prop::collection::vec((blob(), prop::option::of(blob())), 0..4);
        (
            0..i64::MAX / 2,
            prop::option::of(blob()),
            prop::option::of(blob()),
            headers,
        )
    }

    fn build(inputs: &[Input], codec: Compression) -> Bytes {
        let mut builder = BatchBuilder::new(42)
            .compression(codec)
            .leader_epoch(LeaderEpoch(3))
            .producer(ProducerId(9), ProducerEpoch(1), 7);
        for (timestamp, key, value, headers) in inputs {
            let headers: Vec<_> = headers
                .iter()
                .map(|(key, value)| (&key[..], value.as_deref()))
                .collect();
            builder.append(*timestamp, key.as_deref(), value.as_deref(), &headers);
        }
        builder.build().unwrap()
    }

    fn check(record: &Record, header: &BatchHeader, i: usize, input: &Input) {
        assert_eq!(record.offset(header), 42 + i as i64);
        assert_eq!(record.timestamp(header), input.0);
        assert_eq!(record.key.as_deref(), input.1.as_deref());
        assert_eq!(record.value.as_deref(), input.2.as_deref());
        let headers: Vec<_> = record
            .headers
            .iter()
            .map(|h| (h.key.to_vec(), h.value.as_ref().map(|v| v.to_vec())))
            .collect();
        assert_eq!(headers, input.3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn round_trips(inputs in prop::collection::vec(input(), 1..20)) {
            for codec in Compression::ALL {
                let batch = build(&inputs, codec);
                prop_assert!(verify_crc(&batch));
                let (header, records) = Records::of_batch(&batch, 1 << 20).unwrap();
                prop_assert_eq!(header.batch_size(), batch.len());
                prop_assert_eq!(header.records_count as usize, inputs.len());
                prop_assert_eq!(header.last_sequence(), 7 + inputs.len() as i32 - 1);
                let max = inputs.iter().map(|i| i.0).max().unwrap();
                prop_assert_eq!(header.max_timestamp, max);
                let records: Vec<_> = records.map(Result::unwrap).collect();
                prop_assert_eq!(records.len(), inputs.len());
                for (i, record) in records.iter().enumerate() {
                    check(record, &header, i, &inputs[i]);
                }
            }
        }

        #[test]
        fn damaged_records_never_panic(
            inputs in prop::collection::vec(input(), 1..5),
            at: prop::sample::Index,
            with: u8,
        ) {
            for codec in Compression::ALL {
                let mut batch = build(&inputs, codec).to_vec();
                let at = at.index(batch.len());
                batch[at] ^= with;
                if let Ok((_, records)) = Records::of_batch(&batch.into(), 1 << 20) {
                    prop_assert!(records.count() <= i32::MAX as usize);
                }
            }
        }
    }

    #[test]
    fn a_batch_without_records_is_a_header() {
        let batch = BatchBuilder::new(5).build().unwrap();
        assert_eq!(batch.len(), HEADER_SIZE);
        let (header, mut records) = Records::of_batch(&batch, 0).unwrap();
        assert_eq!((header.last_offset(), records.next()), (5, None));
    }
}
