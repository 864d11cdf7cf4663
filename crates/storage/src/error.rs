//! What can go wrong with a log.

use crate::checkpoint_file::CheckpointError;
use crate::damage::DamagedRange;
use crate::disk;
use klamm_records::BatchError;
use klamm_types::ErrorCode;
use std::{io, ops::Range, path::Path, sync::Arc};

/// Why an operation on a log failed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The operating system refused an operation.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// There was no room on the disk or for one more open file. Nothing is left of an append that
    /// met this; a flush may be tried again.
    #[error("there is no room: {0}")]
    Full(String),
    /// An earlier write or sync failed; the log takes nothing any more.
    #[error("log is offline since an earlier failure: {0}")]
    Poisoned(Arc<str>),
    /// The log was let go: its folder is not its own any more. No failure of the disk.
    #[error("the log was moved or deleted")]
    Abandoned,
    /// What was to be appended is not a sequence of complete batches.
    #[error("cannot append: {0}")]
    InvalidBatch(#[from] BatchError),
    /// What was to be appended starts before the end of the log, or its batches overlap.
    #[error("cannot append a batch of base offset {base_offset} at offset {expected_offset}")]
    AppendOffset {
        /// The smallest base offset that can be appended.
        expected_offset: i64,
        /// The base offset of the batch.
        base_offset: i64,
    },
    /// The log cannot start or be cut at this offset.
    #[error(
        "offset {offset} is outside the log, which spans {log_start_offset} to {log_end_offset}"
    )]
    OutOfRange {
        /// The offset asked for.
        offset: i64,
        /// The first offset of the log.
        log_start_offset: i64,
        /// The offset after the last of the log.
        log_end_offset: i64,
    },
}

impl StorageError {
    /// For `map_err`: what was being done to which file.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StorageError {
        let path = path.display().to_string();
        move |source| StorageError::Io {
            action,
            path,
            source,
        }
    }

    /// Whether there was no room left, on the disk or for one more open file, which is no failure
    /// of the disk.
    pub fn is_storage_full(&self) -> bool {
        match self {
            StorageError::Full(_) => true,
            StorageError::Io { source, .. } => disk::is_full(source),
            _ => false,
        }
    }

    /// Whether a file could not be opened since too many are.
    pub(crate) fn is_unopened(&self) -> bool {
        matches!(self, StorageError::Io { source, .. } if disk::is_unopened(source))
    }

    /// Turns what a reader met into what it means to the writer.
    pub(crate) fn from_read(error: ReadError) -> StorageError {
        match error {
            ReadError::Io { path, source } => StorageError::Io {
                action: "read",
                path,
                source,
            },
            ReadError::Damaged {
                path,
                position,
                reason,
                ..
            } => {
                let reason = format!("damaged at byte {position}: {reason}");
                let source = io::Error::new(io::ErrorKind::InvalidData, reason);
                StorageError::Io {
                    action: "read",
                    path,
                    source,
                }
            }
            ReadError::OffsetOutOfRange {
                offset,
                log_start_offset,
                log_end_offset,
            } => StorageError::OutOfRange {
                offset,
                log_start_offset,
                log_end_offset,
            },
        }
    }

    /// The error code that Kafka answers with.
    pub fn error_code(&self) -> ErrorCode {
        match self {
            StorageError::Io { .. } | StorageError::Poisoned(_) => ErrorCode::KafkaStorageError,
            StorageError::Full(_) => ErrorCode::KafkaStorageError,
            StorageError::Abandoned => ErrorCode::NotLeaderOrFollower,
            StorageError::InvalidBatch(_) => ErrorCode::CorruptMessage,
            StorageError::AppendOffset { .. } => ErrorCode::UnknownServerError,
            StorageError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        }
    }
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The offset is before the start or behind the end of the log.
    #[error(
        "offset {offset} is outside the log, which spans {log_start_offset} to {log_end_offset}"
    )]
    OffsetOutOfRange {
        /// The offset asked for.
        offset: i64,
        /// The first offset of the log.
        log_start_offset: i64,
        /// The offset after the last of the log.
        log_end_offset: i64,
    },
    /// The operating system refused to read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Bytes on disk are not what was written there.
    #[error("{path} is damaged at byte {position}, offsets {offsets:?}: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// Where in the file.
        position: u64,
        /// The offsets that are lost; empty if that is not known.
        offsets: Range<i64>,
        /// What is wrong.
        reason: String,
    },
}

impl ReadError {
    /// For `map_err`: which file was being read.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> ReadError {
        let path = path.display().to_string();
        move |source| ReadError::Io { path, source }
    }

    pub(crate) fn damaged(path: &Path, position: u64, reason: String) -> ReadError {
        ReadError::Damaged {
            path: path.display().to_string(),
            position,
            offsets: 0..0,
            reason,
        }
    }

    /// Damage that has been located.
    pub(crate) fn of_range(range: &DamagedRange) -> ReadError {
        ReadError::Damaged {
            path: range.path.display().to_string(),
            position: range.position,
            offsets: range.first_offset..range.next_offset,
            reason: range.reason.clone(),
        }
    }

    /// The error code that Kafka answers with.
    pub fn error_code(&self) -> ErrorCode {
        match self {
            ReadError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            ReadError::Io { .. } | ReadError::Damaged { .. } => ErrorCode::KafkaStorageError,
        }
    }
}

impl From<CheckpointError> for StorageError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Io {
                action,
                path,
                source,
            } => StorageError::Io {
                action,
                path,
                source,
            },
            CheckpointError::Damaged { path, reason } => {
                let source = io::Error::new(io::ErrorKind::InvalidData, reason);
                StorageError::Io {
                    action: "read",
                    path,
                    source,
                }
            }
        }
    }
}
