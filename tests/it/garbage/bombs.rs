//! Batches that are small and say that they are large.

use super::victim::Victim;
use crate::asking::{Asking, batch};
use bytes::Bytes;
use klamm_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use klamm_records::{Compression, CompressionLevels, compress};
use klamm_types::ErrorCode;
use std::thread;

/// What one piece of a bomb inflates to; pieces are strung together.
const PIECE_BYTES: usize = 16 << 20;

/// Batches may be as large as this by default (`max.message.bytes`), a little less the header.
const BOMB_BYTES_MAX: usize = 1_000_000;

/// Bombs that go off at the same time.
const AT_ONCE: usize = 4;

/// Where fields of a batch begin.
const LENGTH_AT: usize = 8;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const LAST_DELTA_AT: usize = 23;
const COUNT_AT: usize = 57;
const HEADER_BYTES: usize = 61;

/// The lengths that records claim to have: more than any batch may inflate to, and what a node
/// has to look through before it knows better.
const CLAIMS: [u32; 2] = [0x7fff_fff0, 200 << 20];

pub(super) fn explode(victim: &Victim) {
    for codec in [
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        for claim in CLAIMS {
            let bomb = bomb(codec, claim);
            thread::scope(|scope| {
                for _ in 0..AT_ONCE {
                    scope.spawn(|| refused(victim, &format!("{codec:?} {claim}"), bomb.clone()));
                }
            });
        }
    }
}

/// One record of the length that it claims, and more zeros behind it, as many as fit when packed.
fn bomb(codec: Compression, claim: u32) -> Bytes {
    // Attributes, time, offset, no key, the value's length; behind the value no headers.
    let mut record = vec![0, 0, 0, 1];
    record.extend(varint(claim));
    let length = u32::try_from(record.len()).unwrap() + claim + 1;
    let mut piece = [varint(length), record].concat();
    piece.resize(PIECE_BYTES, 0);
    let pack = |piece: &[u8]| compress(codec, CompressionLevels::default(), piece).unwrap();
    let mut packed = pack(&piece);
    let zeros = pack(&vec![0; PIECE_BYTES]);
    while packed.len() + zeros.len() < BOMB_BYTES_MAX {
        packed.extend_from_slice(&zeros);
    }
    let mut bomb = batch(&["header"])[..HEADER_BYTES].to_vec();
    bomb[ATTRIBUTES_AT + 1] = codec.id();
    bomb.extend(packed);
    sealed(bomb)
}

/// A length as records write it: doubled, seven bits a byte.
fn varint(length: u32) -> Vec<u8> {
    let mut left = length << 1;
    let mut bytes = Vec::new();
    while left >= 0x80 {
        bytes.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
        left >>= 7;
    }
    bytes.push(u8::try_from(left).unwrap());
    bytes
}

/// Sets length and checksum to what they must be.
fn sealed(mut batch: Vec<u8>) -> Bytes {
    let length = i32::try_from(batch.len() - LENGTH_AT - 4).unwrap();
    batch[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&length.to_be_bytes());
    let sum = crc32c::crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..CRC_AT + 4].copy_from_slice(&sum.to_be_bytes());
    batch.into()
}

pub(super) fn absurd_counts(victim: &Victim) {
    for count in [i32::MAX, 1 << 30, 1_000_000, 0, -1, i32::MIN] {
        for last_delta in [count.wrapping_sub(1), i32::MAX, -1] {
            let mut absurd = batch(&["one"]).to_vec();
            absurd[COUNT_AT..COUNT_AT + 4].copy_from_slice(&count.to_be_bytes());
            absurd[LAST_DELTA_AT..LAST_DELTA_AT + 4].copy_from_slice(&last_delta.to_be_bytes());
            refused(victim, &format!("{count} records"), sealed(absurd));
        }
    }
    // Lengths that do not fit what follows.
    for length in [i32::MAX, -1, 0, 48, i32::MIN] {
        let mut absurd = batch(&["one"]).to_vec();
        absurd[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&length.to_be_bytes());
        refused(victim, &format!("a batch of {length} bytes"), absurd.into());
    }
}

/// Produces what must be refused.
fn refused(victim: &Victim, what: &str, records: Bytes) {
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 60_000,
        topic_data: vec![TopicProduceData {
            name: victim.topic().to_owned(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(records),
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = Asking::connect(victim.broker()).ask(&request, 9);
    let code = ErrorCode::from(answer.responses[0].partition_responses[0].error_code);
    let refusals = [
        ErrorCode::CorruptMessage,
        ErrorCode::InvalidRecord,
        ErrorCode::MessageTooLarge,
        ErrorCode::RecordListTooLarge,
    ];
    assert!(refusals.contains(&code), "{what}: {code:?}");
}
