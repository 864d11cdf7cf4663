//! Topics, their settings, and the cluster.

use super::{Scene, data::new_topic};
use crate::{
    altering::{APPEND, CLIENT_METRICS, GROUP, SET, alter, alteration, replacement, value},
    asking::{Asking, PATIENCE, assert_code, fresh},
};
use klamm_protocol::messages::{
    api_versions_request::ApiVersionsRequest,
    create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic},
    create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
    delete_topics_request::{DeleteTopicState, DeleteTopicsRequest},
    describe_cluster_request::DescribeClusterRequest,
    describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource},
    describe_quorum_request::{DescribeQuorumRequest, PartitionData, TopicData},
    describe_topic_partitions_request::{DescribeTopicPartitionsRequest, TopicRequest},
    list_config_resources_request::ListConfigResourcesRequest,
    metadata_request::{MetadataRequest, MetadataRequestTopic},
};
use klamm_tests::wait_until;
use klamm_types::{ErrorCode, Uuid};

/// Kafka's number for topics in DescribeConfigs.
pub(super) const TOPIC: i8 = 2;
/// Kafka's number for brokers in DescribeConfigs.
pub(super) const BROKER: i8 = 4;

pub(super) fn timeout_ms() -> i32 {
    i32::try_from(PATIENCE.as_millis()).unwrap()
}

pub(super) fn api_versions(scene: &Scene, version: i16) {
    let request = ApiVersionsRequest {
        client_software_name: "klamm-it".to_owned(),
        client_software_version: "1.0".to_owned(),
        ..Default::default()
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    assert_code("api versions", answer.error_code, ErrorCode::None);
    let ranges = answer.api_keys.iter();
    let ranges: Vec<_> = ranges
        .map(|api| (api.api_key, api.min_version, api.max_version))
        .collect();
    assert!(ranges.contains(&(0, 0, 13)), "{ranges:?}");
    assert!(ranges.contains(&(18, 0, 4)), "{ranges:?}");
}

/// A topic of one partition and one replica, with a setting.
pub(super) fn creation(name: &str) -> CreateTopicsRequest {
    CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: name.to_owned(),
            num_partitions: 1,
            replication_factor: 1,
            configs: vec![CreatableTopicConfig {
                name: "retention.ms".to_owned(),
                value: Some("1234567".to_owned()),
            }],
            ..Default::default()
        }],
        timeout_ms: timeout_ms(),
        validate_only: false,
    }
}

pub(super) fn create_topics(scene: &Scene, version: i16) {
    let mut broker = Asking::any(scene.cluster);
    let name = fresh("created");
    for validate_only in [true, false] {
        let request = CreateTopicsRequest {
            validate_only,
            ..creation(&name)
        };
        let answer = broker.ask(&request, version);
        let topic = &answer.topics[0];
        assert_code("create", topic.error_code, ErrorCode::None);
        assert_eq!((&topic.name, &topic.error_message), (&name, &None));
        if !validate_only {
            assert_eq!(topic.topic_id != Uuid::ZERO, version >= 7);
        }
        if version >= 5 {
            assert_eq!((topic.num_partitions, topic.replication_factor), (1, 1));
            let configs = topic.configs.as_ref().unwrap();
            let retention = configs.iter().find(|c| c.name == "retention.ms").unwrap();
            assert_eq!(retention.value.as_deref(), Some("1234567"));
            assert!(configs.iter().any(|c| c.name == "min.insync.replicas"));
        }
    }
}

pub(super) fn delete_topics(scene: &Scene, version: i16) {
    let mut broker = Asking::any(scene.cluster);
    let name = new_topic(scene, "deleted");
    let by_name = DeleteTopicState {
        name: Some(name.clone()),
        ..Default::default()
    };
    check_deletion(&mut broker, version, by_name);
    if version >= 6 {
        let name = new_topic(scene, "deleted");
        let request = MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                name: Some(name),
                ..Default::default()
            }]),
            ..Default::default()
        };
        let topic_id = broker.ask(&request, 12).topics[0].topic_id;
        let by_id = DeleteTopicState {
            name: None,
            topic_id,
        };
        check_deletion(&mut broker, version, by_id);
    }
}

fn check_deletion(broker: &mut Asking, version: i16, topic: DeleteTopicState) {
    let answer = broker.ask(&deletion(version, vec![topic.clone()]), version);
    let deleted = &answer.responses[0];
    assert_code("delete", deleted.error_code, ErrorCode::None);
    assert!(deleted.name.is_some(), "the name is told in any case");
    assert_eq!(deleted.topic_id != Uuid::ZERO, version >= 6);
}

/// Names topics in the place that the version has for them.
pub(super) fn deletion(version: i16, topics: Vec<DeleteTopicState>) -> DeleteTopicsRequest {
    let timeout_ms = timeout_ms();
    if version >= 6 {
        return DeleteTopicsRequest {
            topics,
            timeout_ms,
            ..Default::default()
        };
    }
    DeleteTopicsRequest {
        topic_names: topics.into_iter().filter_map(|topic| topic.name).collect(),
        timeout_ms,
        ..Default::default()
    }
}

pub(super) fn growth(topic: &str, count: i32) -> CreatePartitionsRequest {
    CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: topic.to_owned(),
            count,
            assignments: None,
        }],
        timeout_ms: timeout_ms(),
        validate_only: false,
    }
}

pub(super) fn create_partitions(scene: &Scene, version: i16) {
    let topic = new_topic(scene, "grows");
    let answer = Asking::any(scene.cluster).ask(&growth(&topic, 3), version);
    let result = &answer.results[0];
    assert_code("grow", result.error_code, ErrorCode::None);
    assert_eq!((&result.name, &result.error_message), (&topic, &None));
    wait_until(&format!("{topic} has three partitions"), PATIENCE, || {
        let view = scene.cluster.view(&[&topic])?;
        Ok((view.partitions.len() == 3).then_some(()))
    });
}

pub(super) fn resource(kind: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsResource {
    DescribeConfigsResource {
        resource_type: kind,
        resource_name: name.to_owned(),
        configuration_keys: keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect()),
    }
}

pub(super) fn describe_configs(scene: &Scene, version: i16) {
    let broker = scene.cluster.broker_ids()[0].to_string();
    let request = DescribeConfigsRequest {
        resources: vec![
            resource(TOPIC, &scene.topic, Some(&["min.insync.replicas"])),
            resource(TOPIC, &scene.topic, None),
            resource(BROKER, &broker, None),
        ],
        include_synonyms: true,
        include_documentation: version >= 3,
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    for result in &answer.results {
        assert_code(&result.resource_name, result.error_code, ErrorCode::None);
    }
    let one = &answer.results[0].configs;
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].value.as_deref(), Some("2"));
    let documentation = one[0].documentation.as_deref().unwrap_or_default();
    assert_eq!(documentation.is_empty(), version < 3);
    let synonyms: Vec<_> = one[0].synonyms.iter().map(|s| s.name.as_str()).collect();
    assert!(synonyms.contains(&"min.insync.replicas"), "{synonyms:?}");
    let of_topic = &answer.results[1].configs;
    assert!(
        of_topic
            .iter()
            .any(|config| config.name == "cleanup.policy")
    );
    let of_broker = &answer.results[2].configs;
    assert!(of_broker.iter().any(|config| config.name == "log.dirs"));
}

pub(super) fn list_config_resources(scene: &Scene, version: i16) {
    let mut broker = Asking::any(scene.cluster);
    let group = fresh("group");
    let session = [(SET, "consumer.session.timeout.ms", Some("50000"))];
    let altered = alter(&mut broker, GROUP, &group, &session);
    assert_code("group", altered.error_code, ErrorCode::None);
    let mut listed = |resource_types: &[i8]| -> Vec<(i8, String)> {
        let request = ListConfigResourcesRequest {
            resource_types: resource_types.to_vec(),
        };
        let answer = broker.ask(&request, version);
        assert_code("list", answer.error_code, ErrorCode::None);
        let resources = answer.config_resources.into_iter();
        let mut listed: Vec<_> = resources
            .map(|one| (one.resource_type, one.resource_name))
            .collect();
        listed.sort();
        listed
    };
    if version == 0 {
        assert!(listed(&[]).iter().all(|(kind, _)| *kind == CLIENT_METRICS));
        return;
    }
    let of_brokers = scene.cluster.broker_ids().into_iter();
    let of_brokers: Vec<_> = of_brokers.map(|id| (BROKER, id.to_string())).collect();
    assert_eq!(listed(&[BROKER]), of_brokers);
    let all = listed(&[]);
    for expected in [(TOPIC, scene.topic.clone()), (GROUP, group)] {
        assert!(all.contains(&expected), "{expected:?}");
    }
    assert!(
        !listed(&[GROUP, BROKER])
            .iter()
            .any(|(kind, _)| *kind == TOPIC)
    );
}

pub(super) fn alter_configs(scene: &Scene, version: i16) {
    let topic = new_topic(scene, "replaced");
    let mut broker = Asking::any(scene.cluster);
    let request = replacement(TOPIC, &topic, &[("retention.ms", Some("1234567"))]);
    let answer = broker.ask(&request, version);
    let response = &answer.responses[0];
    assert_code("replace", response.error_code, ErrorCode::None);
    assert_eq!(
        (&response.resource_name, &response.error_message),
        (&topic, &None)
    );
    let told = value(&mut broker, TOPIC, &topic, "retention.ms");
    assert_eq!(told, (Some("1234567".to_owned()), 1));
}

pub(super) fn incremental_alter_configs(scene: &Scene, version: i16) {
    let topic = new_topic(scene, "altered");
    let mut broker = Asking::any(scene.cluster);
    let ops = [(APPEND, "cleanup.policy", Some("compact"))];
    let answer = broker.ask(&alteration(TOPIC, &topic, &ops, false), version);
    let response = &answer.responses[0];
    assert_code("alter", response.error_code, ErrorCode::None);
    assert_eq!(
        (&response.resource_name, &response.error_message),
        (&topic, &None)
    );
    let told = value(&mut broker, TOPIC, &topic, "cleanup.policy");
    assert_eq!(told, (Some("delete,compact".to_owned()), 1));
}

pub(super) fn describe_quorum(scene: &Scene, version: i16) {
    let request = DescribeQuorumRequest {
        topics: vec![TopicData {
            topic_name: "__cluster_metadata".to_owned(),
            partitions: vec![PartitionData { partition_index: 0 }],
        }],
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    assert_code("quorum", answer.error_code, ErrorCode::None);
    let partition = &answer.topics[0].partitions[0];
    assert_code("partition", partition.error_code, ErrorCode::None);
    assert!(partition.leader_id >= 1 && partition.leader_epoch >= 1);
    assert!(partition.high_watermark >= 1);
    let voters = &partition.current_voters;
    assert_eq!(voters.len(), 3);
    assert!(
        voters
            .iter()
            .any(|voter| voter.replica_id == partition.leader_id)
    );
    assert_eq!(answer.nodes.len(), if version >= 2 { 3 } else { 0 });
}

pub(super) fn describe_cluster(scene: &Scene, version: i16) {
    let request = DescribeClusterRequest {
        include_cluster_authorized_operations: true,
        ..Default::default()
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    assert_code("cluster", answer.error_code, ErrorCode::None);
    assert_eq!(answer.endpoint_type, 1);
    assert!(!answer.cluster_id.is_empty());
    let mut ids: Vec<_> = answer
        .brokers
        .iter()
        .map(|broker| broker.broker_id)
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, scene.cluster.broker_ids());
    assert!(ids.contains(&answer.controller_id));
}

pub(super) fn describe_topic_partitions(scene: &Scene, version: i16) {
    let request = DescribeTopicPartitionsRequest {
        topics: vec![TopicRequest {
            name: scene.topic.clone(),
        }],
        ..Default::default()
    };
    let answer = Asking::any(scene.cluster).ask(&request, version);
    let topic = &answer.topics[0];
    assert_code("topic", topic.error_code, ErrorCode::None);
    assert_eq!(topic.name.as_ref(), Some(&scene.topic));
    assert_eq!(topic.topic_id, scene.topic_id);
    assert_eq!(topic.partitions.len(), 2);
    assert_eq!(answer.next_cursor, None);
}
