//! The log directories: their identity, and the folders of logs in them.
//!
//! ```text
//! <log dir>/meta.properties                 whose it is
//! <log dir>/.lock, .kafka_cleanshutdown     in use; left in order
//! <log dir>/*-checkpoint                    recovery points, high watermarks, log starts, and
//!                                           where compactions ended
//! <log dir>/<topic>-<partition>/            a log, with partition.metadata naming its topic's id
//! <log dir>/<topic>-<partition>.<id>-delete about to be deleted
//! <log dir>/<topic>-<partition>.<id>-stray  claimed by nobody
//! ```

mod checkpoints;
mod cleaned_offsets;
mod error;
mod folders;
mod found_log;
mod log_dir;
mod space;

pub(crate) use cleaned_offsets::{cleaned_offset, set_cleaned_offset};
pub use error::LogDirError;
pub(crate) use found_log::{FoundLog, log_config};
pub(crate) use log_dir::{LogDir, Seat};
pub(crate) use space::SpaceReport;

use crate::partition::Partition;
use folders::{folder_name, rename_away};
use klamm_config::TopicConfig;
use klamm_storage::{
    CheckpointKind, CleanShutdown, CleanShutdownFile, Log, MetaProperties, OpenFiles, OpenOptions,
    PartitionMetadata,
};
use klamm_types::{BrokerEpoch, BrokerId, TopicPartition, Uuid};
use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

/// The log directories of a broker, locked by it.
pub(crate) struct LogDirs {
    node_id: BrokerId,
    dirs: Vec<Arc<LogDir>>,
}

impl LogDirs {
    /// Locks the directories and checks whose they are.
    pub(crate) fn open(node_id: BrokerId, paths: &[PathBuf]) -> Result<LogDirs, LogDirError> {
        let files = OpenFiles::of_process();
        let dirs = paths
            .iter()
            .map(|path| LogDir::open(node_id, path, &files).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(LogDirs { node_id, dirs })
    }

    /// The cluster that the directories belong to, `None` if they are new.
    pub(crate) fn cluster_id(&self) -> Option<&str> {
        self.dirs.iter().find_map(|dir| dir.cluster_id.as_deref())
    }

    /// The ids of the directories, in the order of `log.dirs`.
    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.dirs.iter().map(|dir| dir.id).collect()
    }

    /// The registration under which every directory was left in order,
    /// [`BrokerEpoch::NONE`] if one was not.
    pub(crate) fn previous_epoch(&self) -> BrokerEpoch {
        let epochs = self.dirs.iter().map(|dir| {
            dir.left_clean
                .map_or(BrokerEpoch::NONE, |mark| mark.broker_epoch)
        });
        epochs.min().unwrap_or(BrokerEpoch::NONE)
    }

    /// Notes in new directories which cluster they belong to from now on.
    pub(crate) fn belong_to(&self, cluster_id: &str) -> Result<(), LogDirError> {
        for dir in &self.dirs {
            match &dir.cluster_id {
                Some(known) if known == cluster_id => {}
                Some(known) => {
                    return Err(LogDirError::Foreign {
                        dir: dir.path.display().to_string(),
                        what: "cluster",
                        found: known.clone(),
                        expected: cluster_id.to_owned(),
                    });
                }
                None => MetaProperties {
                    cluster_id: cluster_id.to_owned(),
                    node_id: self.node_id,
                    directory_id: dir.id,
                }
                .write(&dir.path)?,
            }
        }
        Ok(())
    }

    /// Opens every log in the directories; what was left in order is not scanned.
    pub(crate) fn open_logs(
        &self,
        defaults: &TopicConfig,
    ) -> Result<BTreeMap<TopicPartition, FoundLog>, LogDirError> {
        let mut all = BTreeMap::new();
        for dir in &self.dirs {
            // From here on the directory is not in order until it is closed.
            CleanShutdownFile::of(&dir.path).remove()?;
            all.extend(dir.open_logs(defaults)?);
        }
        Ok(all)
    }

    /// Makes the folder of a new log, in the directory with the fewest, and opens it.
    pub(crate) fn create_log(
        &self,
        id: TopicPartition,
        topic: &str,
        config: &TopicConfig,
    ) -> Result<FoundLog, LogDirError> {
        let parent = self.emptiest()?;
        let seat = parent.seat();
        // A namesake that was deleted since the last checkpoint must not vouch for the new log.
        parent.forget(topic, id.partition)?;
        let dir = parent.path.join(folder_name(topic, id.partition));
        if dir.exists() {
            // Left by a crash before it said whose it is, or unreadable: kept, but out of the way.
            rename_away(&dir, "stray")?;
        }
        let options = OpenOptions {
            clean_shutdown: false,
            recovery_point: 0,
            log_start_offset: 0,
        };
        let (log, _) = Log::open_sharing(&dir, log_config(config), options, &parent.files)?;
        let topic_id = id.topic_id;
        PartitionMetadata { topic_id }.write(&log)?;
        Ok(FoundLog {
            dir,
            seat,
            log,
            high_watermark: 0,
        })
    }

    /// Renames a folder that nobody claims, so that it is not opened again.
    pub(crate) fn set_aside(&self, found: FoundLog) -> Result<(), LogDirError> {
        drop(found.log);
        rename_away(&found.dir, "stray").map(|_| ())
    }

    /// Renames the folder of a removed replica to one that is about to be deleted; that one.
    pub(crate) fn doom_log(&self, partition: &Partition) -> Result<PathBuf, LogDirError> {
        let doomed = rename_away(partition.place().folder(), "delete")?;
        let dir = Arc::clone(partition.place().seat().log_dir());
        dir.forget_cleaned(&partition.topic, partition.id.partition)?;
        Ok(doomed)
    }

    /// The folders that were about to be deleted when the broker stopped.
    pub(crate) fn doomed_logs(&self) -> Result<Vec<PathBuf>, LogDirError> {
        let mut doomed = Vec::new();
        for dir in &self.dirs {
            doomed.extend(dir.doomed_logs()?);
        }
        Ok(doomed)
    }

    /// Writes checkpoints of these kinds: recovery points, high watermarks, log start offsets.
    /// One that says what is on disk already is not written again.
    pub(crate) fn checkpoint(
        &self,
        partitions: &[Arc<Partition>],
        kinds: &[CheckpointKind],
    ) -> Result<(), LogDirError> {
        for dir in &self.dirs {
            let here: Vec<_> = partitions
                .iter()
                .filter(|partition| Arc::ptr_eq(partition.place().seat().log_dir(), dir))
                .collect();
            for &kind in kinds {
                let offset = match kind {
                    CheckpointKind::RecoveryPoint => Partition::flushed_offset,
                    CheckpointKind::HighWatermark => Partition::high_watermark,
                    CheckpointKind::LogStart => Partition::log_start_offset,
                    // Written by whoever has compacted a log.
                    CheckpointKind::Cleaner => continue,
                };
                let mut checkpoints = dir.checkpoints();
                let offsets = here
                    .iter()
                    .map(|p| (p.topic.to_string(), p.id.partition, offset(p)))
                    .collect();
                checkpoints.update(&dir.path, kind, offsets)?;
            }
        }
        Ok(())
    }

    /// Looks at the free space of every directory. `reserve` is
    /// `klamm.log.dirs.free.bytes.min`.
    pub(crate) fn look_at_space(&self, reserve: i64) -> SpaceReport {
        let reports = self
            .dirs
            .iter()
            .map(|dir| dir.space.look(&dir.path, reserve));
        reports.fold(SpaceReport::default(), SpaceReport::and)
    }

    /// Sees to it that the recovery point on disk does not lie behind `offset`, from which on the
    /// log of `partition` is truncated, nor the log start behind the present one. Must come before
    /// the next append: what is below a recovery point is not checked after a crash, and what is
    /// below the log start is dropped.
    pub(crate) fn lower_recovery_point(
        &self,
        partition: &Partition,
        offset: i64,
    ) -> Result<(), LogDirError> {
        let place = partition.place();
        let dir = place.seat().log_dir();
        let (topic, index) = (&*partition.topic, partition.id.partition);
        let mut checkpoints = dir.checkpoints();
        let known = checkpoints.recovery_points.get(topic, index);
        if known.is_some_and(|point| point > offset) {
            let mut points = checkpoints.recovery_points.clone();
            points.set(topic, index, offset);
            checkpoints.update(&dir.path, CheckpointKind::RecoveryPoint, points)?;
        }
        let start = partition.log_start_offset();
        let known = checkpoints.log_starts.get(topic, index);
        if known.is_some_and(|known| known > start) {
            let mut starts = checkpoints.log_starts.clone();
            starts.set(topic, index, start);
            checkpoints.update(&dir.path, CheckpointKind::LogStart, starts)?;
        }
        drop(checkpoints);
        dir.lower_cleaned(topic, index, partition.log_end_offset())
    }

    /// Notes that every log was closed in order under this registration.
    pub(crate) fn mark_clean(&self, broker_epoch: BrokerEpoch) -> Result<(), LogDirError> {
        for dir in &self.dirs {
            CleanShutdownFile::of(&dir.path).write(CleanShutdown { broker_epoch })?;
        }
        Ok(())
    }

    /// The directory with the fewest logs.
    fn emptiest(&self) -> Result<&Arc<LogDir>, LogDirError> {
        self.dirs
            .iter()
            .min_by_key(|dir| dir.log_count())
            .ok_or_else(|| LogDirError::Io {
                action: "use",
                path: "log.dirs".to_owned(),
                source: io::ErrorKind::NotFound.into(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_another_node_or_cluster_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().to_owned()];
        let dirs = LogDirs::open(BrokerId(1), &paths).unwrap();
        dirs.belong_to("one").unwrap();
        drop(dirs);
        let other_node = LogDirs::open(BrokerId(2), &paths)
            .err()
            .map(|e| e.to_string());
        assert!(other_node.is_some_and(|e| e.contains("belongs to node 1, not 2")));
        let dirs = LogDirs::open(BrokerId(1), &paths).unwrap();
        assert_eq!(dirs.cluster_id(), Some("one"));
        let other_cluster = dirs.belong_to("two").err().map(|e| e.to_string());
        assert!(other_cluster.is_some_and(|e| e.contains("belongs to cluster one, not two")));
    }
}
