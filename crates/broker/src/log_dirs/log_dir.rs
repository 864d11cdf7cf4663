//! One log directory, locked by this broker.

use super::{
    FoundLog, LogDirError, checkpoints::Checkpoints, error::io_error, folders::parse_folder_name,
    found_log::open_log, space::DirSpace,
};
use klamm_config::TopicConfig;
use klamm_storage::{
    CheckpointKind, CleanShutdown, CleanShutdownFile, DirLock, Interruption, MetaProperties,
    OpenFiles, mark_boot,
};
use klamm_types::{BrokerId, TopicPartition, Uuid};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tracing::info;

/// Logs that are opened at the same time. Opening mostly waits for the disk.
const OPEN_THREADS: usize = 4;

/// A log directory.
pub(crate) struct LogDir {
    pub(super) path: PathBuf,
    pub(super) id: Uuid,
    pub(super) cluster_id: Option<String>,
    pub(super) left_clean: Option<CleanShutdown>,
    /// What its last use may have been interrupted by, if it was not left clean.
    interruption: Interruption,
    /// Where the logs of all directories keep their files open.
    pub(super) files: Arc<OpenFiles>,
    _lock: Option<DirLock>,
    /// What the checkpoints on disk say; held while they are written.
    checkpoints: Mutex<Checkpoints>,
    /// Logs here, those that are on their way included.
    seats: AtomicUsize,
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

impl LogDir {
    pub(super) fn open(
        node_id: BrokerId,
        path: &Path,
        files: &Arc<OpenFiles>,
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
            path: path.to_owned(),
            id,
            files: files.clone(),
            cluster_id: meta.map(|meta| meta.cluster_id),
            left_clean: CleanShutdownFile::of(path).read()?,
            interruption: mark_boot(path).map_err(io_error("mark", path))?,
            _lock: Some(lock),
            checkpoints: Mutex::default(),
            seats: AtomicUsize::new(0),
            space: DirSpace::default(),
        })
    }

    /// A directory that is only a name.
    #[cfg(test)]
    pub(crate) fn in_test(path: &Path) -> Arc<LogDir> {
        Arc::new(LogDir {
            path: path.to_owned(),
            id: Uuid([1; 16]),
            cluster_id: None,
            left_clean: None,
            interruption: Interruption::Machine,
            files: OpenFiles::new(OpenFiles::LIMIT_DEFAULT),
            _lock: None,
            checkpoints: Mutex::default(),
            seats: AtomicUsize::new(0),
            space: DirSpace::default(),
        })
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

    pub(super) fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        self.checkpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what the checkpoints say of a partition, if they say anything.
    pub(super) fn forget(&self, topic: &str, partition: i32) -> Result<(), LogDirError> {
        let mut checkpoints = self.checkpoints();
        let mut kept = checkpoints.clone();
        if kept.forget(topic, partition) {
            kept.write(&self.path)?;
            *checkpoints = kept;
        }
        drop(checkpoints);
        self.forget_cleaned(topic, partition)
    }

    /// The folders of logs, with topic and partition by their name.
    pub(super) fn folders(&self) -> Result<Vec<(PathBuf, String, i32)>, LogDirError> {
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

    pub(super) fn open_logs(
        self: &Arc<Self>,
        defaults: &TopicConfig,
    ) -> Result<Vec<(TopicPartition, FoundLog)>, LogDirError> {
        let folders = self.folders()?;
        let checkpoints = Checkpoints::read(&self.path);
        *self.checkpoints() = checkpoints.clone();
        let interruption = self.left_clean.is_none().then_some(self.interruption);
        if interruption.is_some() && !folders.is_empty() {
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
                                open_log(
                                    self.seat(),
                                    dir,
                                    topic,
                                    *partition,
                                    checkpoints,
                                    interruption,
                                    defaults,
                                )
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
        self.lower_recovery_points(&logs)?;
        Ok(logs)
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

    /// The folders of removed replicas, by their name.
    pub(super) fn doomed_logs(&self) -> Result<Vec<PathBuf>, LogDirError> {
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
