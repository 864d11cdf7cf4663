//! How much room a disk has.

use std::{io, path::Path};

/// The room of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that this process may still write.
    pub available: u64,
    /// Bytes of the whole file system.
    pub total: u64,
}

impl DiskSpace {
    /// Of the file system that a folder lies in.
    ///
    /// # Errors
    /// There is no such folder, or the disk failed.
    pub fn of(folder: &Path) -> io::Result<DiskSpace> {
        let stat = rustix::fs::statvfs(folder)?;
        Ok(DiskSpace {
            available: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_room_and_a_missing_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let space = DiskSpace::of(dir.path()).unwrap();
        assert!(
            space.total > 0 && space.available <= space.total,
            "{space:?}"
        );
        assert!(DiskSpace::of(&dir.path().join("missing")).is_err());
    }
}
