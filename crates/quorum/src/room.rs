//! Waiting for room on a full disk.
//!
//! A controller must not go on without having written what it says. It need not stop for good
//! either: while it waits it is as good as gone for the others, and afterwards it goes on.

use klamm_storage::StorageError;
use std::{
    io::{self, ErrorKind},
    thread,
    time::Duration,
};
use tracing::{info, warn};

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(250);

/// Does `work` again and again until the disk has room for it; blocks meanwhile.
///
/// # Errors
/// Those of `work`, other than that the disk is full.
pub(crate) fn wait_for_room<T>(mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut waiting = Waiting::default();
    loop {
        match work() {
            Err(error) if waiting.goes_on(&error) => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

/// [`wait_for_room`] without blocking between the attempts.
///
/// # Errors
/// Those of `work`, other than that the disk is full.
pub(crate) async fn wait_for_room_async<T>(
    mut work: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut waiting = Waiting::default();
    loop {
        match work() {
            Err(error) if waiting.goes_on(&error) => tokio::time::sleep(PAUSE).await,
            result => return result,
        }
    }
}

/// What failed in a log, as an error that [`wait_for_room`] understands.
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
    fn goes_on(&mut self, error: &io::Error) -> bool {
        if !is_full(error) {
            return false;
        }
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
        let mut results = vec![
            Err(ErrorKind::PermissionDenied.into()),
            Err(ErrorKind::StorageFull.into()),
            Ok(7),
            Err(ErrorKind::StorageFull.into()),
        ];
        let mut work = || results.pop().unwrap();
        assert_eq!(wait_for_room(&mut work).unwrap(), 7);
        let error = wait_for_room(&mut work).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
}
