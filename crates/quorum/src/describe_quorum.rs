//! How far the voters and everybody else have come, as the leader sees it.

use crate::{
    address_book::AddressBook,
    follower_progress::{FollowerProgress, high_watermark, progress_of},
    network::directory_on_the_wire,
    observers::Observers,
    raft_types::{NodeId, Raft, RaftMetrics, broker_id_of, epoch_of, node_id_of, term_of},
    voter_changes::Members,
};
use klamm_metadata::{Image, uuid_bytes};
use klamm_rpc::controller::{DescribeQuorumResponse, QuorumReplica};
use klamm_types::Uuid;
use openraft::async_runtime::watch::WatchReceiver;

/// What the answer is made of.
pub(crate) struct Sources<'a> {
    pub(crate) raft: &'a Raft,
    pub(crate) members: &'a Members,
    pub(crate) book: &'a AddressBook,
    pub(crate) progress: &'a FollowerProgress,
    pub(crate) image: &'a Image,
    pub(crate) observers: &'a Observers,
    pub(crate) now_ms: i64,
}

/// The answer to `DescribeQuorum`. Offsets are those of the Raft log; a controller "fetches" when
/// it answers the leader. Brokers that are no controllers are observers too: they lack as many
/// records as their image does.
pub(crate) fn describe(from: &Sources<'_>) -> DescribeQuorumResponse {
    let metrics = from.raft.metrics().borrow_watched().clone();
    let members = from.members;
    let controller = |id: &NodeId| from.controller(*id, &metrics);
    let controllers = members.observers.keys().map(controller);
    DescribeQuorumResponse {
        error_code: 0,
        leader_id: metrics.current_leader.map_or(-1, |id| broker_id_of(id).0),
        leader_epoch: epoch_of(term_of(&metrics.vote)),
        high_watermark: high_watermark(&metrics),
        voters: members.voters.keys().map(controller).collect(),
        observers: controllers.chain(from.brokers(&metrics)).collect(),
    }
}

impl Sources<'_> {
    fn controller(&self, id: NodeId, metrics: &RaftMetrics) -> QuorumReplica {
        let progress = progress_of(id, metrics, self.now_ms);
        let endpoint = self.book.endpoint(id).unwrap_or_default();
        let (host, port) = endpoint.rsplit_once(':').unwrap_or_default();
        let directory_id = self.book.directory_id(id);
        QuorumReplica {
            replica_id: broker_id_of(id).0,
            log_end_offset: progress.log_end_offset,
            last_fetch_timestamp_ms: progress.heard_ms,
            last_caught_up_timestamp_ms: self.progress.caught_up_ms(id, metrics, self.now_ms),
            host: host.to_owned(),
            port: port.parse().unwrap_or(0),
            directory_id: directory_on_the_wire(directory_id).to_vec(),
        }
    }

    fn brokers(&self, metrics: &RaftMetrics) -> impl Iterator<Item = QuorumReplica> {
        let high_watermark = high_watermark(metrics);
        let is_controller = |id| {
            let id = node_id_of(id);
            self.members.voters.contains_key(&id) || self.members.observers.contains_key(&id)
        };
        let brokers = self.image.brokers();
        let brokers = brokers.filter(move |(id, _)| !is_controller(*id));
        brokers.filter_map(move |(id, broker)| {
            let observed = self.observers.get(id)?;
            let lag = (self.image.offset() - observed.metadata_offset).max(0);
            // A broker follows without a folder of its own: that of its first log directory.
            let directory = broker.log_dirs.first().copied().unwrap_or(Uuid::ZERO);
            Some(QuorumReplica {
                replica_id: id.0,
                log_end_offset: (high_watermark - lag).max(0),
                last_fetch_timestamp_ms: observed.heard_ms,
                last_caught_up_timestamp_ms: observed.caught_up_ms,
                host: String::new(),
                port: 0,
                directory_id: uuid_bytes(directory),
            })
        })
    }
}
