//! Names, sizes, assignments and settings of topics.

use crate::{
    asking::{Asking, PATIENCE, assert_code, fresh},
    shared_cluster::shared_cluster,
};
use klamm_protocol::messages::{
    create_partitions_request::{
        CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
    },
    create_topics_request::{
        CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
    },
    create_topics_response::CreatableTopicResult,
    delete_topics_request::{DeleteTopicState, DeleteTopicsRequest},
};
use klamm_types::{ErrorCode as E, Uuid};

/// Versions with an answer that tells the most.
const CREATE: i16 = 7;
const GROW: i16 = 3;
const DELETE: i16 = 6;

fn timeout_ms() -> i32 {
    i32::try_from(PATIENCE.as_millis()).unwrap()
}

/// Asks the first broker to create topics.
fn create(topics: Vec<CreatableTopic>, validate_only: bool) -> Vec<CreatableTopicResult> {
    let request = CreateTopicsRequest {
        topics,
        timeout_ms: timeout_ms(),
        validate_only,
    };
    Asking::any(shared_cluster()).ask(&request, CREATE).topics
}

/// Creates a topic or is told why not, in words too.
fn check(topic: CreatableTopic, expected: E) {
    let what = format!("{topic:?}");
    let answer = &create(vec![topic], false)[0];
    assert_code(&what, answer.error_code, expected);
    let message = answer.error_message.as_deref().unwrap_or_default();
    assert_eq!(message.is_empty(), expected == E::None, "{what}: {message}");
}

fn sized(num_partitions: i32, replication_factor: i16) -> CreatableTopic {
    CreatableTopic {
        name: fresh("sized"),
        num_partitions,
        replication_factor,
        ..Default::default()
    }
}

fn named(name: &str) -> CreatableTopic {
    CreatableTopic {
        name: name.to_owned(),
        ..sized(1, 1)
    }
}

fn configured(configs: &[(&str, Option<&str>)]) -> CreatableTopic {
    CreatableTopic {
        configs: configs
            .iter()
            .map(|(name, value)| CreatableTopicConfig {
                name: (*name).to_owned(),
                value: value.map(str::to_owned),
            })
            .collect(),
        ..sized(1, 1)
    }
}

fn assigned(partitions: &[(i32, &[i32])]) -> CreatableTopic {
    let assignments = partitions
        .iter()
        .map(|(index, ids)| CreatableReplicaAssignment {
            partition_index: *index,
            broker_ids: ids.to_vec(),
        });
    CreatableTopic {
        assignments: assignments.collect(),
        ..sized(-1, -1)
    }
}

#[test]
fn names() {
    let longest = format!("{:x<249}", fresh("longest"));
    check(named(&longest), E::None);
    check(named(&fresh("Aa0._-")), E::None);
    for name in [
        "",
        ".",
        "..",
        "no spaces",
        "a/b",
        "a,b",
        "ü",
        "a\0b",
        "a:b",
        "*",
    ] {
        check(named(name), E::InvalidTopicException);
    }
    check(named(&format!("{longest}x")), E::InvalidTopicException);
    check(named(&longest), E::TopicAlreadyExists);
    check(named("__cluster_metadata"), E::InvalidRequest);
}

#[test]
fn names_that_differ_in_dots_and_underscores_collide() {
    let name = fresh("col.li_de");
    check(named(&name), E::None);
    for other in [
        name.replace('.', "_"),
        name.replace('_', "."),
        name.replace("l.l", "l_l").replace("i_d", "i.d"),
    ] {
        check(named(&other), E::InvalidTopicException);
    }
    check(named(&name.replace('.', "-")), E::None);
}

#[test]
fn sizes() {
    check(sized(2, 3), E::None);
    check(sized(-1, -1), E::None);
    for partitions in [0, -2, i32::MIN] {
        check(sized(partitions, 1), E::InvalidPartitions);
    }
    for replicas in [0, -2, 4, i16::MAX] {
        check(sized(1, replicas), E::InvalidReplicationFactor);
    }
    for partitions in [10_001, i32::MAX] {
        check(sized(partitions, 1), E::PolicyViolation);
    }
}

#[test]
fn assignments() {
    check(assigned(&[(1, &[2, 3]), (0, &[3, 1])]), E::None);
    let refused = E::InvalidReplicaAssignment;
    check(assigned(&[(0, &[1, 1])]), refused);
    check(assigned(&[(0, &[1]), (2, &[2])]), refused);
    check(assigned(&[(1, &[1])]), refused);
    check(assigned(&[(0, &[1]), (0, &[2])]), refused);
    check(assigned(&[(0, &[1]), (1, &[2, 3])]), refused);
    check(assigned(&[(0, &[])]), refused);
    check(assigned(&[(0, &[1, 9])]), refused);
    check(assigned(&[(0, &[-1])]), refused);
    let by_hand = assigned(&[(0, &[1])]);
    let both = CreatableTopic {
        num_partitions: 1,
        ..by_hand.clone()
    };
    check(both, E::InvalidRequest);
    let both = CreatableTopic {
        replication_factor: 1,
        ..by_hand
    };
    check(both, E::InvalidRequest);
}

#[test]
fn settings() {
    check(
        configured(&[
            ("cleanup.policy", Some("compact,delete")),
            ("retention.ms", Some("-1")),
        ]),
        E::None,
    );
    for (name, value) in [
        ("no.such.setting", "1"),
        ("Retention.ms", "1"),
        ("num.partitions", "3"),
        ("message.format.version", "3.0"),
        ("retention.ms", "soon"),
        ("retention.ms", ""),
        ("retention.ms", "-2"),
        ("retention.ms", "1.5"),
        ("retention.ms", "9223372036854775808"),
        ("retention.bytes", "x"),
        ("cleanup.policy", "burn"),
        ("cleanup.policy", "Delete"),
        ("cleanup.policy", "compact,,delete"),
        ("cleanup.policy", ","),
        ("compression.type", "zip"),
        ("compression.type", "GZIP"),
        ("compression.type", "none"),
        ("compression.gzip.level", "0"),
        ("compression.gzip.level", "10"),
        ("compression.lz4.level", "0"),
        ("compression.lz4.level", "18"),
        ("compression.zstd.level", "23"),
        ("compression.zstd.level", "-131073"),
        ("min.insync.replicas", "0"),
        ("segment.bytes", "1048575"),
        ("segment.bytes", "2147483648"),
        ("internal.segment.bytes", "x"),
        ("segment.ms", "0"),
        ("segment.jitter.ms", "-1"),
        ("segment.index.bytes", "3"),
        ("index.interval.bytes", "-1"),
        ("flush.messages", "0"),
        ("flush.ms", "-1"),
        ("max.message.bytes", "-1"),
        ("delete.retention.ms", "-1"),
        ("file.delete.delay.ms", "-1"),
        ("min.compaction.lag.ms", "-1"),
        ("max.compaction.lag.ms", "0"),
        ("min.cleanable.dirty.ratio", "2"),
        ("min.cleanable.dirty.ratio", "-0.1"),
        ("message.timestamp.type", "Yesterday"),
        ("message.timestamp.type", "createtime"),
        ("message.timestamp.before.max.ms", "-1"),
        ("message.timestamp.after.max.ms", "-1"),
        ("unclean.leader.election.enable", "perhaps"),
        ("preallocate", "1"),
        ("leader.replication.throttled.replicas", "0"),
        ("leader.replication.throttled.replicas", "0:1:2"),
        ("leader.replication.throttled.replicas", "a:b"),
        ("follower.replication.throttled.replicas", "*,0:1"),
        ("follower.replication.throttled.replicas", "-1:2"),
        ("remote.storage.enable", "true"),
        ("local.retention.ms", "-3"),
    ] {
        check(configured(&[(name, Some(value))]), E::InvalidConfig);
    }
    for (name, value) in [
        ("retention.ms", " +5 "),
        ("retention.bytes", "-2"),
        ("cleanup.policy", ""),
        ("cleanup.policy", "compact, delete"),
        ("cleanup.policy", "compact,compact"),
        ("compression.type", " gzip "),
        ("compression.zstd.level", "-131072"),
        ("internal.segment.bytes", "14"),
        ("segment.index.bytes", "4"),
        ("max.message.bytes", "0"),
        ("min.cleanable.dirty.ratio", "1"),
        ("unclean.leader.election.enable", "TRUE"),
        ("leader.replication.throttled.replicas", "*"),
        ("leader.replication.throttled.replicas", ""),
        ("follower.replication.throttled.replicas", "0:1, 1:2"),
        ("remote.storage.enable", "false"),
        ("local.retention.ms", "-2"),
    ] {
        check(configured(&[(name, Some(value))]), E::None);
    }
    let lags = |max| {
        let max = ("max.compaction.lag.ms", Some(max));
        configured(&[("min.compaction.lag.ms", Some("5")), max])
    };
    check(lags("4"), E::InvalidConfig);
    check(lags("5"), E::None);
    check(configured(&[("retention.ms", None)]), E::InvalidConfig);
    // More replicas in sync than there are is a promise that cannot be kept, but Kafka takes it.
    check(configured(&[("min.insync.replicas", Some("3"))]), E::None);
    // Kafka: UNKNOWN_SERVER_ERROR, as its message would be too long for an answer.
    let long = "9".repeat(32_766);
    check(
        configured(&[("retention.ms", Some(&long))]),
        E::InvalidConfig,
    );
}

#[test]
fn a_request_names_a_topic_once() {
    let (twice, once) = (fresh("twice"), fresh("once"));
    let answers = create(vec![named(&twice), named(&once), named(&twice)], false);
    let mut codes: Vec<_> = answers
        .iter()
        .map(|a| (a.name.clone(), a.error_code))
        .collect();
    codes.sort();
    let mut expected = vec![(twice, E::InvalidRequest.code()), (once, E::None.code())];
    expected.sort();
    assert_eq!(codes, expected);
}

#[test]
fn validating_creates_nothing() {
    let topic = sized(2, 2);
    for _ in 0..2 {
        let answer = &create(vec![topic.clone()], true)[0];
        assert_code("validate", answer.error_code, E::None);
        assert_eq!((answer.num_partitions, answer.replication_factor), (2, 2));
    }
    let answer = &create(vec![sized(0, 2)], true)[0];
    assert_code("validate", answer.error_code, E::InvalidPartitions);
    check(topic, E::None);
}

#[test]
fn growth() {
    let cluster = shared_cluster();
    let topic = fresh("growth");
    cluster.create_topic(&topic, 2);
    let grow = |count, assignments: Option<Vec<Vec<i32>>>, validate_only| {
        let assignment = |broker_ids| CreatePartitionsAssignment { broker_ids };
        let request = CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: topic.clone(),
                count,
                assignments: assignments.map(|all| all.into_iter().map(assignment).collect()),
            }],
            timeout_ms: timeout_ms(),
            validate_only,
        };
        Asking::any(cluster).ask(&request, GROW).results[0].error_code
    };
    for count in [2, 1, 0, -1] {
        assert_code(
            &format!("to {count}"),
            grow(count, None, false),
            E::InvalidPartitions,
        );
    }
    for assignments in [
        vec![vec![1, 2, 3], vec![1, 2, 3]], // one too many
        vec![],
        vec![vec![1, 1, 2]],
        vec![vec![1, 2]],
        vec![vec![1, 2, 9]],
        vec![vec![]],
    ] {
        let what = format!("{assignments:?}");
        let code = grow(3, Some(assignments), false);
        assert_code(&what, code, E::InvalidReplicaAssignment);
    }
    let validated = grow(3, Some(vec![vec![3, 2, 1]]), true);
    assert_code("validate", validated, E::None);
    assert_eq!(cluster.view(&[&topic]).unwrap().partitions.len(), 2);
    assert_code("grow", grow(3, Some(vec![vec![3, 2, 1]]), false), E::None);
    cluster.wait_in_sync(&[&topic]);
}

#[test]
fn growth_of_a_topic_named_twice() {
    let cluster = shared_cluster();
    let topic = fresh("growth");
    cluster.create_topic(&topic, 1);
    let one = CreatePartitionsTopic {
        name: topic,
        count: 2,
        assignments: None,
    };
    let request = CreatePartitionsRequest {
        topics: vec![one.clone(), one],
        timeout_ms: timeout_ms(),
        validate_only: false,
    };
    let answer = Asking::any(cluster).ask(&request, GROW);
    assert_eq!(answer.results.len(), 1);
    assert_code("twice", answer.results[0].error_code, E::InvalidRequest);
}

#[test]
fn deletion() {
    let cluster = shared_cluster();
    let delete = |topics: Vec<DeleteTopicState>| -> Vec<i16> {
        let request = DeleteTopicsRequest {
            topics,
            timeout_ms: timeout_ms(),
            ..Default::default()
        };
        let answer = Asking::any(cluster).ask(&request, DELETE);
        answer
            .responses
            .iter()
            .map(|topic| topic.error_code)
            .collect()
    };
    let by_name = |name: &str| DeleteTopicState {
        name: Some(name.to_owned()),
        ..Default::default()
    };
    let by_id = |topic_id| DeleteTopicState {
        name: None,
        topic_id,
    };
    let unknown = delete(vec![by_name(&fresh("missing"))]);
    assert_eq!(unknown, [E::UnknownTopicOrPartition.code()]);
    assert_eq!(
        delete(vec![by_id(Uuid([9; 16]))]),
        [E::UnknownTopicId.code()]
    );
    let name = fresh("kept");
    cluster.create_topic(&name, 1);
    let both = DeleteTopicState {
        name: Some(name.clone()),
        topic_id: Uuid([9; 16]),
    };
    assert_eq!(delete(vec![both]), [E::InvalidRequest.code()]);
    assert_eq!(delete(vec![by_id(Uuid::ZERO)]), [E::InvalidRequest.code()]);
    let twice = delete(vec![by_name(&name), by_name(&name)]);
    assert_eq!(twice, [E::InvalidRequest.code()]);
    assert_eq!(
        cluster.view(&[&name]).unwrap().partitions.len(),
        1,
        "it is still there"
    );
    assert_eq!(delete(vec![by_name(&name)]), [E::None.code()]);
}
