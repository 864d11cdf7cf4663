//! The cluster of all tests here that kill nobody; their topics and groups have names of their own.

use crate::lab;
use klamm_tests::Cluster;
use std::sync::OnceLock;

/// Three combined nodes, or the cluster that the environment names: another implementation may be asked the same.
pub(crate) fn shared_cluster() -> &'static Cluster {
    static ELSEWHERE: OnceLock<Cluster> = OnceLock::new();
    match std::env::var_os("KLAMM_TEST_BOOTSTRAP") {
        Some(_) => ELSEWHERE.get_or_init(|| Cluster::start(3)),
        None => lab::shared_cluster(),
    }
}
