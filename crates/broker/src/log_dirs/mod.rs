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
//! <log dir>/<topic>-<partition>.<id>-future a copy on its way from another directory
//! ```
//!
//! A directory that fails is offline until the next start; the others go on (rule 93).

mod checkpoints;
mod cleaned_offsets;
mod copies;
mod error;
mod folders;
mod found_log;
mod found_logs;
mod log_dir;
mod recovery_points;
mod space;

pub(crate) use cleaned_offsets::{cleaned_offset, set_cleaned_offset};
pub use error::LogDirError;
pub(crate) use error::is_disk_failure;
pub(crate) use found_log::{FoundCopy, FoundLog, log_config};
pub(crate) use found_logs::FoundLogs;
pub(crate) use log_dir::{LogDir, Seat};
pub(crate) use recovery_points::raise_recovery_point;
pub(crate) use space::SpaceReport;

use crate::partition::Partition;
use folders::{Suffix, folder_name, rename_away};
use klamm_config::TopicConfig;
use klamm_storage::{
    CheckpointKind, CleanShutdown, CleanShutdownFile, DiskSpace, Log, MetaProperties, OpenFiles,
    OpenOptions, PartitionMetadata,
};
use klamm_types::{BrokerEpoch, BrokerId, TopicPartition, Uuid};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::watch;

/// The log directories of a broker, locked by it.
pub(crate) struct LogDirs {
    node_id: BrokerId,
    dirs: Vec<Arc<LogDir>>,
    /// The one that the process cannot do without: it holds the metadata log.
    metadata_log_dir: PathBuf,
    failures: watch::Sender<usize>,
}

impl LogDirs {
    /// Locks the directories and checks whose they are. One that the disk does not give is
    /// offline, unless nothing works without it. That of the metadata log may have an id already.
    ///
    /// # Errors
    /// A directory belongs to somebody else or may not be used, or too few work.
    pub(crate) fn open(
        node_id: BrokerId,
        paths: &[PathBuf],
        metadata_log_dir: &Path,
        metadata_dir_id: Option<Uuid>,
    ) -> Result<LogDirs, LogDirError> {
        let failures = watch::Sender::new(0);
        let files = OpenFiles::of_process();
        let mut dirs = Vec::with_capacity(paths.len());
        let mut first_error = None;
        for path in paths {
            let id = metadata_dir_id.filter(|_| path == metadata_log_dir);
            match LogDir::open(node_id, path, id, &files, failures.clone()) {
                Ok(dir) => dirs.push(Arc::new(dir)),
                Err(error) if error.is_disk_failure() => {
                    let dir = LogDir::unknown(path, failures.clone());
                    dir.fail(error.to_string());
                    dirs.push(Arc::new(dir));
                    first_error.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        let dirs = LogDirs {
            node_id,
            dirs,
            metadata_log_dir: metadata_log_dir.to_owned(),
            failures,
        };
        match first_error {
            Some(error) if dirs.fatal_failure().is_some() => Err(error),
            _ => Ok(dirs),
        }
    }

    /// The cluster that the directories belong to, `None` if they are new.
    pub(crate) fn cluster_id(&self) -> Option<&str> {
        self.dirs.iter().find_map(|dir| dir.cluster_id.as_deref())
    }

    /// Every directory, in the order of `log.dirs`.
    pub(crate) fn all(&self) -> &[Arc<LogDir>] {
        &self.dirs
    }

    /// Whether one of their disks is so full that nothing is to be appended there.
    pub(crate) fn lack_room(&self) -> bool {
        self.dirs.iter().any(|dir| dir.space.is_low())
    }

    /// Those that have not failed.
    pub(crate) fn online(&self) -> impl Iterator<Item = &Arc<LogDir>> {
        self.dirs.iter().filter(|dir| dir.is_online())
    }

    /// Whether one has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.online().count() < self.dirs.len()
    }

    /// Whether any log has removed files that wait to be unlinked.
    pub(crate) fn have_removed_files(&self) -> bool {
        self.dirs.iter().any(|dir| dir.files.has_removed())
    }

    /// The directory of an id, if it is online.
    pub(crate) fn by_id(&self, id: Uuid) -> Option<&Arc<LogDir>> {
        self.online().find(|dir| dir.id() == id)
    }

    /// The directory of a path, which is absolute.
    pub(crate) fn by_path(&self, path: &str) -> Option<&Arc<LogDir>> {
        let is_it = |dir: &&Arc<LogDir>| {
            std::path::absolute(dir.path()).is_ok_and(|absolute| absolute == Path::new(path))
        };
        self.dirs.iter().find(is_it)
    }

    /// The ids of the directories that are online, in the order of `log.dirs`.
    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.online().map(|dir| dir.id()).collect()
    }

    /// The ids of the directories that have failed since they were opened.
    pub(crate) fn failed_ids(&self) -> Vec<Uuid> {
        let failed = self.dirs.iter().filter(|dir| !dir.is_online());
        failed
            .map(|dir| dir.id())
            .filter(|id| !id.is_zero())
            .collect()
    }

    /// Changes when another directory has failed.
    pub(crate) fn failures(&self) -> watch::Receiver<usize> {
        self.failures.subscribe()
    }

    /// Why the broker cannot go on, if so many directories have failed, or the one that matters.
    pub(crate) fn fatal_failure(&self) -> Option<String> {
        let is_essential = |dir: &&Arc<LogDir>| dir.path() == self.metadata_log_dir;
        let essential = self.dirs.iter().find(is_essential);
        if let Some(reason) = essential.and_then(|dir| dir.failure()) {
            let dir = self.metadata_log_dir.display();
            return Some(format!(
                "the directory of the metadata log, {dir}, has failed: {reason}"
            ));
        }
        let mut reasons = self.dirs.iter().filter_map(|dir| dir.failure());
        let is_any_left = self.dirs.is_empty() || self.online().next().is_some();
        (!is_any_left).then(|| {
            let first = reasons.next().unwrap_or_default();
            format!("no log directory is left: {first}")
        })
    }

    /// The registration under which every directory that is online was left in order,
    /// [`BrokerEpoch::NONE`] if one was not.
    pub(crate) fn previous_epoch(&self) -> BrokerEpoch {
        let epochs = self.online().map(|dir| {
            dir.left_clean
                .map_or(BrokerEpoch::NONE, |mark| mark.broker_epoch)
        });
        epochs.min().unwrap_or(BrokerEpoch::NONE)
    }

    /// Notes in new directories which cluster they belong to from now on.
    pub(crate) fn belong_to(&self, cluster_id: &str) -> Result<(), LogDirError> {
        for dir in self.online() {
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

    /// Opens every log in the directories; what was left in order is not scanned. A directory
    /// whose logs the disk does not give is offline.
    ///
    /// # Errors
    /// Too few directories work.
    pub(crate) fn open_logs(&self, defaults: &TopicConfig) -> Result<FoundLogs, LogDirError> {
        let mut found = FoundLogs::default();
        for dir in self.online() {
            match dir.open_logs(defaults) {
                Ok(more) => found.add(more),
                // No sick one: the caller waits for room.
                Err(error) if error.is_storage_full() => return Err(error),
                Err(error) => {
                    dir.fail(error.to_string());
                    if self.fatal_failure().is_some() {
                        return Err(error);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Makes the folder of a new log and opens it: in the directory `home`, or else in the one
    /// with the fewest logs.
    ///
    /// # Errors
    /// No directory is online, or the disk failed: then the directory is offline.
    pub(crate) fn create_log(
        &self,
        id: TopicPartition,
        topic: &str,
        config: &TopicConfig,
        home: Option<&Arc<LogDir>>,
    ) -> Result<FoundLog, LogDirError> {
        loop {
            let parent = match home {
                Some(home) => home,
                None => self.emptiest(config)?,
            };
            match create_log_in(parent, id, topic, config) {
                Err(error) => {
                    parent.on_error(&error);
                    if home.is_some() || parent.is_online() {
                        return Err(error);
                    }
                }
                created => return created,
            }
        }
    }

    /// Renames a folder that nobody claims, so that it is not opened again.
    ///
    /// # Errors
    /// The disk failed.
    pub(crate) fn set_aside(&self, found: FoundLog) -> Result<(), LogDirError> {
        drop(found.log);
        rename_away(&found.dir, Suffix::Stray).map(|_| ())
    }

    /// Renames the folder of a removed replica, or of a copy, to one that is about to be deleted;
    /// that one. `None` if it is not there, or the disk does not do that.
    pub(crate) fn doom(&self, folder: &Path, log_dir: &LogDir) -> Option<PathBuf> {
        match rename_away(folder, Suffix::Delete) {
            Ok(renamed) => Some(renamed),
            Err(error) if error.is_not_found() => None,
            Err(error) => {
                log_dir.on_error(&error);
                None
            }
        }
    }

    /// Writes checkpoints of these kinds: recovery points, high watermarks, log start offsets.
    /// One that says what is on disk already is not written again. A directory that does not take
    /// them is offline.
    pub(crate) fn checkpoint(&self, partitions: &[Arc<Partition>], kinds: &[CheckpointKind]) {
        for dir in self.online() {
            let is_here = |partition: &&Arc<Partition>| {
                let place = partition.place();
                Arc::ptr_eq(place.seat().log_dir(), dir) && !place.is_abandoned()
            };
            for &kind in kinds {
                let offset = match kind {
                    CheckpointKind::RecoveryPoint => Partition::flushed_offset,
                    CheckpointKind::HighWatermark => Partition::high_watermark,
                    CheckpointKind::LogStart => Partition::log_start_offset,
                    // Written by whoever has compacted a log.
                    CheckpointKind::Cleaner => continue,
                };
                // Asked under the lock: whoever has a log forgotten here has abandoned it before,
                // and what is said of it would be taken for that of a namesake.
                let mut checkpoints = dir.checkpoints();
                let here = || partitions.iter().filter(is_here);
                let said = here().map(|p| (&*p.topic, p.id.partition, offset(p)));
                if checkpoints.of(kind).says(said) {
                    continue;
                }
                let offsets = here()
                    .map(|p| (p.topic.to_string(), p.id.partition, offset(p)))
                    .collect();
                if let Err(error) = checkpoints.update(&dir.path, kind, offsets) {
                    dir.on_error(&error.into());
                    break;
                }
            }
        }
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

    /// Lowers the high watermark on record to `offset`, if it lies behind that: what was committed
    /// there has been given up. Were it found again after a crash, the replica would be taken for
    /// one that has lost it, and would never lead again.
    ///
    /// # Errors
    /// The disk did not take it.
    pub(crate) fn lower_high_watermark(
        &self,
        partition: &Partition,
        offset: i64,
    ) -> Result<(), LogDirError> {
        let place = partition.place();
        let dir = place.seat().log_dir();
        let (topic, index) = (&*partition.topic, partition.id.partition);
        let mut checkpoints = dir.checkpoints();
        let known = checkpoints.high_watermarks.get(topic, index);
        if known.is_some_and(|known| known > offset) {
            let mut lowered = checkpoints.high_watermarks.clone();
            lowered.set(topic, index, offset);
            checkpoints.update(&dir.path, CheckpointKind::HighWatermark, lowered)?;
        }
        Ok(())
    }

    /// Notes that every log in a directory was closed in order under this registration.
    pub(crate) fn mark_clean(&self, dir: &LogDir, broker_epoch: BrokerEpoch) {
        if let Err(error) = CleanShutdownFile::of(&dir.path).write(CleanShutdown { broker_epoch }) {
            dir.on_error(&error.into());
        }
    }

    /// The directory with the fewest logs among those that have room for another segment; without
    /// such, the one with the most room.
    fn emptiest(&self, config: &TopicConfig) -> Result<&Arc<LogDir>, LogDirError> {
        let wanted = u64::from(config.segment_bytes.unsigned_abs());
        let rank = |dir: &&Arc<LogDir>| {
            // Where the space cannot be told, the next write will tell.
            let available = DiskSpace::of(dir.path()).map_or(u64::MAX, |space| space.available);
            let lacking = wanted.saturating_sub(available);
            (dir.space.is_low(), lacking, dir.log_count())
        };
        self.online()
            .min_by_key(rank)
            .ok_or(LogDirError::AllOffline)
    }
}

fn create_log_in(
    parent: &Arc<LogDir>,
    id: TopicPartition,
    topic: &str,
    config: &TopicConfig,
) -> Result<FoundLog, LogDirError> {
    let seat = parent.seat();
    // A namesake that was deleted since the last checkpoint must not vouch for the new log.
    parent.forget(topic, id.partition)?;
    let dir = parent.path.join(folder_name(topic, id.partition));
    if dir.exists() {
        // Left by a crash before it said whose it is, or unreadable: kept, but out of the way.
        rename_away(&dir, Suffix::Stray)?;
    }
    let (log, _) = Log::open_sharing(&dir, log_config(config), NEW_LOG, &parent.files)?;
    let topic_id = id.topic_id;
    PartitionMetadata { topic_id }.write(&log)?;
    Ok(FoundLog {
        dir,
        seat,
        log,
        high_watermark: 0,
    })
}

/// How a log is opened of which nothing is known.
const NEW_LOG: OpenOptions = OpenOptions {
    clean_shutdown: false,
    recovery_point: 0,
    log_start_offset: 0,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flusher::Flusher,
        partition::lab::{abandon, env, fill},
    };
    use klamm_storage::OffsetCheckpoint;

    /// A namesake would be taken for what was deleted, and lose its records.
    #[test]
    fn a_checkpoint_says_nothing_of_a_replica_that_was_removed() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().to_owned()];
        let dirs = Arc::new(LogDirs::open(BrokerId(1), &paths, &paths[0], None).unwrap());
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let config = TopicConfig::default();
        let log = dirs.create_log(id, "t", &config, None).unwrap();
        let env = env(Arc::clone(&dirs), flusher.queue());
        let replicas = [Partition::new(id, "t".into(), log, config, env)];
        fill(&replicas[0], 10, 5);
        replicas[0].flush();
        let kinds = [CheckpointKind::RecoveryPoint, CheckpointKind::LogStart];
        let on_disk = || {
            kinds.map(|kind| {
                OffsetCheckpoint::read(dir.path(), kind)
                    .unwrap()
                    .get("t", 0)
            })
        };
        dirs.checkpoint(&replicas, &kinds);
        assert_eq!(on_disk(), [Some(10), Some(0)]);
        abandon(&replicas[0]);
        replicas[0].place().seat().log_dir().forget_later("t", 0);
        assert_eq!(on_disk(), [None, None]);
        dirs.checkpoint(&replicas, &kinds);
        assert_eq!(on_disk(), [None, None]);
        flusher.stop();
    }

    #[test]
    fn a_folder_that_is_gone_is_no_failure_of_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().to_owned()];
        let dirs = LogDirs::open(BrokerId(1), &paths, &paths[0], None).unwrap();
        let log_dir = dirs.online().next().unwrap();
        assert_eq!(dirs.doom(&dir.path().join("t-0"), log_dir), None);
        assert!(log_dir.is_online());
    }

    #[test]
    fn a_folder_of_another_node_or_cluster_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let paths = [dir.path().to_owned()];
        let dirs = LogDirs::open(BrokerId(1), &paths, &paths[0], None).unwrap();
        dirs.belong_to("one").unwrap();
        drop(dirs);
        let other_node = LogDirs::open(BrokerId(2), &paths, &paths[0], None)
            .err()
            .map(|e| e.to_string());
        assert!(other_node.is_some_and(|e| e.contains("belongs to node 1, not 2")));
        let dirs = LogDirs::open(BrokerId(1), &paths, &paths[0], None).unwrap();
        assert_eq!(dirs.cluster_id(), Some("one"));
        let other_cluster = dirs.belong_to("two").err().map(|e| e.to_string());
        assert!(other_cluster.is_some_and(|e| e.contains("belongs to cluster one, not two")));
    }
}
