//! The small things of a log that its next flush makes durable beside the batches: names of new
//! files, small files, leader epochs.

use crate::disk;
use crate::error::StorageError;
use crate::leader_epochs::LeaderEpochs;
use crate::segment::lock;
use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// What has changed since the last flush began.
#[derive(Debug)]
pub(crate) struct SmallFiles {
    /// Files were created or removed.
    names: AtomicBool,
    /// Files, and folders beside the log's own.
    files: Mutex<Vec<PathBuf>>,
    epochs: AtomicBool,
}

/// What a flush has taken on itself.
#[derive(Debug)]
pub(crate) struct SmallChanges {
    names: bool,
    files: Vec<PathBuf>,
    epochs: Option<LeaderEpochs>,
}

impl SmallFiles {
    /// Those of a log that was just opened, whose folder may be new.
    pub(crate) fn new() -> SmallFiles {
        SmallFiles {
            names: AtomicBool::new(true),
            files: Mutex::default(),
            epochs: AtomicBool::new(false),
        }
    }

    /// The names in the log's folder have changed.
    pub(crate) fn set_names(&self) {
        self.names.store(true, Ordering::Release);
    }

    /// The leader epochs have changed.
    pub(crate) fn set_epochs(&self) {
        self.epochs.store(true, Ordering::Release);
    }

    /// A small file was written, or a folder beside the log's own has changed.
    pub(crate) fn add(&self, path: PathBuf) {
        lock(&self.files).push(path);
        self.set_names();
    }

    /// What has changed so far, left to the caller.
    pub(crate) fn take(&self, epochs: impl FnOnce() -> LeaderEpochs) -> SmallChanges {
        SmallChanges {
            names: self.names.swap(false, Ordering::AcqRel),
            files: std::mem::take(&mut *lock(&self.files)),
            epochs: self.epochs.swap(false, Ordering::AcqRel).then(epochs),
        }
    }

    /// Leaves to the next flush what this one has not made durable.
    pub(crate) fn give_back(&self, changes: SmallChanges) {
        if changes.names {
            self.set_names();
        }
        if changes.epochs.is_some() {
            self.set_epochs();
        }
        lock(&self.files).extend(changes.files);
    }
}

impl SmallChanges {
    /// Makes them durable one by one.
    pub(crate) fn sync(&self, dir: &Path) -> Result<(), StorageError> {
        if self.names {
            disk::sync_dir(dir).map_err(StorageError::io("sync", dir))?;
        }
        for path in &self.files {
            disk::sync_file(path).map_err(StorageError::io("sync", path))?;
        }
        self.with_epochs(|epochs| Ok(epochs.write(dir)?))
    }

    /// Writes what has to be written before the file system is synced. Whether that has to be done
    /// before the batches are synced.
    pub(crate) fn prepare(&self, dir: &Path) -> Result<bool, StorageError> {
        self.with_epochs(|epochs| Ok(epochs.prepare(dir)?))?;
        Ok(self.names || !self.files.is_empty() || self.epochs.is_some())
    }

    /// After the file system was synced; one more sync makes this durable too.
    pub(crate) fn install(&self, dir: &Path) -> Result<(), StorageError> {
        self.with_epochs(|_| Ok(LeaderEpochs::install(dir)?))
    }

    /// A disk without room for the small file is no broken one: what was appended is not durable
    /// yet, and the next flush may succeed.
    fn with_epochs(
        &self,
        carry_out: impl FnOnce(&LeaderEpochs) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let Some(epochs) = &self.epochs else {
            return Ok(());
        };
        carry_out(epochs).map_err(|error| match error.is_storage_full() {
            true => StorageError::Full(error.to_string()),
            false => error,
        })
    }
}
