//! What handlers work with.

use crate::{
    auto_topics::AutoTopics, fetch_session::FetchSessions, groups::Groups, metadata::MetadataCache,
    partitions::Partitions, producer_ids::ProducerIds, replication::Suspects,
};
use klamm_config::ServerConfig;
use klamm_rpc::ControllerClient;
use klamm_types::{BrokerEpoch, BrokerId};
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicI64, Ordering},
};

/// Handles to the parts of a broker. A handler gets this and nothing else.
pub(crate) struct Context {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) metadata: Arc<MetadataCache>,
    pub(crate) suspects: Arc<Suspects>,
    pub(crate) controller: ControllerClient,
    pub(crate) partitions: Arc<Partitions>,
    pub(crate) fetch_sessions: FetchSessions,
    pub(crate) groups: Arc<Groups>,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) auto_topics: Arc<AutoTopics>,
}

/// Who this broker is.
pub(crate) struct Identity {
    pub(crate) id: BrokerId,
    cluster_id: OnceLock<String>,
    epoch: AtomicI64,
}

impl Identity {
    pub(crate) fn new(id: BrokerId) -> Identity {
        Identity {
            id,
            cluster_id: OnceLock::new(),
            epoch: AtomicI64::new(-1),
        }
    }

    /// The cluster that the broker has registered with, "" before it has.
    pub(crate) fn cluster_id(&self) -> &str {
        self.cluster_id.get().map_or("", String::as_str)
    }

    /// The present registration, [`BrokerEpoch::NONE`] before the first.
    pub(crate) fn epoch(&self) -> BrokerEpoch {
        BrokerEpoch(self.epoch.load(Ordering::Acquire))
    }

    /// The broker has registered.
    pub(crate) fn registered(&self, cluster_id: String, epoch: BrokerEpoch) {
        self.cluster_id.get_or_init(|| cluster_id);
        self.epoch.store(epoch.get(), Ordering::Release);
    }
}
