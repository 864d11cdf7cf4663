//! Bounds the bytes of the log: openraft counts entries, which may be large.

use crate::{metadata_feed::MetadataFeed, raft_types::Raft};
use openraft::async_runtime::watch::WatchReceiver;
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// The pause before the next look: how long the log may grow beyond its bound.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a snapshot is asked for until it is there: while another one is being made, raft does not
/// listen.
const TRIGGER_INTERVAL: Duration = Duration::from_secs(1);
/// How long a snapshot may take before the log is looked at again.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(60);

/// Makes a snapshot whenever `bytes` of records have been applied since the last one, and drops
/// what lies before the one before: so much is left for followers that are late. Runs until the
/// controller stops.
pub(crate) async fn keep(raft: Raft, feed: Arc<MetadataFeed>, bytes: u64) {
    let mut applied = feed.applied_bytes();
    let mut at_snapshot = 0;
    loop {
        let due = |now: &u64| is_due(*now, at_snapshot, bytes);
        let Ok(now) = applied.wait_for(due).await.map(|now| *now) else {
            return;
        };
        let before = snapshot_index(&raft);
        let target = raft
            .metrics()
            .borrow_watched()
            .last_applied
            .map(|at| at.index);
        // One that fails is reported by raft, which then stops.
        if timeout(SNAPSHOT_PATIENCE, make_snapshot(&raft, target))
            .await
            .is_ok()
        {
            at_snapshot = now;
            if let Some(before) = before
                && raft.trigger().purge_log(before).await.is_err()
            {
                return;
            }
        }
        sleep(PAUSE).await;
    }
}

/// Whether so much was applied since the last snapshot.
fn is_due(applied: u64, at_snapshot: u64, bytes: u64) -> bool {
    applied.saturating_sub(at_snapshot) >= bytes
}

fn snapshot_index(raft: &Raft) -> Option<u64> {
    let metrics = raft.metrics();
    let metrics = metrics.borrow_watched();
    metrics.snapshot.map(|at| at.index)
}

/// Returns once there is a snapshot that reaches `target`, or raft has stopped.
async fn make_snapshot(raft: &Raft, target: Option<u64>) {
    loop {
        let triggered = raft.trigger().snapshot().await;
        let made = timeout(TRIGGER_INTERVAL, until_snapshot(raft, target)).await;
        if triggered.is_err() || made.is_ok() {
            return;
        }
    }
}

async fn until_snapshot(raft: &Raft, target: Option<u64>) {
    let mut metrics = raft.metrics();
    while metrics.borrow_watched().snapshot.map(|at| at.index) < target {
        if metrics.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_since_the_last_snapshot_counts() {
        assert!(!is_due(9, 0, 10));
        assert!(is_due(10, 0, 10));
        assert!(!is_due(19, 10, 10));
        assert!(is_due(25, 10, 10));
        assert!(!is_due(5, 10, 10));
    }
}
