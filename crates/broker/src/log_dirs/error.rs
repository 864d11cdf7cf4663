//! What can go wrong with a log directory.

use klamm_storage::{CheckpointError, DirLockError, MetaPropertiesError, StorageError};
use std::{io, path::Path};

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

impl LogDirError {
    /// Whether there was no room left, which is no failure of the disk.
    pub(crate) fn is_storage_full(&self) -> bool {
        match self {
            LogDirError::Checkpoint(error) => error.is_storage_full(),
            LogDirError::Log(error) => error.is_storage_full(),
            LogDirError::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ),
            LogDirError::Lock(_) | LogDirError::Meta(_) | LogDirError::Foreign { .. } => false,
        }
    }
}

pub(super) fn io_error<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> LogDirError + 'a {
    move |source| LogDirError::Io {
        action,
        path: path.display().to_string(),
        source,
    }
}
