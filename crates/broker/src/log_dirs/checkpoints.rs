//! The checkpoint files of a log directory.

use klamm_storage::{CheckpointError, CheckpointKind, OffsetCheckpoint};
use std::path::Path;
use tracing::warn;

/// What was checkpointed last. A damaged checkpoint is as good as none: logs are scanned from
/// their start, and high watermarks are learned anew.
#[derive(Clone, Default)]
pub(super) struct Checkpoints {
    pub(super) recovery_points: OffsetCheckpoint,
    pub(super) high_watermarks: OffsetCheckpoint,
    pub(super) log_starts: OffsetCheckpoint,
    /// Where compactions ended; written when one does, the others at intervals.
    pub(super) cleaned: OffsetCheckpoint,
}

impl Checkpoints {
    pub(super) fn read(dir: &Path) -> Checkpoints {
        let read = |kind| {
            OffsetCheckpoint::read(dir, kind).unwrap_or_else(|error| {
                warn!(dir = %dir.display(), %error, "a checkpoint is of no use");
                OffsetCheckpoint::default()
            })
        };
        Checkpoints {
            recovery_points: read(CheckpointKind::RecoveryPoint),
            high_watermarks: read(CheckpointKind::HighWatermark),
            log_starts: read(CheckpointKind::LogStart),
            cleaned: read(CheckpointKind::Cleaner),
        }
    }

    pub(super) fn write(&self, dir: &Path) -> Result<(), CheckpointError> {
        self.recovery_points
            .write(dir, CheckpointKind::RecoveryPoint)?;
        self.high_watermarks
            .write(dir, CheckpointKind::HighWatermark)?;
        self.log_starts.write(dir, CheckpointKind::LogStart)
    }

    /// Writes one of them, unless it says what is on disk already.
    pub(super) fn update(
        &mut self,
        dir: &Path,
        kind: CheckpointKind,
        offsets: OffsetCheckpoint,
    ) -> Result<(), CheckpointError> {
        let known = self.of(kind);
        if *known != offsets {
            offsets.write(dir, kind)?;
            *known = offsets;
        }
        Ok(())
    }

    /// One of them, as it is on disk.
    pub(super) fn of(&mut self, kind: CheckpointKind) -> &mut OffsetCheckpoint {
        match kind {
            CheckpointKind::RecoveryPoint => &mut self.recovery_points,
            CheckpointKind::HighWatermark => &mut self.high_watermarks,
            CheckpointKind::LogStart => &mut self.log_starts,
            CheckpointKind::Cleaner => &mut self.cleaned,
        }
    }

    /// Whether anything is recorded of a partition.
    pub(super) fn know(&self, topic: &str, partition: i32) -> bool {
        let all = [
            &self.recovery_points,
            &self.high_watermarks,
            &self.log_starts,
        ];
        all.iter()
            .any(|offsets| offsets.get(topic, partition).is_some())
    }

    /// Drops what is recorded of a partition.
    pub(super) fn forget(&mut self, topic: &str, partition: i32) {
        self.recovery_points.remove(topic, partition);
        self.high_watermarks.remove(topic, partition);
        self.log_starts.remove(topic, partition);
    }
}
