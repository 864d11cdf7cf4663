//! Record batches.

use crate::{
    asking::{Asking, assert_code, fresh, now_ms},
    shared_cluster::shared_cluster,
};
use bytes::Bytes;
use klamm_protocol::messages::{
    init_producer_id_request::InitProducerIdRequest,
    produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
    produce_response::PartitionProduceResponse,
};
use klamm_records::{BatchBuilder, Compression};
use klamm_types::{ErrorCode as E, ProducerEpoch, ProducerId};

/// The last version that names topics.
const VERSION: i16 = 12;

/// A topic of one partition, and a connection to its leader.
struct Target {
    topic: String,
    leader: Asking,
}

impl Target {
    fn new(configs: &[(&str, &str)]) -> Target {
        let cluster = shared_cluster();
        let topic = fresh("records");
        create(&topic, configs);
        cluster.wait_in_sync(&[&topic]);
        let leader = Asking::leader(cluster, &topic, 0);
        Target { topic, leader }
    }

    /// Writes a batch in some version.
    fn produce_in(&mut self, version: i16, batch: impl Into<Bytes>) -> PartitionProduceResponse {
        let request = produce(&self.topic, batch.into());
        let mut answer = self.leader.ask(&request, version);
        answer.responses.remove(0).partition_responses.remove(0)
    }

    fn produce(&mut self, batch: impl Into<Bytes>) -> PartitionProduceResponse {
        self.produce_in(VERSION, batch)
    }

    #[track_caller]
    fn check(&mut self, what: &str, batch: impl Into<Bytes>, expected: E) {
        assert_code(what, self.produce(batch).error_code, expected);
    }
}

fn create(topic: &str, configs: &[(&str, &str)]) {
    use klamm_protocol::messages::create_topics_request::{
        CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
    };
    let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
    };
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: topic.to_owned(),
            num_partitions: 1,
            replication_factor: 3,
            configs: configs.iter().map(config).collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = Asking::any(shared_cluster()).ask(&request, 7);
    assert_code(topic, answer.topics[0].error_code, E::None);
}

fn produce(topic: &str, batch: Bytes) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 60_000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(batch),
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Builds a batch of `count` records "value", each with a key.
fn build(builder: BatchBuilder, timestamp: i64, count: usize) -> Vec<u8> {
    let mut builder = builder;
    for _ in 0..count {
        builder.append(timestamp, Some(b"key"), Some(b"value"), &[]);
    }
    builder.build().unwrap().to_vec()
}

fn good() -> Vec<u8> {
    build(BatchBuilder::new(0), now_ms(), 2)
}

/// Where fields of the header begin.
const MAGIC_AT: usize = 16;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const LAST_DELTA_AT: usize = 23;
const COUNT_AT: usize = 57;

/// Changes bytes of a batch and makes its checksum fit again.
fn with(mut batch: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    let sum = crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..CRC_AT + 4].copy_from_slice(&sum.to_be_bytes());
    batch
}

/// The checksum of batches, bit by bit: nothing of Klamm's is trusted here.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0x82f6_3b78 * (sum & 1))
        })
    })
}

#[test]
fn damaged_batches() {
    let mut target = Target::new(&[]);
    target.check("good", good(), E::None);
    let mut damaged = good();
    *damaged.last_mut().unwrap() ^= 1;
    target.check("checksum", damaged, E::CorruptMessage);
    target.check(
        "count 3 of 2",
        with(good(), COUNT_AT, &[0, 0, 0, 3]),
        E::InvalidRecord,
    );
    target.check(
        "no records",
        with(good(), COUNT_AT, &[0, 0, 0, 0]),
        E::InvalidRecord,
    );
    target.check(
        "last offset",
        with(good(), LAST_DELTA_AT, &[0, 0, 0, 9]),
        E::InvalidRecord,
    );
    target.check(
        "control",
        with(good(), ATTRIBUTES_AT, &[0, 0x20]),
        E::InvalidRecord,
    );
    let answer = target.produce(good());
    assert_code("good", answer.error_code, E::None);
    assert_eq!(
        answer.base_offset, 2,
        "nothing that was refused is in the log"
    );
}

#[test]
fn batches_that_are_none() {
    let mut target = Target::new(&[]);
    let mut old_magic = good();
    old_magic[MAGIC_AT] = 1;
    for (what, batch) in [
        ("old magic", old_magic),
        ("two batches", [good(), good()].concat()),
        ("nothing", vec![]),
    ] {
        target.check(what, batch, E::InvalidRecord);
    }
    let good = good();
    let cut = &good[..good.len() - 5];
    let code = target.produce(cut.to_vec()).error_code;
    let known = [E::CorruptMessage, E::InvalidRecord].map(E::code);
    assert!(known.contains(&code), "a cut batch: {code}");
}

#[test]
fn zstd_in_a_version_that_does_not_know_it() {
    let mut target = Target::new(&[]);
    let zstd = build(
        BatchBuilder::new(0).compression(Compression::Zstd),
        now_ms(),
        2,
    );
    let old = target.produce_in(6, zstd.clone());
    assert_code("v6", old.error_code, E::UnsupportedCompressionType);
    assert_code("v7", target.produce_in(7, zstd).error_code, E::None);
}

#[test]
fn too_large() {
    let mut target = Target::new(&[("max.message.bytes", "1000")]);
    target.check("small", build(BatchBuilder::new(0), now_ms(), 10), E::None);
    let large = build(BatchBuilder::new(0), now_ms(), 100);
    assert!(large.len() > 1000);
    target.check("large", large, E::MessageTooLarge);
    let packed = BatchBuilder::new(0).compression(Compression::Gzip);
    target.check("packed", build(packed, now_ms(), 100), E::None);
}

#[test]
fn keys_of_compacted_topics() {
    let mut target = Target::new(&[("cleanup.policy", "compact")]);
    target.check("with keys", good(), E::None);
    let mut builder = BatchBuilder::new(0);
    builder.append(now_ms(), Some(b"key"), Some(b"value"), &[]);
    builder.append(now_ms(), None, Some(b"value"), &[]);
    let answer = target.produce(builder.build().unwrap());
    assert_code("without", answer.error_code, E::InvalidRecord);
    let named: Vec<i32> = answer.record_errors.iter().map(|e| e.batch_index).collect();
    assert_eq!(named, [1]);
    assert!(answer.error_message.is_some());
}

#[test]
fn timestamps() {
    let mut target = Target::new(&[
        ("message.timestamp.before.max.ms", "60000"),
        ("message.timestamp.after.max.ms", "60000"),
    ]);
    let at = |timestamp| build(BatchBuilder::new(0), timestamp, 1);
    target.check("now", at(now_ms()), E::None);
    for (what, timestamp) in [
        ("early", now_ms() - 3_600_000),
        ("late", now_ms() + 3_600_000),
    ] {
        target.check(what, at(timestamp), E::InvalidTimestamp);
    }
    let mut target = Target::new(&[("message.timestamp.type", "LogAppendTime")]);
    let before = now_ms();
    let answer = target.produce(at(1));
    assert_code("append time", answer.error_code, E::None);
    assert!((before..=now_ms()).contains(&answer.log_append_time_ms));
}

#[test]
fn sequences_of_idempotent_producers() {
    let mut target = Target::new(&[]);
    let init = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let id = Asking::any(shared_cluster()).ask(&init, 4).producer_id;
    let batch = |epoch, sequence| {
        let builder = BatchBuilder::new(0);
        let builder = builder.producer(ProducerId(id), ProducerEpoch(epoch), sequence);
        build(builder, 1_700_000_000_000, 2)
    };
    for (sequence, base_offset) in [(0, 0), (2, 2), (4, 4)] {
        let answer = target.produce(batch(0, sequence));
        assert_code("in order", answer.error_code, E::None);
        assert_eq!(answer.base_offset, base_offset);
    }
    let again = target.produce(batch(0, 2));
    assert_code("again", again.error_code, E::None);
    assert_eq!(again.base_offset, 2, "where it was written first");
    target.check("gap", batch(0, 8), E::OutOfOrderSequenceNumber);
    target.check("new epoch", batch(1, 3), E::OutOfOrderSequenceNumber);
    target.check("new epoch", batch(1, 0), E::None);
    target.check("old epoch", batch(0, 6), E::InvalidProducerEpoch);
    target.check("no sequence", batch(1, -1), E::InvalidRecord);
    let end = target.produce(batch(1, 2));
    assert_code("in order", end.error_code, E::None);
    assert_eq!(end.base_offset, 8, "nothing was written twice");
}

#[test]
fn a_producer_nobody_knows_may_begin_anywhere() {
    let mut target = Target::new(&[]);
    let builder = BatchBuilder::new(0).producer(ProducerId(77), ProducerEpoch(0), 1234);
    target.check("sequence 1234", build(builder, now_ms(), 2), E::None);
}

#[test]
fn internal_topics_are_not_for_clients() {
    let cluster = shared_cluster();
    drop(Asking::coordinator(cluster, &fresh("internal")));
    let request = produce("__consumer_offsets", good().into());
    let answer = Asking::leader(cluster, "__consumer_offsets", 0).ask(&request, VERSION);
    let partition = &answer.responses[0].partition_responses[0];
    assert_code("internal", partition.error_code, E::InvalidTopicException);
}

#[test]
fn acks_of_no_kind_and_errors_that_nobody_hears() {
    let mut target = Target::new(&[]);
    for acks in [2, -2, i16::MAX] {
        let mut request = produce(&target.topic, good().into());
        request.acks = acks;
        let answer = target.leader.ask(&request, VERSION);
        let partition = &answer.responses[0].partition_responses[0];
        assert_code("acks", partition.error_code, E::InvalidRequiredAcks);
    }
    let mut request = produce(&fresh("missing"), good().into());
    request.acks = 0;
    target.leader.send(&request, VERSION).unwrap();
    // Without an answer, this is all that a broker can say.
    target.leader.expect_close();
}
