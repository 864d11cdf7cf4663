//! Leaders whose disk hangs or is full ask the controller for others in their place.
//!
//! A resignation that fails is forgotten: a leader whose disk is no better resigns again at the next look.

use crate::{context::Identity, metadata::MetadataCache};
use klamm_metadata::{Image, uuid_bytes};
use klamm_rpc::{
    ControllerClient,
    controller::{ResignLeadershipRequest, ResignLeadershipResponse, ResignedPartition},
};
use klamm_types::{LeaderEpoch, TopicPartition};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;
use tracing::{debug, warn};

/// How long one call may take, through changes of the controller.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Resignations in one call.
const BATCH_MAX: usize = 1_000;

/// The resignations that wait to be sent: one for each partition at most.
#[derive(Clone, Default)]
pub(crate) struct Resignations {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<BTreeMap<TopicPartition, LeaderEpoch>>,
    changed: Notify,
}

impl Resignations {
    /// Resigns from a partition, if it is still led in that epoch.
    pub(crate) fn add(&self, id: TopicPartition, leader_epoch: LeaderEpoch) {
        self.locked().insert(id, leader_epoch);
        self.shared.changed.notify_one();
    }

    /// Sends resignations until this future is dropped.
    pub(crate) async fn run(
        self,
        identity: Arc<Identity>,
        controller: ControllerClient,
        metadata: Arc<MetadataCache>,
    ) {
        loop {
            let batch = self.take();
            if batch.is_empty() {
                self.shared.changed.notified().await;
                continue;
            }
            let request = ResignLeadershipRequest {
                broker_id: identity.id.get(),
                broker_epoch: identity.epoch().get(),
                partitions: batch.iter().map(resigned).collect(),
            };
            match controller.resign_leadership(request, CALL_TIMEOUT).await {
                Ok(response) => tell(&metadata.image(), &batch, &response),
                Err(error) => debug!(%error, "cannot reach the controller with resignations"),
            }
        }
    }

    fn take(&self) -> Vec<(TopicPartition, LeaderEpoch)> {
        let mut waiting = self.locked();
        let mut batch = Vec::new();
        while batch.len() < BATCH_MAX {
            match waiting.pop_first() {
                Some(entry) => batch.push(entry),
                None => break,
            }
        }
        batch
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<TopicPartition, LeaderEpoch>> {
        let waiting = self.shared.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }
}

fn resigned((id, leader_epoch): &(TopicPartition, LeaderEpoch)) -> ResignedPartition {
    ResignedPartition {
        topic_id: uuid_bytes(id.topic_id),
        partition: id.partition,
        leader_epoch: leader_epoch.get(),
    }
}

fn tell(
    image: &Image,
    batch: &[(TopicPartition, LeaderEpoch)],
    response: &ResignLeadershipResponse,
) {
    for ((id, _), result) in batch.iter().zip(&response.partitions) {
        let topic = image.topic(id.topic_id).map_or("", |topic| &topic.name);
        match result.error_code {
            0 => warn!(
                topic,
                partition = id.partition,
                "the disk hangs or is full: resigned, others in sync lead and go on"
            ),
            code => debug!(
                topic,
                partition = id.partition,
                code,
                "a resignation was refused"
            ),
        }
    }
}
