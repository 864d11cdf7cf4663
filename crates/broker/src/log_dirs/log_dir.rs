//! One log directory, locked by this broker.
//!
//! A directory that fails is offline until the next start: the first reason stays, and nothing in
//! it is written or read any more (rule 93).

use super::{
    FoundLog, LogDirError,
    checkpoints::Checkpoints,
    error::io_error,
    folders::{LogFolder, Suffix, parse_folder_name, parse_future_name},
    found_log::{FoundCopy, open_log},
    space::DirSpace,
};
use klamm_config::TopicConfig;
use klamm_storage::{
    BootMark, CheckpointKind, CleanShutdown, CleanShutdownFile, DirLock, FileSystem, Interruption,
    MetaProperties, OpenFiles, PartitionMetadata,
};
use klamm_types::{BrokerId, TopicPartition, Uuid};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tokio::sync::watch;
use tracing::{error, info, warn};

/// Logs that are opened at the same time. Opening mostly waits for the disk.
const OPEN_THREADS: usize = 4;

/// A log directory.
pub(crate) struct LogDir {
    pub(super) path: PathBuf,
    /// Zero if it could not be read.
    pub(super) id: Uuid,
    pub(super) cluster_id: Option<String>,
    pub(super) left_clean: Option<CleanShutdown>,
    /// What its last use may have been interrupted by, if it was not left clean.
    interruption: Interruption,
    /// Where the logs of all directories keep their files open.
    pub(super) files: Arc<OpenFiles>,
    file_system: Option<Arc<FileSystem>>,
    _lock: Option<DirLock>,
    /// What the checkpoints on disk say; held while they are written.
    checkpoints: Mutex<Checkpoints>,
    /// Logs here, those that are on their way included.
    seats: AtomicUsize,
    /// Why it is offline.
    failure: OnceLock<String>,
    /// Counts the directories that have failed.
    failures: watch::Sender<usize>,
    /// Whether there is room for more.
    pub(crate) space: DirSpace,
}

/// A log's seat in its directory, which counts it for as long as it is held.
pub(crate) struct Seat(Arc<LogDir>);

impl Seat {
    /// The directory.
    pub(crate) fn log_dir(&self) -> &Arc<LogDir> {
        &self.0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.seats.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The folders in a directory that hold logs.
struct Folders {
    logs: Vec<LogFolder>,
    /// Copies on their way from another directory.
    copies: Vec<(TopicPartition, FoundCopy)>,
}

/// What a directory has.
pub(super) struct Found {
    pub(super) logs: Vec<(TopicPartition, FoundLog)>,
    pub(super) copies: Vec<(TopicPartition, FoundCopy)>,
    /// Folders to be deleted.
    pub(super) doomed: Vec<PathBuf>,
}

impl LogDir {
    pub(super) fn open(
        node_id: BrokerId,
        path: &Path,
        files: &Arc<OpenFiles>,
        failures: watch::Sender<usize>,
    ) -> Result<LogDir, LogDirError> {
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
            id,
            files: files.clone(),
            file_system: FileSystem::of(path)
                .map_err(io_error("look at", path))?
                .map(Arc::new),
            cluster_id: meta.map(|meta| meta.cluster_id),
            left_clean: CleanShutdownFile::of(path).read()?,
            interruption: BootMark::of(path).read(),
            _lock: Some(lock),
            ..LogDir::unknown(path, failures)
        })
    }

    /// A directory that is only a name.
    pub(super) fn unknown(path: &Path, failures: watch::Sender<usize>) -> LogDir {
        LogDir {
            path: path.to_owned(),
            id: Uuid::ZERO,
            cluster_id: None,
            left_clean: None,
            interruption: Interruption::Machine,
            files: OpenFiles::new(OpenFiles::LIMIT_DEFAULT),
            file_system: None,
            _lock: None,
            checkpoints: Mutex::default(),
            seats: AtomicUsize::new(0),
            failure: OnceLock::new(),
            failures,
            space: DirSpace::default(),
        }
    }

    /// The directory's path, as configured.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory's id; zero if it could not be read.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// The directory's file system, if syncing it as a whole syncs the logs in it.
    pub(crate) fn file_system(&self) -> Option<&Arc<FileSystem>> {
        self.file_system.as_ref()
    }

    /// Takes a seat for a log.
    pub(crate) fn seat(self: &Arc<Self>) -> Seat {
        self.seats.fetch_add(1, Ordering::Relaxed);
        Seat(Arc::clone(self))
    }

    /// How many logs are here.
    pub(super) fn log_count(&self) -> usize {
        self.seats.load(Ordering::Relaxed)
    }

    /// Whether nothing here has failed since the start.
    pub(crate) fn is_online(&self) -> bool {
        self.failure.get().is_none()
    }

    /// Why it is offline, if it is.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Takes the directory offline, unless its disk is only full.
    pub(crate) fn on_error(&self, error: &LogDirError) {
        if error.is_storage_full() {
            warn!(dir = %self.path.display(), %error, "the disk is full");
        } else {
            self.fail(error.to_string());
        }
    }

    /// Takes the directory offline; whoever watches for failures hears of it.
    pub(crate) fn fail(&self, reason: String) {
        let mut is_first = false;
        let reason = self.failure.get_or_init(|| {
            is_first = true;
            reason
        });
        if is_first {
            // The next start is to trust what is here no more than after a power failure.
            let _ = BootMark::of(&self.path).remove();
            error!(dir = %self.path.display(), reason, "a log directory has failed and is offline");
            self.failures.send_modify(|count| *count += 1);
        }
    }

    pub(super) fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        self.checkpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes recovery point, high watermark and log start of a log that comes here.
    pub(crate) fn vouch(
        &self,
        topic: &str,
        partition: i32,
        [recovery_point, high_watermark, log_start]: [i64; 3],
    ) -> Result<(), LogDirError> {
        let mut checkpoints = self.checkpoints();
        let known = &mut *checkpoints;
        known.recovery_points.set(topic, partition, recovery_point);
        known.high_watermarks.set(topic, partition, high_watermark);
        known.log_starts.set(topic, partition, log_start);
        Ok(checkpoints.write(&self.path)?)
    }

    /// Drops what the checkpoints say of a partition, if they say anything.
    pub(super) fn forget(&self, topic: &str, partition: i32) -> Result<(), LogDirError> {
        let mut checkpoints = self.checkpoints();
        // Asked first: the usual answer is no, and thousands of partitions may be created at once.
        if checkpoints.know(topic, partition) {
            let mut kept = checkpoints.clone();
            kept.forget(topic, partition);
            kept.write(&self.path)?;
            *checkpoints = kept;
        }
        drop(checkpoints);
        self.forget_cleaned(topic, partition)
    }

    /// The folders of logs, in order, and those of copies.
    fn folders(self: &Arc<Self>) -> Result<Folders, LogDirError> {
        let (mut logs, mut copies) = (Vec::new(), Vec::new());
        for path in self.entries()? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if let Some((topic, partition)) = parse_folder_name(name) {
                logs.push(LogFolder {
                    path: path.clone(),
                    topic: topic.to_owned(),
                    partition,
                });
            } else if let Some(partition) = parse_future_name(name) {
                copies.extend(self.found_copy(&path, partition));
            }
        }
        logs.sort();
        Ok(Folders { logs, copies })
    }

    /// A copy that a restart has interrupted, if it says whose it is.
    fn found_copy(
        self: &Arc<Self>,
        path: &Path,
        partition: i32,
    ) -> Option<(TopicPartition, FoundCopy)> {
        match PartitionMetadata::read(path) {
            Ok(Some(PartitionMetadata { topic_id })) => {
                let id = TopicPartition {
                    topic_id,
                    partition,
                };
                let copy = FoundCopy {
                    dir: path.to_owned(),
                    seat: self.seat(),
                };
                Some((id, copy))
            }
            Ok(None) | Err(_) => {
                warn!(dir = %path.display(), "a copy of a log does not say of which, and is left alone");
                None
            }
        }
    }

    fn entries(&self) -> Result<Vec<PathBuf>, LogDirError> {
        let entries = fs::read_dir(&self.path).map_err(io_error("read", &self.path))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths
            .collect::<Result<_, _>>()
            .map_err(io_error("read", &self.path))
    }

    pub(super) fn open_logs(
        self: &Arc<Self>,
        defaults: &TopicConfig,
    ) -> Result<Found, LogDirError> {
        // From here on the directory is not in order until it is closed.
        CleanShutdownFile::of(&self.path).remove()?;
        let folders = self.folders()?;
        let checkpoints = Checkpoints::read(&self.path);
        *self.checkpoints() = checkpoints.clone();
        let interruption = self.left_clean.is_none().then_some(self.interruption);
        if interruption.is_some() && !folders.logs.is_empty() {
            info!(dir = %self.path.display(), logs = folders.logs.len(),
                "the last stop was not clean: recovering logs");
        }
        let share = folders.logs.len().div_ceil(OPEN_THREADS).max(1);
        let opened: Vec<Result<Vec<_>, LogDirError>> = thread::scope(|scope| {
            let threads: Vec<_> = folders
                .logs
                .chunks(share)
                .map(|chunk| {
                    let checkpoints = &checkpoints;
                    scope.spawn(move || {
                        chunk
                            .iter()
                            .filter_map(|folder| {
                                open_log(self.seat(), folder, checkpoints, interruption, defaults)
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
        let mut logs = Vec::with_capacity(folders.logs.len());
        for chunk in opened {
            logs.extend(chunk?);
        }
        self.lower_recovery_points(&logs)?;
        BootMark::of(&self.path)
            .write()
            .map_err(io_error("mark", &self.path))?;
        Ok(Found {
            logs,
            copies: folders.copies,
            doomed: self.doomed()?,
        })
    }

    /// Lowers the recovery points that lie behind the end of what was found: they would vouch
    /// for what is appended next.
    fn lower_recovery_points(
        &self,
        logs: &[(TopicPartition, FoundLog)],
    ) -> Result<(), LogDirError> {
        let mut checkpoints = self.checkpoints();
        let points = &mut checkpoints.recovery_points;
        let mut is_changed = false;
        for (_, found) in logs {
            let name = found.dir.file_name().and_then(|name| name.to_str());
            let Some((topic, partition)) = name.and_then(parse_folder_name) else {
                continue;
            };
            let flushed = found.log.flusher().flushed_offset();
            let known = points.get(topic, partition);
            if known.is_some_and(|point| point > flushed) {
                points.set(topic, partition, flushed);
                is_changed = true;
            }
        }
        if is_changed {
            points.write(&self.path, CheckpointKind::RecoveryPoint)?;
        }
        Ok(())
    }

    /// The folders that were about to be deleted when the broker stopped.
    fn doomed(&self) -> Result<Vec<PathBuf>, LogDirError> {
        let mut doomed = Vec::new();
        for path in self.entries()? {
            let is_doomed = path.to_str().is_some_and(|name| Suffix::Delete.ends(name));
            if is_doomed && path.is_dir() {
                doomed.push(path);
            }
        }
        Ok(doomed)
    }
}

#[cfg(test)]
impl LogDir {
    /// A directory that is only a name, for tests.
    pub(crate) fn in_test(path: &Path) -> Arc<LogDir> {
        Arc::new(LogDir {
            id: Uuid([1; 16]),
            ..LogDir::unknown(path, watch::Sender::new(0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_marked_once_its_logs_are_open_and_until_it_fails() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let open = || {
            let files = OpenFiles::new(OpenFiles::LIMIT_DEFAULT);
            let opened = LogDir::open(BrokerId(1), path, &files, watch::Sender::new(0));
            Arc::new(opened.unwrap())
        };
        let marked = || BootMark::of(path).read();
        drop(open());
        assert_eq!(marked(), Interruption::Machine);
        let log_dir = open();
        log_dir.open_logs(&TopicConfig::default()).unwrap();
        assert_eq!(log_dir.interruption, Interruption::Machine);
        drop(log_dir);
        let log_dir = open();
        assert_eq!(log_dir.interruption, Interruption::Process);
        log_dir.fail("test".to_owned());
        assert_eq!(marked(), Interruption::Machine);
    }
}
