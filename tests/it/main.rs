//! Clusters of real `klamm` processes, seen from outside: killed, frozen, restarted, filled with records.
//!
//! One module per behaviour. `lab`, `traffic` and `replicas` are what they share: clients and requests, a producer in
//! the background with the judgement over what became of its records, and the replicas' files. `asking` speaks the
//! protocol version by version, `process` runs commands; what uses these two may also be asked of another cluster
//! (`KLAMM_TEST_BOOTSTRAP`), one of Apache Kafka's for instance.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a panic is how a test reports"
)]

mod altering;
mod asking;
mod cli;
mod closest_replica;
mod compaction;
mod configs;
mod crash;
mod damage;
mod dev;
mod drill;
mod failover;
mod features;
mod fetch_sessions;
mod flushing;
mod frozen_follower;
mod full_disk;
mod garbage;
mod groups;
mod lab;
mod last_replica_standing;
mod log_dirs;
mod log_start;
mod metadata;
mod node_start;
mod power_loss;
mod process;
mod quorum;
mod raw_group;
mod reassign;
mod refusals;
mod replicas;
mod replication;
mod separate_roles;
mod shared_cluster;
mod single_node;
mod small_disk;
mod strange_followers;
mod throttled_replicas;
mod topic_settings;
mod traffic;
mod versions;
mod voters;
