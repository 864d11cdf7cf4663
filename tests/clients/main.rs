//! Clients that nobody here wrote, unmodified, against a cluster of real processes.
//!
//! `install.sh` gets them from their registries. Each stands for itself: one that this machine cannot run is named and
//! counted as not run, which in CI (`CI=true`) is a failure.
//!
//! The cluster is three `klamm` processes, or what `KLAMM_TEST_BOOTSTRAP` names (see `klamm_tests`); there, run the
//! failover drill apart from the other tests, because it kills the nodes that they use.
//! `KLAMM_TEST_RECORDS` and `KLAMM_FAILOVER_ROUNDS` make the tests larger than CI has time for.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a panic is how a test reports"
)]

mod closest_replica;
mod committed_reads;
mod delete_records;
mod failover;
mod foreign;
mod kafka_configs;
mod kafka_data_dir;
mod kafka_reassignment;
mod kafka_tools;
mod log_compaction;
mod mixed_group;
mod our_data_dir;
mod process;
mod quorum_tools;
mod records;
mod replica_verification;
mod reporter;
mod round_trip;

use std::io::Write;
use std::sync::OnceLock;

use klamm_tests::Cluster;

/// The cluster of all tests that kill nobody.
fn shared_cluster() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(3))
}

/// Tells the user something, past the test runner, which shows the output of failed tests only.
fn say(line: &str) {
    // Nobody to tell is no reason to fail.
    let _ = writeln!(std::io::stderr(), "clients: {line}");
}

/// A name that no earlier run on the same cluster had.
fn unique(name: &str) -> String {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{name}-{}", since_epoch.unwrap_or_default().as_millis())
}
