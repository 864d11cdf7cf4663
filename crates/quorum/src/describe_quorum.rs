//! How far the voters and the brokers have come, as the leader sees it.

use crate::{
    config::Voter,
    observers::Observers,
    raft_types::{Raft, TypeConfig, broker_id_of, epoch_of, node_id_of, term_of},
};
use klamm_metadata::Image;
use klamm_rpc::controller::{DescribeQuorumResponse, QuorumReplica};
use klamm_types::BrokerId;
use openraft::{Instant, RaftMetrics, async_runtime::watch::WatchReceiver};

/// The answer to `DescribeQuorum`, from the leader's metrics. Offsets are those of the Raft log;
/// a follower "fetches" when it answers the leader. Brokers that are no voters are observers:
/// they lack as many records as their image does.
pub(crate) fn describe(
    raft: &Raft,
    voters: &[Voter],
    image: &Image,
    observers: &Observers,
    now_ms: i64,
) -> DescribeQuorumResponse {
    let metrics = raft.metrics().borrow_watched().clone();
    let high_watermark = end_of(metrics.local_committed.map(|id| id.index));
    let is_voter = |id: BrokerId| voters.iter().any(|voter| voter.id == id);
    let observers = image
        .brokers()
        .filter(|(id, _)| !is_voter(*id))
        .filter_map(|(id, _)| {
            let observed = observers.get(id)?;
            let lag = (image.offset() - observed.metadata_offset).max(0);
            Some(QuorumReplica {
                replica_id: id.0,
                log_end_offset: (high_watermark - lag).max(0),
                last_fetch_timestamp_ms: observed.heard_ms,
                last_caught_up_timestamp_ms: observed.caught_up_ms,
                host: String::new(),
                port: 0,
            })
        })
        .collect();
    DescribeQuorumResponse {
        error_code: 0,
        leader_id: metrics.current_leader.map_or(-1, |id| broker_id_of(id).0),
        leader_epoch: epoch_of(term_of(&metrics.vote)),
        high_watermark,
        voters: voters
            .iter()
            .map(|voter| describe_voter(voter, &metrics, high_watermark, now_ms))
            .collect(),
        observers,
    }
}

fn describe_voter(
    voter: &Voter,
    metrics: &RaftMetrics<TypeConfig>,
    high_watermark: i64,
    now_ms: i64,
) -> QuorumReplica {
    let (last_index, heard_ms) = progress_of(voter.id, metrics, now_ms);
    let log_end_offset = end_of(last_index);
    let is_caught_up = log_end_offset >= high_watermark;
    QuorumReplica {
        replica_id: voter.id.0,
        log_end_offset,
        last_fetch_timestamp_ms: heard_ms,
        last_caught_up_timestamp_ms: if is_caught_up { heard_ms } else { -1 },
        host: voter.host.clone(),
        port: voter.port.into(),
    }
}

fn end_of(last_index: Option<u64>) -> i64 {
    last_index.map_or(0, |index| i64::try_from(index).map_or(i64::MAX, |i| i + 1))
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
    let matched = matched.and_then(|id| id.as_ref());
    (matched.map(|id| id.index), heard_ms)
}
