//! `.lock`: keeps two processes out of one log directory.

use crate::disk::{self, DiskFile};
use std::{fs::TryLockError, io, path::Path};

const FILE_NAME: &str = ".lock";

/// Holds the lock of a log directory until it is dropped or the process ends.
#[derive(Debug)]
pub struct DirLock {
    _file: DiskFile,
}

/// Why a log directory cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum DirLockError {
    /// Another process, or this one, holds the lock.
    #[error("{0} is in use by another process")]
    Held(String),
    /// The operating system refused an operation.
    #[error("cannot lock {path}: {source}")]
    Io {
        /// The folder.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
}

impl DirLock {
    /// Locks a log directory, which must exist.
    ///
    /// # Errors
    /// The lock is held, or the disk failed.
    pub fn acquire(log_dir: &Path) -> Result<DirLock, DirLockError> {
        let path = || log_dir.display().to_string();
        let file =
            disk::open_lock(&log_dir.join(FILE_NAME)).map_err(|source| DirLockError::Io {
                path: path(),
                source,
            })?;
        match file.try_lock() {
            Ok(()) => Ok(DirLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DirLockError::Held(path())),
            Err(TryLockError::Error(source)) => Err(DirLockError::Io {
                path: path(),
                source,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirLock::acquire(dir.path()).unwrap();
        assert!(matches!(
            DirLock::acquire(dir.path()),
            Err(DirLockError::Held(_))
        ));
        drop(lock);
        DirLock::acquire(dir.path()).unwrap();
    }
}
