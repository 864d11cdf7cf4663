//! Topics and their partitions.

use crate::{
    ReplayError, proto,
    wire::{broker_ids, uuid_from_bytes, uuids_from_bytes},
};
use klamm_types::{BrokerId, LeaderEpoch, PartitionEpoch, TopicPartition, Uuid};
use std::sync::Arc;

/// A topic. Its partitions have the indexes 0, 1, 2, … without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Unique for ever: a topic made again has another.
    pub id: Uuid,
    /// Unique at any one time.
    pub name: Arc<str>,
    /// By index.
    pub partitions: Vec<Arc<Partition>>,
}

/// How a partition's leader came to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RecoveryState {
    /// By a clean election.
    #[default]
    Recovered,
    /// By an unclean one; until the leader alters the ISR.
    Recovering,
}

/// The state of a partition.
///
/// ```text
/// leader ∈ isr, or none      isr ⊆ replicas
/// elr ⊆ replicas, elr ∩ isr = ∅      epochs never fall
/// the floor never falls, except to 0 by an unclean election
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Who keeps the partition; the first is the preferred leader.
    pub replicas: Vec<BrokerId>,
    /// In-sync replicas: each has every record below the high watermark.
    pub isr: Vec<BrokerId>,
    /// Eligible leader replicas (KIP-966): they left the ISR while it was below
    /// `min.insync.replicas`, hence they still have every record below the high watermark.
    pub elr: Vec<BrokerId>,
    /// Were in the ISR or ELR and stopped uncleanly.
    pub last_known_elr: Vec<BrokerId>,
    /// Replicas that a reassignment adds.
    pub adding_replicas: Vec<BrokerId>,
    /// Replicas that a reassignment removes.
    pub removing_replicas: Vec<BrokerId>,
    /// [`BrokerId::NONE`] while there is no leader.
    pub leader: BrokerId,
    /// Counts the leaders.
    pub leader_epoch: LeaderEpoch,
    /// Counts the states.
    pub partition_epoch: PartitionEpoch,
    /// How the leader came to lead.
    pub recovery_state: RecoveryState,
    /// An offset that the high watermark is known to have reached. A replica whose log ends
    /// below it must not lead, except uncleanly.
    pub high_watermark_floor: i64,
    /// The log directory of each replica, in the order of `replicas`, zero where none is
    /// assigned; empty: none at all.
    pub directories: Vec<Uuid>,
}

impl Topic {
    /// A partition by its index.
    pub fn partition(&self, index: i32) -> Option<&Partition> {
        let index = usize::try_from(index).ok()?;
        self.partitions.get(index).map(Arc::as_ref)
    }

    /// The partitions with their index, ascending.
    pub fn partitions(&self) -> impl Iterator<Item = (i32, &Partition)> {
        (0..).zip(self.partitions.iter().map(Arc::as_ref))
    }

    /// The partition's id.
    pub fn topic_partition(&self, partition: i32) -> TopicPartition {
        TopicPartition {
            topic_id: self.id,
            partition,
        }
    }
}

impl Partition {
    /// Whether somebody leads.
    pub fn has_leader(&self) -> bool {
        !self.leader.is_none()
    }

    /// Whether the broker keeps a replica.
    pub fn is_replica(&self, broker: BrokerId) -> bool {
        self.replicas.contains(&broker)
    }

    /// The replica that should lead when it can.
    pub fn preferred_leader(&self) -> Option<BrokerId> {
        self.replicas.first().copied()
    }

    /// The log directory of a replica, if one is assigned.
    pub fn directory(&self, broker: BrokerId) -> Option<Uuid> {
        let index = self.replicas.iter().position(|id| *id == broker)?;
        self.directories.get(index).copied()
    }

    /// The log directories of all replicas, with another one for that of `broker`.
    pub fn directories_with(&self, broker: BrokerId, directory: Uuid) -> Vec<Uuid> {
        let known = |id| self.directory(id).unwrap_or(Uuid::ZERO);
        let replicas = self.replicas.iter().copied();
        replicas
            .map(|id| if id == broker { directory } else { known(id) })
            .collect()
    }

    /// Whether the partitions differ in nothing but the high watermark floor.
    pub fn differs_only_in_floor(&self, other: &Partition) -> bool {
        // The epoch tells all other changes apart, and spares comparing lists.
        self.partition_epoch == other.partition_epoch && self.leader_epoch == other.leader_epoch
    }

    /// What contradicts the type's invariants, if anything.
    pub(crate) fn contradiction(&self) -> Option<&'static str> {
        let within = |list: &[BrokerId]| list.iter().all(|id| self.replicas.contains(id));
        if self.replicas.is_empty() {
            Some("no replicas")
        } else if has_duplicates(&self.replicas) {
            Some("a replica twice")
        } else if !within(&self.isr) || has_duplicates(&self.isr) {
            Some("the ISR is no subset of the replicas")
        } else if !within(&self.elr) || self.elr.iter().any(|id| self.isr.contains(id)) {
            Some("the ELR is no subset of the replicas outside the ISR")
        } else if self.has_leader() && !self.isr.contains(&self.leader) {
            Some("the leader is not in the ISR")
        } else if !self.directories.is_empty() && self.directories.len() != self.replicas.len() {
            Some("not one directory for each replica")
        } else {
            None
        }
    }

    pub(crate) fn from_record(record: &proto::PartitionRecord) -> Result<Self, ReplayError> {
        Ok(Partition {
            replicas: broker_ids(&record.replicas),
            isr: broker_ids(&record.isr),
            elr: broker_ids(&record.elr),
            last_known_elr: broker_ids(&record.last_known_elr),
            adding_replicas: broker_ids(&record.adding_replicas),
            removing_replicas: broker_ids(&record.removing_replicas),
            leader: BrokerId(record.leader),
            leader_epoch: LeaderEpoch(record.leader_epoch),
            partition_epoch: PartitionEpoch(record.partition_epoch),
            recovery_state: RecoveryState::try_from(record.leader_recovery_state)?,
            high_watermark_floor: record.high_watermark_floor,
            directories: uuids_from_bytes(&record.directories, "directories")?,
        })
    }

    /// The state that follows on a change.
    /// # Errors
    /// The record has a number that is out of range.
    pub fn changed(&self, record: &proto::PartitionChangeRecord) -> Result<Self, ReplayError> {
        let mut next = self.clone();
        let set = |field: &mut Vec<BrokerId>, ids: &Option<proto::BrokerIds>| {
            if let Some(ids) = ids {
                *field = broker_ids(&ids.ids);
            }
        };
        set(&mut next.replicas, &record.replicas);
        set(&mut next.isr, &record.isr);
        set(&mut next.elr, &record.elr);
        set(&mut next.last_known_elr, &record.last_known_elr);
        set(&mut next.adding_replicas, &record.adding_replicas);
        set(&mut next.removing_replicas, &record.removing_replicas);
        if record.replicas.is_some() {
            next.directories = next
                .replicas
                .iter()
                .map(|id| self.directory(*id).unwrap_or(Uuid::ZERO))
                .collect();
            if self.directories.is_empty() {
                next.directories.clear();
            }
        }
        if let Some(directories) = &record.directories {
            next.directories = uuids_from_bytes(&directories.ids, "directories")?;
        }
        if let Some(leader) = record.leader {
            next.leader = BrokerId(leader);
        }
        if next.leader != self.leader || record.bump_leader_epoch {
            next.leader_epoch = self.leader_epoch.next();
        }
        next.partition_epoch = self.partition_epoch.next();
        if let Some(state) = record.leader_recovery_state {
            next.recovery_state = RecoveryState::try_from(state)?;
        }
        if let Some(floor) = record.high_watermark_floor {
            next.high_watermark_floor = floor;
        }
        Ok(next)
    }
}

impl TryFrom<i32> for RecoveryState {
    type Error = ReplayError;

    fn try_from(number: i32) -> Result<Self, ReplayError> {
        match proto::LeaderRecoveryState::try_from(number) {
            Ok(proto::LeaderRecoveryState::Recovered) => Ok(RecoveryState::Recovered),
            Ok(proto::LeaderRecoveryState::Recovering) => Ok(RecoveryState::Recovering),
            Err(_) => Err(ReplayError::BadNumber {
                field: "leader_recovery_state",
                value: i64::from(number),
            }),
        }
    }
}

impl From<RecoveryState> for proto::LeaderRecoveryState {
    fn from(state: RecoveryState) -> Self {
        match state {
            RecoveryState::Recovered => proto::LeaderRecoveryState::Recovered,
            RecoveryState::Recovering => proto::LeaderRecoveryState::Recovering,
        }
    }
}

impl From<RecoveryState> for i32 {
    fn from(state: RecoveryState) -> Self {
        proto::LeaderRecoveryState::from(state) as i32
    }
}

/// The partition that a record is about.
pub(crate) fn topic_partition(
    topic_id: &[u8],
    partition: i32,
) -> Result<TopicPartition, ReplayError> {
    Ok(TopicPartition {
        topic_id: uuid_from_bytes(topic_id, "topic_id")?,
        partition,
    })
}

fn has_duplicates(ids: &[BrokerId]) -> bool {
    (1..ids.len()).any(|i| ids[..i].contains(&ids[i]))
}
