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

/// Notes durably where a compaction ended.
pub(crate) fn set_cleaned_offset(partition: &Partition, offset: i64) -> Result<(), LogDirError> {
    let place = partition.place();
    let dir = place.seat().log_dir();
    let mut checkpoints = dir.checkpoints();
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
    use crate::log_dirs::LogDir;
    use klamm_storage::OffsetCheckpoint;

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
