//! Cluster decisions: image and request in, records and response out.
//!
//! [`decide`] is the controller: a pure function from the cluster's [`Image`] and a
//! [`Request`] to the records that carry it out and the [`Response`]. It changes nothing: the
//! caller replays the records, and proposes them to the quorum stamped with the offset of the
//! image they were decided on. [`Sessions`] is the one piece of soft state, which only the
//! active controller has: who of the brokers has been heard from.
//!
//! Not here: clocks (`now` is an argument), randomness (drawn by the caller, see [`Draws`]),
//! the quorum and its log.
//!
//! [`Image`]: klamm_metadata::Image

mod alter_configs;
mod alter_partition;
mod alter_reassignments;
mod assign_directories;
mod assignment;
mod broker_state;
mod chores;
mod cluster;
mod config_rules;
mod create_partitions;
mod create_topics;
mod decision;
mod delete_topics;
mod elect_leaders;
mod election;
mod fail_log_dirs;
mod high_watermarks;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod last_replica_standing_tests;
mod new_partitions;
mod online_dirs;
mod placement;
mod producer_ids;
mod refusal;
mod register_broker;
mod resign_leadership;
mod sessions;
mod topic_name;
mod topic_settings;
mod update_features;

pub use alter_configs::{AlterConfigs, AlteredConfigs, AlteredResource, ConfigOp, ResourceChange};
pub use alter_partition::{
    AlterPartition, AlteredPartition, IsrMember, PartitionIsr, PartitionState,
};
pub use alter_reassignments::{AlterReassignments, AlteredReassignments, Reassignment};
pub use assign_directories::{AssignDirectories, ReplicaDirectory};
pub use chores::{Chore, ChoreConfig, Chores};
pub use cluster::{InitCluster, RegisterController, check_levels};
pub use config_rules::{ConfigRules, ProposedConfigs};
pub use create_partitions::{CreatePartitions, GrownTopic, TopicGrowth};
pub use create_topics::{CreatableTopic, CreateTopics, Created, CreatedTopic};
pub use decision::{BrokerRef, Context, Decision, Draws, Request, Response, Settings, decide};
pub use delete_topics::{DeleteTopics, DeletedTopic, TopicRef};
pub use elect_leaders::{
    ELECTIONS_PER_CHORE_MAX, ElectLeaders, ElectedLeader, ElectedLeaders, ElectionType,
};
pub use election::{Loss, Rules, change_partition};
pub use fail_log_dirs::FailLogDirs;
pub use high_watermarks::{PartitionHighWatermark, ReportHighWatermarks};
pub use new_partitions::{MAX_PARTITIONS_PER_REQUEST, ReplicaAssignment};
pub use online_dirs::OnlineDirs;
pub use placement::{PlacementError, place_replicas};
pub use producer_ids::{PRODUCER_ID_BLOCK_SIZE, ProducerIdBlock};
pub use refusal::Refusal;
pub use register_broker::{RegisterBroker, RegisteredBroker};
pub use resign_leadership::{ResignLeadership, Resignation, Resigned};
pub use sessions::{Heartbeat, HeartbeatAck, SessionConfig, Sessions, StreamId};
pub use topic_name::{TOPIC_NAME_LENGTH_MAX, check_topic_name};
pub use update_features::{FeatureUpdate, UpdateFeatures, UpgradeType};
