//! Requests about data and topics that are refused, in versions old and new.

use super::{
    Scene,
    admin::{BROKER, TOPIC, creation, deletion, growth, resource},
    data::{deletion_request, epoch_request, fetch_request, offset_request},
    to_partition,
};
use crate::{
    altering::{SET, alteration, replacement},
    asking::{Asking, assert_code, fresh},
};
use klamm_protocol::messages::{
    create_topics_request::CreateTopicsRequest,
    delete_topics_request::DeleteTopicState,
    describe_cluster_request::DescribeClusterRequest,
    describe_configs_request::DescribeConfigsRequest,
    describe_topic_partitions_request::{DescribeTopicPartitionsRequest, TopicRequest},
    init_producer_id_request::InitProducerIdRequest,
    list_config_resources_request::ListConfigResourcesRequest,
    list_offsets_request::ListOffsetsRequest,
    metadata_request::{MetadataRequest, MetadataRequestTopic},
};
use klamm_types::{ErrorCode, Uuid};

/// An id that no topic has.
const NOBODYS_ID: Uuid = Uuid([7; 16]);

pub(super) fn produce(scene: &Scene, version: i16) {
    let mut request = to_partition(&fresh("missing"), 0);
    request.topic_data[0].topic_id = if version >= 13 {
        NOBODYS_ID
    } else {
        Uuid::ZERO
    };
    let unknown = match version {
        ..13 => ErrorCode::UnknownTopicOrPartition,
        13.. => ErrorCode::UnknownTopicId,
    };
    let answer = scene.leader(1).ask(&request, version);
    let partition = &answer.responses[0].partition_responses[0];
    assert_code("unknown topic", partition.error_code, unknown);
    assert_eq!(partition.base_offset, -1);

    let mut request = to_partition(&scene.topic, 1);
    request.topic_data[0].topic_id = if version >= 13 {
        scene.topic_id
    } else {
        Uuid::ZERO
    };
    let good = request.topic_data[0].partition_data[0]
        .records
        .clone()
        .unwrap();
    let mut damaged = good.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    request.topic_data[0].partition_data[0].records = Some(damaged.into());
    let answer = scene.leader(1).ask(&request, version);
    let partition = &answer.responses[0].partition_responses[0];
    assert_code("damaged", partition.error_code, ErrorCode::CorruptMessage);

    request.topic_data[0].partition_data[0].records = Some(good);
    request.acks = 2;
    let answer = scene.leader(1).ask(&request, version);
    let partition = &answer.responses[0].partition_responses[0];
    assert_code(
        "acks=2",
        partition.error_code,
        ErrorCode::InvalidRequiredAcks,
    );
}

pub(super) fn produce_to_a_follower(scene: &Scene, version: i16) {
    let mut request = to_partition(&scene.topic, 0);
    request.topic_data[0].topic_id = if version >= 13 {
        scene.topic_id
    } else {
        Uuid::ZERO
    };
    let answer = scene.follower().ask(&request, version);
    let partition = &answer.responses[0].partition_responses[0];
    assert_code(
        "follower",
        partition.error_code,
        ErrorCode::NotLeaderOrFollower,
    );
    let leader = scene.cluster.leader(&scene.topic, 0);
    if version >= 10 {
        assert_eq!(partition.current_leader.leader_id, leader);
        assert_eq!(partition.current_leader.leader_epoch, 0);
        assert_eq!(answer.node_endpoints[0].node_id, leader);
    } else {
        assert_eq!(partition.current_leader.leader_id, -1);
    }
}

pub(super) fn fetch(scene: &Scene, version: i16) {
    let unknown = match version {
        ..13 => ErrorCode::UnknownTopicOrPartition,
        13.. => ErrorCode::UnknownTopicId,
    };
    let request = fetch_request(&fresh("missing"), NOBODYS_ID, 0);
    let answer = scene.leader(0).ask(&request, version);
    assert_code("answer", answer.error_code, ErrorCode::None);
    let partition = &answer.responses[0].partitions[0];
    assert_code("unknown topic", partition.error_code, unknown);
    assert_eq!(partition.high_watermark, -1);

    for offset in [-5, 4] {
        let request = fetch_request(&scene.topic, scene.topic_id, offset);
        let answer = scene.leader(0).ask(&request, version);
        let partition = &answer.responses[0].partitions[0];
        assert_code("offset", partition.error_code, ErrorCode::OffsetOutOfRange);
    }

    let mut request = fetch_request(&scene.topic, scene.topic_id, 0);
    request.topics[0].partitions[0].partition = 9;
    let answer = scene.leader(0).ask(&request, version);
    let partition = &answer.responses[0].partitions[0];
    assert_code(
        "partition 9",
        partition.error_code,
        ErrorCode::UnknownTopicOrPartition,
    );
}

pub(super) fn fetch_session(scene: &Scene, version: i16) {
    if version < 7 {
        return;
    }
    let mut request = fetch_request(&scene.topic, scene.topic_id, 0);
    request.session_id = 123_456_789;
    request.session_epoch = 5;
    let answer = scene.leader(0).ask(&request, version);
    assert_code(
        "session",
        answer.error_code,
        ErrorCode::FetchSessionIdNotFound,
    );
    assert!(answer.responses.is_empty());
}

pub(super) fn fetch_with_wrong_epochs(scene: &Scene, version: i16) {
    if version >= 9 {
        let mut request = fetch_request(&scene.topic, scene.topic_id, 0);
        request.topics[0].partitions[0].current_leader_epoch = 7;
        let answer = scene.leader(0).ask(&request, version);
        let partition = &answer.responses[0].partitions[0];
        assert_code(
            "epoch 7",
            partition.error_code,
            ErrorCode::UnknownLeaderEpoch,
        );
    }
    if version >= 12 {
        let mut request = fetch_request(&scene.topic, scene.topic_id, 3);
        request.topics[0].partitions[0].last_fetched_epoch = 0;
        request.topics[0].partitions[0].fetch_offset = 3;
        request.max_wait_ms = 0;
        let answer = scene.leader(0).ask(&request, version);
        let partition = &answer.responses[0].partitions[0];
        assert_code("epoch 0", partition.error_code, ErrorCode::None);
        assert_eq!(partition.diverging_epoch.epoch, -1);
    }
    // Whoever does not know of reading from followers is sent to the leader.
    if version < 11 {
        let request = fetch_request(&scene.topic, scene.topic_id, 0);
        let answer = scene.follower().ask(&request, version);
        let partition = &answer.responses[0].partitions[0];
        assert_code(
            "follower",
            partition.error_code,
            ErrorCode::NotLeaderOrFollower,
        );
    }
}

pub(super) fn list_offsets(scene: &Scene, version: i16) {
    let code = |asking: &mut Asking, request: ListOffsetsRequest| {
        let answer = asking.ask(&request, version);
        let partition = answer.topics[0].partitions[0].clone();
        assert_eq!((partition.offset, partition.timestamp), (-1, -1));
        partition.error_code
    };
    let unknown = code(&mut scene.leader(0), offset_request(&fresh("missing"), -1));
    assert_code("unknown", unknown, ErrorCode::UnknownTopicOrPartition);
    let follower = code(&mut scene.follower(), offset_request(&scene.topic, -1));
    assert_code("follower", follower, ErrorCode::NotLeaderOrFollower);
    if version >= 4 {
        let mut request = offset_request(&scene.topic, -1);
        request.topics[0].partitions[0].current_leader_epoch = 7;
        let epoch = code(&mut scene.leader(0), request);
        assert_code("epoch 7", epoch, ErrorCode::UnknownLeaderEpoch);
    }
    for (timestamp, first_version) in [(-3, 7), (-4, 8), (-5, 9), (-6, 11), (-7, 99)] {
        if version < first_version {
            let early = code(
                &mut scene.leader(0),
                offset_request(&scene.topic, timestamp),
            );
            assert_code("timestamp", early, ErrorCode::UnsupportedVersion);
        }
    }
}

pub(super) fn delete_records(scene: &Scene, version: i16) {
    let code = |asking: &mut Asking, topic: &str, offset| {
        let answer = asking.ask(&deletion_request(topic, offset), version);
        let partition = answer.topics[0].partitions[0].clone();
        assert_eq!(partition.low_watermark, -1);
        partition.error_code
    };
    for offset in [4, -2] {
        let beyond = code(&mut scene.leader(0), &scene.topic, offset);
        assert_code("beyond", beyond, ErrorCode::OffsetOutOfRange);
    }
    let follower = code(&mut scene.follower(), &scene.topic, 0);
    assert_code("follower", follower, ErrorCode::NotLeaderOrFollower);
    let missing = code(&mut scene.leader(0), &fresh("missing"), 0);
    assert_code("missing", missing, ErrorCode::UnknownTopicOrPartition);
}

pub(super) fn metadata(scene: &Scene, version: i16) {
    let mut broker = Asking::any(scene.cluster);
    let mut codes = |topics: Vec<MetadataRequestTopic>| -> Vec<i16> {
        let request = MetadataRequest {
            topics: Some(topics),
            // Versions below 4 always allow it.
            allow_auto_topic_creation: version < 4,
            ..Default::default()
        };
        let answer = broker.ask(&request, version);
        answer.topics.iter().map(|topic| topic.error_code).collect()
    };
    let named = |name: &str| MetadataRequestTopic {
        name: Some(name.to_owned()),
        ..Default::default()
    };
    let invalid = ErrorCode::InvalidTopicException.code();
    for name in ["no spaces", "", "..", &"x".repeat(250)] {
        // Kafka checks names only where a topic could be created.
        let expected = if version < 4 {
            invalid
        } else {
            codes(vec![named(name)])[0]
        };
        assert_eq!(codes(vec![named(name)]), [expected], "{name:?}");
        assert!([invalid, ErrorCode::UnknownTopicOrPartition.code()].contains(&expected));
    }
    if version >= 4 {
        let missing = codes(vec![named(&fresh("missing"))]);
        assert_eq!(missing, [ErrorCode::UnknownTopicOrPartition.code()]);
    }
    if version >= 12 {
        let by_id = MetadataRequestTopic {
            topic_id: NOBODYS_ID,
            name: None,
        };
        assert_eq!(codes(vec![by_id]), [ErrorCode::UnknownTopicId.code()]);
    }
}

pub(super) fn offset_for_leader_epoch(scene: &Scene, version: i16) {
    let missing = fresh("missing");
    for (mut asking, topic, current, expected) in [
        (
            scene.leader(0),
            &missing,
            -1,
            ErrorCode::UnknownTopicOrPartition,
        ),
        (
            scene.leader(0),
            &scene.topic,
            7,
            ErrorCode::UnknownLeaderEpoch,
        ),
        (
            scene.follower(),
            &scene.topic,
            -1,
            ErrorCode::NotLeaderOrFollower,
        ),
    ] {
        let answer = asking.ask(&epoch_request(topic, current, 0), version);
        let partition = &answer.topics[0].partitions[0];
        assert_code("epoch", partition.error_code, expected);
        assert_eq!((partition.leader_epoch, partition.end_offset), (-1, -1));
    }
}

pub(super) fn init_producer_id(scene: &Scene, version: i16) {
    let mut broker = Asking::any(scene.cluster);
    let empty_name = InitProducerIdRequest {
        transactional_id: Some(String::new()),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    let answer = broker.ask(&empty_name, version);
    assert_code("empty id", answer.error_code, ErrorCode::InvalidRequest);
    assert_eq!(answer.producer_id, -1);
    if version >= 3 {
        let half = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: 60_000,
            producer_id: 5,
            ..Default::default()
        };
        let answer = broker.ask(&half, version);
        assert_code("half an id", answer.error_code, ErrorCode::InvalidRequest);
    }
}

pub(super) fn create_topics(scene: &Scene, version: i16) {
    let mut broker = Asking::any(scene.cluster);
    for (request, expected) in [
        (creation(&scene.topic), ErrorCode::TopicAlreadyExists),
        (creation("no spaces"), ErrorCode::InvalidTopicException),
        (
            with_setting("retention.ms", "soon"),
            ErrorCode::InvalidConfig,
        ),
    ] {
        let answer = broker.ask(&request, version);
        let topic = &answer.topics[0];
        assert_code("create", topic.error_code, expected);
        assert!(topic.error_message.is_some());
        assert_eq!(topic.topic_id, Uuid::ZERO);
        assert_eq!((topic.num_partitions, topic.replication_factor), (-1, -1));
    }
}

fn with_setting(key: &str, value: &str) -> CreateTopicsRequest {
    let mut request = creation(&fresh("refused"));
    request.topics[0].configs[0].name = key.to_owned();
    request.topics[0].configs[0].value = Some(value.to_owned());
    request
}

pub(super) fn delete_topics(scene: &Scene, version: i16) {
    let mut broker = Asking::any(scene.cluster);
    let by_name = DeleteTopicState {
        name: Some(fresh("missing")),
        ..Default::default()
    };
    let answer = broker.ask(&deletion(version, vec![by_name]), version);
    let deleted = &answer.responses[0];
    assert_code(
        "unknown",
        deleted.error_code,
        ErrorCode::UnknownTopicOrPartition,
    );
    assert_eq!(deleted.error_message.is_some(), version >= 5);
    if version >= 6 {
        let by_id = DeleteTopicState {
            name: None,
            topic_id: NOBODYS_ID,
        };
        let answer = broker.ask(&deletion(version, vec![by_id]), version);
        let deleted = &answer.responses[0];
        assert_code("unknown id", deleted.error_code, ErrorCode::UnknownTopicId);
        assert_eq!((&deleted.name, deleted.topic_id), (&None, NOBODYS_ID));
    }
}

pub(super) fn create_partitions(scene: &Scene, version: i16) {
    let mut broker = Asking::any(scene.cluster);
    for (request, expected) in [
        (
            growth(&fresh("missing"), 5),
            ErrorCode::UnknownTopicOrPartition,
        ),
        (growth(&scene.topic, 1), ErrorCode::InvalidPartitions),
    ] {
        let answer = broker.ask(&request, version);
        assert_code("grow", answer.results[0].error_code, expected);
    }
}

pub(super) fn describe_configs(scene: &Scene, version: i16) {
    let first = scene.cluster.broker_ids()[0];
    let request = DescribeConfigsRequest {
        resources: vec![
            resource(TOPIC, &fresh("missing"), None),
            resource(TOPIC, "no spaces", None),
            resource(BROKER, &(first + 1).to_string(), None),
        ],
        ..Default::default()
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    let codes: Vec<i16> = answer
        .results
        .iter()
        .map(|result| result.error_code)
        .collect();
    let expected = [
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::InvalidTopicException,
        ErrorCode::InvalidRequest,
    ];
    assert_eq!(codes, expected.map(ErrorCode::code));
    assert!(
        answer
            .results
            .iter()
            .all(|result| result.configs.is_empty())
    );
}

pub(super) fn list_config_resources(scene: &Scene, version: i16) {
    if version < 1 {
        return;
    }
    let request = ListConfigResourcesRequest {
        resource_types: vec![TOPIC, 77],
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    let expected = ErrorCode::UnsupportedVersion;
    assert_code("unknown type", answer.error_code, expected);
    assert!(answer.config_resources.is_empty());
}

pub(super) fn alter_configs(scene: &Scene, version: i16) {
    let long = "9".repeat(32_000);
    let request = replacement(TOPIC, &scene.topic, &[("retention.ms", Some(&long))]);
    let response = &Asking::any(scene.cluster).ask(&request, version).responses[0];
    assert_code("replace", response.error_code, ErrorCode::InvalidConfig);
    assert!(response.error_message.is_some());
}

pub(super) fn incremental_alter_configs(scene: &Scene, version: i16) {
    let long = "9".repeat(32_000);
    let ops = [(SET, "retention.ms", Some(long.as_str()))];
    let request = alteration(TOPIC, &scene.topic, &ops, false);
    let response = &Asking::any(scene.cluster).ask(&request, version).responses[0];
    assert_code("alter", response.error_code, ErrorCode::InvalidConfig);
    assert!(response.error_message.is_some());
}

pub(super) fn describe_cluster(scene: &Scene, version: i16) {
    if version < 1 {
        return;
    }
    let mut broker = Asking::any(scene.cluster);
    for (endpoint_type, expected) in [
        (2, ErrorCode::MismatchedEndpointType),
        (9, ErrorCode::UnsupportedEndpointType),
    ] {
        let request = DescribeClusterRequest {
            endpoint_type,
            ..Default::default()
        };
        let answer = broker.ask(&request, version);
        assert_code("endpoint type", answer.error_code, expected);
    }
}

pub(super) fn describe_topic_partitions(scene: &Scene, version: i16) {
    let names = [fresh("missing"), "no spaces".to_owned()];
    let request = DescribeTopicPartitionsRequest {
        topics: names.map(|name| TopicRequest { name }).into(),
        ..Default::default()
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    let codes: Vec<i16> = answer.topics.iter().map(|topic| topic.error_code).collect();
    let expected = [
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::InvalidTopicException,
    ];
    assert_eq!(codes, expected.map(ErrorCode::code));
}
