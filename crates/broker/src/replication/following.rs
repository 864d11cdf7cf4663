//! What is followed at one leader, what of it has changed, and when each partition is asked for next.

use super::fetch_state::Position;
use crate::partition::{Partition, Registration, Waker};
use klamm_types::{LeaderEpoch, TopicPartition};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::watch, time::Instant};

/// What is followed at one leader.
///
/// A partition has *changed* if what is asked for may be another than last time: it came or went,
/// it follows another epoch, its log or high watermark moved, a pause began or is over. Whoever
/// takes it looks at it afterwards: what happens then counts as a change again.
#[derive(Default)]
pub(super) struct Following {
    state: Mutex<State>,
    changes: watch::Sender<Changes>,
    /// Marked by the partitions.
    poll: Waker,
}

#[derive(Default)]
struct State {
    partitions: BTreeMap<TopicPartition, Followed>,
    /// Whose marks these tags are.
    tags: HashMap<u64, TopicPartition>,
    last_tag: u64,
    changed: BTreeSet<TopicPartition>,
    /// By when they are asked for again.
    paused: BTreeSet<(Instant, TopicPartition)>,
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
    mark: Arc<Mark>,
}

impl Followed {
    /// Where it stands.
    pub(super) fn position(&self) -> Position {
        let partition = &self.partition;
        Position {
            fetch_offset: partition.log_end_offset(),
            log_start_offset: partition.log_start_offset(),
            leader_epoch: self.leader_epoch,
            last_fetched_epoch: partition.last_epoch(),
            high_watermark: partition.high_watermark(),
        }
    }
}

/// How a partition tells of its changes.
struct Mark {
    tag: u64,
    registration: Registration,
}

impl Following {
    pub(super) fn add(&self, partition: Arc<Partition>, leader_epoch: LeaderEpoch) {
        let id = partition.id;
        let before = {
            let mut state = self.locked();
            let before = state.take(id);
            state.last_tag += 1;
            let tag = state.last_tag;
            state.tags.insert(tag, id);
            let mark = Mark {
                tag,
                registration: partition.fetcher.watch(&self.poll, tag),
            };
            let followed = Followed {
                partition,
                leader_epoch,
                retry_at: None,
                is_late: false,
                is_range_told: false,
                mark: Arc::new(mark),
            };
            state.partitions.insert(id, followed);
            state.changed.insert(id);
            before
        };
        match before {
            None => self.changes.send_modify(|changes| changes.arrivals += 1),
            // The leader ends a request of the epoch before when it hears of the new one.
            Some(before) if before.leader_epoch != leader_epoch => self.changes.send_modify(|_| {}),
            Some(_) => {}
        }
    }

    /// Returns whether nothing is left.
    pub(super) fn remove(&self, id: TopicPartition) -> bool {
        let mut state = self.locked();
        state.take(id);
        state.changed.insert(id);
        state.partitions.is_empty()
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

    /// Everything counts as changed.
    pub(super) fn change_all(&self) {
        let state = &mut *self.locked();
        state.changed.extend(state.partitions.keys().copied());
    }

    /// What has changed since the last call; `None` for what is not to be asked for now.
    pub(super) fn take_changed(&self, now: Instant) -> Vec<(TopicPartition, Option<Followed>)> {
        let state = &mut *self.locked();
        for tag in self.poll.take_marked() {
            // Those of partitions that have gone may be among them.
            if let Some(id) = state.tags.get(&tag)
                && let Some(followed) = state.partitions.get(id)
            {
                followed.mark.registration.unmark();
                state.changed.insert(*id);
            }
        }
        while let Some((at, id)) = state.paused.first().copied()
            && at <= now
        {
            state.paused.pop_first();
            state.changed.insert(id);
        }
        let is_due = |followed: &&Followed| followed.retry_at.is_none_or(|at| at <= now);
        std::mem::take(&mut state.changed)
            .into_iter()
            .map(|id| (id, state.partitions.get(&id).filter(is_due).cloned()))
            .collect()
    }

    /// When a pause ends next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.locked().paused.first().map(|(at, _)| *at)
    }

    pub(super) fn get(&self, id: TopicPartition) -> Option<Followed> {
        self.locked().partitions.get(&id).cloned()
    }

    pub(super) fn pause(&self, id: TopicPartition, leader_epoch: LeaderEpoch, until: Instant) {
        let state = &mut *self.locked();
        if let Some(followed) = state.partitions.get_mut(&id)
            && followed.leader_epoch == leader_epoch
        {
            if let Some(before) = followed.retry_at.replace(until) {
                state.paused.remove(&(before, id));
            }
            state.paused.insert((until, id));
            state.changed.insert(id);
        }
    }

    /// Notes whether the others are not to wait for a partition's flush.
    pub(super) fn set_late(&self, id: TopicPartition, is_late: bool) {
        if let Some(followed) = self.locked().partitions.get_mut(&id) {
            followed.is_late = is_late;
        }
    }

    /// Whether the leader's contradiction about its range is still to be logged: once an epoch, for
    /// it is asked again many times a second.
    pub(super) fn tell_range_once(&self, id: TopicPartition) -> bool {
        let state = &mut *self.locked();
        let followed = state.partitions.get_mut(&id);
        followed.is_some_and(|followed| !std::mem::replace(&mut followed.is_range_told, true))
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a partition out, with all that is known of it.
    fn take(&mut self, id: TopicPartition) -> Option<Followed> {
        let followed = self.partitions.remove(&id)?;
        self.tags.remove(&followed.mark.tag);
        if let Some(at) = followed.retry_at {
            self.paused.remove(&(at, id));
        }
        Some(followed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flusher::Flusher,
        partition::lab::{fill, open_partition},
    };
    use klamm_types::{BrokerId, Uuid};
    use std::time::Duration;

    const EPOCH: LeaderEpoch = LeaderEpoch(0);

    fn id(partition: i32) -> TopicPartition {
        TopicPartition {
            topic_id: Uuid([1; 16]),
            partition,
        }
    }

    /// What has changed, and whether it is asked for.
    fn changed(following: &Following, now: Instant) -> Vec<(i32, bool)> {
        let changed = following.take_changed(now);
        let is_asked = changed.iter().map(|(id, it)| (id.partition, it.is_some()));
        is_asked.collect()
    }

    #[test]
    fn only_what_has_changed_is_looked_at() {
        let root = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let partitions: Vec<Arc<Partition>> = (0..20)
            .map(|index| {
                let dir = root.path().join(format!("t-{index}"));
                open_partition(&dir, "t", id(index), flusher.queue())
            })
            .collect();
        let following = Following::default();
        for partition in &partitions {
            partition.follow(BrokerId(2), EPOCH);
            following.add(Arc::clone(partition), EPOCH);
        }
        let now = Instant::now();
        assert_eq!(changed(&following, now).len(), 20);
        assert_eq!(changed(&following, now), []);

        fill(&partitions[7], 1, 10);
        assert_eq!(changed(&following, now), [(7, true)]);
        partitions[3].hold_back(true);
        partitions[7]
            .truncate_following(BrokerId(2), EPOCH, 0)
            .unwrap();
        partitions[9]
            .start_anew_following(BrokerId(2), EPOCH, 5)
            .unwrap();
        assert_eq!(changed(&following, now), [(3, true), (7, true), (9, true)]);
        assert_eq!(changed(&following, now), []);

        let until = now + Duration::from_millis(5);
        following.pause(id(4), EPOCH, now + Duration::from_millis(2));
        following.pause(id(4), EPOCH, until);
        following.pause(id(5), LeaderEpoch(9), until);
        assert_eq!(following.next_due(), Some(until));
        assert_eq!(changed(&following, now), [(4, false)]);
        fill(&partitions[4], 1, 10);
        assert_eq!(changed(&following, now), [(4, false)]);
        assert_eq!(changed(&following, until), [(4, true)]);
        assert_eq!(following.next_due(), None);

        following.pause(id(6), EPOCH, until);
        following.add(Arc::clone(&partitions[6]), LeaderEpoch(1));
        assert_eq!(following.next_due(), None, "its pause was in another epoch");
        assert!(!following.remove(id(8)));
        assert_eq!(changed(&following, now), [(6, true), (8, false)]);
        partitions[8].hold_back(false);
        assert_eq!(changed(&following, now), []);
        following.change_all();
        assert_eq!(changed(&following, now).len(), 19);
        let watched = partitions.iter().map(|it| it.fetcher.len());
        assert_eq!(watched.sum::<usize>(), 19);
        flusher.stop();
    }
}
