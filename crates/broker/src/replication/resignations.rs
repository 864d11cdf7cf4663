//! Leaders whose disk hangs or is full ask the controller for others in their place.
//!
//! A resignation that fails is forgotten: a leader whose disk is no better resigns again at the next look.

use super::outbox::Outbox;
use crate::{context::Identity, metadata::MetadataCache};
use klamm_metadata::{Image, uuid_bytes};
use klamm_rpc::{
    ControllerClient,
    controller::{ResignLeadershipRequest, ResignLeadershipResponse, ResignedPartition},
};
use klamm_types::{LeaderEpoch, TopicPartition};
use std::{sync::Arc, time::Duration};
use tracing::{debug, warn};

/// How long one call may take, through changes of the controller.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The resignations that wait to be sent: one for each partition at most.
#[derive(Clone, Default)]
pub(crate) struct Resignations {
    waiting: Arc<Outbox<LeaderEpoch>>,
}

impl Resignations {
    /// Resigns from a partition, if it is still led in that epoch.
    pub(crate) fn add(&self, id: TopicPartition, leader_epoch: LeaderEpoch) {
        self.waiting.put(id, leader_epoch);
    }

    /// Sends resignations until this future is dropped.
    pub(crate) async fn run(
        self,
        identity: Arc<Identity>,
        controller: ControllerClient,
        metadata: Arc<MetadataCache>,
    ) {
        loop {
            let batch = self.waiting.next().await;
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
