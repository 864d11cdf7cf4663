//! Settings that change at run time: each change is seen taking effect, on every replica, and outlives restarts.

use crate::{
    altering::{BROKER, DELETE, Op, SET, TOPIC, alter, value},
    asking::{Asking, PATIENCE, assert_code, batch, now_ms},
    lab::{self, client, partition_where},
    replicas::wait_identical,
};
use bytes::Bytes;
use klamm_client::Acks;
use klamm_protocol::messages::{
    create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest},
    produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
    produce_response::PartitionProduceResponse,
};
use klamm_records::{BatchBuilder, BatchHeader, Batches, Compression, TimestampType};
use klamm_tests::{Cluster, wait_until};
use klamm_types::ErrorCode as E;

/// The last version that names topics.
const PRODUCE_BY_NAME: i16 = 12;

/// Changes settings through a broker that leads nothing of what is changed, as the case may be.
#[track_caller]
fn set(cluster: &Cluster, kind: i8, name: &str, ops: &[Op]) {
    let answer = alter(&mut Asking::any(cluster), kind, name, ops);
    let message = answer.error_message.unwrap_or_default();
    assert_code(&format!("{ops:?}: {message}"), answer.error_code, E::None);
}

fn set_one(cluster: &Cluster, topic: &str, name: &str, text: &str) {
    set(cluster, TOPIC, topic, &[(SET, name, Some(text))]);
}

/// Writes a batch with acks=all.
fn produce(cluster: &Cluster, topic: &str, batch: &Bytes) -> PartitionProduceResponse {
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 60_000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(batch.clone()),
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut answer = Asking::leader(cluster, topic, 0).ask(&request, PRODUCE_BY_NAME);
    answer.responses.remove(0).partition_responses.remove(0)
}

/// Writes a batch again and again until that gives the code: the broker that was asked for a change has
/// followed it when it answers, others follow a moment later.
#[track_caller]
fn produce_until(
    cluster: &Cluster,
    topic: &str,
    batch: &Bytes,
    expected: E,
) -> PartitionProduceResponse {
    wait_until(
        &format!("{topic} answers {}", expected.name()),
        PATIENCE,
        || {
            let answer = produce(cluster, topic, batch);
            Ok((answer.error_code == expected.code()).then_some(answer))
        },
    )
}

/// The last batch, the same on all replicas.
fn last_stored(cluster: &Cluster, topic: &str) -> BatchHeader {
    let stored = wait_identical(cluster, topic, 0);
    let last = Batches::new(&stored).map(Result::unwrap).last();
    last.expect("a batch").0
}

/// Writes batches until one is stored as it should be.
fn store_until(cluster: &Cluster, topic: &str, what: &str, is_it: impl Fn(&BatchHeader) -> bool) {
    wait_until(&format!("{topic} stores batches {what}"), PATIENCE, || {
        let answer = produce(cluster, topic, &batch(&["value"; 20]));
        assert_code(what, answer.error_code, E::None);
        Ok(is_it(&last_stored(cluster, topic)).then_some(()))
    });
}

#[test]
fn changes_take_effect_on_all_replicas_and_outlive_restarts() {
    let cluster = Cluster::start(3);
    let _logs = cluster.logs_on_panic();
    let topic = "changing";
    cluster.create_topic(topic, 1);
    store_until(&cluster, topic, "as they came", |header| {
        header.compression == Compression::None
            && header.timestamp_type == TimestampType::CreateTime
    });

    set_one(&cluster, topic, "compression.type", "zstd");
    store_until(&cluster, topic, "in zstd", |header| {
        header.compression == Compression::Zstd && header.records_count == 20
    });
    set_one(&cluster, topic, "compression.type", "gzip");
    store_until(&cluster, topic, "in gzip", |header| {
        header.compression == Compression::Gzip
    });

    set_one(&cluster, topic, "message.timestamp.type", "LogAppendTime");
    store_until(&cluster, topic, "with the broker's time", |header| {
        header.timestamp_type == TimestampType::LogAppendTime
    });
    let before = now_ms();
    let answer = produce(&cluster, topic, &batch(&["stamped"]));
    assert!(answer.log_append_time_ms >= before, "{answer:?}");
    assert_eq!(
        last_stored(&cluster, topic).max_timestamp,
        answer.log_append_time_ms
    );

    cluster.kill9_all(&[1, 2, 3]);
    cluster.restart_all(&[1, 2, 3]);
    cluster.wait_ready();
    cluster.wait_in_sync(&[topic]);
    let answer = produce(&cluster, topic, &batch(&["after the restart"]));
    assert_code("after the restart", answer.error_code, E::None);
    let stored = last_stored(&cluster, topic);
    assert_eq!(stored.compression, Compression::Gzip);
    assert_eq!(stored.timestamp_type, TimestampType::LogAppendTime);

    let back = [
        (DELETE, "compression.type", None),
        (DELETE, "message.timestamp.type", None),
    ];
    set(&cluster, TOPIC, topic, &back);
    store_until(&cluster, topic, "as they came again", |header| {
        header.compression == Compression::None
            && header.timestamp_type == TimestampType::CreateTime
    });
}

#[test]
fn segments_of_logs_from_before_a_restart_follow_their_settings() {
    let cluster = Cluster::start(1);
    let _logs = cluster.logs_on_panic();
    let topic = "segments";
    cluster.create_topic(topic, 1);
    set_one(&cluster, topic, "internal.segment.bytes", "300");
    cluster.stop(1);
    cluster.restart(1);
    cluster.wait_ready();
    for _ in 0..4 {
        let answer = produce(&cluster, topic, &batch(&[&"x".repeat(150)]));
        assert_code("produce", answer.error_code, E::None);
    }
    let segments = crate::replicas::segments(&crate::replicas::folder(&cluster, 1, topic, 0));
    assert_eq!(segments.len(), 4, "two batches do not fit into one");
}

#[test]
fn limits_and_times_hold_from_their_change_on() {
    let cluster = Cluster::start(3);
    let _logs = cluster.logs_on_panic();
    let (topic, other) = ("limited", "free");
    cluster.create_topic(topic, 1);
    cluster.create_topic(other, 1);
    let large = batch(&[&"x".repeat(5_000)]);
    produce_until(&cluster, topic, &large, E::None);
    set_one(&cluster, topic, "max.message.bytes", "4000");
    produce_until(&cluster, topic, &large, E::MessageTooLarge);
    produce_until(&cluster, topic, &batch(&["small"]), E::None);
    set_one(&cluster, topic, "max.message.bytes", "6000");
    produce_until(&cluster, topic, &large, E::None);

    // Those without a value of their own inherit what is set for all brokers, and give it up again.
    set(
        &cluster,
        BROKER,
        "",
        &[(SET, "message.max.bytes", Some("4000"))],
    );
    produce_until(&cluster, other, &large, E::MessageTooLarge);
    produce_until(&cluster, topic, &large, E::None);
    let told = value(
        &mut Asking::any(&cluster),
        TOPIC,
        other,
        "max.message.bytes",
    );
    assert_eq!(told, (Some("4000".to_owned()), 3));
    cluster.kill9_all(&[1, 2, 3]);
    cluster.restart_all(&[1, 2, 3]);
    cluster.wait_ready();
    cluster.wait_in_sync(&[topic, other]);
    produce_until(&cluster, other, &large, E::MessageTooLarge);
    set(&cluster, BROKER, "", &[(DELETE, "message.max.bytes", None)]);
    produce_until(&cluster, other, &large, E::None);

    let at = |timestamp| {
        let mut builder = BatchBuilder::new(0);
        builder.append(timestamp, None, Some(b"value"), &[]);
        builder.build().unwrap()
    };
    let (old, early) = (at(now_ms() - 50_000_000), at(now_ms() + 50_000_000));
    produce_until(&cluster, topic, &old, E::None);
    produce_until(&cluster, topic, &early, E::InvalidTimestamp);
    set_one(
        &cluster,
        topic,
        "message.timestamp.before.max.ms",
        "10000000",
    );
    set_one(
        &cluster,
        topic,
        "message.timestamp.after.max.ms",
        "90000000",
    );
    produce_until(&cluster, topic, &old, E::InvalidTimestamp);
    produce_until(&cluster, topic, &early, E::None);

    set_one(&cluster, other, "cleanup.policy", "compact");
    produce_until(
        &cluster,
        other,
        &batch(&["without a key"]),
        E::InvalidRecord,
    );
    set_one(&cluster, other, "cleanup.policy", "");
    produce_until(&cluster, other, &batch(&["without a key"]), E::None);
}

#[test]
fn one_broker_may_differ_from_the_others() {
    let cluster = Cluster::start(3);
    let _logs = cluster.logs_on_panic();
    cluster.create_topic("differs", 1);
    let leader = cluster.leader("differs", 0);
    let id = leader.to_string();
    let mut broker = Asking::connect(cluster.broker_address(leader));
    for (resource, text) in [("", "6000"), (id.as_str(), "4000")] {
        let ops = [(SET, "message.max.bytes", Some(text))];
        let answer = alter(&mut broker, BROKER, resource, &ops);
        assert_code(resource, answer.error_code, E::None);
    }
    let told = value(&mut broker, BROKER, &id, "message.max.bytes");
    assert_eq!(told, (Some("4000".to_owned()), 2));
    let large = batch(&[&"x".repeat(5_000)]);
    produce_until(&cluster, "differs", &large, E::MessageTooLarge);
    let back = [(DELETE, "message.max.bytes", None)];
    alter(&mut broker, BROKER, &id, &back);
    let told = value(&mut broker, BROKER, &id, "message.max.bytes");
    assert_eq!(told, (Some("6000".to_owned()), 3));
    produce_until(&cluster, "differs", &large, E::None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_minimum_of_replicas_in_sync_changes_at_once() {
    let cluster = Cluster::start(3);
    let _logs = cluster.logs_on_panic();
    let topic = "minimum";
    lab::create_topic(&cluster, topic, 1, &[]).await;
    let leader = cluster.leader(topic, 0);
    let follower = [3, 2, 1].into_iter().find(|id| *id != leader).unwrap();
    cluster.kill9(follower);
    partition_where(&client(&cluster), topic, 0, "has two in sync", |p| {
        p.isr.len() == 2
    })
    .await;
    let produced = |expected: E| {
        let cluster = &cluster;
        lab::eventually(expected.name(), move || async move {
            let code = lab::produce_code(cluster, topic, Acks::All, "value").await;
            (code == expected).then_some(())
        })
    };
    produced(E::None).await;
    let minimum = |text: &str| {
        let mut broker = Asking::connect(cluster.broker_address(leader));
        let ops = [(SET, "min.insync.replicas", Some(text))];
        let answer = alter(&mut broker, TOPIC, topic, &ops);
        assert_code(text, answer.error_code, E::None);
    };
    minimum("3");
    produced(E::NotEnoughReplicas).await;
    minimum("2");
    produced(E::None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unclean_election_waits_until_it_is_allowed() {
    let cluster = Cluster::builder(3)
        .property("min.insync.replicas", "1")
        .start();
    let _logs = cluster.logs_on_panic();
    let (topic, client) = ("unclean", client(&cluster));
    let assignment = CreatableReplicaAssignment {
        partition_index: 0,
        broker_ids: vec![1, 2],
    };
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: topic.to_owned(),
            num_partitions: -1,
            replication_factor: -1,
            assignments: vec![assignment],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = Asking::any(&cluster).ask(&request, 7);
    assert_code("create", answer.topics[0].error_code, E::None);
    cluster.wait_in_sync(&[topic]);

    // 2 misses a record, then 1 is gone, and with it whoever has everything.
    cluster.kill9(2);
    partition_where(&client, topic, 0, "has one in sync", |p| p.isr == [1]).await;
    let code = lab::produce_code(&cluster, topic, Acks::All, "only 1 has it").await;
    assert_eq!(code, E::None);
    cluster.kill9(1);
    cluster.restart(2);
    partition_where(&client, topic, 0, "has no leader", |p| p.leader == -1).await;

    let mut broker = Asking::connect(cluster.broker_address(3));
    let ops = [(SET, "unclean.leader.election.enable", Some("true"))];
    let answer = alter(&mut broker, TOPIC, topic, &ops);
    assert_code("alter", answer.error_code, E::None);
    partition_where(&client, topic, 0, "is led by 2", |p| p.leader == 2).await;
    let code = lab::produce_code(&cluster, topic, Acks::All, "2 goes on").await;
    assert_eq!(code, E::None);
    let read = lab::read_all(&client, topic).await;
    assert_eq!(lab::values_of(&read, 0), ["2 goes on"]);
}
