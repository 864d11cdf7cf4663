//! Replicas that change their log directory.

use super::{Partitions, lock};
use crate::{
    clock::now_ms,
    deleted_folders::DeletedFolders,
    log_dirs::{LogDir, LogDirs},
    partition::Partition,
    replica_moves::ReplicaMoves,
};
use klamm_types::Uuid;
use std::{path::Path, sync::Arc};

/// Replicas to be made in a certain directory that are remembered at most.
const PREFERRED_MAX: usize = 10_000;

impl Partitions {
    /// The replicas on their way to another log directory.
    pub(crate) fn moves(&self) -> &ReplicaMoves {
        &self.moves
    }

    /// Moves a replica to a log directory, unless it is there; then a move elsewhere ends.
    /// `assigned` is where the controller believes it to be.
    pub(crate) fn move_replica(
        &self,
        partition: &Arc<Partition>,
        to: &Arc<LogDir>,
        assigned: Uuid,
    ) {
        if Arc::ptr_eq(partition.place().seat().log_dir(), to) {
            self.moves.cancel(partition.id);
        } else {
            self.moves.start(partition, to, None);
            self.moves.on_assigned(partition.id, assigned);
        }
    }

    /// Remembers where a replica is to be made that is not here yet.
    pub(crate) fn prefer_dir(&self, topic: &str, index: i32, dir: &Arc<LogDir>) {
        let mut preferred = lock(&self.preferred);
        if preferred.len() < PREFERRED_MAX {
            preferred.insert((topic.to_owned(), index), Arc::clone(dir));
        }
    }

    /// Goes on with a move that a stop has interrupted.
    pub(super) fn resume_moves(&self, partition: &Arc<Partition>) {
        let copies = lock(&self.found).claim_copies(partition.id);
        for copy in copies {
            let place = partition.place();
            let to = Arc::clone(copy.seat.log_dir());
            if to.is_online() && !Arc::ptr_eq(place.seat().log_dir(), &to) {
                self.moves.start(partition, &to, Some(copy));
            } else {
                self.delete_later(&copy.dir, &to);
            }
        }
    }

    /// Has a folder deleted in a while.
    pub(super) fn delete_later(&self, folder: &Path, log_dir: &LogDir) {
        let delay_ms = self.topic_defaults.load().file_delete_delay_ms;
        doom(&self.dirs, &self.deleted, delay_ms, folder, log_dir);
    }
}

/// Renames a folder in a log directory that is online, and has it deleted in a while.
pub(super) fn doom(
    dirs: &LogDirs,
    deleted: &DeletedFolders,
    delay_ms: i64,
    folder: &Path,
    log_dir: &LogDir,
) {
    if log_dir.is_online()
        && let Some(folder) = dirs.doom(folder, log_dir)
    {
        deleted.push(folder, now_ms().saturating_add(delay_ms));
    }
}
