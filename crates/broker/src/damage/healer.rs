//! Looks after partitions that cannot vouch for their logs, until they can.

use super::{
    DamageReports,
    healing::Healing,
    next_step::{NextStep, next_step},
    peer::{HealError, Peer},
};
use crate::{
    context::Identity,
    metadata::MetadataCache,
    partition::{FollowError, Partition},
    partitions::Partitions,
};
use klamm_config::ServerConfig;
use klamm_metadata::uuid_bytes;
use klamm_rpc::{
    ControllerClient,
    controller::{ResignLeadershipRequest, ResignedPartition},
};
use klamm_types::{BrokerId, ErrorCode, LeaderEpoch, TopicPartition};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
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
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) reports: DamageReports,
}

/// The partitions that are being looked after, and when each is due.
type Cases = BTreeMap<TopicPartition, Instant>;

impl Healer {
    /// Works until this future is dropped.
    pub(crate) async fn run(self) {
        let healer = Arc::new(self);
        let mut cases = Cases::new();
        let mut healing = Healing::default();
        loop {
            if cases.is_empty() {
                healer.reports.changed().await;
            } else {
                sleep(INTERVAL).await;
            }
            let now = Instant::now();
            for id in healer.reports.take() {
                cases.entry(id).or_insert(now);
            }
            for id in healing.failed() {
                cases.insert(id, now + RETRY_PAUSE);
            }
            let resigning = healer.look_after(&mut cases, &mut healing);
            if !resigning.is_empty() {
                healer.resign(&resigning, &mut cases).await;
            }
        }
    }

    /// Begins to heal what can be healed; the partitions to resign from now.
    fn look_after(
        self: &Arc<Self>,
        cases: &mut Cases,
        healing: &mut Healing,
    ) -> Vec<(Arc<Partition>, LeaderEpoch)> {
        let now = Instant::now();
        let due: Vec<TopicPartition> = cases
            .iter()
            .filter(|(id, due)| **due <= now && !healing.has(**id))
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
                    if healing.may_begin(id) {
                        let peers = peers(self.identity.id, known);
                        let healer = Arc::clone(self);
                        healing.begin(id, async move {
                            let heal = healer.heal(&partition, leader, leader_epoch, &peers);
                            heal.await
                        });
                    }
                }
            }
        }
        resigning.truncate(BATCH_MAX);
        resigning
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

/// Whom to ask for what is missing: the leader first.
fn peers(me: BrokerId, partition: &klamm_metadata::Partition) -> Vec<BrokerId> {
    let others = partition.replicas.iter().copied().filter(|id| *id != me);
    let mut peers: Vec<BrokerId> = others.collect();
    peers.sort_by_key(|id| *id != partition.leader);
    peers
}

impl Healer {
    /// Whether there is nothing to try again later.
    async fn heal(
        &self,
        partition: &Arc<Partition>,
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
        peers: &[BrokerId],
    ) -> bool {
        let (topic, index) = (&partition.topic, partition.id.partition);
        for &peer in peers {
            let mut peer = match Peer::connect(&self.metadata, &self.config, peer).await {
                Ok(peer) => peer,
                Err(error) => {
                    debug!(%peer, %error, "cannot reach a replica to heal from");
                    continue;
                }
            };
            let healed = match self.repair(partition, &mut peer).await {
                Ok(()) => {
                    info!(%topic, partition = index, peer = %peer.id(), "the log is healed");
                    Ok(())
                }
                // Nobody counts on this replica: it may lose what follows, and fetch it again.
                Err(error) if peer.id() == leader && error.calls_for_cut() => {
                    debug!(%topic, partition = index, %error, "the log is to be cut");
                    cut(partition, leader, leader_epoch).await
                }
                failed => failed,
            };
            match healed {
                Ok(()) | Err(HealError::Follow(FollowError::RoleChanged)) => return true,
                Err(error) => warn!(%topic, partition = index, peer = %peer.id(), %error,
                    "cannot heal the log"),
            }
        }
        false
    }

    /// Writes every damaged segment anew, with what the peer has in place of the damage.
    async fn repair(&self, partition: &Arc<Partition>, peer: &mut Peer) -> Result<(), HealError> {
        let segments: BTreeSet<i64> = (partition.damage().iter())
            .map(|range| range.segment)
            .collect();
        for segment in segments {
            let partition = Arc::clone(partition);
            let begun = blocking(move || {
                let repair = partition.begin_repair(segment)?;
                Ok((partition, repair))
            });
            let (partition, repair) = begun.await?;
            let Some(mut repair) = repair else {
                // The active segment, or one whose transactions count: the first missing batch
                // says whether the peer could help.
                self.probe(&partition, peer).await?;
                return Err(HealError::Unfit(
                    "it cannot be written anew alone".to_owned(),
                ));
            };
            loop {
                let (missing, continued) = blocking(move || {
                    let missing = repair.next_missing()?;
                    Ok((missing, repair))
                })
                .await?;
                repair = continued;
                let Some(missing) = missing else {
                    break;
                };
                let records = peer.fetch(&partition, missing.start).await?;
                repair = blocking(move || {
                    repair.supply(&records)?;
                    Ok(repair)
                })
                .await?;
            }
            blocking(move || {
                let replacement = repair.finish()?;
                // The leader's log may be compacted.
                if !partition.may_have_gaps_to(partition.log_end_offset()) {
                    return Err(HealError::Unrecorded);
                }
                partition.install(replacement)?;
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Whether the peer has what is missing first.
    async fn probe(&self, partition: &Partition, peer: &mut Peer) -> Result<(), HealError> {
        if let Some(first) = partition.damage().first() {
            peer.fetch(partition, first.first_offset).await?;
        }
        Ok(())
    }
}

/// Cuts the log before its damage; what follows is fetched from the leader.
async fn cut(
    partition: &Arc<Partition>,
    leader: BrokerId,
    leader_epoch: LeaderEpoch,
) -> Result<(), HealError> {
    let cutting = Arc::clone(partition);
    let offset = blocking(move || Ok(cutting.cut_damage(leader, leader_epoch)?)).await?;
    info!(topic = %partition.topic, partition = partition.id.partition, offset, %leader,
        "the log was cut before its damage; the rest is fetched from the leader");
    Ok(())
}

/// Runs what waits for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HealError> + Send + 'static,
) -> Result<T, HealError> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(HealError::Panicked(error.to_string())),
    }
}
