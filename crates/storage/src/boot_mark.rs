//! Which start of the machine a log directory was last used in.
//!
//! What a process wrote survives it for as long as the machine runs. So after a crash within the
//! same start, nothing is torn but the end of the last write, and other holes are damage.

use crate::disk;
use crate::recovery::Interruption;
use std::{io, path::Path};

/// Name of the file in a log directory.
const FILE_NAME: &str = ".klamm_boot_id";

/// Where Linux tells the id of this start.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

const BOOT_ID_BYTES_MAX: u64 = 64;

/// What a log directory's last use may have been interrupted by, if it was not ended in order.
/// Leaves a mark for the next start.
///
/// # Errors
/// The disk failed.
pub fn mark_boot(log_dir: &Path) -> io::Result<Interruption> {
    mark(log_dir, Path::new(BOOT_ID))
}

fn mark(log_dir: &Path, boot_id: &Path) -> io::Result<Interruption> {
    let path = log_dir.join(FILE_NAME);
    // Without an id there is no telling.
    let now = disk::read_all(boot_id).unwrap_or_default();
    let before = disk::read(&path, BOOT_ID_BYTES_MAX).unwrap_or_default();
    if !now.is_empty() && before.as_ref() == Some(&now) {
        return Ok(Interruption::Process);
    }
    disk::replace(&path, &now)?;
    Ok(Interruption::Machine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_the_same_start_of_the_machine_rules_out_a_power_failure() {
        let dir = tempfile::tempdir().unwrap();
        let boot_id = dir.path().join("boot_id");
        let mark = || mark(dir.path(), &boot_id).unwrap();
        assert_eq!(mark(), Interruption::Machine);
        assert_eq!(mark(), Interruption::Machine);
        fs::write(&boot_id, "one\n").unwrap();
        assert_eq!(mark(), Interruption::Machine);
        assert_eq!(mark(), Interruption::Process);
        fs::write(&boot_id, "two\n").unwrap();
        assert_eq!(mark(), Interruption::Machine);
        assert_eq!(mark(), Interruption::Process);
    }
}
