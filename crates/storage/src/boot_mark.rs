//! Which start of the machine a log directory was last used in.
//!
//! What a process wrote survives it for as long as the machine runs. So after a crash within the
//! same start, nothing is torn but the end of the last write, and other holes are damage.

use crate::disk;
use crate::recovery::Interruption;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Name of the file in a log directory.
const FILE_NAME: &str = ".klamm_boot_id";

/// Where Linux tells the id of this start.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

const BOOT_ID_BYTES_MAX: u64 = 64;

/// The mark of one log directory.
#[derive(Clone, Copy, Debug)]
pub struct BootMark<'a> {
    log_dir: &'a Path,
    /// Where the id of this start is told.
    boot_id: &'a Path,
}

impl<'a> BootMark<'a> {
    /// The mark of this log directory.
    pub fn of(log_dir: &'a Path) -> BootMark<'a> {
        BootMark {
            log_dir,
            boot_id: Path::new(BOOT_ID),
        }
    }

    /// What the directory's last use may have been interrupted by, if it was not ended in order.
    pub fn read(&self) -> Interruption {
        // Without an id there is no telling.
        let now = disk::read_all(self.boot_id).unwrap_or_default();
        let before = disk::read(&self.path(), BOOT_ID_BYTES_MAX).unwrap_or_default();
        if !now.is_empty() && before.as_ref() == Some(&now) {
            Interruption::Process
        } else {
            Interruption::Machine
        }
    }

    /// Sets the mark for the next start, once every log is open: what the machine may have torn
    /// must have been cut by then.
    ///
    /// # Errors
    /// The disk failed.
    pub fn write(&self) -> io::Result<()> {
        if self.read() == Interruption::Process {
            return Ok(());
        }
        let now = disk::read_all(self.boot_id).unwrap_or_default();
        disk::replace(&self.path(), &now)
    }

    /// Removes the mark: what a disk has after it failed to take a write, it alone knows.
    ///
    /// # Errors
    /// The disk failed.
    pub fn remove(&self) -> io::Result<()> {
        disk::remove(&self.path())
    }

    fn path(&self) -> PathBuf {
        self.log_dir.join(FILE_NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_a_mark_of_the_same_start_of_the_machine_rules_out_a_power_failure() {
        let dir = tempfile::tempdir().unwrap();
        let boot_id = dir.path().join("boot_id");
        let mark = BootMark {
            log_dir: dir.path(),
            boot_id: &boot_id,
        };
        // No id, no telling.
        mark.write().unwrap();
        assert_eq!(mark.read(), Interruption::Machine);
        for id in ["one\n", "two\n"] {
            fs::write(&boot_id, id).unwrap();
            // A start that was killed before it had recovered the logs does not count.
            assert_eq!(mark.read(), Interruption::Machine);
            assert_eq!(mark.read(), Interruption::Machine);
            mark.write().unwrap();
            assert_eq!(mark.read(), Interruption::Process);
            mark.write().unwrap();
            assert_eq!(mark.read(), Interruption::Process);
        }
        mark.remove().unwrap();
        assert_eq!(mark.read(), Interruption::Machine);
    }
}
