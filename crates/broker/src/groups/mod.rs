//! Group coordination: one shard for each partition of `__consumer_offsets` that this broker
//! leads.
//!
//! A [`klamm_coordinator::GroupShard`] decides; here is what carries its decisions out. Each
//! shard has one task as its only owner; requests reach it through a bounded queue. A shard
//! lives as long as the leadership it was made for: it is loaded from the log when that begins,
//! and dropped when it ends, and whoever still waits for it then is told NOT_COORDINATOR.

mod load;
mod shard_task;
mod steady_clock;
#[cfg(test)]
mod tests;

use crate::{metadata::MetadataCache, partition::Partition, topic_name};
use klamm_config::ServerConfig;
use klamm_coordinator::{GroupConfig, Request, RequestBody, Response, group_partition};
use klamm_protocol::messages::list_groups_response::ListGroupsResponse;
use klamm_types::{ErrorCode, LeaderEpoch, Uuid};
use shard_task::{Command, ShardTask};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    runtime::Handle,
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
};
use tracing::debug;

/// Requests that may wait for one shard. Each takes it microseconds; clients retry what does not
/// fit.
const QUEUE_MAX: usize = 1_000;

/// The groups that this broker coordinates.
pub(crate) struct Groups {
    config: GroupConfig,
    load_bytes_max: usize,
    metadata: Arc<MetadataCache>,
    runtime: Handle,
    shards: Mutex<BTreeMap<i32, Shard>>,
}

/// The way to a shard. Dropping it stops the shard's task.
struct Shard {
    leader_epoch: LeaderEpoch,
    commands: mpsc::Sender<Command>,
    _stop: oneshot::Sender<()>,
}

/// An answer that is there or to come.
pub(crate) enum Asked {
    /// No shard took the request.
    Refused(Response),
    /// A shard has it.
    Pending {
        reply: oneshot::Receiver<Response>,
        /// Given if the shard goes away without a word.
        refusal: Response,
    },
}

impl Asked {
    /// Waits for the answer.
    pub(crate) async fn answer(self) -> Response {
        match self {
            Asked::Refused(response) => response,
            Asked::Pending { reply, refusal } => reply.await.unwrap_or(refusal),
        }
    }
}

impl Groups {
    /// No shards yet. Tasks will run on the runtime of the caller.
    pub(crate) fn new(config: &ServerConfig, metadata: Arc<MetadataCache>) -> Arc<Groups> {
        Arc::new(Groups {
            config: group_config(config),
            load_bytes_max: usize::try_from(config.group.offsets_load_buffer_bytes).unwrap_or(1),
            metadata,
            runtime: Handle::current(),
            shards: Mutex::default(),
        })
    }

    /// This broker leads a partition of `__consumer_offsets` from now on, or in a newer epoch.
    pub(crate) fn on_leader(
        &self,
        index: i32,
        leader_epoch: LeaderEpoch,
        partition: Arc<Partition>,
    ) {
        let mut shards = self.shards();
        if shards
            .get(&index)
            .is_some_and(|shard| shard.leader_epoch >= leader_epoch)
        {
            return;
        }
        let (commands, queue) = mpsc::channel(QUEUE_MAX);
        let (stop, stopped) = oneshot::channel();
        let task = ShardTask {
            index,
            leader_epoch,
            partition,
            config: self.config.clone(),
            load_bytes_max: self.load_bytes_max,
            queue,
            stopped,
        };
        self.runtime.spawn(task.run());
        let shard = Shard {
            leader_epoch,
            commands,
            _stop: stop,
        };
        shards.insert(index, shard);
    }

    /// This broker leads a partition of `__consumer_offsets` no longer.
    pub(crate) fn on_resign(&self, index: i32) {
        if self.shards().remove(&index).is_some() {
            debug!(
                partition = index,
                "does not coordinate these groups any more"
            );
        }
    }

    /// Ends all shards: the broker stops.
    pub(crate) fn stop(&self) {
        self.shards().clear();
    }

    /// Topics are gone: so are the offsets committed to them.
    pub(crate) fn on_topics_deleted(&self, topics: &[(Uuid, Arc<str>)]) {
        let topics: BTreeMap<String, Uuid> = topics
            .iter()
            .map(|(id, name)| (name.to_string(), *id))
            .collect();
        let topics = Arc::new(topics);
        for shard in self.shards().values() {
            let told = shard
                .commands
                .try_send(Command::TopicsDeleted(Arc::clone(&topics)));
            if let Err(TrySendError::Full(command)) = told {
                let commands = shard.commands.clone();
                // A shard that is gone by then needs not know.
                self.runtime
                    .spawn(async move { drop(commands.send(command).await) });
            }
        }
    }

    /// Asks the shard of a group. Requests of one caller reach a shard in their order.
    pub(crate) fn ask(&self, group_id: &str, request: Request) -> Asked {
        // Whoever coordinates it, nobody can be a member of a group without a name.
        if group_id.is_empty() && is_of_a_member(&request.body) {
            return Asked::Refused(request.refuse(ErrorCode::InvalidGroupId));
        }
        let index = self.index_of(group_id);
        let shards = self.shards();
        match index.and_then(|index| shards.get(&index)) {
            Some(shard) => shard.ask(request),
            None => Asked::Refused(request.refuse(ErrorCode::NotCoordinator)),
        }
    }

    /// Asks every shard for its groups. `request` makes the request to each.
    pub(crate) async fn list(&self, request: impl Fn() -> Request) -> ListGroupsResponse {
        let asked: Vec<Asked> = self.shards().values().map(|s| s.ask(request())).collect();
        let mut all = ListGroupsResponse::default();
        for asked in asked {
            let Response::ListGroups(listed) = asked.answer().await else {
                continue;
            };
            match ErrorCode::from(listed.error_code) {
                ErrorCode::None => all.groups.extend(listed.groups),
                // The groups have moved: their new coordinator lists them.
                ErrorCode::NotCoordinator => {}
                error => {
                    return ListGroupsResponse {
                        error_code: error.code(),
                        ..Default::default()
                    };
                }
            }
        }
        all
    }

    /// The partition of a group, if there is the topic.
    fn index_of(&self, group_id: &str) -> Option<i32> {
        let image = self.metadata.image();
        let topic = image.topic_by_name(topic_name::CONSUMER_OFFSETS)?;
        let count = u32::try_from(topic.partitions.len()).ok()?;
        i32::try_from(group_partition(group_id, count)).ok()
    }

    fn shards(&self) -> MutexGuard<'_, BTreeMap<i32, Shard>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn ask(&self, request: Request) -> Asked {
        let refusal = request.refuse(ErrorCode::NotCoordinator);
        let (tell, reply) = oneshot::channel();
        match self
            .commands
            .try_send(Command::Ask(Box::new(request), tell))
        {
            Ok(()) => Asked::Pending { reply, refusal },
            Err(TrySendError::Full(Command::Ask(request, _))) => {
                Asked::Refused(request.refuse(busy(&request.body)))
            }
            Err(_) => Asked::Refused(refusal),
        }
    }
}

/// Whether only members, or those who want to be, ask this.
fn is_of_a_member(body: &RequestBody) -> bool {
    matches!(
        body,
        RequestBody::JoinGroup { .. }
            | RequestBody::SyncGroup { .. }
            | RequestBody::Heartbeat { .. }
            | RequestBody::LeaveGroup { .. }
    )
}

/// What a client is told that should come again. Clients that fetch offsets know no other error
/// of this kind (rule 96).
fn busy(body: &RequestBody) -> ErrorCode {
    match body {
        RequestBody::OffsetFetch { .. } => ErrorCode::NotCoordinator,
        _ => ErrorCode::CoordinatorNotAvailable,
    }
}

fn group_config(config: &ServerConfig) -> GroupConfig {
    let group = &config.group;
    let size = |number: i32| usize::try_from(number).unwrap_or(0);
    GroupConfig {
        session_timeout_min_ms: group.min_session_timeout_ms,
        session_timeout_max_ms: group.max_session_timeout_ms,
        initial_rebalance_delay_ms: group.initial_rebalance_delay_ms,
        group_max_size: size(group.max_size),
        offset_metadata_max_bytes: size(group.offset_metadata_max_bytes),
        offsets_retention_ms: i64::from(group.offsets_retention_minutes) * 60_000,
        offsets_retention_check_interval_ms: group.offsets_retention_check_interval_ms,
        append_timeout_ms: i64::from(group.offsets_commit_timeout_ms),
        ..GroupConfig::default()
    }
}
