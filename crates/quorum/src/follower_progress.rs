//! When the other controllers last had everything, as the leader sees it.

use crate::raft_types::{NodeId, Raft, RaftMetrics};
use openraft::{Instant as _, async_runtime::watch::WatchReceiver};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::sleep;

use crate::clock::Clock;

/// How often it is looked at; the times are as exact as that.
const INTERVAL: Duration = Duration::from_millis(100);

/// The time at which each of them last had all that was committed, in milliseconds since the Unix
/// epoch; empty on who does not lead.
#[derive(Clone, Debug, Default)]
pub(crate) struct FollowerProgress(Arc<Mutex<BTreeMap<NodeId, i64>>>);

/// How far one controller has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The offset behind the last entry it is known to have.
    pub(crate) log_end_offset: i64,
    /// When it was last heard from, −1 if it never was.
    pub(crate) heard_ms: i64,
}

impl FollowerProgress {
    /// Looks for as long as this controller runs.
    pub(crate) async fn watch(self, raft: Raft, clock: Clock) {
        let mut metrics = raft.metrics();
        loop {
            self.note(&metrics.borrow_watched(), clock.now_ms());
            sleep(INTERVAL).await;
            if metrics.changed().await.is_err() {
                return;
            }
        }
    }

    fn note(&self, metrics: &RaftMetrics, now_ms: i64) {
        let high_watermark = high_watermark(metrics);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(replication) = &metrics.replication else {
            all.clear();
            return;
        };
        all.retain(|id, _| replication.contains_key(id));
        for id in replication.keys() {
            let progress = progress_of(*id, metrics, now_ms);
            if progress.log_end_offset >= high_watermark && progress.heard_ms >= 0 {
                let caught_up_ms = all.entry(*id).or_insert(-1);
                *caught_up_ms = progress.heard_ms.max(*caught_up_ms);
            }
        }
    }

    /// When a controller last had everything, −1 if it was not seen to.
    pub(crate) fn caught_up_ms(&self, id: NodeId, metrics: &RaftMetrics, now_ms: i64) -> i64 {
        self.note(metrics, now_ms);
        if id == metrics.id {
            return now_ms;
        }
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&id).copied().unwrap_or(-1)
    }
}

/// The offset behind the last entry that is committed.
pub(crate) fn high_watermark(metrics: &RaftMetrics) -> i64 {
    end_of(metrics.local_committed.as_ref().map(|id| id.index))
}

/// How far a controller has come, as this one knows if it leads.
pub(crate) fn progress_of(id: NodeId, metrics: &RaftMetrics, now_ms: i64) -> Progress {
    if id == metrics.id {
        return Progress {
            log_end_offset: end_of(metrics.last_log_index),
            heard_ms: now_ms,
        };
    }
    let matched = metrics.replication.as_ref().and_then(|all| all.get(&id));
    let matched = matched.and_then(|at| at.as_ref());
    let heard = metrics.heartbeat.as_ref().and_then(|all| all.get(&id));
    let heard_ms = match heard {
        Some(Some(heard)) => now_ms - i64::try_from(heard.elapsed().as_millis()).unwrap_or(0),
        _ => -1,
    };
    Progress {
        log_end_offset: end_of(matched.map(|at| at.index)),
        heard_ms,
    }
}

fn end_of(last_index: Option<u64>) -> i64 {
    last_index.map_or(0, |index| i64::try_from(index).map_or(i64::MAX, |i| i + 1))
}
