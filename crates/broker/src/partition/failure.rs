//! A log whose directory has failed.

use super::{Partition, Place, lock, role::Role};
use klamm_storage::{Log, StorageError};
use klamm_types::ErrorCode;
use tracing::{debug, error};

impl Partition {
    /// Works on the log under the append lock.
    ///
    /// # Errors
    /// Those of `work`; the partition is offline.
    pub(super) fn on_log<T>(
        &self,
        action: &str,
        work: impl FnOnce(&mut Log) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut log = lock(&self.log);
        let done = work(&mut log);
        if let Err(error) = &done {
            self.fail(action, error);
        }
        done
    }

    /// As [`Partition::fail_at`], where the log is now. The append lock is held: it has not moved
    /// since the failure.
    pub(super) fn fail(&self, action: &str, reason: &dyn std::fmt::Display) {
        self.fail_at(&self.place(), action, reason);
    }

    /// A write or flush failed: the log takes no more, its directory is offline, and everybody who
    /// waits is told. Nothing of that if the log has left the place: its files are gone, and who
    /// waits does so for the log elsewhere, or was told.
    pub(super) fn fail_at(&self, place: &Place, action: &str, reason: &dyn std::fmt::Display) {
        let (topic, index) = (&self.topic, self.id.partition);
        if place.is_abandoned() {
            debug!(%topic, partition = index, action, %reason, "the log is not there any more");
            return;
        }
        let log_dir = place.seat().log_dir();
        log_dir.fail(format!("{topic}-{index}: {action}: {reason}"));
        self.fail_waiters();
    }

    pub(super) fn fail_waiters(&self) {
        lock(&self.commits).fail_all(ErrorCode::KafkaStorageError);
        lock(&self.flushes).fail_all(ErrorCode::KafkaStorageError);
        self.consumers.wake();
        self.followers.wake();
        self.low_watermarks.wake();
    }

    /// What the writer is told of a failed operation under the append lock. The disk's failures take the directory
    /// offline; what did not fit the log has changed nothing.
    pub(super) fn storage_error(&self, action: &str, error: &StorageError) -> ErrorCode {
        match error {
            full if full.is_storage_full() => debug!(topic = %self.topic,
                partition = self.id.partition, action, %error, "the disk is full"),
            StorageError::Io { .. } | StorageError::Poisoned(_) | StorageError::Abandoned => {
                self.fail(action, error);
            }
            _ => error!(topic = %self.topic, partition = self.id.partition, action, %error,
                "the log does not take what does not fit it"),
        }
        error.error_code()
    }

    /// Refuses everything once the log's directory is offline (rule 39).
    pub(crate) fn check_online(&self) -> Result<(), ErrorCode> {
        match self.place.load().is_online() {
            true => Ok(()),
            false => Err(ErrorCode::KafkaStorageError),
        }
    }

    /// Stops leading or following: the log's directory is offline. The append lock is not taken,
    /// since a sick disk may hold it for long; an append that is under way tells its waiter.
    pub(crate) fn go_offline(&self) {
        *lock(&self.role) = Role::None;
        self.fail_waiters();
    }
}
