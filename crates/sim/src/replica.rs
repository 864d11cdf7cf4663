//! A replica of a partition in a broker's process: the shell around the replication core.
//!
//! It does what the broker's partitions do, by the same functions of `klamm-replica`. Effects
//! are collected in [`Outbox`] for the broker to carry out.
//!
//! ```text
//! log start ≤ high watermark ≤ log end
//! ```

use crate::{
    bug::Bug,
    event::{Call, ConsumeRequest, FetchAnswer, FetchRequest},
    model_log::{ModelLog, Record},
    network::Node,
};
use klamm_replica::{
    Effects, FollowerFetch, IsrProposal, Leader, LocalLog, PartitionState, Takeover,
    check_leader_epoch,
    divergence::{EpochEnd, diverging_epoch, truncation_offset},
    follower_high_watermark, take_over,
};
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch};

/// Records in one answer.
const RECORDS_MAX: i64 = 16;

/// What a replica does.
pub(crate) enum Role {
    None,
    Leader(Box<Leader>),
    Follower {
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
    },
}

/// How a replica is to behave.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) me: BrokerId,
    pub(crate) flushes_before_ack: bool,
    pub(crate) lag_time_max_ms: i64,
    pub(crate) bug: Option<Bug>,
}

/// What the broker is to do for a replica.
#[derive(Default)]
pub(crate) struct Outbox {
    pub(crate) proposal: Option<IsrProposal>,
    /// It leads in another epoch than before, or not any more.
    pub(crate) role_changed: bool,
    /// It was cut below its high watermark, which was this.
    pub(crate) cut_below: Option<i64>,
}

/// A producer's record that waits to be committed.
pub(crate) struct Waiting {
    pub(crate) client: Node,
    pub(crate) call: Call,
    pub(crate) offset: i64,
}

/// A fetch that waits for records.
pub(crate) struct Parked {
    pub(crate) from: Node,
    pub(crate) request: FetchRequest,
}

/// What became of an election as the elected sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leadership {
    Begins,
    GoesOn,
    Refused,
}

/// A replica.
pub(crate) struct Replica {
    manner: Manner,
    pub(crate) log: ModelLog,
    pub(crate) role: Role,
    pub(crate) high_watermark: i64,
    /// What was once recorded as committed ends here.
    recorded: i64,
    pub(crate) min_isr: usize,
    pub(crate) refused: bool,
    pub(crate) outbox: Outbox,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) parked: Vec<Parked>,
    /// The end of what a flush that is under way makes durable.
    pub(crate) flushing_to: Option<i64>,
    /// The fetch that is under way, and the epoch that it was sent in.
    pub(crate) fetching: Option<(Call, LeaderEpoch)>,
    /// It fetches as soon as everything is flushed.
    pub(crate) fetch_after_flush: bool,
}

impl Replica {
    /// Opens a log.
    pub(crate) fn new(log: ModelLog, min_isr: usize, manner: Manner) -> Replica {
        let recorded = log.recorded_high_watermark;
        Replica {
            manner,
            high_watermark: recorded.clamp(log.start(), log.end()),
            log,
            role: Role::None,
            recorded,
            min_isr,
            refused: false,
            outbox: Outbox::default(),
            waiting: Vec::new(),
            parked: Vec::new(),
            flushing_to: None,
            fetching: None,
            fetch_after_flush: false,
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.manner.bug == Some(bug)
    }

    pub(crate) fn leader(&self) -> Option<&Leader> {
        match &self.role {
            Role::Leader(leader) => Some(leader),
            _ => None,
        }
    }

    /// Whom it follows, if anybody.
    pub(crate) fn following(&self) -> Option<(BrokerId, LeaderEpoch)> {
        match &self.role {
            Role::Follower {
                leader,
                leader_epoch,
            } => leader.some().map(|leader| (leader, *leader_epoch)),
            _ => None,
        }
    }

    /// What it recorded as committed, where that survives a power failure.
    pub(crate) fn recorded(&self) -> i64 {
        if self.manner.flushes_before_ack {
            self.recorded
        } else {
            0
        }
    }

    /// The end of what counts as durable.
    pub(crate) fn durable_end(&self) -> i64 {
        if self.manner.flushes_before_ack && !self.has(Bug::AckBeforeFlush) {
            self.log.flushed()
        } else {
            self.log.end()
        }
    }

    fn local_log(&self) -> LocalLog {
        LocalLog {
            start_offset: self.log.start(),
            durable_end_offset: self.durable_end(),
            end_offset: self.log.end(),
        }
    }

    /// Carries out what the leader decided.
    pub(crate) fn carry_out(&mut self, effects: Effects) {
        if let Some(high_watermark) = effects.high_watermark {
            self.high_watermark = high_watermark;
        }
        if let Some(proposal) = effects.propose {
            self.outbox.proposal = Some(proposal);
        }
    }

    /// Has the leader, if this is one, do something.
    pub(crate) fn as_leader(&mut self, act: impl FnOnce(&mut Leader) -> Effects) {
        if let Role::Leader(leader) = &mut self.role {
            let effects = act(leader);
            self.carry_out(effects);
        }
    }

    /// Lets the leader count what is in the log now.
    pub(crate) fn advance(&mut self, now_ms: i64) {
        let local = self.local_log();
        self.as_leader(|leader| leader.on_local(local, now_ms));
    }

    /// What the leader is told of the partition.
    fn told(&self, state: &PartitionState) -> PartitionState {
        let mut state = state.clone();
        if self.has(Bug::HighWatermarkMissesMember) {
            let missed = state.isr.iter().rev().find(|id| **id != self.manner.me);
            if let Some(missed) = missed.copied() {
                state.isr.remove(&missed);
            }
        }
        state
    }

    /// Takes the lead, or leads on.
    pub(crate) fn lead(&mut self, state: &PartitionState, floor: i64, now_ms: i64) -> Leadership {
        let state = self.told(state);
        if let Role::Leader(leader) = &mut self.role
            && leader.leader_epoch() == state.leader_epoch
        {
            let effects = leader.on_partition_change(&state, self.min_isr, now_ms);
            self.carry_out(effects);
            return Leadership::GoesOn;
        }
        let floor = if self.has(Bug::FloorIgnored) {
            0
        } else {
            floor
        };
        self.outbox.role_changed = true;
        self.fetching = None;
        if self.has(Bug::CutAtTakeover) {
            self.log.truncate_to(self.high_watermark);
        }
        let end = self.log.end();
        let decided = take_over(end, self.high_watermark, floor, state.replicas.len());
        let Takeover::Lead { high_watermark } = decided else {
            self.refused = true;
            self.role = Role::Follower {
                leader: BrokerId::NONE,
                leader_epoch: state.leader_epoch,
            };
            return Leadership::Refused;
        };
        self.log.begin_epoch(state.leader_epoch);
        self.refused = false;
        self.high_watermark = high_watermark;
        let leader = Leader::new(
            self.manner.me,
            &state,
            self.local_log(),
            high_watermark,
            self.min_isr,
            self.manner.lag_time_max_ms,
            now_ms,
        );
        self.role = Role::Leader(Box::new(leader));
        self.advance(now_ms);
        Leadership::Begins
    }

    /// Follows `leader`, or nobody.
    pub(crate) fn follow(&mut self, leader: BrokerId, leader_epoch: LeaderEpoch) {
        let before = self.following();
        self.refused = false;
        self.outbox.role_changed = true;
        self.role = Role::Follower {
            leader,
            leader_epoch,
        };
        if before != self.following() {
            self.fetching = None;
            if self.has(Bug::TruncateToHighWatermark) && before.map(|b| b.1) != Some(leader_epoch) {
                let high_watermark = self.high_watermark;
                self.log.truncate_to(high_watermark);
            }
        }
    }

    /// Appends a producer's record. Its offset, and whether it is new.
    pub(crate) fn append(
        &mut self,
        value: u32,
        producer: u32,
        sequence: u32,
        now: (i64, u64),
    ) -> Result<(i64, bool), ErrorCode> {
        let leader = self.leader().ok_or(ErrorCode::NotLeaderOrFollower)?;
        if !leader.has_enough_replicas() {
            return Err(ErrorCode::NotEnoughReplicas);
        }
        let epoch = leader.leader_epoch();
        match self.log.verdict(producer, sequence) {
            crate::model_log::Verdict::OutOfOrder => {
                return Err(ErrorCode::OutOfOrderSequenceNumber);
            }
            crate::model_log::Verdict::Duplicate(offset) if !self.has(Bug::DuplicatesAppended) => {
                return Ok((offset, false));
            }
            _ => {}
        }
        let offset = self.log.end();
        self.log.append(Record {
            epoch,
            value,
            producer,
            sequence,
            taken_at: now.1,
        });
        self.advance(now.0);
        Ok((offset, true))
    }

    fn may_read(&self, asked: LeaderEpoch, from_follower: bool) -> Result<(), ErrorCode> {
        let (leads, epoch) = match &self.role {
            Role::Leader(leader) => (true, leader.leader_epoch()),
            Role::Follower { leader_epoch, .. } => (false, *leader_epoch),
            Role::None => return Err(ErrorCode::NotLeaderOrFollower),
        };
        if !self.has(Bug::FetchWithoutEpochCheck) {
            check_leader_epoch(asked, epoch)?;
        }
        if leads || from_follower {
            Ok(())
        } else {
            Err(ErrorCode::NotLeaderOrFollower)
        }
    }

    fn in_range(&self, offset: i64) -> Result<(), ErrorCode> {
        if offset < self.log.start() || offset > self.log.end() {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        Ok(())
    }

    /// What a follower is answered.
    pub(crate) fn read(&self, request: &FetchRequest) -> Result<FetchAnswer, ErrorCode> {
        self.may_read(request.leader_epoch, false)?;
        let mut answer = FetchAnswer {
            fetch_offset: request.fetch_offset,
            records: Vec::new(),
            high_watermark: self.high_watermark,
            log_start_offset: self.log.start(),
            diverging: None,
        };
        let last = request.last_fetched_epoch;
        if !last.is_none() && !self.has(Bug::FetchWithoutEpochCheck) {
            let end = self.log.epoch_end(last);
            if end.end_offset < 0 {
                return Err(ErrorCode::OffsetOutOfRange);
            }
            answer.diverging = diverging_epoch(end, last, request.fetch_offset);
            if answer.diverging.is_some() {
                return Ok(answer);
            }
        }
        self.in_range(request.fetch_offset)?;
        let (from, end) = (request.fetch_offset, self.log.end());
        let records = self.log.range(from, end.min(from + RECORDS_MAX));
        answer.records = records.to_vec();
        Ok(answer)
    }

    /// What a consumer is answered: records from its offset on.
    pub(crate) fn consume(&self, request: &ConsumeRequest) -> Result<Vec<Record>, ErrorCode> {
        self.may_read(request.leader_epoch, request.from_follower)?;
        self.in_range(request.offset)?;
        let end = if self.has(Bug::ReadBeyondHighWatermark) {
            self.log.end()
        } else {
            self.high_watermark
        };
        let to = end.min(request.offset + RECORDS_MAX);
        Ok(self.log.range(request.offset, to).to_vec())
    }

    /// The leader learns how far a follower is.
    pub(crate) fn on_follower_fetch(
        &mut self,
        request: &FetchRequest,
        is_eligible: bool,
        now_ms: i64,
    ) -> Result<(), ErrorCode> {
        let checks_epoch = !self.has(Bug::FetchWithoutEpochCheck);
        let (broker_epoch, is_eligible) = match self.has(Bug::ExpandWithStaleBrokerEpoch) {
            true => (BrokerEpoch::NONE, true),
            false => (request.broker_epoch, is_eligible),
        };
        let is_early = self.has(Bug::ExpandBeforeCaughtUp);
        let Role::Leader(leader) = &mut self.role else {
            return Err(ErrorCode::NotLeaderOrFollower);
        };
        if checks_epoch && leader.leader_epoch() != request.leader_epoch {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        let caught_up = leader.high_watermark().max(leader.epoch_start_offset());
        let fetch = FollowerFetch {
            replica: request.replica,
            broker_epoch,
            fetch_offset: match is_early {
                true => request.fetch_offset.max(caught_up),
                false => request.fetch_offset,
            },
            log_start_offset: request.log_start_offset,
            is_eligible,
        };
        let effects = leader.on_fetch(fetch, now_ms)?;
        self.carry_out(effects);
        Ok(())
    }

    /// Appends what a leader sent.
    pub(crate) fn append_as_follower(&mut self, answer: &FetchAnswer) {
        let Some((_, leader_epoch)) = self.following() else {
            return;
        };
        for (offset, record) in (answer.fetch_offset..).zip(&answer.records) {
            let is_late = self.has(Bug::AppendWithoutEpochFence) && offset < self.log.end();
            if record.epoch > leader_epoch || (offset != self.log.end() && !is_late) {
                break;
            }
            self.log.append(*record);
        }
        let end = self.log.end();
        self.high_watermark = match self.has(Bug::HighWatermarkBeyondLog) {
            true => self.high_watermark.max(answer.high_watermark),
            false => follower_high_watermark(self.high_watermark, answer.high_watermark, end),
        };
        let start = answer.log_start_offset.min(self.high_watermark);
        self.log.raise_start(start);
    }

    /// Cuts the log back to where it meets the leader's.
    pub(crate) fn truncate_to_leader(&mut self, diverging: EpochEnd) {
        let local = self.log.epoch_end(diverging.epoch);
        let end = self.log.end();
        let offset = truncation_offset(diverging, local, end, self.high_watermark);
        self.truncate_to(offset);
    }

    pub(crate) fn truncate_to(&mut self, offset: i64) {
        if offset < self.high_watermark {
            self.outbox.cut_below = Some(self.high_watermark);
            self.high_watermark = offset;
        }
        self.give_up_from(offset);
        if !self.has(Bug::RecordLeftBehind) {
            let recorded = &mut self.log.recorded_high_watermark;
            *recorded = offset.min(*recorded);
        }
        self.log.truncate_to(offset);
        self.flushing_to = self.flushing_to.map(|to| to.min(offset));
    }

    pub(crate) fn start_anew_at(&mut self, offset: i64) {
        self.log.start_anew_at(offset);
        self.high_watermark = offset;
        self.give_up_from(offset);
        self.flushing_to = self.flushing_to.map(|to| to.min(offset));
    }

    fn give_up_from(&mut self, offset: i64) {
        self.recorded = self.recorded.min(offset);
    }

    /// Writes the high watermark's checkpoint.
    pub(crate) fn checkpoint(&mut self) {
        self.log.recorded_high_watermark = self.high_watermark;
    }
}

impl Replica {
    /// The planted bug: a smaller ISR counts before the controller has decided on it.
    pub(crate) fn take_for_granted(&mut self, proposal: &klamm_replica::IsrProposal, now_ms: i64) {
        let Some(leader) = self.leader() else {
            return;
        };
        let mut replicas = vec![self.manner.me];
        replicas.extend(leader.followers().map(|(id, _)| id));
        let state = PartitionState {
            leader_epoch: proposal.leader_epoch,
            partition_epoch: proposal.partition_epoch.next(),
            replicas,
            isr: proposal.new_isr.iter().map(|(id, _)| *id).collect(),
        };
        if state.isr.len() < leader.isr().committed().len() {
            let min_isr = self.min_isr;
            self.as_leader(|leader| leader.on_partition_change(&state, min_isr, now_ms));
        }
    }
}
