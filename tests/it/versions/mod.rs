//! Every API in every version that the broker offers: a successful request is answered in full, and so is a refusal.
//!
//! What a version cannot carry must not get into its answers: an answer that cannot be encoded closes the connection.

mod admin;
mod data;
mod group;
mod log_dirs;
mod quorum;
mod reassignment;
mod refused;
mod refused_group;
mod unsupported;

pub(crate) use data::{deletion_request, offset_request};

use crate::{
    asking::{Asking, PATIENCE, assert_code, batch, fresh, served_from},
    shared_cluster::shared_cluster,
};
use klamm_protocol::{
    ApiKey,
    messages::{
        api_versions_request::ApiVersionsRequest,
        metadata_request::{MetadataRequest, MetadataRequestTopic},
        produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
    },
};
use klamm_tests::Cluster;
use klamm_types::{ErrorCode, Uuid};
use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
};

/// Asks one API in one version and looks at the answer.
type Check = fn(&Scene, i16);

/// A successful request of each API.
const SUCCESSES: &[(ApiKey, Check)] = &[
    (ApiKey::Produce, data::produce),
    (ApiKey::Fetch, data::fetch),
    (ApiKey::ListOffsets, data::list_offsets),
    (ApiKey::Metadata, data::metadata),
    (ApiKey::DeleteRecords, data::delete_records),
    (ApiKey::OffsetForLeaderEpoch, data::offset_for_leader_epoch),
    (ApiKey::InitProducerId, data::init_producer_id),
    (ApiKey::OffsetCommit, group::offset_commit),
    (ApiKey::OffsetFetch, group::offset_fetch),
    (ApiKey::FindCoordinator, group::find_coordinator),
    (ApiKey::JoinGroup, group::join_group),
    (ApiKey::Heartbeat, group::heartbeat),
    (ApiKey::LeaveGroup, group::leave_group),
    (ApiKey::SyncGroup, group::sync_group),
    (ApiKey::DescribeGroups, group::describe_groups),
    (ApiKey::ListGroups, group::list_groups),
    (ApiKey::DeleteGroups, group::delete_groups),
    (ApiKey::OffsetDelete, group::offset_delete),
    (ApiKey::ApiVersions, admin::api_versions),
    (ApiKey::CreateTopics, admin::create_topics),
    (ApiKey::DeleteTopics, admin::delete_topics),
    (ApiKey::CreatePartitions, admin::create_partitions),
    (ApiKey::DescribeConfigs, admin::describe_configs),
    (ApiKey::ListConfigResources, admin::list_config_resources),
    (
        ApiKey::AlterReplicaLogDirs,
        log_dirs::alter_replica_log_dirs,
    ),
    (ApiKey::DescribeLogDirs, log_dirs::describe_log_dirs),
    (ApiKey::AlterConfigs, admin::alter_configs),
    (
        ApiKey::IncrementalAlterConfigs,
        admin::incremental_alter_configs,
    ),
    (ApiKey::AlterPartitionReassignments, reassignment::alter),
    (ApiKey::ListPartitionReassignments, reassignment::list),
    (ApiKey::ElectLeaders, reassignment::elect),
    (ApiKey::UnregisterBroker, reassignment::unregister),
    (ApiKey::DescribeQuorum, admin::describe_quorum),
    (ApiKey::UpdateFeatures, quorum::update_features),
    (ApiKey::AddRaftVoter, quorum::add_voter),
    (ApiKey::RemoveRaftVoter, quorum::remove_voter),
    (ApiKey::DescribeCluster, admin::describe_cluster),
    (
        ApiKey::DescribeTopicPartitions,
        admin::describe_topic_partitions,
    ),
];

/// Requests that are refused, with Kafka's error codes.
const REFUSALS: &[(ApiKey, Check)] = &[
    (ApiKey::Produce, refused::produce),
    (ApiKey::Produce, refused::produce_to_a_follower),
    (ApiKey::Fetch, refused::fetch),
    (ApiKey::Fetch, refused::fetch_session),
    (ApiKey::Fetch, refused::fetch_with_wrong_epochs),
    (ApiKey::ListOffsets, refused::list_offsets),
    (ApiKey::DeleteRecords, refused::delete_records),
    (ApiKey::Metadata, refused::metadata),
    (
        ApiKey::OffsetForLeaderEpoch,
        refused::offset_for_leader_epoch,
    ),
    (ApiKey::InitProducerId, refused::init_producer_id),
    (ApiKey::CreateTopics, refused::create_topics),
    (ApiKey::DeleteTopics, refused::delete_topics),
    (ApiKey::CreatePartitions, refused::create_partitions),
    (ApiKey::DescribeConfigs, refused::describe_configs),
    (ApiKey::ListConfigResources, refused::list_config_resources),
    (ApiKey::AlterConfigs, refused::alter_configs),
    (
        ApiKey::IncrementalAlterConfigs,
        refused::incremental_alter_configs,
    ),
    (ApiKey::DescribeCluster, refused::describe_cluster),
    (ApiKey::AlterPartitionReassignments, reassignment::refused),
    (ApiKey::ElectLeaders, reassignment::elect_refused),
    (ApiKey::UnregisterBroker, reassignment::unregister_unknown),
    (ApiKey::AlterReplicaLogDirs, log_dirs::alter_to_nowhere),
    (
        ApiKey::DescribeTopicPartitions,
        refused::describe_topic_partitions,
    ),
    (ApiKey::FindCoordinator, refused_group::find_coordinator),
    (ApiKey::OffsetCommit, refused_group::offset_commit),
    (ApiKey::OffsetFetch, refused_group::offset_fetch),
    (ApiKey::JoinGroup, refused_group::join_group),
    (ApiKey::Heartbeat, refused_group::heartbeat),
    (ApiKey::LeaveGroup, refused_group::leave_group),
    (ApiKey::SyncGroup, refused_group::sync_group),
    (ApiKey::DescribeGroups, refused_group::describe_groups),
    (ApiKey::DeleteGroups, refused_group::delete_groups),
    (ApiKey::OffsetDelete, refused_group::offset_delete),
    (ApiKey::UpdateFeatures, quorum::unknown_feature),
];

/// The records in partition 0 of a scene's topic.
const VALUES: [&str; 3] = ["one", "two", "three"];

/// A topic with data, and the cluster it is in.
struct Scene {
    cluster: &'static Cluster,
    /// Partition 0 has [`VALUES`] and nothing else; partition 1 is there to be written to.
    topic: String,
    topic_id: Uuid,
}

impl Scene {
    fn shared() -> &'static Scene {
        static SCENE: OnceLock<Scene> = OnceLock::new();
        SCENE.get_or_init(Scene::make)
    }

    fn make() -> Scene {
        let cluster = shared_cluster();
        let topic = fresh("versions");
        cluster.create_topic(&topic, 2);
        let answer = Asking::leader(cluster, &topic, 0).ask(&to_partition(&topic, 0), 9);
        let partition = &answer.responses[0].partition_responses[0];
        assert_code("the first records", partition.error_code, ErrorCode::None);
        let named = MetadataRequestTopic {
            name: Some(topic.clone()),
            ..Default::default()
        };
        let request = MetadataRequest {
            topics: Some(vec![named]),
            ..Default::default()
        };
        let topic_id = Asking::any(cluster).ask(&request, 12).topics[0].topic_id;
        Scene {
            cluster,
            topic,
            topic_id,
        }
    }

    /// A connection to the leader of a partition of the topic.
    fn leader(&self, partition: i32) -> Asking {
        Asking::leader(self.cluster, &self.topic, partition)
    }

    /// A connection to a broker that keeps a copy of partition 0 and does not lead it.
    fn follower(&self) -> Asking {
        let leader = self.cluster.leader(&self.topic, 0);
        let mut others = self.cluster.broker_ids();
        others.retain(|id| *id != leader);
        Asking::connect(self.cluster.broker_address(others[0]))
    }
}

/// A request with [`VALUES`] for one partition, for versions that name topics.
fn to_partition(topic: &str, partition: i32) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: i32::try_from(PATIENCE.as_millis()).unwrap(),
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: vec![PartitionProduceData {
                index: partition,
                records: Some(batch(&VALUES)),
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Runs all checks in all versions on offer, and tells all that failed at once.
fn run(checks: &[(ApiKey, Check)]) {
    let scene = Scene::shared();
    let _logs = scene.cluster.logs_on_panic();
    let offered = Asking::any(scene.cluster).ask(&ApiVersionsRequest::default(), 0);
    let mut failed = Vec::new();
    for (key, check) in checks {
        let range = offered
            .api_keys
            .iter()
            .find(|api| api.api_key == i16::from(*key));
        let range = range.unwrap_or_else(|| panic!("{key} is not on offer"));
        for version in served_from(*key, range.min_version)..=range.max_version {
            // The message has been printed by the time it is caught.
            if catch_unwind(AssertUnwindSafe(|| check(scene, version))).is_err() {
                failed.push(format!("{key} v{version}"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn a_successful_request_is_answered_in_every_version() {
    run(SUCCESSES);
}

#[test]
fn a_refused_request_is_answered_in_every_version() {
    run(REFUSALS);
}

#[test]
fn no_api_on_offer_is_left_out_here() {
    let cluster = shared_cluster();
    let offered = Asking::any(cluster).ask(&ApiVersionsRequest::default(), 0);
    let offered: BTreeSet<i16> = offered.api_keys.iter().map(|api| api.api_key).collect();
    let checked = SUCCESSES.iter().map(|(key, _)| i16::from(*key)).collect();
    assert_eq!(offered, checked);
}

#[test]
fn all_brokers_offer_what_apache_kafka_4_3_offers_of_these_apis() {
    let cluster = shared_cluster();
    for id in cluster.broker_ids() {
        let mut broker = Asking::connect(cluster.broker_address(id));
        for api in broker.ask(&ApiVersionsRequest::default(), 0).api_keys {
            let range = (api.api_key, api.min_version, api.max_version);
            assert!(KAFKA_4_3.contains(&range), "broker {id}: {range:?}");
        }
    }
}

/// Key, first and last version, as Apache Kafka 4.3.1 lists them.
const KAFKA_4_3: &[(i16, i16, i16)] = &[
    (0, 0, 13),
    (1, 4, 18),
    (2, 1, 11),
    (3, 0, 13),
    (8, 2, 10),
    (9, 1, 10),
    (10, 0, 6),
    (11, 0, 9),
    (12, 0, 4),
    (13, 0, 5),
    (14, 0, 5),
    (15, 0, 6),
    (16, 0, 5),
    (18, 0, 4),
    (19, 2, 7),
    (20, 1, 6),
    (21, 0, 2),
    (22, 0, 5),
    (23, 2, 4),
    (32, 1, 4),
    (33, 0, 2),
    (34, 1, 2),
    (35, 1, 5),
    (37, 0, 3),
    (42, 0, 2),
    (43, 0, 2),
    (44, 0, 1),
    (45, 0, 1),
    (46, 0, 0),
    (47, 0, 0),
    (55, 0, 2),
    (57, 0, 2),
    (60, 0, 2),
    (64, 0, 0),
    (74, 0, 1),
    (75, 0, 0),
    (80, 0, 1),
    (81, 0, 0),
];
