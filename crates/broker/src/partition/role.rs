//! Leading, following, or neither.

use super::{Partition, lock};
use crate::segment_jitter::jittered_log_config;
use klamm_config::TopicConfig;
use klamm_replica::{Leader, PartitionState, Takeover, take_over};
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, PartitionEpoch};
use std::sync::{Arc, TryLockError, atomic::Ordering};

/// What a replica does.
pub(super) enum Role {
    /// No leader is known, or the replica has just been opened.
    None,
    /// Takes appends.
    Leader(Box<Leader>),
    /// Copies from `leader`, [`BrokerId::NONE`] while there is none.
    Follower {
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
    },
}

/// A role without its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoleKind {
    Leader(LeaderEpoch),
    Follower {
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
    },
    None,
}

/// What changed when a replica was told to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leadership {
    /// It leads from now on, in this epoch.
    Begins(LeaderEpoch),
    /// It leads on; the ISR or the replicas may have changed.
    GoesOn,
    /// It does not lead: its log ends before what the quorum knows to be committed.
    Refused,
}

impl Partition {
    /// What this replica does.
    pub(crate) fn role(&self) -> RoleKind {
        match &*lock(&self.role) {
            Role::None => RoleKind::None,
            Role::Leader(leader) => RoleKind::Leader(leader.leader_epoch()),
            Role::Follower {
                leader,
                leader_epoch,
            } => RoleKind::Follower {
                leader: *leader,
                leader_epoch: *leader_epoch,
            },
        }
    }

    /// The epoch this replica leads in, if it does.
    pub(crate) fn leader_epoch_if_leader(&self) -> Option<LeaderEpoch> {
        match self.role() {
            RoleKind::Leader(epoch) => Some(epoch),
            _ => None,
        }
    }

    /// Runs `f` with the leader's state, if this replica leads.
    pub(crate) fn with_leader<T>(&self, f: impl FnOnce(&Leader) -> T) -> Option<T> {
        match &*lock(&self.role) {
            Role::Leader(leader) => Some(f(leader)),
            _ => None,
        }
    }

    /// Takes the lead, or leads on in a newer partition epoch. The high watermark starts at what
    /// this replica knew, but not below `floor`, which the quorum knows to be committed.
    ///
    /// A log that ends before the floor has lost what was acknowledged. It is not led from:
    /// followers would truncate to it, and what they still have would be gone. Without followers
    /// it is led from; the caller says what is lost.
    pub(crate) fn lead(&self, state: &PartitionState, floor: i64, now_ms: i64) -> Leadership {
        let log = lock(&self.log);
        let mut role = lock(&self.role);
        if let Role::Leader(leader) = &mut *role
            && leader.leader_epoch() == state.leader_epoch
        {
            let effects = leader.on_partition_change(state, self.min_isr(), now_ms);
            self.carry_out(effects);
            // Who has left the ISR is to report again, who is no replica any more is to be told.
            self.followers.mark();
            return Leadership::GoesOn;
        }
        let end_offset = log.log_end_offset();
        let (known, replicas) = (self.high_watermark(), state.replicas.len());
        let Takeover::Lead { high_watermark } = take_over(end_offset, known, floor, replicas)
        else {
            self.set_refused(true);
            *role = Role::Follower {
                leader: BrokerId::NONE,
                leader_epoch: state.leader_epoch,
            };
            drop(role);
            drop(log);
            self.tell_role_changed();
            return Leadership::Refused;
        };
        // Noted before the first append of the epoch, so that followers find where it begins.
        log.assign_epoch(state.leader_epoch, end_offset);
        let led_before = matches!(&*role, Role::Leader(_));
        self.set_refused(false);
        let leader = Leader::new(
            self.env.me,
            state,
            self.local_log(),
            high_watermark,
            self.min_isr(),
            self.env.lag_time_max_ms,
            now_ms,
        );
        *role = Role::Leader(Box::new(leader));
        self.publish_high_watermark(high_watermark);
        if let Role::Leader(leader) = &mut *role {
            let effects = leader.on_local(self.local_log(), now_ms);
            self.carry_out(effects);
        }
        drop(role);
        drop(log);
        if !led_before {
            // Who leads on has all that others wait for, and cuts off nothing of it.
            lock(&self.commits).fail_all(ErrorCode::NotLeaderOrFollower);
        }
        self.wake_all();
        if self.flushed_offset() < self.log_end_offset() {
            self.request_flush();
        }
        Leadership::Begins(state.leader_epoch)
    }

    /// Follows `leader`, or nobody while it is [`BrokerId::NONE`]. Returns whether this replica
    /// led before.
    pub(crate) fn follow(&self, leader: BrokerId, leader_epoch: LeaderEpoch) -> bool {
        let log = lock(&self.log);
        let mut role = lock(&self.role);
        let led = matches!(&*role, Role::Leader(_));
        self.set_refused(false);
        *role = Role::Follower {
            leader,
            leader_epoch,
        };
        drop(role);
        drop(log);
        self.tell_role_changed();
        led
    }

    /// Stops doing anything: the replica is about to be closed.
    pub(crate) fn retire(&self) {
        let log = lock(&self.log);
        *lock(&self.role) = Role::None;
        drop(log);
        self.tell_role_changed();
    }

    /// Stops doing anything for good: the replica is removed. Neither the append lock is taken nor
    /// the disk waited for, which may hang; an append that is under way is not acknowledged.
    pub(crate) fn remove(&self) {
        // Before those who wait are told: whoever comes later sees it.
        self.is_removed.store(true, Ordering::Release);
        *lock(&self.role) = Role::None;
        self.tell_role_changed();
        lock(&self.flushes).fail_all(ErrorCode::NotLeaderOrFollower);
    }

    /// Lets go of the log of a removed replica, whose folder is about to be deleted, unless
    /// somebody works on it; whether it was let go.
    pub(crate) fn try_abandon(&self) -> bool {
        match self.log.try_lock() {
            Ok(log) => log.try_abandon(),
            Err(TryLockError::Poisoned(log)) => log.into_inner().try_abandon(),
            Err(TryLockError::WouldBlock) => false,
        }
    }

    /// Whether the replica was removed.
    pub(crate) fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::Acquire)
    }

    /// Forgets producers that have been idle for `expiration_ms`.
    pub(crate) fn expire_producers(&self, now_ms: i64, expiration_ms: i64) {
        lock(&self.log).expire_producers(now_ms, expiration_ms);
    }

    fn tell_role_changed(&self) {
        lock(&self.commits).fail_all(ErrorCode::NotLeaderOrFollower);
        self.wake_all();
    }

    fn wake_all(&self) {
        self.consumers.wake();
        self.followers.wake();
        self.low_watermarks.wake();
    }

    /// Time has passed: the leader may want to drop laggards, or to be a leader no more.
    pub(crate) fn tick(&self, now_ms: i64) {
        if let Role::Leader(leader) = &mut *lock(&self.role) {
            let effects = leader.on_tick(now_ms);
            self.carry_out(effects);
            if leader.should_resign(self.lacks_room(), now_ms) {
                self.env.resignations.add(self.id, leader.leader_epoch());
            }
        }
    }

    /// The cluster's brokers changed.
    pub(crate) fn on_brokers_change(
        &self,
        is_eligible: impl Fn(BrokerId, BrokerEpoch) -> bool,
        now_ms: i64,
    ) {
        if let Role::Leader(leader) = &mut *lock(&self.role) {
            let effects = leader.on_brokers_change(is_eligible, now_ms);
            self.carry_out(effects);
        }
        // A replica whose broker died is not waited for any more.
        self.low_watermarks.wake();
    }

    /// The controller did not take a proposal, or its answer is unknown.
    pub(crate) fn on_proposal_failed(
        &self,
        leader_epoch: LeaderEpoch,
        partition_epoch: PartitionEpoch,
        error: ErrorCode,
    ) {
        if let Role::Leader(leader) = &mut *lock(&self.role)
            && leader.leader_epoch() == leader_epoch
            && let Some(proposal) = leader.on_proposal_failed(partition_epoch, error)
        {
            self.env.isr_updates.propose(self.id, proposal);
        }
    }

    /// The topic's settings changed. The leader goes by the old `min.insync.replicas` until it hears
    /// of the new one, with the partition's state that it holds for, or else by
    /// [`Partition::adopt_min_isr`].
    pub(crate) fn set_config(&self, config: TopicConfig, now_ms: i64) {
        lock(&self.log).set_config(jittered_log_config(self.id, &config));
        self.config.store(Arc::new(config));
        // Some clients cannot read every codec.
        self.consumers.wake();
        // What was acknowledged from the page cache may have to be on disk from now on.
        self.request_flush_if_due(now_ms);
    }

    /// The leader goes by the topic's `min.insync.replicas` from now on.
    pub(crate) fn adopt_min_isr(&self, now_ms: i64) {
        let min_isr = self.min_isr();
        if let Role::Leader(leader) = &mut *lock(&self.role) {
            let effects = leader.set_min_isr(min_isr, now_ms);
            self.carry_out(effects);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::now_ms,
        flusher::Flusher,
        partition::lab::{ME, abandon, fill, open_partition},
    };
    use klamm_replica::divergence::EpochEnd;
    use klamm_storage::StorageError;
    use klamm_types::{PartitionEpoch, TopicPartition, Uuid};

    #[test]
    fn a_log_that_lost_committed_records_is_not_led_from() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(dir.path(), "t", id, flusher.queue());
        let state = |epoch| PartitionState {
            leader_epoch: LeaderEpoch(epoch),
            partition_epoch: PartitionEpoch(epoch),
            replicas: vec![ME, BrokerId(2)],
            isr: [ME].into(),
        };
        assert_eq!(partition.lead(&state(3), 1, now_ms()), Leadership::Refused);
        assert_eq!(partition.leader_epoch_if_leader(), None);
        // An unclean election gives up what was lost, and with it the floor.
        let led = partition.lead(&state(4), 0, now_ms());
        assert_eq!(led, Leadership::Begins(LeaderEpoch(4)));
        // The only replica goes on with what it has.
        let alone = PartitionState {
            replicas: vec![ME],
            ..state(5)
        };
        let led = partition.lead(&alone, 1, now_ms());
        assert_eq!(led, Leadership::Begins(LeaderEpoch(5)));
        assert_eq!(partition.high_watermark(), 0);
        flusher.stop();
    }

    #[test]
    fn an_epoch_without_appends_is_forgotten_when_the_next_leader_diverges() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(dir.path(), "t", id, flusher.queue());
        let state = PartitionState {
            leader_epoch: LeaderEpoch(5),
            partition_epoch: PartitionEpoch(5),
            replicas: vec![ME],
            isr: [ME].into(),
        };
        let _ = partition.lead(&state, 0, now_ms());
        assert_eq!(partition.last_epoch(), LeaderEpoch(5));
        let (other, epoch) = (BrokerId(2), LeaderEpoch(6));
        partition.follow(other, epoch);
        let diverging = EpochEnd {
            epoch: LeaderEpoch(4),
            end_offset: 0,
        };
        assert_eq!(
            partition
                .truncate_to_leader(other, epoch, diverging)
                .unwrap(),
            0
        );
        assert_eq!(partition.last_epoch(), LeaderEpoch::NONE);
        flusher.stop();
    }

    #[tokio::test]
    async fn nobody_waits_for_a_log_that_was_removed() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(dir.path(), "t", id, flusher.queue());
        abandon(&partition);
        // It is still in the hands of a fetcher, which waits for what it has appended.
        let told = partition.durable(1).await;
        assert_eq!(told, Err(ErrorCode::NotLeaderOrFollower));
        flusher.stop();
    }

    #[tokio::test]
    async fn whoever_leads_on_in_another_epoch_keeps_its_promises() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(dir.path(), "t", id, flusher.queue());
        let state = |epoch, isr: &[BrokerId]| PartitionState {
            leader_epoch: LeaderEpoch(epoch),
            partition_epoch: PartitionEpoch(epoch),
            replicas: vec![ME, BrokerId(2)],
            isr: isr.iter().copied().collect(),
        };
        fill(&partition, 1, 100);
        let _ = partition.lead(&state(1, &[ME, BrokerId(2)]), 0, now_ms());
        let committed = lock(&partition.commits).wait_for(1);
        // A third replica was removed. 2 has not fetched in this epoch yet.
        let led = partition.lead(&state(2, &[ME, BrokerId(2)]), 0, now_ms());
        assert_eq!(led, Leadership::Begins(LeaderEpoch(2)));
        // 2 has left, and what it was waited for with is committed.
        let _ = partition.lead(&state(3, &[ME]), 0, now_ms());
        assert_eq!(committed.await, Ok(()));
        let lost = lock(&partition.commits).wait_for(i64::MAX);
        partition.follow(BrokerId(2), LeaderEpoch(4));
        assert_eq!(lost.await, Err(ErrorCode::NotLeaderOrFollower));
        flusher.stop();
    }

    #[test]
    fn a_log_that_is_deleted_under_whoever_works_on_it_is_no_failure() {
        let dir = tempfile::tempdir().unwrap();
        let log_dir = dir.path().join("t-0");
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(&log_dir, "t", id, flusher.queue());
        fill(&partition, 100, 20_000);
        abandon(&partition);
        std::fs::rename(&log_dir, dir.path().join("t-0-delete")).unwrap();
        partition.flush();
        partition.snapshot_producers_if_far();
        assert!(!partition.retain(i64::MAX));
        partition.remove_old_segments();
        partition.purge_removed(0, true);
        let repair = partition.begin_repair(0);
        assert!(matches!(repair, Err(StorageError::Abandoned)));
        assert!(!partition.may_have_gaps_to(100));
        assert_eq!(partition.check_online(), Ok(()));
        flusher.stop();
    }
}
