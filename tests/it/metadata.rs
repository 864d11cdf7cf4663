//! What brokers tell of topics, settings and the cluster, and topics that come into being by being asked for.

use crate::{
    asking::{Asking, PATIENCE, assert_code, fresh},
    shared_cluster::shared_cluster,
};
use klamm_protocol::messages::{
    create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
    describe_cluster_request::DescribeClusterRequest,
    describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource},
    describe_configs_response::DescribeConfigsResourceResult,
    describe_quorum_request::{DescribeQuorumRequest, PartitionData, TopicData},
    describe_topic_partitions_request::{Cursor, DescribeTopicPartitionsRequest, TopicRequest},
    describe_topic_partitions_response::DescribeTopicPartitionsResponse,
    metadata_request::{MetadataRequest, MetadataRequestTopic},
    metadata_response::MetadataResponseTopic,
};
use klamm_tests::wait_until;
use klamm_types::{ErrorCode as E, Uuid};

/// Where a setting comes from, in Kafka's numbers.
const OF_TOPIC: i8 = 1;
const OF_ALL_BROKERS: i8 = 3;
const DEFAULT: i8 = 5;

fn metadata(name: &str, creates: bool) -> MetadataResponseTopic {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(name.to_owned()),
            ..Default::default()
        }]),
        allow_auto_topic_creation: creates,
        ..Default::default()
    };
    let mut answer = Asking::any(shared_cluster()).ask(&request, 12);
    answer.topics.remove(0)
}

#[test]
fn topics_come_into_being_by_being_asked_for() {
    let cluster = shared_cluster();
    let topic = fresh("auto");
    assert_code(
        "forbidden",
        metadata(&topic, false).error_code,
        E::UnknownTopicOrPartition,
    );
    // Unknown still if creating it takes long.
    let first = metadata(&topic, true).error_code;
    assert!(
        [0, E::UnknownTopicOrPartition.code()].contains(&first),
        "{first}"
    );
    let found = wait_until("the topic is there", PATIENCE, || {
        // Asked without permission: nothing but the first request creates it.
        let found = metadata(&topic, false);
        Ok((found.error_code == 0).then_some(found))
    });
    assert_eq!(found.partitions.len(), 1, "num.partitions");
    assert_eq!(
        found.partitions[0].replica_nodes.len(),
        3,
        "default.replication.factor"
    );
    assert!(found.topic_id != Uuid::ZERO);
    cluster.wait_in_sync(&[&topic]);
    let id = found.topic_id;
    assert_eq!(metadata(&topic, true).topic_id, id, "it is created once");
}

#[test]
fn names_that_are_none_create_nothing() {
    for name in ["no spaces", "..", "a/b"] {
        assert_code(
            name,
            metadata(name, true).error_code,
            E::InvalidTopicException,
        );
    }
}

/// Describes pages from `cursor` on.
fn page(names: &[String], limit: i32, cursor: Option<Cursor>) -> DescribeTopicPartitionsResponse {
    let topics = names.iter().map(|name| TopicRequest { name: name.clone() });
    let request = DescribeTopicPartitionsRequest {
        topics: topics.collect(),
        response_partition_limit: limit,
        cursor,
    };
    Asking::any(shared_cluster()).ask(&request, 0)
}

#[test]
fn partitions_are_described_page_by_page() {
    let cluster = shared_cluster();
    let mut names = vec![fresh("pages-b"), fresh("pages-a"), fresh("pages-c")];
    for (name, partitions) in names.iter().zip([5, 3, 1]) {
        cluster.create_topic(name, partitions);
    }
    for limit in [1, 2, 4, 9, 100] {
        let mut cursor = None;
        let mut seen = Vec::new();
        loop {
            let answer = page(&names, limit, cursor);
            let mut in_page = 0;
            for topic in &answer.topics {
                assert_code("topic", topic.error_code, E::None);
                for partition in &topic.partitions {
                    // Not those in sync: on a busy machine one may be late at any time.
                    assert_eq!(partition.replica_nodes.len(), 3);
                    seen.push((topic.name.clone().unwrap(), partition.partition_index));
                    in_page += 1;
                }
            }
            assert!(in_page <= limit, "{in_page} partitions, {limit} allowed");
            assert!(in_page > 0 || answer.next_cursor.is_none());
            cursor = match answer.next_cursor {
                Some(next) => Some(Cursor {
                    topic_name: next.topic_name,
                    partition_index: next.partition_index,
                }),
                None => break,
            };
        }
        let mut expected: Vec<(String, i32)> = Vec::new();
        for (name, partitions) in names.iter().zip([5, 3, 1]) {
            expected.extend((0..partitions).map(|index| (name.clone(), index)));
        }
        expected.sort();
        assert_eq!(seen, expected, "pages of {limit}");
    }
    names.clear();
    let all = page(&names, 2000, None);
    assert!(all.topics.len() >= 3, "no names are all names");
}

/// Describes a resource.
fn configs(kind: i8, name: &str) -> Vec<DescribeConfigsResourceResult> {
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            configuration_keys: None,
        }],
        include_synonyms: true,
        include_documentation: false,
    };
    let id = name.parse().unwrap_or(1);
    let cluster = shared_cluster();
    let mut answer = Asking::connect(cluster.broker_address(id)).ask(&request, 4);
    let result = answer.results.remove(0);
    assert_code(name, result.error_code, E::None);
    result.configs
}

fn one<'a>(
    configs: &'a [DescribeConfigsResourceResult],
    name: &str,
) -> &'a DescribeConfigsResourceResult {
    let found = configs.iter().find(|config| config.name == name);
    found.unwrap_or_else(|| panic!("{name} is missing"))
}

#[test]
fn settings_of_topics_tell_where_they_come_from() {
    let cluster = shared_cluster();
    let topic = fresh("settings");
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: topic.clone(),
            num_partitions: 1,
            replication_factor: 3,
            configs: vec![CreatableTopicConfig {
                name: "retention.ms".to_owned(),
                value: Some("1000000".to_owned()),
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = Asking::any(cluster).ask(&request, 7);
    assert_code("create", answer.topics[0].error_code, E::None);
    cluster.wait_in_sync(&[&topic]);
    let configs = configs(2, &topic);
    let retention = one(&configs, "retention.ms");
    assert_eq!(retention.value.as_deref(), Some("1000000"));
    assert_eq!(retention.config_source, OF_TOPIC);
    let synonyms: Vec<_> = retention
        .synonyms
        .iter()
        .map(|s| (s.name.as_str(), s.source))
        .collect();
    assert_eq!(synonyms, [("retention.ms", OF_TOPIC)]);
    let in_sync = one(&configs, "min.insync.replicas");
    assert_eq!(in_sync.value.as_deref(), Some("2"));
    // The first controller takes it over from its file, for all brokers (KIP-966).
    assert_eq!(in_sync.config_source, OF_ALL_BROKERS);
    let policy = one(&configs, "cleanup.policy");
    assert_eq!(policy.value.as_deref(), Some("delete"));
    assert_eq!(policy.config_source, DEFAULT);
    for config in &configs {
        assert!(!config.read_only && !config.is_sensitive, "{}", config.name);
        assert!(config.config_type > 0, "{} has a type", config.name);
    }
}

#[test]
fn settings_of_brokers_are_those_of_their_files() {
    let cluster = shared_cluster();
    for id in cluster.broker_ids() {
        let configs = configs(4, &id.to_string());
        let node_id = one(&configs, "node.id");
        assert_eq!(node_id.value, Some(id.to_string()));
        assert!(node_id.read_only);
        assert_eq!(
            one(&configs, "min.insync.replicas").value.as_deref(),
            Some("2")
        );
        assert_eq!(one(&configs, "num.partitions").config_source, DEFAULT);
        let listeners = one(&configs, "listeners").value.clone().unwrap();
        let port = cluster.broker_address(id).port().to_string();
        assert!(listeners.contains(&port), "{listeners}");
    }
}

#[test]
fn all_brokers_describe_the_same_cluster() {
    let cluster = shared_cluster();
    let mut ids = Vec::new();
    for id in cluster.broker_ids() {
        let mut broker = Asking::connect(cluster.broker_address(id));
        let answer = broker.ask(&DescribeClusterRequest::default(), 2);
        assert_code("cluster", answer.error_code, E::None);
        let mut brokers: Vec<_> = answer
            .brokers
            .iter()
            .map(|b| (b.broker_id, b.port))
            .collect();
        brokers.sort_unstable();
        let expected = cluster.broker_ids().into_iter();
        let expected = expected.map(|id| (id, i32::from(cluster.broker_address(id).port())));
        assert_eq!(brokers, expected.collect::<Vec<_>>());
        assert!(answer.brokers.iter().all(|broker| !broker.is_fenced));
        ids.push(answer.cluster_id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(ids[0].len(), 22);
}

#[test]
fn all_brokers_know_the_quorum() {
    let cluster = shared_cluster();
    let request = DescribeQuorumRequest {
        topics: vec![TopicData {
            topic_name: "__cluster_metadata".to_owned(),
            partitions: vec![PartitionData { partition_index: 0 }],
        }],
    };
    for id in cluster.broker_ids() {
        let answer = Asking::connect(cluster.broker_address(id)).ask(&request, 2);
        assert_code("quorum", answer.error_code, E::None);
        let quorum = &answer.topics[0].partitions[0];
        let mut voters: Vec<i32> = quorum.current_voters.iter().map(|v| v.replica_id).collect();
        voters.sort_unstable();
        assert_eq!(voters, cluster.broker_ids(), "all are controllers too");
        assert!(voters.contains(&quorum.leader_id));
        let leader = quorum
            .current_voters
            .iter()
            .find(|v| v.replica_id == quorum.leader_id);
        assert!(leader.unwrap().log_end_offset >= quorum.high_watermark);
        assert!(answer.nodes.iter().all(|node| !node.listeners.is_empty()));
    }
}
