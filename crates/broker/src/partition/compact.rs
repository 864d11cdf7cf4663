//! What a cleaner asks of a partition.

use super::{Partition, lock};
use crate::log_dirs::log_config;
use klamm_storage::{
    Cleanable, Compaction, CompactionLimits, ReadError, Replacement, StorageError,
};
use std::sync::atomic::Ordering;

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
        if !config.compact || self.failed.load(Ordering::Acquire) {
            return Ok(None);
        }
        let stable = self.last_stable_offset(self.high_watermark());
        self.reader().cleanable(&config, checkpoint, stable, now_ms)
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
    /// The disk failed; the partition is offline.
    pub(crate) fn install(&self, replacement: Replacement) -> Result<bool, StorageError> {
        let installed = lock(&self.log).install(replacement);
        if let Err(error) = &installed {
            self.fail("replace segments", error);
        }
        installed
    }
}
