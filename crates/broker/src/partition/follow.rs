//! Appending and truncating as a follower.

use super::{Partition, lock, role::Role};
use crate::{clock::now_ms, log_dirs::LogDirError};
use bytes::Bytes;
use klamm_records::{Batches, verify_crc};
use klamm_replica::{
    divergence::{EpochEnd, truncation_offset},
    follower_high_watermark,
};
use klamm_storage::StorageError;
use klamm_types::{BrokerId, ErrorCode, LeaderEpoch};
use std::sync::{MutexGuard, atomic::Ordering};

/// Why a follower did not take what its leader sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    /// The role changed while the fetch was under way: the answer is of no use any more.
    #[error("this replica does not follow that leader any more")]
    RoleChanged,
    /// The log was cut while the fetch was under way: what lies between is missing from the answer.
    #[error("the answer is for offset {fetch_offset}, and this log ends at {log_end_offset} now")]
    Moved {
        fetch_offset: i64,
        log_end_offset: i64,
    },
    /// Damaged on its way or at the leader: fetched again.
    #[error("the leader sent a batch at offset {offset} that is damaged")]
    Corrupt { offset: i64 },
    /// The leader's answer does not continue this log.
    #[error("the leader sent offset {offset}, but this log ends at {log_end_offset}")]
    NotContiguous { offset: i64, log_end_offset: i64 },
    /// The disk failed; the partition is offline.
    #[error("{0}")]
    Storage(#[from] StorageError),
    /// The disk failed; the partition is offline.
    #[error("{0}")]
    Checkpoint(#[from] LogDirError),
}

impl FollowError {
    /// Whether there was no room left, which is no failure of the disk.
    pub(crate) fn is_storage_full(&self) -> bool {
        match self {
            FollowError::Storage(error) => error.is_storage_full(),
            FollowError::Checkpoint(error) => error.is_storage_full(),
            _ => false,
        }
    }
}

impl Partition {
    /// Appends what `leader` sent in `leader_epoch` to a fetch at `fetch_offset`, asks for its flush,
    /// and learns the leader's high watermark and log start.
    ///
    /// Offsets may be missing between batches, of records that were compacted away. So only the
    /// fetch offset tells that an answer continues this log.
    ///
    /// # Errors
    /// See [`FollowError`]; batches before a bad one are kept.
    pub(crate) fn append_as_follower(
        &self,
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
        fetch_offset: i64,
        records: &Bytes,
        leader_high_watermark: i64,
        leader_log_start_offset: i64,
    ) -> Result<(), FollowError> {
        let mut log = self.lock_following(leader, leader_epoch)?;
        let log_end_offset = log.log_end_offset();
        if log_end_offset != fetch_offset {
            return Err(FollowError::Moved {
                fetch_offset,
                log_end_offset,
            });
        }
        self.begin_before_log_start(&mut log, records)?;
        let checked = check(records, log.log_end_offset(), leader_epoch);
        if checked.bytes > 0 {
            // Fetched already: the reserve has room for it.
            self.takes_room(checked.bytes);
            if let Err(error) = log.append_at(&records[..checked.bytes], now_ms()) {
                self.append_failed(&error);
                return Err(error.into());
            }
        }
        self.env.recovery_backlog.add(checked.bytes);
        let end_offset = log.log_end_offset();
        let known = self.high_watermark();
        let high_watermark = follower_high_watermark(known, leader_high_watermark, end_offset);
        if high_watermark > known {
            self.publish_high_watermark(high_watermark);
        }
        self.follow_log_start(&mut log, leader_log_start_offset)?;
        drop(log);
        if checked.bytes > 0 {
            self.request_flush_if_due(now_ms());
            self.followers.wake();
        }
        self.fetcher.mark();
        match checked.stopped {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Lets an empty log begin with the whole first batch, within which the leader's log starts
    /// because the records before were deleted (rule 80).
    fn begin_before_log_start(
        &self,
        log: &mut MutexGuard<'_, klamm_storage::Log>,
        records: &[u8],
    ) -> Result<(), FollowError> {
        let start_offset = log.log_start_offset();
        if log.log_end_offset() != start_offset {
            return Ok(());
        }
        match Batches::new(records).next() {
            Some(Ok((first, _)))
                if first.base_offset < start_offset && first.next_offset() > start_offset =>
            {
                self.start_anew(log, first.base_offset)
            }
            _ => Ok(()),
        }
    }

    /// Cuts the log back to where it meets the leader's, which says that `diverging` is where
    /// our last epoch ends there. Returns the offset to fetch from next.
    ///
    /// # Errors
    /// The role changed, or the disk failed.
    pub(crate) fn truncate_to_leader(
        &self,
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
        diverging: EpochEnd,
    ) -> Result<i64, FollowError> {
        let mut log = self.lock_following(leader, leader_epoch)?;
        let local = self.epoch_end_in_log(diverging.epoch);
        let log_end_offset = log.log_end_offset();
        let offset = truncation_offset(diverging, local, log_end_offset, self.high_watermark());
        // Also where there is nothing to remove: an epoch that this replica led in without
        // appending is not the leader's, and would diverge for ever.
        self.truncate_locked(&mut log, offset)?;
        Ok(log.log_end_offset())
    }

    /// Cuts the log back to `offset`.
    ///
    /// # Errors
    /// The role changed, or the disk failed.
    pub(crate) fn truncate_following(
        &self,
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
        offset: i64,
    ) -> Result<(), FollowError> {
        let mut log = self.lock_following(leader, leader_epoch)?;
        self.truncate_locked(&mut log, offset)
    }

    /// Drops the whole log and starts anew at `offset`: the leader has deleted what is before.
    ///
    /// # Errors
    /// The role changed, or the disk failed.
    pub(crate) fn start_anew_following(
        &self,
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
        offset: i64,
    ) -> Result<(), FollowError> {
        let mut log = self.lock_following(leader, leader_epoch)?;
        self.start_anew(&mut log, offset)
    }

    fn start_anew(
        &self,
        log: &mut MutexGuard<'_, klamm_storage::Log>,
        offset: i64,
    ) -> Result<(), FollowError> {
        self.lower_recovery_point(offset)?;
        if let Err(error) = log.truncate_fully_and_start_at(offset) {
            self.storage_error("truncate", &error);
            return Err(error.into());
        }
        self.fail_flush_waiters();
        self.high_watermark.store(offset, Ordering::Release);
        self.tell_log_moved();
        self.give_up_from(offset);
        self.lower_recovery_point(offset)
    }

    /// What they wait for was cut off, and no flush may ever reach it. The append lock is held.
    pub(super) fn fail_flush_waiters(&self) {
        lock(&self.flushes).fail_all(ErrorCode::NotLeaderOrFollower);
    }

    /// Closes the log in order: the next start scans nothing.
    ///
    /// # Errors
    /// The disk failed, now or before.
    pub(crate) fn close(&self) -> Result<(), StorageError> {
        lock(&self.log).close()
    }

    fn truncate_locked(
        &self,
        log: &mut MutexGuard<'_, klamm_storage::Log>,
        offset: i64,
    ) -> Result<(), FollowError> {
        let high_watermark = self.high_watermark();
        // A disk without room for the checkpoint keeps the log from being cut.
        self.lower_recovery_point(self.batch_start(offset))?;
        if offset < high_watermark {
            // Only an unclean election, or a leader that has lost data, leads here.
            tracing::error!(topic = %self.topic, partition = self.id.partition, offset, high_watermark,
                "truncating below the high watermark to follow the leader");
            self.high_watermark.store(offset, Ordering::Release);
        }
        self.record_given_up(offset)?;
        if let Err(error) = log.truncate_to(offset) {
            self.storage_error("truncate", &error);
            return Err(error.into());
        }
        self.fail_flush_waiters();
        self.tell_log_moved();
        // Somebody may have raised it in between.
        self.lower_recovery_point(self.flushed_offset())
    }

    /// What was recorded as committed from `offset` on is gone for good: the leader says so.
    fn record_given_up(&self, offset: i64) -> Result<(), FollowError> {
        self.give_up_from(offset);
        let lowered = self.env.dirs.lower_high_watermark(self, offset);
        lowered.map_err(|error| self.not_recorded(error))
    }

    /// Where the batch begins that an offset lies in.
    fn batch_start(&self, offset: i64) -> i64 {
        let found = self.reader().read(offset, 0, i64::MAX, true);
        found.map_or(offset, |batch| batch.base_offset.min(offset))
    }

    /// The append lock is held: nothing is appended before the disk knows.
    pub(super) fn lower_recovery_point(&self, offset: i64) -> Result<(), FollowError> {
        let lowered = self.env.dirs.lower_recovery_point(self, offset);
        lowered.map_err(|error| self.not_recorded(error))
    }

    /// A checkpoint could not be written.
    fn not_recorded(&self, error: LogDirError) -> FollowError {
        match error.is_storage_full() {
            true => self.place.load().seat().log_dir().space.set_low(),
            false => self.fail("truncate", &error),
        }
        error.into()
    }

    /// The append lock, if this replica follows `leader` in `leader_epoch`.
    pub(super) fn lock_following(
        &self,
        leader: BrokerId,
        leader_epoch: LeaderEpoch,
    ) -> Result<MutexGuard<'_, klamm_storage::Log>, FollowError> {
        let log = lock(&self.log);
        let follows = matches!(&*lock(&self.role), Role::Follower { leader: l, leader_epoch: e }
            if *l == leader && *e == leader_epoch);
        if follows {
            Ok(log)
        } else {
            Err(FollowError::RoleChanged)
        }
    }
}

/// The good prefix of what a leader sent.
struct Checked {
    bytes: usize,
    stopped: Option<FollowError>,
}

/// Finds the whole, undamaged batches that continue a log ending at `log_end_offset` and are of
/// an epoch that the leader can have (rule 80). A torn batch at the end is normal.
fn check(records: &[u8], log_end_offset: i64, leader_epoch: LeaderEpoch) -> Checked {
    let mut checked = Checked {
        bytes: 0,
        stopped: None,
    };
    let mut next_offset = log_end_offset;
    for batch in Batches::new(records) {
        let Ok((header, slice)) = batch else {
            break;
        };
        if header.partition_leader_epoch > leader_epoch {
            break;
        }
        if header.base_offset < next_offset {
            checked.stopped = Some(FollowError::NotContiguous {
                offset: header.base_offset,
                log_end_offset: next_offset,
            });
            break;
        }
        if !verify_crc(slice) {
            checked.stopped = Some(FollowError::Corrupt {
                offset: header.base_offset,
            });
            break;
        }
        checked.bytes += slice.len();
        next_offset = header.next_offset();
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flusher::Flusher,
        partition::lab::{fill, open_partition},
    };
    use klamm_records::BatchBuilder;
    use klamm_storage::{CheckpointKind, OffsetCheckpoint};
    use klamm_types::{TopicPartition, Uuid};
    use std::time::Duration;
    use tokio::time::timeout;

    const LEADER: BrokerId = BrokerId(2);

    fn diverging(end_offset: i64) -> EpochEnd {
        EpochEnd {
            epoch: LeaderEpoch(0),
            end_offset,
        }
    }

    #[test]
    fn an_answer_for_another_offset_than_the_logs_end_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(&dir.path().join("t-0"), "t", id, flusher.queue());
        (0..10).for_each(|_| fill(&partition, 1, 10));
        let mut batch = BatchBuilder::new(10).leader_epoch(LeaderEpoch(0));
        batch.append(1_000, None, Some(b"value"), &[]);
        let records: Bytes = batch.build().unwrap();
        // Damage is cut off while the fetch at the log's end is under way.
        partition
            .truncate_following(LEADER, LeaderEpoch(0), 5)
            .unwrap();
        let taken = partition.append_as_follower(LEADER, LeaderEpoch(0), 10, &records, 11, 0);
        assert!(matches!(taken, Err(FollowError::Moved { .. })), "{taken:?}");
        assert_eq!(partition.log_end_offset(), 5);
        assert!(partition.high_watermark() <= 5);
        flusher.stop();
    }

    #[test]
    fn a_new_replica_takes_the_batch_that_the_leaders_log_starts_within() {
        let epoch = LeaderEpoch(0);
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(dir.path(), "t", id, flusher.queue());
        partition.follow(LEADER, epoch);
        let mut batch = BatchBuilder::new(10).leader_epoch(epoch);
        for _ in 0..5 {
            batch.append(1_000, None, Some(b"value"), &[]);
        }
        let records: Bytes = batch.build().unwrap();
        // The leader has deleted what lies below 12, which is within the batch.
        partition.start_anew_following(LEADER, epoch, 12).unwrap();
        let append = |at| partition.append_as_follower(LEADER, epoch, at, &records, 15, 12);
        append(12).unwrap();
        assert_eq!(partition.log_start_offset(), 12);
        assert_eq!(partition.log_end_offset(), 15);
        assert_eq!(partition.high_watermark(), 15);
        // A log that has records takes none twice.
        let again = append(15);
        assert!(
            matches!(again, Err(FollowError::NotContiguous { .. })),
            "{again:?}"
        );
        flusher.stop();
    }

    #[tokio::test]
    async fn nobody_waits_for_the_flush_of_what_was_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(&dir.path().join("t-0"), "t", id, flusher.queue());
        let (epoch, earlier) = (LeaderEpoch(0), LeaderEpoch(-1));
        let filled = || {
            (0..10).for_each(|_| fill(&partition, 1, 10));
            // As a fetcher that has asked for a flush.
            lock(&partition.flushes).wait_for(i64::MAX)
        };
        let told = Err(ErrorCode::NotLeaderOrFollower);
        let cut_off = filled();
        partition.truncate_following(LEADER, epoch, 5).unwrap();
        assert_eq!(timeout(Duration::ZERO, cut_off).await, Ok(told));
        let cut_off = filled();
        partition.start_anew_following(LEADER, epoch, 0).unwrap();
        assert_eq!(timeout(Duration::ZERO, cut_off).await, Ok(told));
        let cut_off = filled();
        partition.follow(LEADER, earlier);
        partition.cut_impossible_epochs(LEADER, earlier).unwrap();
        assert_eq!(partition.log_end_offset(), 0);
        assert_eq!(timeout(Duration::ZERO, cut_off).await, Ok(told));
        flusher.stop();
    }

    #[test]
    fn what_an_unclean_election_gives_up_is_not_on_record_after_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(&dir.path().join("t-0"), "t", id, flusher.queue());
        (0..10).for_each(|_| fill(&partition, 1, 10));
        let log_dir = partition.place().seat().log_dir().clone();
        log_dir.vouch("t", 0, [0, 8, 0]).unwrap();
        let nothing = Bytes::new();
        let learned = partition.append_as_follower(LEADER, LeaderEpoch(0), 10, &nothing, 8, 0);
        learned.unwrap();
        let recorded = || {
            let recorded = OffsetCheckpoint::read(dir.path(), CheckpointKind::HighWatermark);
            recorded.unwrap().get("t", 0)
        };

        let truncate = |epoch: i32, end_offset: i64| {
            partition.follow(LEADER, LeaderEpoch(epoch));
            partition.truncate_to_leader(LEADER, LeaderEpoch(epoch), diverging(end_offset))
        };
        assert_eq!(truncate(1, 9).unwrap(), 9);
        assert_eq!(recorded(), Some(8), "nothing of it was committed");
        assert_eq!(truncate(2, 4).unwrap(), 4);
        assert_eq!(recorded(), Some(4));
        flusher.stop();
    }
}
