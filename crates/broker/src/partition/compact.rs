//! What a cleaner asks of a partition.

use super::{Partition, lock};
use crate::log_dirs::{log_config, raise_recovery_point};
use klamm_storage::{
    Cleanable, Compaction, CompactionLimits, ReadError, Replacement, StorageError,
};
use tracing::warn;

impl Partition {
    /// What of the log can be compacted, if its topic is compacted; `checkpoint` is where the last
    /// compaction ended.
    ///
    /// # Errors
    /// The disk failed.
    pub(crate) fn cleanable(
        &self,
        checkpoint: Option<i64>,
        now_ms: i64,
    ) -> Result<Option<Cleanable>, ReadError> {
        let config = log_config(&self.config());
        if !config.compact || self.check_online().is_err() {
            return Ok(None);
        }
        let stable = self.last_stable_offset(self.high_watermark());
        self.reader().cleanable(&config, checkpoint, stable, now_ms)
    }

    /// Makes the log durable up to an offset, with a recovery point that says so, before compaction
    /// leaves gaps there; whether it is. Why it is not is told here.
    pub(crate) fn may_have_gaps_to(&self, offset: i64) -> bool {
        if self.flushed_offset() < offset {
            let place = self.place();
            match place.flusher.flush() {
                Ok(_) => {}
                Err(StorageError::Full(_)) => return false,
                Err(error) => {
                    self.fail_at(&place, "flush", &error);
                    return false;
                }
            }
        }
        raise_recovery_point(self, offset).unwrap_or_else(|error| {
            warn!(topic = %self.topic, partition = self.id.partition, %error,
                "cannot note how far a log is flushed: it is not compacted now");
            false
        })
    }

    /// Begins a compaction.
    pub(crate) fn compaction(
        &self,
        cleanable: &Cleanable,
        limits: CompactionLimits,
        now_ms: i64,
    ) -> Compaction {
        lock(&self.log).compaction(cleanable, limits, now_ms)
    }

    /// Puts a segment in the place of others; whether they were still there.
    ///
    /// # Errors
    /// The disk failed, and the partition is offline; or the replica was removed.
    pub(crate) fn install(&self, replacement: Replacement) -> Result<bool, StorageError> {
        self.on_log("replace segments", |log| log.install(replacement))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        flusher::Flusher,
        partition::lab::{fill, open_partition},
    };
    use klamm_storage::{CheckpointKind, OffsetCheckpoint};
    use klamm_types::{TopicPartition, Uuid};

    /// Recovery would cut the log at the first gap behind its recovery point.
    #[test]
    fn the_recovery_point_is_on_disk_before_there_are_gaps() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(&dir.path().join("t-0"), "t", id, flusher.queue());
        fill(&partition, 10, 5);
        let on_disk = || {
            let points = OffsetCheckpoint::read(dir.path(), CheckpointKind::RecoveryPoint).unwrap();
            points.get("t", 0)
        };
        assert!(partition.may_have_gaps_to(8));
        assert_eq!(on_disk(), Some(10));
        assert!(!partition.may_have_gaps_to(11), "the log ends before");
        assert_eq!(on_disk(), Some(10));
        flusher.stop();
    }
}
