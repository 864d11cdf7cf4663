//! Why a compaction did not come to its end.

use crate::error::{ReadError, StorageError};

/// Why a compaction did not come to its end. The log is what it was, or a part of it is
/// compacted; either way it says the same.
#[derive(Debug, thiserror::Error)]
pub enum CompactionError {
    /// Its owner said so, or the log was cut or deleted meanwhile.
    #[error("stopped")]
    Stopped,
    /// A segment cannot be read: damaged, or refused by the system.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What was compacted cannot be written.
    #[error(transparent)]
    Write(#[from] StorageError),
}
