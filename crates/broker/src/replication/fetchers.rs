//! One fetcher for each broker that leads something this broker follows.

use super::{ReplicationThrottles, Suspects, fetch_loop, following::Following};
use crate::{context::Identity, log_dirs::LogDirs, metadata::MetadataCache, partition::Partition};
use klamm_config::ServerConfig;
use klamm_types::{BrokerId, LeaderEpoch, TopicPartition};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{runtime, task::JoinHandle};

/// Starts, feeds and ends fetchers.
pub(crate) struct Fetchers {
    identity: Arc<Identity>,
    metadata: Arc<MetadataCache>,
    config: Arc<ServerConfig>,
    suspects: Arc<Suspects>,
    throttles: Arc<ReplicationThrottles>,
    dirs: Arc<LogDirs>,
    runtime: runtime::Handle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fetchers: HashMap<BrokerId, Fetcher>,
    leader_of: HashMap<TopicPartition, BrokerId>,
}

struct Fetcher {
    following: Arc<Following>,
    task: JoinHandle<()>,
}

impl Fetchers {
    /// Fetchers run on `runtime`.
    pub(crate) fn new(
        identity: Arc<Identity>,
        metadata: Arc<MetadataCache>,
        config: Arc<ServerConfig>,
        suspects: Arc<Suspects>,
        throttles: Arc<ReplicationThrottles>,
        dirs: Arc<LogDirs>,
        runtime: runtime::Handle,
    ) -> Fetchers {
        Fetchers {
            identity,
            metadata,
            config,
            suspects,
            throttles,
            dirs,
            runtime,
            state: Mutex::default(),
        }
    }

    /// Fetches `partition` from `leader`, and from nobody else, from now on.
    pub(crate) fn follow(
        &self,
        partition: &Arc<Partition>,
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
    ) {
        let mut state = self.locked();
        let before = state.leader_of.insert(partition.id, leader);
        if before.is_some_and(|before| before != leader) {
            state.remove_from(before, partition.id);
        }
        let fetcher = state.fetchers.entry(leader).or_insert_with(|| {
            let following = Arc::new(Following::default());
            let task = self.runtime.spawn(fetch_loop::run(fetch_loop::Fetcher {
                leader,
                following: Arc::clone(&following),
                identity: Arc::clone(&self.identity),
                metadata: Arc::clone(&self.metadata),
                config: Arc::clone(&self.config),
                suspects: Arc::clone(&self.suspects),
                throttles: Arc::clone(&self.throttles),
                dirs: Arc::clone(&self.dirs),
            }));
            Fetcher { following, task }
        });
        fetcher.following.add(Arc::clone(partition), leader_epoch);
    }

    /// Fetches a partition from nobody any more.
    pub(crate) fn unfollow(&self, id: TopicPartition) {
        let mut state = self.locked();
        let before = state.leader_of.remove(&id);
        state.remove_from(before, id);
    }

    /// A leader registered anew, or its address changed: connections to it begin anew.
    pub(crate) fn reconnect(&self, leader: BrokerId) {
        if let Some(fetcher) = self.locked().fetchers.get(&leader) {
            fetcher.following.reconnect();
        }
    }

    /// Ends all fetchers.
    pub(crate) fn stop(&self) {
        let mut state = self.locked();
        state.leader_of.clear();
        for (_, fetcher) in state.fetchers.drain() {
            fetcher.task.abort();
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove_from(&mut self, leader: Option<BrokerId>, id: TopicPartition) {
        let Some(leader) = leader else {
            return;
        };
        let Some(fetcher) = self.fetchers.get(&leader) else {
            return;
        };
        if fetcher.following.remove(id) {
            // It follows nothing any more.
            fetcher.task.abort();
            self.fetchers.remove(&leader);
        }
    }
}
