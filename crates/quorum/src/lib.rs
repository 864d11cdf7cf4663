//! The controller quorum: openraft over gRPC with a durable log.
//!
//! [`Quorum`] is one controller. All of them agree on a log of metadata batches and replay it
//! into the same image; one of them, the Raft leader, is the *active controller*: it alone
//! decides on requests, proposes what it decided, and answers once that is committed. Its term
//! is the controller epoch. Every controller streams the committed batches to brokers.
//!
//! ```text
//!   controller_service ─▶ active_controller ─▶ proposer ─▶ raft ─▶ state_machine ─▶ metadata_feed
//!      (gRPC)               (one task)        (batches)              (image)        (to brokers)
//! ```
//!
//! Only this crate knows openraft. What is decided is not here, that is `controller`'s; nor is
//! anything about partitions' data.

mod active_controller;
mod address_book;
mod broker_probe;
mod clock;
mod cluster_id;
mod config;
mod controller_node;
mod controller_service;
mod damage_check;
mod describe_quorum;
mod durable_file;
mod entry_cut;
mod entry_log;
mod first_election;
mod follower_progress;
mod founding;
mod heartbeat_stream;
mod identity;
mod joining;
mod leader_loss;
mod leadership;
mod log_bounds;
mod log_store;
mod membership;
mod membership_calls;
mod metadata_feed;
mod network;
mod observers;
mod proposer;
mod quorum;
mod raft_service;
mod raft_types;
mod room;
mod snapshot_file;
mod state_machine;
mod stopping;
mod translate;
mod translate_features;
mod translate_reassignments;
mod vote_guard;
mod voter_changes;
mod watch_metadata;
mod wire;

pub use config::{ControllerConfig, ListenOn, QuorumConfig, SnapshotConfig, Timings, Voter};
pub use quorum::{Quorum, QuorumError};
