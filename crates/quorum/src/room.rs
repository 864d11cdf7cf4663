//! Waiting for room on a full disk.
//!
//! A controller must not go on without having written what it says. It need not stop for good
//! either: while it waits it is as good as gone for the others, and afterwards it goes on.

use klamm_storage::{Ballast, DiskSpace, StorageError};
use std::{
    io::{self, ErrorKind},
    path::Path,
    thread,
    time::Duration,
};
use tracing::{info, warn};

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(250);

/// Room that a start may need: for a vote, a few entries and the files that replace others.
const START_BYTES: u64 = 1 << 20;

/// The room on the disk that the controller writes to.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// What the log directory keeps for this case.
    ballast: Option<Ballast>,
}

impl Room {
    /// For what lies in `folder`, a folder in a log directory.
    pub(crate) fn of(folder: &Path) -> Room {
        Room {
            ballast: folder.parent().map(Ballast::of),
        }
    }

    /// Does `work` again and again until the disk has room for it; blocks meanwhile.
    ///
    /// # Errors
    /// Those of `work`, other than that the disk is full.
    pub(crate) fn wait<T>(&self, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let mut waiting = Waiting::default();
        loop {
            match work() {
                Err(error) if waiting.goes_on(self, &error) => thread::sleep(PAUSE),
                result => return result,
            }
        }
    }

    /// [`Room::wait`] without blocking between the attempts.
    ///
    /// # Errors
    /// Those of `work`, other than that the disk is full.
    pub(crate) async fn wait_async<T>(
        &self,
        mut work: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        let mut waiting = Waiting::default();
        loop {
            match work() {
                Err(error) if waiting.goes_on(self, &error) => tokio::time::sleep(PAUSE).await,
                result => return result,
            }
        }
    }

    /// Sees to it that a start finds a little room. Called before anything is written.
    pub(crate) fn prepare(&self, folder: &Path) {
        let space = folder.parent().map(DiskSpace::of);
        if let Some(Ok(space)) = space
            && space.available < START_BYTES
        {
            self.release_ballast();
        }
    }

    fn release_ballast(&self) {
        match self.ballast.as_ref().map(Ballast::release) {
            Some(Ok(true)) => warn!("the disk is full to the last byte: gave up the ballast"),
            Some(Err(error)) => warn!(%error, "cannot give up the ballast"),
            _ => {}
        }
    }
}

/// What failed in a log, as an error that [`Room::wait`] understands.
pub(crate) fn io_error(error: StorageError) -> io::Error {
    let kind = match error.is_storage_full() {
        true => ErrorKind::StorageFull,
        false => ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// Whether an operation failed for want of room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    )
}

/// Says once that it begins, and once that it is over.
#[derive(Default)]
struct Waiting {
    has_begun: bool,
}

impl Waiting {
    fn goes_on(&mut self, room: &Room, error: &io::Error) -> bool {
        if !is_full(error) {
            return false;
        }
        room.release_ballast();
        if !self.has_begun {
            warn!(%error, "the controller waits for room on its disk");
            self.has_begun = true;
        }
        true
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.has_begun {
            info!("the controller waits for room no longer");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_waited_for_and_a_failing_one_is_not() {
        let log_dir = tempfile::tempdir().unwrap();
        let ballast = Ballast::of(log_dir.path());
        ballast.take(1_000).unwrap();
        let room = Room::of(&log_dir.path().join("folder"));
        let mut results = vec![
            Err(ErrorKind::PermissionDenied.into()),
            Err(ErrorKind::StorageFull.into()),
            Ok(7),
            Err(ErrorKind::StorageFull.into()),
        ];
        let mut work = || results.pop().unwrap();
        assert_eq!(room.wait(&mut work).unwrap(), 7);
        assert!(!ballast.is_there());
        let error = room.wait(&mut work).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
}
