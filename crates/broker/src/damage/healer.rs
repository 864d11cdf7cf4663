//! Looks after partitions that cannot vouch for their logs, until they can.

use super::{
    DamageReports,
    next_step::{NextStep, next_step},
};
use crate::{
    context::Identity,
    metadata::MetadataCache,
    partition::{FollowError, Partition},
    partitions::Partitions,
};
use klamm_metadata::uuid_bytes;
use klamm_rpc::{
    ControllerClient,
    controller::{ResignLeadershipRequest, ResignedPartition},
};
use klamm_types::{BrokerId, ErrorCode, LeaderEpoch, TopicPartition};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tracing::{debug, error, info, warn};

/// How often partitions that wait are looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// Pause before another try where nobody else could lead, or healing failed.
const RETRY_PAUSE: Duration = Duration::from_secs(3);

/// Partitions in one call to the controller; the rest waits for the next one.
const BATCH_MAX: usize = 1000;

/// How long one call may take, through changes of the controller.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Resigns and heals.
pub(crate) struct Healer {
    pub(crate) identity: Arc<Identity>,
    pub(crate) controller: ControllerClient,
    pub(crate) metadata: Arc<MetadataCache>,
    pub(crate) partitions: Arc<Partitions>,
    pub(crate) reports: DamageReports,
}

/// The partitions that are being looked after, and when each is due.
type Cases = BTreeMap<TopicPartition, Instant>;

impl Healer {
    /// Works until this future is dropped.
    pub(crate) async fn run(self) {
        let mut cases = Cases::new();
        loop {
            if cases.is_empty() {
                self.reports.changed().await;
            } else {
                sleep(INTERVAL).await;
            }
            let now = Instant::now();
            for id in self.reports.take() {
                cases.entry(id).or_insert(now);
            }
            self.look_after(&mut cases).await;
        }
    }

    async fn look_after(&self, cases: &mut Cases) {
        let now = Instant::now();
        let due: Vec<TopicPartition> = cases
            .iter()
            .filter(|(_, due)| **due <= now)
            .map(|(id, _)| *id)
            .collect();
        let image = self.metadata.image();
        let mut resigning = Vec::new();
        for id in due {
            let (Some(partition), Some(known)) = (self.partitions.get(id), image.partition(id))
            else {
                cases.remove(&id);
                continue;
            };
            let is_damaged = !partition.damage().is_empty();
            let has_refused = partition.has_refused();
            match next_step(self.identity.id, known, is_damaged, has_refused) {
                NextStep::Nothing => {
                    partition.hold_back(false);
                    partition.set_lost(false);
                    cases.remove(&id);
                }
                NextStep::Wait => {}
                NextStep::Resign => {
                    partition.hold_back(is_damaged);
                    resigning.push((partition, known.leader_epoch));
                }
                NextStep::Heal(leader, leader_epoch) => {
                    partition.hold_back(true);
                    if !heal(&partition, leader, leader_epoch).await {
                        cases.insert(id, now + RETRY_PAUSE);
                    }
                }
            }
        }
        resigning.truncate(BATCH_MAX);
        if !resigning.is_empty() {
            self.resign(&resigning, cases).await;
        }
    }

    async fn resign(&self, resigning: &[(Arc<Partition>, LeaderEpoch)], cases: &mut Cases) {
        let partitions = resigning
            .iter()
            .map(|(partition, epoch)| ResignedPartition {
                topic_id: uuid_bytes(partition.id.topic_id),
                partition: partition.id.partition,
                leader_epoch: epoch.get(),
            });
        let request = ResignLeadershipRequest {
            broker_id: self.identity.id.get(),
            broker_epoch: self.identity.epoch().get(),
            partitions: partitions.collect(),
        };
        let answer = self
            .controller
            .resign_leadership(request, CALL_TIMEOUT)
            .await;
        let results = match answer {
            Ok(response) if response.error_code == 0 => response.partitions,
            Ok(response) => {
                debug!(
                    code = response.error_code,
                    "the controller took no resignation"
                );
                return;
            }
            Err(error) => {
                debug!(%error, "cannot reach the controller with resignations");
                return;
            }
        };
        for ((partition, _), result) in resigning.iter().zip(results) {
            let code = i16::try_from(result.error_code).unwrap_or(-1);
            match ErrorCode::from(code) {
                ErrorCode::None => {
                    partition.set_lost(false);
                    info!(topic = %partition.topic, partition = partition.id.partition,
                        "resigned: others lead and have what is missing here");
                }
                ErrorCode::EligibleLeadersNotAvailable => {
                    cases.insert(partition.id, Instant::now() + RETRY_PAUSE);
                    tell_loss(partition);
                }
                error => {
                    debug!(topic = %partition.topic, partition = partition.id.partition, %error,
                    "a resignation was refused")
                }
            }
        }
    }
}

/// Says which offsets are lost as long as no other replica comes up that has them.
fn tell_loss(partition: &Partition) {
    if !partition.set_lost(true) {
        return;
    }
    for range in partition.damage() {
        error!(topic = %partition.topic, partition = partition.id.partition,
            first_offset = range.first_offset, next_offset = range.next_offset,
            "no other replica can lead: these offsets are lost unless one comes back that has them");
    }
}

/// Whether there is nothing to try again later.
async fn heal(partition: &Arc<Partition>, leader: BrokerId, leader_epoch: LeaderEpoch) -> bool {
    let (healing, topic, index) = (
        Arc::clone(partition),
        Arc::clone(&partition.topic),
        partition.id.partition,
    );
    let cut = spawn_blocking(move || healing.cut_damage(leader, leader_epoch)).await;
    match cut {
        Ok(Ok(Some(offset))) => {
            info!(%topic, partition = index, offset, %leader,
                "the log was cut before its damage; the rest is fetched from the leader");
            true
        }
        Ok(Ok(None) | Err(FollowError::RoleChanged)) => true,
        Ok(Err(error)) => {
            warn!(%topic, partition = index, %error, "cannot heal");
            false
        }
        Err(error) => {
            error!(%topic, partition = index, %error, "healing failed");
            false
        }
    }
}
