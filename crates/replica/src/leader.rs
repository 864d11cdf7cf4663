//! What the leader of a partition knows and decides.

use crate::{FollowerFetch, FollowerProgress, Isr, IsrProposal, high_watermark};
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, PartitionEpoch};
use std::collections::{BTreeMap, BTreeSet};

/// The state of a partition as the controller decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// Counts leaders.
    pub leader_epoch: LeaderEpoch,
    /// Counts changes.
    pub partition_epoch: PartitionEpoch,
    /// Every replica, the leader included, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// The in-sync replicas, the leader included.
    pub isr: BTreeSet<BrokerId>,
}

/// The offsets of the leader's own log.
///
/// ```text
/// start_offset ≤ durable_end_offset ≤ end_offset
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LocalLog {
    /// The first offset that can be read.
    pub start_offset: i64,
    /// Everything below survives a power loss, or counts as if it did where the topic's flush
    /// settings say that the page cache is enough.
    pub durable_end_offset: i64,
    /// The offset of the next record.
    pub end_offset: i64,
}

impl LocalLog {
    fn is_unflushed(&self) -> bool {
        self.durable_end_offset < self.end_offset
    }
}

/// How long a member of the ISR may lack records without getting any, in milliseconds, where the
/// others can go on without it. A disk's slow moments are shorter; what a producer bears is longer.
pub const STALL_MS_MAX: i64 = 1_200;

/// Replicas that stay in sync when one that has stalled is dropped, whoever leads included.
const REDUNDANT: usize = 2;

/// What the shell must do after an event.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[must_use = "effects that nobody carries out are lost"]
pub struct Effects {
    /// The high watermark has moved here.
    pub high_watermark: Option<i64>,
    /// Ask the controller for this ISR, then report back with [`Leader::on_proposal_failed`] or
    /// [`Leader::on_partition_change`].
    pub propose: Option<IsrProposal>,
}

/// The leader's side of a partition, for one leader epoch.
#[derive(Clone, Debug)]
pub struct Leader {
    me: BrokerId,
    leader_epoch: LeaderEpoch,
    partition_epoch: PartitionEpoch,
    epoch_start_offset: i64,
    isr: Isr,
    followers: BTreeMap<BrokerId, FollowerProgress>,
    replication_factor: usize,
    min_isr: usize,
    lag_time_max_ms: i64,
    local: LocalLog,
    /// Since when there is something to flush and none of it has become durable.
    unflushed_since_ms: Option<i64>,
    high_watermark: i64,
}

impl Leader {
    /// Takes over a partition at `now_ms`.
    ///
    /// `high_watermark` is what this replica knew as a follower: it may be behind the true one
    /// until the followers have fetched. `min_isr` is the topic's `min.insync.replicas`; a
    /// follower of the ISR that has not caught up for `lag_time_max_ms` is proposed to leave.
    pub fn new(
        me: BrokerId,
        state: &PartitionState,
        local: LocalLog,
        high_watermark: i64,
        min_isr: usize,
        lag_time_max_ms: i64,
        now_ms: i64,
    ) -> Leader {
        let followers = others(me, state)
            .map(|id| {
                (
                    id,
                    FollowerProgress::unknown(state.isr.contains(&id), now_ms),
                )
            })
            .collect();
        Leader {
            me,
            leader_epoch: state.leader_epoch,
            partition_epoch: state.partition_epoch,
            epoch_start_offset: local.end_offset,
            isr: Isr::Committed(state.isr.clone()),
            followers,
            replication_factor: state.replicas.len(),
            min_isr,
            lag_time_max_ms,
            local,
            unflushed_since_ms: local.is_unflushed().then_some(now_ms),
            high_watermark: high_watermark.clamp(local.start_offset, local.end_offset),
        }
    }

    /// The epoch that this leader leads in.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// The epoch of the partition state that this leader knows.
    pub fn partition_epoch(&self) -> PartitionEpoch {
        self.partition_epoch
    }

    /// The end of the log when this leader took over. While the high watermark is below, this
    /// leader may not know of everything that was committed (rule 71).
    pub fn epoch_start_offset(&self) -> i64 {
        self.epoch_start_offset
    }

    /// The ISR and what is in flight of it.
    pub fn isr(&self) -> &Isr {
        &self.isr
    }

    /// Everything below is committed.
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    /// The leader's own offsets.
    pub fn local(&self) -> LocalLog {
        self.local
    }

    /// What is known of a follower, `None` if it is no replica of this partition.
    pub fn follower(&self, replica: BrokerId) -> Option<&FollowerProgress> {
        self.followers.get(&replica)
    }

    /// Every follower, by id.
    pub fn followers(&self) -> impl Iterator<Item = (BrokerId, &FollowerProgress)> {
        self.followers.iter().map(|(id, progress)| (*id, progress))
    }

    /// `min.insync.replicas`, but never more than there are replicas (rule 35).
    pub fn effective_min_isr(&self) -> usize {
        self.min_isr.min(self.replication_factor)
    }

    /// The smallest log start offset of all replicas whose broker is alive; −1 as long as one of
    /// them has not said (rule 26).
    pub fn low_watermark(&self, is_alive: impl Fn(BrokerId) -> bool) -> i64 {
        let alive = self.followers.iter().filter(|(id, _)| is_alive(**id));
        let starts = alive.map(|(_, follower)| follower.log_start_offset);
        starts.fold(self.local.start_offset, i64::min)
    }

    /// Whether acks=all may append now (rule 35).
    pub fn has_enough_replicas(&self) -> bool {
        self.isr.committed().len() >= self.effective_min_isr()
    }

    /// The topic's `min.insync.replicas` changed.
    pub fn set_min_isr(&mut self, min_isr: usize, now_ms: i64) -> Effects {
        self.min_isr = min_isr;
        self.advance(self.high_watermark, now_ms)
    }

    /// The leader's own log has grown, or more of it has become durable. A start offset that
    /// moved (retention, DeleteRecords) lifts the high watermark with it.
    pub fn on_local(&mut self, local: LocalLog, now_ms: i64) -> Effects {
        debug_assert!(local.durable_end_offset <= local.end_offset, "{local:?}");
        let has_flushed = local.durable_end_offset > self.local.durable_end_offset;
        let before = self.unflushed_since_ms.filter(|_| !has_flushed);
        self.unflushed_since_ms = local.is_unflushed().then(|| before.unwrap_or(now_ms));
        let end_before = std::mem::replace(&mut self.local, local).end_offset;
        for (id, follower) in &mut self.followers {
            if self.isr.committed().contains(id) {
                follower.had_until_now(end_before, local.end_offset, now_ms);
            }
            follower.on_leader_end(local.end_offset, now_ms);
        }
        let started = self.high_watermark;
        self.high_watermark = self.high_watermark.max(local.start_offset);
        self.advance(started, now_ms)
    }

    /// A follower fetches.
    ///
    /// # Errors
    /// UNKNOWN_LEADER_EPOCH if it is no replica as far as this leader knows: it may be told of
    /// the change before us, and tries again (rule 81). NOT_LEADER_OR_FOLLOWER if an older
    /// registration of the same broker fetches.
    pub fn on_fetch(&mut self, fetch: FollowerFetch, now_ms: i64) -> Result<Effects, ErrorCode> {
        let leader_end = self.local.end_offset;
        let follower = self
            .followers
            .get_mut(&fetch.replica)
            .ok_or(ErrorCode::UnknownLeaderEpoch)?;
        if !fetch.broker_epoch.is_none() && fetch.broker_epoch < follower.broker_epoch {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        follower.note(&fetch, leader_end, now_ms);
        let mut effects = self.advance(self.high_watermark, now_ms);
        effects.propose = self.propose_expand(fetch.replica);
        Ok(effects)
    }

    /// Whether a follower need not be heard again at the offset that it fetches from, before
    /// something else happens here: it is in sync, nothing is on its way to the controller, and it has
    /// all that there is, which is committed. Anything else may depend on the time of its fetches.
    pub fn is_settled(&self, replica: BrokerId) -> bool {
        let end_offset = self.local.end_offset;
        let is_in_sync = matches!(&self.isr, Isr::Committed(isr) if isr.contains(&replica));
        let follower = self.followers.get(&replica);
        let has_all = follower.is_some_and(|follower| follower.log_end_offset >= end_offset);
        is_in_sync && has_all && self.high_watermark >= end_offset
    }

    /// Time has passed: proposes to drop the followers that have fallen behind (rule 74), and
    /// those that alone hold the high watermark up.
    pub fn on_tick(&mut self, now_ms: i64) -> Effects {
        let Isr::Committed(committed) = &self.isr else {
            return Effects::default();
        };
        let mut removed: BTreeSet<BrokerId> = self
            .followers_in(committed)
            .filter(|(_, follower)| self.has_fallen_behind(follower, now_ms))
            .map(|(id, _)| id)
            .collect();
        removed.extend(self.dispensable(committed, now_ms));
        if removed.is_empty() {
            return Effects::default();
        }
        let committed = committed.clone();
        self.isr = Isr::PendingShrink { committed, removed };
        Effects {
            high_watermark: None,
            propose: Some(self.proposal()),
        }
    }

    /// Whether another member of the ISR had better lead: the others are enough, and this leader's
    /// disk is full, or hangs while they all keep more than it does.
    pub fn should_resign(&self, is_disk_full: bool, now_ms: i64) -> bool {
        let isr = self.isr.committed();
        let is_enough = self.followers_in(isr).count() >= self.effective_min_isr().max(REDUNDANT);
        is_enough && (is_disk_full || self.hangs(now_ms))
    }

    fn hangs(&self, now_ms: i64) -> bool {
        let is_long = |since_ms| now_ms.saturating_sub(since_ms) > self.stall_ms_max();
        let durable_end = self.local.durable_end_offset;
        self.unflushed_since_ms.is_some_and(is_long)
            && self
                .followers_in(self.isr.committed())
                .all(|(_, follower)| follower.log_end_offset > durable_end)
    }

    /// The cluster's brokers changed: `is_eligible` says who may join an ISR now.
    pub fn on_brokers_change(
        &mut self,
        is_eligible: impl Fn(BrokerId, BrokerEpoch) -> bool,
        now_ms: i64,
    ) -> Effects {
        for (id, follower) in &mut self.followers {
            follower.is_eligible = is_eligible(*id, follower.broker_epoch);
        }
        self.advance(self.high_watermark, now_ms)
    }

    /// The controller decided on a newer state in which this replica still leads with the same
    /// leader epoch. States that are not newer change nothing.
    ///
    /// `min_isr` is what holds with this state. The two change in one step: under the old minimum
    /// the new ISR, or the old ISR under the new minimum, might do without somebody who is eligible
    /// to lead.
    pub fn on_partition_change(
        &mut self,
        state: &PartitionState,
        min_isr: usize,
        now_ms: i64,
    ) -> Effects {
        if state.partition_epoch <= self.partition_epoch {
            return Effects::default();
        }
        self.min_isr = min_isr;
        debug_assert_eq!(state.leader_epoch, self.leader_epoch);
        self.partition_epoch = state.partition_epoch;
        self.isr = Isr::Committed(state.isr.clone());
        self.replication_factor = state.replicas.len();
        let known: BTreeSet<BrokerId> = others(self.me, state).collect();
        self.followers.retain(|id, _| known.contains(id));
        for id in known {
            self.followers
                .entry(id)
                .or_insert_with(|| FollowerProgress::unknown(false, now_ms));
        }
        self.advance(self.high_watermark, now_ms)
    }

    /// The controller did not take the proposal. Returns what to propose again, if anything.
    ///
    /// A refusal of the new member has the proposal withdrawn: calls may overtake each other, so what
    /// was sent again and refused may be taken all the same when its first copy arrives. The member
    /// counts until the controller has recorded the ISR as it is. A refusal that says that this leader's state is
    /// stale leaves it pending, which is safe, until the newer state arrives. Anything else says
    /// nothing about whether the change was made: the same proposal is sent again.
    pub fn on_proposal_failed(
        &mut self,
        partition_epoch: PartitionEpoch,
        error: ErrorCode,
    ) -> Option<IsrProposal> {
        if partition_epoch != self.partition_epoch || !self.isr.is_pending() {
            return None;
        }
        match error {
            ErrorCode::IneligibleReplica | ErrorCode::OperationNotAttempted => {
                self.isr.refused().then(|| self.proposal())
            }
            ErrorCode::FencedLeaderEpoch
            | ErrorCode::InvalidUpdateVersion
            | ErrorCode::InvalidRequest
            | ErrorCode::NewLeaderElected
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId => None,
            _ => Some(self.proposal()),
        }
    }

    fn followers_in(
        &self,
        isr: &BTreeSet<BrokerId>,
    ) -> impl Iterator<Item = (BrokerId, &FollowerProgress)> {
        self.followers().filter(|(id, _)| isr.contains(id))
    }

    /// The members that have stalled, if the others are enough without them and have more than
    /// is committed: one that hangs shall not hold everybody up for a whole lag time.
    fn dispensable(&self, isr: &BTreeSet<BrokerId>, now_ms: i64) -> Vec<BrokerId> {
        let stall_ms_max = self.stall_ms_max();
        let has_stalled = |follower: &FollowerProgress| follower.has_stalled(stall_ms_max, now_ms);
        if !self.followers_in(isr).any(|(_, it)| has_stalled(it)) {
            return Vec::new();
        }
        let (stalled, others): (Vec<_>, Vec<_>) =
            self.followers_in(isr).partition(|(_, it)| has_stalled(it));
        let is_enough = others.len() + 1 >= self.effective_min_isr().max(REDUNDANT);
        let theirs = others.iter().map(|(_, follower)| follower.log_end_offset);
        let common_end = theirs.fold(self.local.durable_end_offset, i64::min);
        match is_enough && common_end > self.high_watermark {
            true => stalled.into_iter().map(|(id, _)| id).collect(),
            false => Vec::new(),
        }
    }

    fn stall_ms_max(&self) -> i64 {
        STALL_MS_MAX.min(self.lag_time_max_ms)
    }

    fn has_fallen_behind(&self, follower: &FollowerProgress, now_ms: i64) -> bool {
        follower.log_end_offset != self.local.end_offset
            && now_ms - follower.last_caught_up_ms > self.lag_time_max_ms
    }

    /// Proposes `replica` if it has caught up (rule 75).
    fn propose_expand(&mut self, replica: BrokerId) -> Option<IsrProposal> {
        let Isr::Committed(committed) = &self.isr else {
            return None;
        };
        let follower = self.followers.get(&replica)?;
        let caught_up = follower.log_end_offset >= self.high_watermark
            && follower.log_end_offset >= self.epoch_start_offset;
        if committed.contains(&replica) || !caught_up || !follower.is_eligible {
            return None;
        }
        self.isr = Isr::PendingExpand {
            committed: committed.clone(),
            added: replica,
        };
        Some(self.proposal())
    }

    fn proposal(&self) -> IsrProposal {
        let epoch_of = |id: BrokerId| match self.followers.get(&id) {
            Some(follower) => follower.broker_epoch,
            None => BrokerEpoch::NONE,
        };
        IsrProposal {
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
            new_isr: self
                .isr
                .proposed()
                .into_iter()
                .map(|id| (id, epoch_of(id)))
                .collect(),
        }
    }

    /// Moves the high watermark as far as it goes; says so if it is not at `before` any more.
    fn advance(&mut self, before: i64, now_ms: i64) -> Effects {
        let counted = self.followers.iter().filter_map(|(id, follower)| {
            let counts = self.isr.maximal_contains(*id) || self.is_about_to_join(follower, now_ms);
            counts.then_some(follower.log_end_offset)
        });
        let advanced = high_watermark(
            self.high_watermark,
            self.isr.committed().len(),
            self.effective_min_isr(),
            counted.chain([self.local.durable_end_offset]),
        );
        debug_assert!(advanced >= self.high_watermark);
        self.high_watermark = advanced;
        Effects {
            high_watermark: (advanced != before).then_some(advanced),
            propose: None,
        }
    }

    /// A follower outside the ISR that keeps up is waited for, so that a busy leader cannot run
    /// away from it for ever (rule 73).
    fn is_about_to_join(&self, follower: &FollowerProgress, now_ms: i64) -> bool {
        follower.is_eligible
            && follower.log_end_offset >= self.high_watermark
            && !follower.has_stalled(self.stall_ms_max(), now_ms)
            && now_ms.saturating_sub(follower.last_caught_up_ms) <= self.lag_time_max_ms
    }
}

fn others(me: BrokerId, state: &PartitionState) -> impl Iterator<Item = BrokerId> {
    state.replicas.iter().copied().filter(move |id| *id != me)
}

#[cfg(test)]
#[path = "leader_tests.rs"]
mod tests;
