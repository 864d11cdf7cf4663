//! What is done for all replicas by the clock.

use super::Partitions;
use crate::{clock::now_ms, log_dirs::SpaceReport};
use klamm_storage::CheckpointKind;

impl Partitions {
    /// Looks at the free space of the log directories.
    pub(crate) fn look_at_space(&self) -> SpaceReport {
        self.dirs.look_at_space(self.config.log.dirs_free_bytes_min)
    }

    /// Lets every leader look for laggards.
    pub(crate) fn tick(&self) {
        let now_ms = now_ms();
        for partition in self.all() {
            partition.tick(now_ms);
        }
    }

    /// Forgets idempotent producers that have been idle for `producer.id.expiration.ms`.
    pub(crate) fn expire_producers(&self) {
        let now_ms = now_ms();
        let expiration_ms = self.config.transaction.producer_id_expiration_ms;
        for partition in self.all() {
            partition.expire_producers(now_ms, expiration_ms.into());
        }
    }

    /// Writes checkpoints of every log directory.
    pub(crate) fn checkpoint(&self, kinds: &[CheckpointKind]) {
        if kinds.contains(&CheckpointKind::RecoveryPoint) {
            self.env.recovery_backlog.clear();
            // Before the recovery points: those make them count.
            self.all()
                .iter()
                .for_each(|p| p.snapshot_producers_if_far());
        }
        self.dirs.checkpoint(&self.all(), kinds);
    }

    /// Flushes the logs whose topic wants it by now.
    pub(crate) fn flush_due(&self) {
        let now_ms = now_ms();
        for partition in self.all() {
            partition.request_flush_if_due(now_ms);
        }
    }

    /// Unlinks the files of removed segments and the folders of removed replicas that are due,
    /// all of them `at_once` if need be.
    pub(crate) fn purge_removed(&self, at_once: bool) {
        let now_ms = now_ms();
        for partition in self.all() {
            partition.purge_removed(now_ms, at_once);
        }
        self.deleted.delete_due(now_ms, at_once);
    }

    /// Records recovery points before their time, if a start after a crash would take long.
    pub(crate) fn shorten_recovery(&self) {
        if self.env.recovery_backlog.is_long() {
            self.checkpoint(&[CheckpointKind::RecoveryPoint]);
        }
    }
}
