//! What is followed at one leader, and when each partition is asked for next.

use crate::partition::Partition;
use klamm_types::{LeaderEpoch, TopicPartition};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::watch, time::Instant};

/// What is followed at one leader.
#[derive(Default)]
pub(super) struct Following {
    partitions: Mutex<BTreeMap<TopicPartition, Followed>>,
    changes: watch::Sender<Changes>,
}

/// What has happened that a request under way does not know of, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Partitions that have come.
    arrivals: u64,
    /// Times that the leader registered.
    pub(super) registrations: u64,
}

#[derive(Clone)]
pub(super) struct Followed {
    pub(super) partition: Arc<Partition>,
    pub(super) leader_epoch: LeaderEpoch,
    /// Not asked for before this time.
    retry_at: Option<Instant>,
    /// Whether its last flush took so long that the others are not to wait for this one.
    pub(super) is_late: bool,
    /// Whether it was logged that the next offset is out of a range that it is in.
    is_range_told: bool,
}

impl Following {
    pub(super) fn add(&self, partition: Arc<Partition>, leader_epoch: LeaderEpoch) {
        let followed = Followed {
            partition: Arc::clone(&partition),
            leader_epoch,
            retry_at: None,
            is_late: false,
            is_range_told: false,
        };
        let before = self.locked().insert(partition.id, followed);
        match before {
            None => self.changes.send_modify(|changes| changes.arrivals += 1),
            // The leader ends a request of the epoch before when it hears of the new one.
            Some(before) if before.leader_epoch != leader_epoch => self.changes.send_modify(|_| {}),
            Some(_) => {}
        }
    }

    /// Returns whether nothing is left.
    pub(super) fn remove(&self, id: TopicPartition) -> bool {
        let mut partitions = self.locked();
        partitions.remove(&id);
        partitions.is_empty()
    }

    /// The connection is of no use any more.
    pub(super) fn reconnect(&self) {
        self.changes
            .send_modify(|changes| changes.registrations += 1);
    }

    /// Tells of changes: of partitions in another epoch too, which are not counted.
    pub(super) fn changes(&self) -> watch::Receiver<Changes> {
        self.changes.subscribe()
    }

    /// What to ask for now, and when more is due.
    pub(super) fn due(&self, now: Instant) -> (Vec<Followed>, Option<Instant>) {
        let partitions = self.locked();
        let is_due = |followed: &Followed| followed.retry_at.is_none_or(|at| at <= now);
        let due = partitions.values().filter(|f| is_due(f)).cloned().collect();
        let next = partitions
            .values()
            .filter(|f| !is_due(f))
            .filter_map(|f| f.retry_at)
            .min();
        (due, next)
    }

    pub(super) fn get(&self, id: TopicPartition) -> Option<Followed> {
        self.locked().get(&id).cloned()
    }

    pub(super) fn pause(&self, id: TopicPartition, leader_epoch: LeaderEpoch, until: Instant) {
        if let Some(followed) = self.locked().get_mut(&id)
            && followed.leader_epoch == leader_epoch
        {
            followed.retry_at = Some(until);
        }
    }

    /// Notes whether the others are not to wait for a partition's flush.
    pub(super) fn set_late(&self, id: TopicPartition, is_late: bool) {
        if let Some(followed) = self.locked().get_mut(&id) {
            followed.is_late = is_late;
        }
    }

    /// Whether the leader's contradiction about its range is still to be logged: once an epoch, for
    /// it is asked again many times a second.
    pub(super) fn tell_range_once(&self, id: TopicPartition) -> bool {
        let mut partitions = self.locked();
        let followed = partitions.get_mut(&id);
        followed.is_some_and(|followed| !std::mem::replace(&mut followed.is_range_told, true))
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<TopicPartition, Followed>> {
        self.partitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
