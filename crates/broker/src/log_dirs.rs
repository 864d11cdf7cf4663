//! The log directories: their identity, and the folders of logs in them.
//!
//! ```text
//! <log dir>/meta.properties                 whose it is
//! <log dir>/.lock, .kafka_cleanshutdown     in use; left in order
//! <log dir>/*-checkpoint                    recovery points, high watermarks, log starts
//! <log dir>/<topic>-<partition>/            a log, with partition.metadata naming its topic's id
//! <log dir>/<topic>-<partition>.<id>-delete about to be deleted
//! <log dir>/<topic>-<partition>.<id>-stray  claimed by nobody
//! ```

use crate::partition::Partition;
use klamm_config::TopicConfig;
use klamm_storage::{
    CheckpointError, CheckpointKind, CleanShutdown, CleanShutdownFile, DirLock, DirLockError, Log,
    LogConfig, MetaProperties, MetaPropertiesError, OffsetCheckpoint, OpenOptions,
    PartitionMetadata, StorageError,
};
use klamm_types::{BrokerEpoch, BrokerId, TopicPartition, Uuid};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};
use tracing::{info, warn};

/// Logs that are opened at the same time. Opening mostly waits for the disk.
const OPEN_THREADS: usize = 4;

/// What cannot be done with a log directory.
#[derive(Debug, thiserror::Error)]
pub enum LogDirError {
    /// Another process has it.
    #[error(transparent)]
    Lock(#[from] DirLockError),
    /// Its identity cannot be read or written.
    #[error(transparent)]
    Meta(#[from] MetaPropertiesError),
    /// A checkpoint cannot be written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A log cannot be opened.
    #[error(transparent)]
    Log(#[from] StorageError),
    /// It belongs to another node or cluster.
    #[error("{dir} belongs to {what} {found}, not {expected}: choose another folder in log.dirs")]
    Foreign {
        /// The directory.
        dir: String,
        /// "node" or "cluster".
        what: &'static str,
        /// Whose it is.
        found: String,
        /// Who asked.
        expected: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
}

fn io_error<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> LogDirError + 'a {
    move |source| LogDirError::Io {
        action,
        path: path.display().to_string(),
        source,
    }
}

/// The log directories of a broker, locked by it.
pub(crate) struct LogDirs {
    node_id: BrokerId,
    dirs: Vec<LogDir>,
}

struct LogDir {
    path: PathBuf,
    id: Uuid,
    cluster_id: Option<String>,
    left_clean: Option<CleanShutdown>,
    _lock: DirLock,
    /// What the checkpoints on disk say; held while they are written.
    checkpoints: Mutex<Checkpoints>,
}

/// An open log and what was checkpointed of it.
pub(crate) struct FoundLog {
    pub(crate) dir: PathBuf,
    pub(crate) log: Log,
    pub(crate) high_watermark: i64,
}

impl FoundLog {
    /// Whether it stands in the folder of this topic.
    pub(crate) fn is_of(&self, topic: &str) -> bool {
        let name = self.dir.file_name().and_then(|name| name.to_str());
        name.and_then(parse_folder_name)
            .is_some_and(|(name, _)| name == topic)
    }
}

impl LogDirs {
    /// Locks the directories and checks whose they are.
    pub(crate) fn open(node_id: BrokerId, paths: &[PathBuf]) -> Result<LogDirs, LogDirError> {
        let dirs = paths
            .iter()
            .map(|path| LogDir::open(node_id, path))
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
        // A namesake that was deleted since the last checkpoint must not vouch for the new log.
        parent.forget(topic, id.partition)?;
        let dir = parent.path.join(folder_name(topic, id.partition));
        if dir.exists() {
            // Left by a crash before it said whose it is, or unreadable: kept, but out of the way.
            rename_away(&dir, "stray")?;
        }
        fs::create_dir(&dir).map_err(io_error("create", &dir))?;
        PartitionMetadata {
            topic_id: id.topic_id,
        }
        .write(&dir)?;
        let options = OpenOptions {
            clean_shutdown: false,
            recovery_point: 0,
            log_start_offset: 0,
        };
        let (log, _) = Log::open(&dir, log_config(config), options)?;
        Ok(FoundLog {
            dir,
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
        rename_away(&partition.dir, "delete")
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
        partitions: &[std::sync::Arc<Partition>],
        kinds: &[CheckpointKind],
    ) -> Result<(), LogDirError> {
        for dir in &self.dirs {
            let here: Vec<_> = partitions
                .iter()
                .filter(|partition| partition.dir.parent() == Some(&dir.path))
                .collect();
            for &kind in kinds {
                let offset = match kind {
                    CheckpointKind::RecoveryPoint => Partition::flushed_offset,
                    CheckpointKind::HighWatermark => Partition::high_watermark,
                    CheckpointKind::LogStart => Partition::log_start_offset,
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

    /// Sees to it that the recovery point on disk does not lie behind the flushed offset of
    /// `partition`, which a truncation has moved back. Must come before the next append: what is
    /// below a recovery point is not checked after a crash.
    pub(crate) fn lower_recovery_point(&self, partition: &Partition) -> Result<(), LogDirError> {
        let parent = partition.dir.parent();
        let Some(dir) = self.dirs.iter().find(|dir| parent == Some(&dir.path)) else {
            return Ok(());
        };
        let (topic, index) = (&*partition.topic, partition.id.partition);
        let flushed = partition.flushed_offset();
        let mut checkpoints = dir.checkpoints();
        let points = &mut checkpoints.recovery_points;
        if points
            .get(topic, index)
            .is_some_and(|point| point > flushed)
        {
            points.set(topic, index, flushed);
            points.write(&dir.path, CheckpointKind::RecoveryPoint)?;
        }
        Ok(())
    }

    /// Notes that every log was closed in order under this registration.
    pub(crate) fn mark_clean(&self, broker_epoch: BrokerEpoch) -> Result<(), LogDirError> {
        for dir in &self.dirs {
            CleanShutdownFile::of(&dir.path).write(CleanShutdown { broker_epoch })?;
        }
        Ok(())
    }

    fn emptiest(&self) -> Result<&LogDir, LogDirError> {
        let mut counted = Vec::with_capacity(self.dirs.len());
        for dir in &self.dirs {
            counted.push((dir.folders()?.len(), dir));
        }
        counted
            .into_iter()
            .min_by_key(|(count, _)| *count)
            .map(|(_, dir)| dir)
            .ok_or_else(|| LogDirError::Io {
                action: "use",
                path: "log.dirs".to_owned(),
                source: io::ErrorKind::NotFound.into(),
            })
    }
}

impl LogDir {
    fn open(node_id: BrokerId, path: &Path) -> Result<LogDir, LogDirError> {
        fs::create_dir_all(path).map_err(io_error("create", path))?;
        let lock = DirLock::acquire(path)?;
        let meta = MetaProperties::read(path)?;
        if let Some(meta) = meta.as_ref().filter(|meta| meta.node_id != node_id) {
            return Err(LogDirError::Foreign {
                dir: path.display().to_string(),
                what: "node",
                found: meta.node_id.to_string(),
                expected: node_id.to_string(),
            });
        }
        let id = match &meta {
            Some(meta) => meta.directory_id,
            None => Uuid::random()
                .map_err(|error| io::Error::other(error.to_string()))
                .map_err(io_error("draw an id for", path))?,
        };
        Ok(LogDir {
            path: path.to_owned(),
            id,
            cluster_id: meta.map(|meta| meta.cluster_id),
            left_clean: CleanShutdownFile::of(path).read()?,
            _lock: lock,
            checkpoints: Mutex::default(),
        })
    }

    fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        self.checkpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what the checkpoints say of a partition, if they say anything.
    fn forget(&self, topic: &str, partition: i32) -> Result<(), LogDirError> {
        let mut checkpoints = self.checkpoints();
        if checkpoints.forget(topic, partition) {
            checkpoints.write(&self.path)?;
        }
        Ok(())
    }

    /// The folders of logs, with topic and partition by their name.
    fn folders(&self) -> Result<Vec<(PathBuf, String, i32)>, LogDirError> {
        let mut folders = Vec::new();
        let entries = fs::read_dir(&self.path).map_err(io_error("read", &self.path))?;
        for entry in entries {
            let path = entry.map_err(io_error("read", &self.path))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some((topic, partition)) = name.and_then(parse_folder_name) {
                folders.push((path.clone(), topic.to_owned(), partition));
            }
        }
        folders.sort();
        Ok(folders)
    }

    fn open_logs(
        &self,
        defaults: &TopicConfig,
    ) -> Result<Vec<(TopicPartition, FoundLog)>, LogDirError> {
        let folders = self.folders()?;
        let checkpoints = Checkpoints::read(&self.path);
        *self.checkpoints() = checkpoints.clone();
        let clean = self.left_clean.is_some();
        if !clean && !folders.is_empty() {
            info!(dir = %self.path.display(), logs = folders.len(),
                "the last stop was not clean: recovering logs");
        }
        let share = folders.len().div_ceil(OPEN_THREADS).max(1);
        let opened: Vec<Result<Vec<_>, LogDirError>> = thread::scope(|scope| {
            let threads: Vec<_> = folders
                .chunks(share)
                .map(|chunk| {
                    let checkpoints = &checkpoints;
                    scope.spawn(move || {
                        chunk
                            .iter()
                            .filter_map(|(dir, topic, partition)| {
                                open_log(dir, topic, *partition, checkpoints, clean, defaults)
                                    .transpose()
                            })
                            .collect()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread.join().unwrap_or_else(|_| {
                        Err(io_error("open the logs in", &self.path)(io::Error::other(
                            "a thread panicked",
                        )))
                    })
                })
                .collect()
        });
        let mut logs = Vec::with_capacity(folders.len());
        for chunk in opened {
            logs.extend(chunk?);
        }
        Ok(logs)
    }

    fn doomed_logs(&self) -> Result<Vec<PathBuf>, LogDirError> {
        let mut doomed = Vec::new();
        let entries = fs::read_dir(&self.path).map_err(io_error("read", &self.path))?;
        for entry in entries {
            let path = entry.map_err(io_error("read", &self.path))?.path();
            let is_doomed = path.to_str().is_some_and(|name| name.ends_with("-delete"));
            if is_doomed && path.is_dir() {
                doomed.push(path);
            }
        }
        Ok(doomed)
    }
}

/// What was checkpointed last. A damaged checkpoint is as good as none: logs are scanned from
/// their start, and high watermarks are learned anew.
#[derive(Clone, Default)]
struct Checkpoints {
    recovery_points: OffsetCheckpoint,
    high_watermarks: OffsetCheckpoint,
    log_starts: OffsetCheckpoint,
}

impl Checkpoints {
    fn read(dir: &Path) -> Checkpoints {
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
        }
    }
}

impl Checkpoints {
    fn write(&self, dir: &Path) -> Result<(), CheckpointError> {
        self.recovery_points
            .write(dir, CheckpointKind::RecoveryPoint)?;
        self.high_watermarks
            .write(dir, CheckpointKind::HighWatermark)?;
        self.log_starts.write(dir, CheckpointKind::LogStart)
    }

    fn update(
        &mut self,
        dir: &Path,
        kind: CheckpointKind,
        offsets: OffsetCheckpoint,
    ) -> Result<(), CheckpointError> {
        let known = match kind {
            CheckpointKind::RecoveryPoint => &mut self.recovery_points,
            CheckpointKind::HighWatermark => &mut self.high_watermarks,
            CheckpointKind::LogStart => &mut self.log_starts,
        };
        if *known != offsets {
            offsets.write(dir, kind)?;
            *known = offsets;
        }
        Ok(())
    }

    /// Whether there was anything to forget.
    fn forget(&mut self, topic: &str, partition: i32) -> bool {
        let all = [
            &mut self.recovery_points,
            &mut self.high_watermarks,
            &mut self.log_starts,
        ];
        let forgotten = all.map(|offsets| offsets.remove(topic, partition));
        forgotten.contains(&true)
    }
}

/// Opens a log found on disk; `None` if it does not say whose it is.
fn open_log(
    dir: &Path,
    topic: &str,
    partition: i32,
    checkpoints: &Checkpoints,
    clean: bool,
    defaults: &TopicConfig,
) -> Result<Option<(TopicPartition, FoundLog)>, LogDirError> {
    let metadata = match PartitionMetadata::read(dir) {
        Ok(Some(metadata)) => metadata,
        Ok(None) => {
            warn!(dir = %dir.display(), "a log without partition.metadata is left alone");
            return Ok(None);
        }
        Err(error) => {
            warn!(dir = %dir.display(), %error, "a log with a damaged partition.metadata is left alone");
            return Ok(None);
        }
    };
    let id = TopicPartition {
        topic_id: metadata.topic_id,
        partition,
    };
    let options = OpenOptions {
        clean_shutdown: clean,
        recovery_point: checkpoints
            .recovery_points
            .get(topic, partition)
            .unwrap_or(0),
        log_start_offset: checkpoints.log_starts.get(topic, partition).unwrap_or(0),
    };
    let (log, report) = Log::open(dir, log_config(defaults), options)?;
    tracing::debug!(dir = %dir.display(), ?report, "opened a log");
    let high_watermark = checkpoints
        .high_watermarks
        .get(topic, partition)
        .unwrap_or(0);
    let found = FoundLog {
        dir: dir.to_owned(),
        log,
        high_watermark,
    };
    Ok(Some((id, found)))
}

/// What a log needs to know of its topic's settings.
pub(crate) fn log_config(config: &TopicConfig) -> LogConfig {
    LogConfig {
        segment_bytes: u64::from(config.segment_bytes.unsigned_abs()),
        segment_ms: config.segment_ms,
        segment_index_bytes: u64::from(config.segment_index_bytes.unsigned_abs()),
        index_interval_bytes: u64::from(config.index_interval_bytes.unsigned_abs()),
        delete: config.cleanup_policy.delete,
        compact: config.cleanup_policy.compact,
        retention_bytes: config.retention_bytes,
        retention_ms: config.retention_ms,
        file_delete_delay_ms: config.file_delete_delay_ms,
        delete_retention_ms: config.delete_retention_ms,
        min_cleanable_dirty_ratio: config.min_cleanable_dirty_ratio,
        min_compaction_lag_ms: config.min_compaction_lag_ms,
        max_compaction_lag_ms: config.max_compaction_lag_ms,
    }
}

fn folder_name(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}

/// Topic and partition of a log's folder; `None` for other names.
fn parse_folder_name(name: &str) -> Option<(&str, i32)> {
    let (topic, partition) = name.rsplit_once('-')?;
    let partition: i32 = partition.parse().ok()?;
    let is_log = partition >= 0 && !topic.is_empty() && topic != "__cluster_metadata";
    is_log.then_some((topic, partition))
}

/// Renames a log's folder to one that is not opened any more; returns the new path.
fn rename_away(dir: &Path, suffix: &str) -> Result<PathBuf, LogDirError> {
    let unique = Uuid::random()
        .map_err(|error| io::Error::other(error.to_string()))
        .map_err(io_error("draw a name for", dir))?;
    let name = dir
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("log");
    let renamed = dir.with_file_name(format!("{name}.{unique}-{suffix}"));
    fs::rename(dir, &renamed).map_err(io_error("rename", dir))?;
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_logs_are_told_from_others() {
        let check = |name, expected| assert_eq!(parse_folder_name(name), expected, "{name}");
        check("t-0", Some(("t", 0)));
        check("a-b.c_1-42", Some(("a-b.c_1", 42)));
        check("__consumer_offsets-49", Some(("__consumer_offsets", 49)));
        check("__cluster_metadata-0", None);
        check("t", None);
        check("t--1", Some(("t-", 1)));
        check("t-0.AAAAAAAAAAAAAAAAAAAAAA-delete", None);
        check("t-0.AAAAAAAAAAAAAAAAAAAAAA-stray", None);
    }

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
