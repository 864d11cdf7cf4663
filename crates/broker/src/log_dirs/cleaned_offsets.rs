//! Where the last compaction of each log ended.
//!
//! An offset that is lost costs a compaction from the log's start. One that is too large would
//! leave records uncompacted, so it is lowered with the log's end and goes with the log.

use super::{LogDir, LogDirError};
use crate::partition::Partition;
use klamm_storage::CheckpointKind;

/// Where the last compaction of a log ended, if there was one.
pub(crate) fn cleaned_offset(partition: &Partition) -> Option<i64> {
    let place = partition.place();
    let checkpoints = place.seat().log_dir().checkpoints();
    checkpoints
        .cleaned
        .get(&partition.topic, partition.id.partition)
}

/// Notes durably where a compaction ended. A log that was cut since then, or is not there any
/// more, is not vouched for.
pub(crate) fn set_cleaned_offset(partition: &Partition, offset: i64) -> Result<(), LogDirError> {
    let place = partition.place();
    let dir = place.seat().log_dir();
    let mut checkpoints = dir.checkpoints();
    // Asked under the lock that whoever cuts or forgets the log takes afterwards.
    if place.is_abandoned() {
        return Ok(());
    }
    let offset = offset.min(partition.flushed_offset());
    let (topic, index) = (&*partition.topic, partition.id.partition);
    if checkpoints.cleaned.get(topic, index) == Some(offset) {
        return Ok(());
    }
    checkpoints.cleaned.set(topic, index, offset);
    checkpoints
        .cleaned
        .write(&dir.path, CheckpointKind::Cleaner)?;
    Ok(())
}

impl LogDir {
    pub(super) fn forget_cleaned(&self, topic: &str, partition: i32) -> Result<(), LogDirError> {
        let mut checkpoints = self.checkpoints();
        if checkpoints.cleaned.remove(topic, partition) {
            checkpoints
                .cleaned
                .write(&self.path, CheckpointKind::Cleaner)?;
        }
        Ok(())
    }

    /// What is appended after a truncation was never compacted.
    pub(super) fn lower_cleaned(
        &self,
        topic: &str,
        partition: i32,
        log_end_offset: i64,
    ) -> Result<(), LogDirError> {
        let mut checkpoints = self.checkpoints();
        let cleaned = checkpoints.cleaned.get(topic, partition);
        if cleaned.is_some_and(|cleaned| cleaned > log_end_offset) {
            checkpoints.cleaned.set(topic, partition, log_end_offset);
            checkpoints
                .cleaned
                .write(&self.path, CheckpointKind::Cleaner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flusher::Flusher,
        log_dirs::LogDir,
        partition::lab::{abandon, fill, open_partition},
    };
    use klamm_storage::OffsetCheckpoint;
    use klamm_types::{TopicPartition, Uuid};

    #[test]
    fn only_what_is_on_disk_is_vouched_for() {
        let dir = tempfile::tempdir().unwrap();
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(&dir.path().join("t-0"), "t", id, flusher.queue());
        fill(&partition, 10, 5);
        partition.flush();
        for (ended, expected) in [(4, 4), (10, 10), (50, 10)] {
            set_cleaned_offset(&partition, ended).unwrap();
            assert_eq!(cleaned_offset(&partition), Some(expected));
        }
        abandon(&partition);
        set_cleaned_offset(&partition, 4).unwrap();
        assert_eq!(cleaned_offset(&partition), Some(10));
        flusher.stop();
    }

    #[test]
    fn offsets_go_with_the_log_and_never_lie_behind_its_end() {
        let root = tempfile::tempdir().unwrap();
        let dir = LogDir::in_test(root.path());
        let on_disk = || {
            let cleaned = OffsetCheckpoint::read(root.path(), CheckpointKind::Cleaner).unwrap();
            cleaned.get("t", 0)
        };
        dir.checkpoints().cleaned.set("t", 0, 50);
        for (log_end_offset, expected) in [(60, 50), (50, 50), (40, 40), (70, 40)] {
            dir.lower_cleaned("t", 0, log_end_offset).unwrap();
            assert_eq!(dir.checkpoints().cleaned.get("t", 0), Some(expected));
        }
        assert_eq!(on_disk(), Some(40));
        dir.forget_cleaned("t", 0).unwrap();
        assert_eq!(on_disk(), None);
    }
}
