//! Partitions that move, leaders that are wanted, brokers that are gone.

use super::{Scene, admin::timeout_ms};
use crate::asking::{Asking, assert_code};
use klamm_protocol::messages::{
    alter_partition_reassignments_request::{
        AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
    },
    elect_leaders_request::{ElectLeadersRequest, TopicPartitions},
    list_partition_reassignments_request::{
        ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
    },
    unregister_broker_request::UnregisterBrokerRequest,
};
use klamm_tests::Cluster;
use klamm_types::ErrorCode;

fn reassignment(
    topic: &str,
    partition: i32,
    replicas: Option<&[i32]>,
) -> AlterPartitionReassignmentsRequest {
    AlterPartitionReassignmentsRequest {
        timeout_ms: timeout_ms(),
        topics: vec![ReassignableTopic {
            name: topic.to_owned(),
            partitions: vec![ReassignablePartition {
                partition_index: partition,
                replicas: replicas.map(<[i32]>::to_vec),
            }],
        }],
        ..Default::default()
    }
}

/// Where the partition is already: nothing changes.
pub(super) fn alter(scene: &Scene, version: i16) {
    let view = scene.cluster.view(&[&scene.topic]).unwrap();
    let partition = view.partitions.iter().find(|p| p.partition == 1).unwrap();
    let request = reassignment(&scene.topic, 1, Some(&partition.replicas));
    let answer = Asking::any(scene.cluster).ask(&request, version);
    assert_code("the request", answer.error_code, ErrorCode::None);
    let told = &answer.responses[0];
    assert_eq!(
        (&*told.name, told.partitions[0].partition_index),
        (&*scene.topic, 1)
    );
    assert_code(
        "the partition",
        told.partitions[0].error_code,
        ErrorCode::None,
    );
}

pub(super) fn refused(scene: &Scene, version: i16) {
    use ErrorCode as E;
    for (partition, replicas, expected) in [
        (0, None, E::NoReassignmentInProgress),
        (9, None, E::UnknownTopicOrPartition),
        (0, Some(&[1, 1][..]), E::InvalidReplicaAssignment),
        (0, Some(&[99][..]), E::InvalidReplicaAssignment),
        (0, Some(&[][..]), E::InvalidReplicaAssignment),
    ] {
        let request = reassignment(&scene.topic, partition, replicas);
        let answer = Asking::any(scene.cluster).ask(&request, version);
        assert_code("the request", answer.error_code, E::None);
        let told = &answer.responses[0].partitions[0];
        assert_code(&format!("{replicas:?}"), told.error_code, expected);
        assert!(told.error_message.is_some());
    }
    if version >= 1 {
        let request = AlterPartitionReassignmentsRequest {
            allow_replication_factor_change: false,
            ..reassignment(&scene.topic, 0, Some(&[1]))
        };
        let answer = Asking::any(scene.cluster).ask(&request, version);
        let told = &answer.responses[0].partitions[0];
        assert_code("one replica", told.error_code, E::InvalidReplicationFactor);
        assert!(!answer.allow_replication_factor_change);
    }
}

pub(super) fn list(scene: &Scene, version: i16) {
    let topics = ListPartitionReassignmentsTopics {
        name: scene.topic.clone(),
        partition_indexes: vec![0, 1, 9],
    };
    for topics in [None, Some(vec![topics])] {
        let request = ListPartitionReassignmentsRequest {
            timeout_ms: timeout_ms(),
            topics,
        };
        let answer = Asking::any(scene.cluster).ask(&request, version);
        assert_code("the list", answer.error_code, ErrorCode::None);
        let mut names = answer.topics.iter().map(|topic| &topic.name);
        assert!(names.all(|name| *name != scene.topic), "it does not move");
    }
}

fn election(topic: &str, partitions: &[i32], election_type: i8) -> ElectLeadersRequest {
    ElectLeadersRequest {
        election_type,
        topic_partitions: Some(vec![TopicPartitions {
            topic: topic.to_owned(),
            partitions: partitions.to_vec(),
        }]),
        timeout_ms: timeout_ms(),
    }
}

/// The leaders that are wanted lead already; asked for all, the broker leaves them out.
pub(super) fn elect(scene: &Scene, version: i16) {
    let all = ElectLeadersRequest {
        topic_partitions: None,
        ..election("", &[], 0)
    };
    let answer = Asking::any(scene.cluster).ask(&all, version);
    assert_code("the request", answer.error_code, ErrorCode::None);
    let mut topics = answer.replica_election_results.iter();
    assert!(topics.all(|topic| topic.topic != scene.topic));
}

pub(super) fn elect_refused(scene: &Scene, version: i16) {
    let types = if version == 0 { &[0][..] } else { &[0, 1] };
    for election_type in types {
        let request = election(&scene.topic, &[0, 9], *election_type);
        let answer = Asking::any(scene.cluster).ask(&request, version);
        assert_code("the request", answer.error_code, ErrorCode::None);
        let told = &answer.replica_election_results[0].partition_result;
        assert_code("led", told[0].error_code, ErrorCode::ElectionNotNeeded);
        let unknown = ErrorCode::UnknownTopicOrPartition;
        assert_code("unknown", told[1].error_code, unknown);
    }
    if version >= 1 {
        let request = election(&scene.topic, &[0], 7);
        let answer = Asking::any(scene.cluster).ask(&request, version);
        assert_code("type 7", answer.error_code, ErrorCode::InvalidRequest);
    }
}

/// Of a cluster of its own: a broker of the shared one is needed.
pub(super) fn unregister(_: &Scene, version: i16) {
    let cluster = Cluster::builder(2).separate_controllers(1).start();
    cluster.kill9(2);
    let request = UnregisterBrokerRequest { broker_id: 2 };
    let answer = Asking::any(&cluster).ask(&request, version);
    assert_code("broker 2", answer.error_code, ErrorCode::None);
    assert_eq!(cluster.view(&[]).unwrap().brokers, [1]);
}

pub(super) fn unregister_unknown(scene: &Scene, version: i16) {
    let request = UnregisterBrokerRequest { broker_id: 99 };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    let expected = ErrorCode::BrokerIdNotRegistered;
    assert_code("broker 99", answer.error_code, expected);
    assert!(answer.error_message.is_some());
}
