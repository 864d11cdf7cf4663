//! How far the voters have come, as the leader sees it.

use crate::{
    config::Voter,
    raft_types::{Raft, TypeConfig, broker_id_of, epoch_of, node_id_of, term_of},
};
use klamm_rpc::controller::{DescribeQuorumResponse, QuorumReplica};
use klamm_types::BrokerId;
use openraft::{Instant, RaftMetrics, async_runtime::watch::WatchReceiver};

/// The answer to `DescribeQuorum`, from the leader's metrics. Offsets are those of the Raft log;
/// a follower "fetches" when it answers the leader.
pub(crate) fn describe(raft: &Raft, voters: &[Voter], now_ms: i64) -> DescribeQuorumResponse {
    let metrics = raft.metrics().borrow_watched().clone();
    let end = |index: Option<u64>| index.map_or(0, |index| index as i64 + 1);
    DescribeQuorumResponse {
        error_code: 0,
        leader_id: metrics.current_leader.map_or(-1, |id| broker_id_of(id).0),
        leader_epoch: epoch_of(term_of(&metrics.vote)),
        high_watermark: end(metrics.local_committed.map(|id| id.index)),
        voters: voters
            .iter()
            .map(|voter| {
                let (last_index, heard_ms) = progress_of(voter.id, &metrics, now_ms);
                let log_end_offset = end(last_index);
                let caught_up = last_index >= metrics.local_committed.map(|id| id.index);
                QuorumReplica {
                    replica_id: voter.id.0,
                    log_end_offset,
                    last_fetch_timestamp_ms: heard_ms,
                    last_caught_up_timestamp_ms: if caught_up { heard_ms } else { -1 },
                    host: voter.host.clone(),
                    port: voter.port.into(),
                }
            })
            .collect(),
        observers: Vec::new(),
    }
}

/// The last index that a voter is known to have, and when it was heard from.
fn progress_of(
    voter: BrokerId,
    metrics: &RaftMetrics<TypeConfig>,
    now_ms: i64,
) -> (Option<u64>, i64) {
    let voter = node_id_of(voter);
    if voter == metrics.id {
        return (metrics.last_log_index, now_ms);
    }
    let matched = metrics.replication.as_ref().and_then(|all| all.get(&voter));
    let heard = metrics.heartbeat.as_ref().and_then(|all| all.get(&voter));
    let heard_ms = match heard {
        Some(Some(heard)) => now_ms - i64::try_from(heard.elapsed().as_millis()).unwrap_or(0),
        _ => -1,
    };
    (
        matched.and_then(|id| id.as_ref()).map(|id| id.index),
        heard_ms,
    )
}
