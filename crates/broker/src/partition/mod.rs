//! One replica of one partition: its log, its role, and who waits for it.
//!
//! ```text
//! log start ≤ high watermark ≤ flushed end ≤ log end
//! ```
//!
//! Two locks, always taken in this order:
//! 1. the *append lock* around the log: one writer at a time, held while it writes to the page
//!    cache, never while it flushes;
//! 2. the *role lock* around the replication state: held for a few instructions.
//!
//! Fetches read segments without the append lock. A change of role takes both, so an append
//! either happens wholly before it or finds the new role. Where the role goes for good, because the
//! replica was removed or its disk has failed, the append lock is not waited for: a sick disk may
//! hold it for long.

mod append;
mod cleanup;
mod compact;
mod damage;
mod failure;
mod flush_due;
mod flush_turn;
mod follow;
#[cfg(test)]
pub(crate) mod lab;
mod place;
mod read;
mod role;
mod stored_codec;
mod switch;
mod throttled;
mod waiters;

pub(crate) use append::{Acks, AppendError, AppendRequest, NO_ROOM};
pub(crate) use follow::FollowError;
pub(crate) use place::Place;
pub(crate) use read::{FetchIsolation, ReadRequest, ReadResult};
pub(crate) use role::{Leadership, RoleKind};
pub(crate) use switch::Switch;
pub(crate) use waiters::{AckFuture, Registration, Waker, WakerSet};

use crate::{
    control::DirectoryAssignments,
    damage::DamageReports,
    flusher::FlushQueue,
    log_dirs::{FoundLog, LogDirs},
    recovery_backlog::RecoveryBacklog,
    replication::{IsrUpdates, ReplicationThrottles, Resignations},
};
use damage::DamageState;
use flush_turn::FlushTurn;
use klamm_config::TopicConfig;
use klamm_replica::Effects;
use klamm_storage::{Log, LogReader};
use klamm_types::{BrokerId, LeaderEpoch, TopicPartition};
use role::Role;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicBool, AtomicI64, Ordering},
};
use waiters::AckWaiters;

/// What a partition needs of the broker around it.
#[derive(Clone)]
pub(crate) struct PartitionEnv {
    pub(crate) recovery_backlog: RecoveryBacklog,
    pub(crate) me: BrokerId,
    pub(crate) flush_queue: FlushQueue,
    pub(crate) isr_updates: IsrUpdates,
    pub(crate) damage_reports: DamageReports,
    pub(crate) lag_time_max_ms: i64,
    pub(crate) dirs: Arc<LogDirs>,
    pub(crate) assignments: DirectoryAssignments,
    pub(crate) throttles: Arc<ReplicationThrottles>,
    pub(crate) resignations: Resignations,
}

/// A replica of a partition on this broker.
pub(crate) struct Partition {
    pub(crate) id: TopicPartition,
    pub(crate) topic: Arc<str>,
    env: PartitionEnv,
    itself: Weak<Partition>,
    log: Mutex<Log>,
    place: arc_swap::ArcSwap<Place>,
    role: Mutex<Role>,
    config: arc_swap::ArcSwap<TopicConfig>,
    high_watermark: AtomicI64,
    /// Waiting for the high watermark.
    commits: Mutex<AckWaiters>,
    /// Waiting for the local flush.
    flushes: Mutex<AckWaiters>,
    /// Long polls of consumers: they wake on the high watermark.
    pub(crate) consumers: WakerSet,
    /// Long polls of followers, and whoever else reads to the log end: they wake on that.
    pub(crate) followers: WakerSet,
    /// Who copies the leader's log to this replica: marked when it has something else to ask for.
    pub(crate) fetcher: WakerSet,
    /// DeleteRecords that wait for the log starts of the replicas.
    pub(crate) low_watermarks: WakerSet,
    flush_turn: FlushTurn,
    /// When the last flush ended.
    flushed_at_ms: AtomicI64,
    damage_state: DamageState,
    is_removed: AtomicBool,
}

impl Partition {
    /// Wraps an open log.
    pub(crate) fn new(
        id: TopicPartition,
        topic: Arc<str>,
        found: FoundLog,
        config: TopicConfig,
        env: PartitionEnv,
    ) -> Arc<Partition> {
        let FoundLog {
            dir,
            seat,
            log,
            high_watermark,
        } = found;
        let committed = high_watermark;
        let high_watermark = high_watermark.clamp(log.log_start_offset(), log.log_end_offset());
        Arc::new_cyclic(|itself| Partition {
            id,
            topic,
            env,
            itself: itself.clone(),
            place: arc_swap::ArcSwap::from_pointee(Place::of(&log, dir, seat)),
            log: Mutex::new(log),
            role: Mutex::new(Role::None),
            config: arc_swap::ArcSwap::from_pointee(config),
            high_watermark: AtomicI64::new(high_watermark),
            commits: Mutex::default(),
            flushes: Mutex::default(),
            consumers: WakerSet::default(),
            followers: WakerSet::default(),
            fetcher: WakerSet::default(),
            low_watermarks: WakerSet::default(),
            flush_turn: FlushTurn::default(),
            flushed_at_ms: AtomicI64::new(crate::clock::now_ms()),
            damage_state: DamageState::new(committed),
            is_removed: AtomicBool::new(false),
        })
    }

    /// This broker.
    pub(crate) fn broker_id(&self) -> BrokerId {
        self.env.me
    }

    /// Everything below is committed, as far as this replica knows.
    pub(crate) fn high_watermark(&self) -> i64 {
        self.high_watermark.load(Ordering::Acquire)
    }

    /// The offset of the next record.
    pub(crate) fn log_end_offset(&self) -> i64 {
        self.place.load().reader.log_end_offset()
    }

    /// The first offset that can be read.
    pub(crate) fn log_start_offset(&self) -> i64 {
        self.place.load().reader.log_start_offset()
    }

    /// Everything below survives a power loss.
    pub(crate) fn flushed_offset(&self) -> i64 {
        self.place.load().flusher.flushed_offset()
    }

    /// The log, for reading.
    pub(crate) fn reader(&self) -> LogReader {
        self.place.load().reader.clone()
    }

    /// Where the log lies.
    pub(crate) fn place(&self) -> Arc<Place> {
        self.place.load_full()
    }

    /// The topic's settings.
    pub(crate) fn config(&self) -> Arc<TopicConfig> {
        self.config.load_full()
    }

    /// Whether an acknowledgement waits for the disk, or the page cache is enough.
    fn flushes_before_ack(&self) -> bool {
        self.config.load().flush_messages <= 1
    }

    /// The end of what counts as durable here.
    fn durable_end_offset(&self) -> i64 {
        if self.flushes_before_ack() {
            self.flushed_offset()
        } else {
            self.log_end_offset()
        }
    }

    /// Sees to it that a flush begins after this call.
    fn request_flush(&self) {
        if self.flush_turn.request() {
            self.queue_flush();
        }
    }

    fn queue_flush(&self) {
        if let Some(partition) = self.itself.upgrade() {
            self.env.flush_queue.push(partition);
        }
    }

    /// Lets the leader, if this is one, count what is durable now.
    fn advance_leader(&self, now_ms: i64) {
        let mut role = lock(&self.role);
        if let Role::Leader(leader) = &mut *role {
            let effects = leader.on_local(self.local_log(), now_ms);
            self.carry_out(effects);
        }
    }

    fn local_log(&self) -> klamm_replica::LocalLog {
        // The durable end first: the log only grows in between.
        let durable_end_offset = self.durable_end_offset();
        let end_offset = self.log_end_offset().max(durable_end_offset);
        klamm_replica::LocalLog {
            start_offset: self.log_start_offset(),
            durable_end_offset,
            end_offset,
        }
    }

    /// Carries out what the leader decided. The caller holds the role lock, so that effects
    /// happen in the order in which they were decided.
    fn carry_out(&self, effects: Effects) {
        if let Some(high_watermark) = effects.high_watermark {
            self.publish_high_watermark(high_watermark);
        }
        if let Some(proposal) = effects.propose {
            self.env.isr_updates.propose(self.id, proposal);
        }
    }

    fn publish_high_watermark(&self, high_watermark: i64) {
        let before = self.high_watermark.swap(high_watermark, Ordering::AcqRel);
        debug_assert!(
            before <= high_watermark,
            "high watermark of {} went from {before} back to {high_watermark}",
            self.id
        );
        lock(&self.commits).release(high_watermark);
        self.consumers.wake();
        self.followers.wake_commit();
        self.fetcher.mark();
    }

    /// The log was cut, or begins or ends elsewhere: whoever reads looks again.
    fn tell_log_moved(&self) {
        self.consumers.wake();
        self.followers.wake();
        self.fetcher.mark();
    }

    /// The last epoch in the log.
    pub(crate) fn last_epoch(&self) -> LeaderEpoch {
        self.place
            .load()
            .reader
            .latest_epoch()
            .unwrap_or(LeaderEpoch::NONE)
    }

    /// The epoch of the record at `offset`.
    pub(crate) fn epoch_at(&self, offset: i64) -> LeaderEpoch {
        self.place
            .load()
            .reader
            .epochs()
            .epoch_at(offset)
            .unwrap_or(LeaderEpoch::NONE)
    }

    /// `min.insync.replicas` of the topic.
    fn min_isr(&self) -> usize {
        usize::try_from(self.config.load().min_insync_replicas).unwrap_or(1)
    }
}

/// Locks a mutex whose holder cannot leave it half changed: a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
