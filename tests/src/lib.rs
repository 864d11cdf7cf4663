//! Real clusters for tests: processes of the `klamm` binary on loopback ports, in temporary folders.
//!
//! [`Cluster`] starts, kills and restarts nodes; [`wire`] asks a broker the few questions a harness has (is the
//! cluster whole, who leads, who is the active controller) with a protocol reader of its own, so that a fault in
//! Klamm's codecs cannot hide itself here. Nothing in this crate is Klamm's code.
//!
//! A broken harness ends the test, so functions here panic with the reason and the nodes' last log lines.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a panic is how a test reports"
)]

mod binary;
mod cluster;
mod external;
mod node;
mod ports;
mod properties;
mod watchdog;
pub mod wire;

pub use binary::klamm_binary;
pub use cluster::{Cluster, ClusterBuilder, LogsOnPanic};
pub use ports::{PortBlock, lock_ports};
pub use wire::wait_until;
