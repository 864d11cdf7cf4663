//! Where a replica's log lies.

use crate::log_dirs::Seat;
use klamm_storage::{Log, LogFlusher, LogReader};
use std::path::{Path, PathBuf};

/// A folder in a log directory, and the handles on the log in it. A replica that moves to another
/// directory gets another place.
pub(crate) struct Place {
    folder: PathBuf,
    seat: Seat,
    pub(super) reader: LogReader,
    pub(super) flusher: LogFlusher,
}

impl Place {
    pub(super) fn of(log: &Log, folder: PathBuf, seat: Seat) -> Place {
        Place {
            folder,
            seat,
            reader: log.reader(),
            flusher: log.flusher(),
        }
    }

    /// The log's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the log directory has not failed.
    pub(super) fn is_online(&self) -> bool {
        self.seat.log_dir().is_online()
    }

    /// Whether the log there was let go: the replica was removed, or has moved.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.flusher.is_abandoned()
    }

    /// The log directory, and the replica's seat in it.
    pub(crate) fn seat(&self) -> &Seat {
        &self.seat
    }
}
