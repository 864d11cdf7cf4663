//! Removing the old end of a partition's log: retention, DeleteRecords, and what the leader of a
//! follower has removed.

use super::{Partition, lock, role::Role};
use klamm_storage::{Log, StorageError};
use klamm_types::{BrokerId, ErrorCode};
use tracing::info;

/// DeleteRecords with this offset means everything that is committed.
const HIGH_WATERMARK: i64 = -1;

impl Partition {
    /// Moves the log start past what the topic's retention no longer keeps (rule 118); whether
    /// there are segments to be removed with [`Partition::remove_old_segments`], once the new log
    /// start is recorded.
    pub(crate) fn retain(&self, now_ms: i64) -> bool {
        if self.check_online().is_err() {
            return false;
        }
        let retained = self.on_log("delete old segments of", |log| {
            let retained = log.retain(now_ms, self.high_watermark())?;
            Ok((retained, log.log_start_offset()))
        });
        match retained {
            Ok((retained, log_start_offset)) if retained.segments > 0 => {
                info!(topic = %self.topic, partition = self.id.partition, log_start_offset,
                    segments = retained.segments, bytes = retained.bytes,
                    "deleting segments beyond the retention");
                self.log_start_moved(now_ms);
                true
            }
            _ => false,
        }
    }

    /// Removes the segments below the log start.
    pub(crate) fn remove_old_segments(&self) {
        // What went wrong has been told.
        let _ = self.on_log("delete old segments of", |log| log.remove_old_segments());
    }

    /// Unlinks the files of removed segments that are due, all of them `at_once` if need be.
    pub(crate) fn purge_removed(&self, now_ms: i64, at_once: bool) {
        let place = self.place.load();
        if place.is_online()
            && let Err(error) = place.flusher.purge_removed(now_ms, at_once)
        {
            self.fail_at(&place, "unlink removed files of", &error);
        }
    }

    /// Removes the records below an offset, −1 for all that are committed (rule 26). Returns the
    /// log start offset that every replica is to reach.
    ///
    /// # Errors
    /// POLICY_VIOLATION if the topic is only compacted, OFFSET_OUT_OF_RANGE beyond the high
    /// watermark, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR.
    pub(crate) fn delete_records(&self, offset: i64, now_ms: i64) -> Result<i64, ErrorCode> {
        self.check_online()?;
        let mut log = lock(&self.log);
        if !matches!(&*lock(&self.role), Role::Leader(_)) {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let policy = self.config.load().cleanup_policy;
        if policy.compact && !policy.delete {
            return Err(ErrorCode::PolicyViolation);
        }
        let high_watermark = self.high_watermark();
        let offset = match offset {
            HIGH_WATERMARK => high_watermark,
            offset => offset,
        };
        if offset < 0 || offset > high_watermark {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let raised = log.raise_start_offset(offset);
        drop(log);
        raised.map_err(|error| error.error_code())?;
        self.log_start_moved(now_ms);
        Ok(offset)
    }

    /// The smallest log start offset of all replicas whose broker is alive.
    ///
    /// # Errors
    /// NOT_LEADER_OR_FOLLOWER: only the leader knows.
    pub(crate) fn low_watermark(
        &self,
        is_alive: impl Fn(BrokerId) -> bool,
    ) -> Result<i64, ErrorCode> {
        match &*lock(&self.role) {
            Role::Leader(leader) => Ok(leader.low_watermark(is_alive)),
            _ => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    /// Follows the leader's log start, as far as it is committed here. The caller holds the append
    /// lock.
    pub(super) fn follow_log_start(
        &self,
        log: &mut Log,
        leader_log_start_offset: i64,
    ) -> Result<(), StorageError> {
        let offset = leader_log_start_offset.min(self.high_watermark());
        let before = log.log_start_offset();
        log.raise_start_offset(offset)?;
        if log.log_start_offset() != before {
            self.tell_log_moved();
        }
        Ok(())
    }

    /// The leader counts its own log start, and who waits below it is told.
    fn log_start_moved(&self, now_ms: i64) {
        self.advance_leader(now_ms);
        self.low_watermarks.wake();
        self.consumers.wake();
        // Followers need not hurry.
        self.followers.mark();
        self.fetcher.mark();
    }
}
