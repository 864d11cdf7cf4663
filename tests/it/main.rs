//! Clusters of real `klamm` processes, seen from outside: killed, frozen, restarted, filled with records.
//!
//! One module per behaviour. `lab`, `traffic` and `replicas` are what they share: clients and requests, a producer in
//! the background with the judgement over what became of its records, and the replicas' files.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a panic is how a test reports"
)]

mod crash;
mod failover;
mod groups;
mod lab;
mod quorum;
mod raw_group;
mod replicas;
mod replication;
mod separate_roles;
mod single_node;
mod traffic;
