//! How much room a log directory has.

use std::{io, path::Path};

/// The size of the file system that a directory is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    /// In bytes, taken or not.
    pub(crate) total_bytes: u64,
    /// Bytes that this process may still take.
    pub(crate) usable_bytes: u64,
}

impl Space {
    /// As the system says now.
    ///
    /// # Errors
    /// The directory cannot be reached.
    pub(crate) fn of(dir: &Path) -> io::Result<Space> {
        let found = rustix::fs::statvfs(dir)?;
        Ok(Space {
            total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
            usable_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_room_and_one_that_is_not_there_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let space = Space::of(dir.path()).unwrap();
        assert!(space.total_bytes > 0 && space.usable_bytes <= space.total_bytes);
        assert!(Space::of(&dir.path().join("gone")).is_err());
    }
}
