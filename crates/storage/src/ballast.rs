//! A file that holds room on a disk, to be given up when there is no other left.
//!
//! A threshold of free space is kept by who watches it; others may fill the disk to the last byte
//! all the same. What the ballast occupied is then there for the few bytes without which nothing
//! goes on: the raft log, checkpoints, a restart.

use crate::disk;
use std::{
    io,
    path::{Path, PathBuf},
};

const FILE_NAME: &str = ".klamm-ballast";

/// The ballast of a log directory.
#[derive(Clone, Debug)]
pub struct Ballast {
    path: PathBuf,
}

impl Ballast {
    /// That of a log directory, which may have none yet.
    pub fn of(log_dir: &Path) -> Ballast {
        Ballast {
            path: log_dir.join(FILE_NAME),
        }
    }

    /// Takes `bytes` of the disk, unless there is a ballast already; one of another size stays as
    /// it is.
    ///
    /// # Errors
    /// The disk failed or has no room, or the file system cannot set room aside.
    pub fn take(&self, bytes: u64) -> io::Result<()> {
        if self.is_there() || bytes == 0 {
            return Ok(());
        }
        disk::allocate(&self.path, bytes).or_else(|error| {
            disk::remove(&self.path)?;
            Err(error)
        })
    }

    /// Whether there is any to give up.
    pub fn is_there(&self) -> bool {
        disk::size(&self.path).is_ok()
    }

    /// Gives the room back; whether there was any.
    ///
    /// # Errors
    /// The disk failed.
    pub fn release(&self) -> io::Result<bool> {
        let was_there = self.is_there();
        disk::remove(&self.path)?;
        Ok(was_there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ballast_is_taken_once_and_given_back_once() {
        let dir = tempfile::tempdir().unwrap();
        let ballast = Ballast::of(dir.path());
        assert!(!ballast.release().unwrap());
        ballast.take(10_000).unwrap();
        ballast.take(20_000).unwrap();
        assert_eq!(disk::size(&ballast.path).unwrap(), 10_000);
        assert!(ballast.release().unwrap());
        assert!(!ballast.is_there());
        ballast.take(0).unwrap();
        assert!(!ballast.is_there());
    }
}
