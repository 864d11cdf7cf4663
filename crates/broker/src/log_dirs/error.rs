//! What can go wrong with a log directory.

use klamm_storage::{CheckpointError, DirLockError, MetaPropertiesError, ReadError, StorageError};
use rustix::io::Errno;
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
    /// None is left.
    #[error("every log directory is offline")]
    AllOffline,
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
            LogDirError::Lock(_)
            | LogDirError::Meta(_)
            | LogDirError::Foreign { .. }
            | LogDirError::AllOffline => false,
        }
    }
}

impl LogDirError {
    /// Whether what was to be worked on is not there.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, LogDirError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
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

impl LogDirError {
    /// Whether the disk is to blame, rather than whoever set the directory up: such a directory is
    /// done without while others work.
    pub(crate) fn is_disk_failure(&self) -> bool {
        let source = match self {
            LogDirError::Lock(DirLockError::Io { source, .. })
            | LogDirError::Meta(MetaPropertiesError::Io { source, .. })
            | LogDirError::Checkpoint(CheckpointError::Io { source, .. })
            | LogDirError::Log(StorageError::Io { source, .. })
            | LogDirError::Io { source, .. } => source,
            _ => return false,
        };
        source.kind() != io::ErrorKind::PermissionDenied
    }
}

/// Whether a read failed because the disk does not give what it was given, rather than for
/// something that passes or that concerns one file.
pub(crate) fn is_disk_failure(failure: &ReadError) -> bool {
    const REASONS: [Errno; 5] = [
        Errno::IO,
        Errno::NXIO,
        Errno::NODEV,
        Errno::STALE,
        Errno::UCLEAN,
    ];
    match failure {
        ReadError::Io { source, .. } => {
            Errno::from_io_error(source).is_some_and(|errno| REASONS.contains(&errno))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sick_disk_takes_the_directory_offline() {
        let check = |source: io::Error, expected| {
            let path = String::new();
            let failure = ReadError::Io { path, source };
            assert_eq!(is_disk_failure(&failure), expected, "{failure}");
        };
        check(Errno::IO.into(), true);
        check(Errno::STALE.into(), true);
        check(Errno::MFILE.into(), false);
        check(Errno::NOENT.into(), false);
        check(io::ErrorKind::InvalidData.into(), false);
    }
}
