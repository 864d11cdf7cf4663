//! A file system that can be synced as a whole.
//!
//! Syncing many files one by one costs a commit of the file system's journal for nearly each. Where
//! the system promises that all of it is durable afterwards, and tells of writes that failed, one
//! sync of the whole file system does for all of them. Its price is whatever others have written
//! there: whoever uses it has to look at that first.

use crate::disk::{self, DiskFile};
use std::{
    io,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Linux tells of failed writes when a file system is synced since this version.
const TELLS_OF_FAILURES_SINCE: (u32, u32) = (5, 8);

/// Magic numbers (statfs(2)) of the file systems that write their journal and flush the disk.
/// Others may only begin to (FUSE), or answer for a layer below (overlayfs).
const SYNCED_AS_A_WHOLE: [u64; 2] = [EXT4, XFS];
const EXT4: u64 = 0xEF53;
const XFS: u64 = 0x5846_5342;

/// The file system of a folder.
#[derive(Debug)]
pub struct FileSystem {
    device: u64,
    folder: DiskFile,
    has_failed: AtomicBool,
}

impl FileSystem {
    /// The file system that a folder lies in; `None` where syncing it as a whole is not known to
    /// make everything durable.
    ///
    /// # Errors
    /// There is no such folder, or the disk failed.
    pub fn of(folder: &Path) -> io::Result<Option<FileSystem>> {
        let device = disk::device(folder)?;
        let folder = disk::open_to_read(folder)?;
        let is_known = SYNCED_AS_A_WHOLE.contains(&folder.file_system_magic()?);
        let version = rustix::system::uname();
        let is_told = version
            .release()
            .to_str()
            .is_ok_and(|release| is_since(release, TELLS_OF_FAILURES_SINCE));
        Ok((is_known && is_told).then_some(FileSystem {
            device,
            folder,
            has_failed: AtomicBool::new(false),
        }))
    }

    /// A folder's file system, whatever it is.
    #[cfg(test)]
    pub(crate) fn any(folder: &Path) -> FileSystem {
        FileSystem {
            device: disk::device(folder).unwrap(),
            folder: disk::open_to_read(folder).unwrap(),
            has_failed: AtomicBool::new(false),
        }
    }

    /// One that cannot be synced.
    #[cfg(test)]
    pub(crate) fn failing(folder: &Path) -> FileSystem {
        FileSystem {
            folder: disk::open_as_path(folder),
            ..FileSystem::any(folder)
        }
    }

    /// What was wrong with the disk is over.
    #[cfg(test)]
    pub(crate) fn mended(self, folder: &Path) -> FileSystem {
        FileSystem {
            folder: disk::open_to_read(folder).unwrap(),
            ..self
        }
    }

    /// The same for all folders of one file system.
    pub fn device(&self) -> u64 {
        self.device
    }

    /// Whether a sync may be tried: none has failed so far.
    pub fn is_trusted(&self) -> bool {
        !self.has_failed.load(Ordering::Acquire)
    }

    /// Makes everything durable that anybody has written there before this call.
    ///
    /// The system tells of a failure once, and not whose it was. So a later sync that succeeds says
    /// nothing about a file that was written before the failure: there is none after one.
    ///
    /// # Errors
    /// Something that was written there has not reached the disk, whoever wrote it and whenever.
    pub fn sync(&self) -> io::Result<()> {
        if !self.is_trusted() {
            return Err(io::Error::other("an earlier sync of it has failed"));
        }
        self.folder
            .sync_file_system()
            .inspect_err(|_| self.has_failed.store(true, Ordering::Release))
    }
}

/// Whether a release such as "6.1.0-17-amd64" is at least a version.
fn is_since(release: &str, (major, minor): (u32, u32)) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next().and_then(|number| number.parse().ok());
    matches!((next(), next()), (Some(a), Some(b)) if (a, b) >= (major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_compare_by_their_numbers() {
        let table = [
            ("5.8.0", true),
            ("5.10.0-28-cloud", true),
            ("6.1", true),
            ("5.7.19", false),
            ("4.19.0", false),
            ("6", false),
            ("", false),
            ("next", false),
        ];
        for (release, expected) in table {
            assert_eq!(is_since(release, (5, 8)), expected, "{release}");
        }
    }

    #[test]
    fn folders_of_one_file_system_have_one_device() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        if let Some(outer) = FileSystem::of(dir.path()).unwrap() {
            let inner = FileSystem::of(&inner).unwrap().unwrap();
            assert_eq!(outer.device(), inner.device());
            outer.sync().unwrap();
        }
        assert!(FileSystem::of(&dir.path().join("missing")).is_err());
        assert!(FileSystem::of(Path::new("/proc")).unwrap().is_none());
    }
}
