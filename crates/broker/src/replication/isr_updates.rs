//! Carries ISR proposals of this broker's leaders to the controller, many in one call.

use super::outbox::Outbox;
use crate::{context::Identity, partitions::Partitions};
use klamm_metadata::{uuid_bytes, uuid_from_bytes};
use klamm_replica::IsrProposal;
use klamm_rpc::{
    ControllerClient,
    controller::{AlterPartitionRequest, IsrMember, PartitionIsr, PartitionIsrResult},
};
use klamm_types::{ErrorCode, TopicPartition};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;
use tracing::{debug, info};

/// How long one call may take, through changes of the controller.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause before proposals that failed are sent again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The proposals that wait to be sent: one per partition at most, the newest.
#[derive(Clone, Default)]
pub(crate) struct IsrUpdates {
    waiting: Arc<Outbox<IsrProposal>>,
}

impl IsrUpdates {
    /// Adds a proposal; it replaces an older one of the same partition.
    pub(crate) fn propose(&self, id: TopicPartition, proposal: IsrProposal) {
        self.waiting.put(id, proposal);
    }

    /// Sends proposals until this future is dropped.
    pub(crate) async fn run(
        self,
        identity: Arc<Identity>,
        controller: ControllerClient,
        partitions: Arc<Partitions>,
    ) {
        loop {
            let batch = self.waiting.next().await;
            let request = request(&identity, &partitions, &batch);
            let answer = controller.alter_partition(request, CALL_TIMEOUT).await;
            let results = match answer {
                Ok(response) => match ErrorCode::from(code(response.error_code)) {
                    ErrorCode::None => response.partitions,
                    error => {
                        debug!(%error, "the controller took no ISR proposal");
                        fail_all(&partitions, &batch, error);
                        sleep(RETRY_PAUSE).await;
                        continue;
                    }
                },
                Err(error) => {
                    debug!(%error, "cannot reach the controller with ISR proposals");
                    fail_all(&partitions, &batch, ErrorCode::NetworkException);
                    sleep(RETRY_PAUSE).await;
                    continue;
                }
            };
            let mut failed = false;
            for ((id, proposal), result) in batch.iter().zip(&results) {
                failed |= !settle(&partitions, *id, proposal, result);
            }
            if failed {
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}

fn request(
    identity: &Identity,
    partitions: &Partitions,
    batch: &[(TopicPartition, IsrProposal)],
) -> AlterPartitionRequest {
    let proposed = batch.iter().map(|(id, proposal)| PartitionIsr {
        topic_id: uuid_bytes(id.topic_id),
        partition: id.partition,
        leader_epoch: proposal.leader_epoch.get(),
        partition_epoch: proposal.partition_epoch.get(),
        new_isr: proposal
            .new_isr
            .iter()
            .map(|(broker, epoch)| IsrMember {
                broker_id: broker.get(),
                broker_epoch: epoch.get(),
            })
            .collect(),
        leader_recovery_state: 0,
        high_watermark: partitions
            .get(*id)
            .map_or(0, |partition| partition.high_watermark()),
    });
    AlterPartitionRequest {
        broker_id: identity.id.get(),
        broker_epoch: identity.epoch().get(),
        partitions: proposed.collect(),
    }
}

/// Tells the partition that its proposal was refused; returns whether it was taken.
///
/// One that was taken has its effect when the metadata with it is replayed, in order with all else
/// that the controller knew as it decided. Were the answer enough, a leader would go on with a
/// smaller ISR before it has heard that `min.insync.replicas` has been raised: it would commit
/// without those who are eligible to lead.
fn settle(
    partitions: &Partitions,
    id: TopicPartition,
    proposal: &IsrProposal,
    result: &PartitionIsrResult,
) -> bool {
    let Some(partition) = partitions.get(id) else {
        return true;
    };
    let answered = uuid_from_bytes(&result.topic_id, "topic_id") == Ok(id.topic_id)
        && result.partition == id.partition;
    let error = match ErrorCode::from(code(result.error_code)) {
        ErrorCode::None if !answered => ErrorCode::UnknownServerError,
        error => error,
    };
    if error == ErrorCode::NewLeaderElected {
        // It was taken and ended a reassignment; the metadata tells the rest.
        info!(topic = %partition.topic, partition = id.partition, "reassigned to other brokers");
        return true;
    }
    if !error.is_none() {
        info!(topic = %partition.topic, partition = id.partition, %error, "ISR proposal refused");
        partition.on_proposal_failed(proposal.leader_epoch, proposal.partition_epoch, error);
        return false;
    }
    info!(topic = %partition.topic, partition = id.partition, isr = ?result.isr, "ISR changed");
    true
}

fn fail_all(partitions: &Partitions, batch: &[(TopicPartition, IsrProposal)], error: ErrorCode) {
    for (id, proposal) in batch {
        if let Some(partition) = partitions.get(*id) {
            partition.on_proposal_failed(proposal.leader_epoch, proposal.partition_epoch, error);
        }
    }
}

/// A Kafka error code that came as a protobuf number.
fn code(number: i32) -> i16 {
    i16::try_from(number).unwrap_or(ErrorCode::UnknownServerError.code())
}
