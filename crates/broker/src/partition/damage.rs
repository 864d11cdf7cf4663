//! A replica whose log is damaged.

use super::{FollowError, Partition, lock};
use klamm_storage::{DamagedRange, Log, Repair, StorageError};
use klamm_types::{BrokerId, LeaderEpoch};
use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};
use tracing::error;

/// What a replica knows of its damage.
pub(crate) struct DamageState {
    /// What was once committed here ends at or behind this offset.
    committed: AtomicI64,
    /// It asks no leader for records before it is healed: one that seems to have caught up
    /// would be taken into the ISR.
    held_back: AtomicBool,
    /// It was to lead, and its log ends before what was committed.
    refused: AtomicBool,
    /// Nobody is left to heal from.
    is_lost: AtomicBool,
    /// (first offset, next offset) that have been logged.
    told: Mutex<BTreeSet<(i64, i64)>>,
}

impl DamageState {
    /// Of a replica whose high watermark was recorded at `committed`.
    pub(super) fn new(committed: i64) -> DamageState {
        DamageState {
            committed: AtomicI64::new(committed),
            held_back: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
            told: Mutex::default(),
        }
    }
}

impl Partition {
    /// What this replica recorded as committed before it was opened ends at or behind this offset.
    ///
    /// 0 where replicas acknowledge before they flush: the record survives a power failure there,
    /// but what it speaks of may be gone everywhere, and nobody would lead any more.
    pub(crate) fn recorded_high_watermark(&self) -> i64 {
        if self.flushes_before_ack() {
            self.damage_state.committed.load(Ordering::Acquire)
        } else {
            0
        }
    }

    /// A leader's log ends here: what was recorded as committed behind it has been given up.
    pub(super) fn give_up_from(&self, offset: i64) {
        self.damage_state
            .committed
            .fetch_min(offset, Ordering::AcqRel);
    }

    /// The damage of the log that is readers' business. Each range is logged once.
    pub(crate) fn damage(&self) -> Vec<DamagedRange> {
        let log_start_offset = self.log_start_offset();
        let mut damage = self.reader().damage();
        damage.retain(|range| {
            range.first_offset < range.next_offset && range.next_offset > log_start_offset
        });
        let mut told = lock(&self.damage_state.told);
        for range in &damage {
            let (first_offset, next_offset) = (range.first_offset, range.next_offset);
            if told.insert((first_offset, next_offset)) {
                error!(topic = %self.topic, partition = self.id.partition, first_offset, next_offset,
                    path = %range.path.display(), position = range.position, reason = %range.reason,
                    "the log is damaged: these offsets are not served from here");
            }
        }
        if damage.is_empty() {
            told.clear();
        }
        damage
    }

    /// Has the damage looked after, if there is any.
    pub(crate) fn report_damage(&self) {
        if !self.reader().damage().is_empty() {
            self.env.damage_reports.report(self.id);
        }
    }

    /// Notes whether the lead was refused.
    pub(super) fn set_refused(&self, refused: bool) {
        self.damage_state.refused.store(refused, Ordering::Release);
    }

    /// Whether this replica is to lead, but does not, since its log has lost what was committed.
    pub(crate) fn has_refused(&self) -> bool {
        self.damage_state.refused.load(Ordering::Acquire)
    }

    /// Whether nothing is to be fetched from the leader now.
    pub(crate) fn is_held_back(&self) -> bool {
        self.damage_state.held_back.load(Ordering::Acquire)
    }

    /// Asks the leader for nothing, or for records again.
    pub(crate) fn hold_back(&self, held_back: bool) {
        self.damage_state
            .held_back
            .store(held_back, Ordering::Release);
        self.fetcher.mark();
    }

    /// Notes whether there is somebody to heal from; whether that is news.
    pub(crate) fn set_lost(&self, is_lost: bool) -> bool {
        self.damage_state.is_lost.swap(is_lost, Ordering::AcqRel) != is_lost
    }

    /// Whether there is nobody to heal from.
    pub(crate) fn is_lost(&self) -> bool {
        self.damage_state.is_lost.load(Ordering::Acquire)
    }

    /// Begins to write a damaged segment anew; `None` if that cannot be done for it alone.
    ///
    /// # Errors
    /// The disk failed, and the partition is offline; or the replica was removed.
    pub(crate) fn begin_repair(&self, segment: i64) -> Result<Option<Repair>, StorageError> {
        self.on_log("repair", |log| log.repair(segment))
    }

    /// Cuts the log where its damage begins, to fetch everything from there on from `leader`.
    /// Nobody counts on this replica any more. Where it was cut.
    ///
    /// # Errors
    /// The role changed, or the disk failed.
    pub(crate) fn cut_damage(
        &self,
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
    ) -> Result<Option<i64>, FollowError> {
        let mut log = self.lock_following(leader, leader_epoch)?;
        let Some(first) = self.damage().into_iter().next() else {
            return Ok(None);
        };
        self.cut_locked(&mut log, first.first_offset).map(Some)
    }

    fn cut_locked(&self, log: &mut Log, offset: i64) -> Result<i64, FollowError> {
        self.lower_recovery_point(offset)?;
        if let Err(error) = log.truncate_to(offset) {
            self.fail("truncate", &error);
            return Err(error.into());
        }
        self.fail_flush_waiters();
        let end_offset = log.log_end_offset();
        self.high_watermark.fetch_min(end_offset, Ordering::AcqRel);
        self.tell_log_moved();
        // Somebody may have raised it in between.
        self.lower_recovery_point(self.flushed_offset())?;
        Ok(end_offset)
    }

    /// Cuts off batches of epochs that `leader`, who leads in `leader_epoch`, cannot know: their
    /// epoch is damaged, which no checksum tells.
    ///
    /// # Errors
    /// The role changed, or the disk failed.
    pub(crate) fn cut_impossible_epochs(
        &self,
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
    ) -> Result<(), FollowError> {
        if self.last_epoch() <= leader_epoch {
            return Ok(());
        }
        let mut log = self.lock_following(leader, leader_epoch)?;
        let epochs = log.epochs();
        let mut impossible = epochs
            .entries()
            .iter()
            .filter(|(epoch, _)| *epoch > leader_epoch);
        let Some(&(epoch, offset)) = impossible.next() else {
            return Ok(());
        };
        error!(topic = %self.topic, partition = self.id.partition, %epoch, offset, %leader_epoch,
            "cutting off batches of a leader epoch that has never been");
        self.cut_locked(&mut log, offset).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::now_ms, flusher::Flusher, partition::lab::open_partition};
    use klamm_config::TopicConfig;
    use klamm_types::{TopicPartition, Uuid};

    #[test]
    fn what_was_committed_counts_only_where_a_power_failure_leaves_it() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(&dir.path().join("t-0"), "t", id, flusher.queue());
        partition.damage_state.committed.store(7, Ordering::Release);
        for (flush_messages, expected) in [(1, 7), (2, 0), (i64::MAX, 0), (1, 7)] {
            let config = TopicConfig {
                flush_messages,
                ..TopicConfig::default()
            };
            partition.set_config(config, now_ms());
            assert_eq!(partition.recorded_high_watermark(), expected);
        }
        flusher.stop();
    }
}
