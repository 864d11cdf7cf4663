//! Batches that Kafka's own Java classes (4.3.1) wrote, one per codec, all of the same records:
//! base offset 7, leader epoch 5, producer 4000 of epoch 3 from sequence 11 on.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use klamm_records::{
    BatchBuilder, Compression, ProducePolicy, Records, TimestampType, set_base_offset,
    validate_produce, verify_crc,
};
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};

const BATCHES: [(Compression, &str); 5] = [
    (
        Compression::None,
        "\
         00000000000000070000007a00000005025307b55a0000000000020000018bcfe568000000018bcf\
         e568c80000000000000fa000030000000b000000035e000000066b65793e612076616c7565206120\
         76616c756520612076616c756520612076616c75650402680231026e0118001302010c7365636f6e\
         6400160090030408676f6e650100\
         ",
    ),
    (
        Compression::Gzip,
        "\
         00000000000000070000007900000005025e61318a0001000000020000018bcfe568000000018bcf\
         e568c80000000000000fa000030000000b000000031f8b08000000000000ff8b63606060cb4eadb4\
         4b54284bcc294d55c041b33065301932e5314a30083331f214a726e7e7a53088314c6066e148cfcf\
         4b6564000054a6738649000000\
         ",
    ),
    (
        Compression::Snappy,
        "\
         00000000000000070000007d00000005020a9cd1920002000000020000018bcfe568000000018bcf\
         e568c80000000000000fa000030000000b0000000382534e41505059000000000100000001000000\
         3849405e000000066b65793e612076616c7565205a0800800402680231026e0118001302010c7365\
         636f6e6400160090030408676f6e650100\
         ",
    ),
    (
        Compression::Lz4,
        "\
         000000000000000700000079000000050226c3da170003000000020000018bcfe568000000018bcf\
         e568c80000000000000fa000030000000b0000000304224d1860408239000000ff025e000000066b\
         65793e612076616c756520080004f0120402680231026e0118001302010c7365636f6e6400160090\
         030408676f6e65010000000000\
         ",
    ),
    (
        Compression::Zstd,
        "\
         000000000000000700000076000000050216629f060004000000020000018bcfe568000000018bcf\
         e568c80000000000000fa000030000000b0000000328b52ffd0058cc010024035e000000066b6579\
         3e612076616c7565200402680231026e0118001302010c7365636f6e6400160090030408676f6e65\
         01000100579725010000\
         ",
    ),
];

type Expected = (i64, Option<&'static [u8]>, Option<&'static [u8]>);

const RECORDS: [Expected; 3] = [
    (
        1_700_000_000_000,
        Some(b"key"),
        Some(b"a value a value a value a value"),
    ),
    (1_699_999_999_990, None, Some(b"second")),
    (1_700_000_000_200, Some(b"gone"), None),
];

fn bytes(hex: &str) -> Bytes {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

#[test]
fn batches_of_every_codec_are_read() {
    for (codec, hex) in BATCHES {
        let batch = bytes(hex);
        assert!(verify_crc(&batch));
        let (header, records) = Records::of_batch(&batch, 1 << 10).unwrap();
        assert_eq!(header.compression, codec);
        assert_eq!((header.base_offset, header.last_offset()), (7, 9));
        assert_eq!(header.partition_leader_epoch, LeaderEpoch(5));
        assert_eq!(
            (header.producer_id, header.producer_epoch),
            (ProducerId(4_000), ProducerEpoch(3))
        );
        assert_eq!((header.base_sequence, header.last_sequence()), (11, 13));
        assert_eq!(header.max_timestamp, 1_700_000_000_200);
        let records: Vec<_> = records.map(Result::unwrap).collect();
        for (record, (timestamp, key, value)) in records.iter().zip(RECORDS) {
            assert_eq!(record.timestamp(&header), timestamp);
            assert_eq!(
                (record.key.as_deref(), record.value.as_deref()),
                (key, value)
            );
        }
        let headers = &records[0].headers;
        assert_eq!(
            (headers[0].key.as_ref(), headers[0].value.as_deref()),
            (&b"h"[..], Some(&b"1"[..]))
        );
        assert_eq!(
            (headers[1].key.as_ref(), headers[1].value.as_deref()),
            (&b"n"[..], None)
        );
        assert_eq!(records.len(), 3);
    }
}

#[test]
fn the_same_records_build_the_same_batch() {
    let mut builder = BatchBuilder::new(7).leader_epoch(LeaderEpoch(5)).producer(
        ProducerId(4_000),
        ProducerEpoch(3),
        11,
    );
    let headers: [(&[u8], Option<&[u8]>); 2] = [(b"h", Some(b"1")), (b"n", None)];
    for (i, (timestamp, key, value)) in RECORDS.into_iter().enumerate() {
        builder.append(timestamp, key, value, if i == 0 { &headers } else { &[] });
    }
    assert_eq!(builder.build().unwrap(), bytes(BATCHES[0].1));
}

#[test]
fn they_may_be_produced() {
    let policy = ProducePolicy {
        message_bytes_max: 1 << 20,
        segment_bytes_max: 1 << 30,
        decompressed_bytes_max: 1 << 20,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: 1_000,
        timestamp_after_max_ms: 1_000,
        compacted: false,
        produce_version: 13,
    };
    for (_, hex) in BATCHES {
        let mut batch = bytes(hex).to_vec();
        set_base_offset(&mut batch, 0);
        let valid = validate_produce(&batch, &policy, 1_700_000_000_000).unwrap();
        assert_eq!(valid.max_timestamp, 1_700_000_000_200);
    }
}
