//! Filling file systems that belong to one node alone.

use super::TargetError;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The name of the file that fills a file system.
const FILLING: &str = "klamm-drill-filling";

/// What is written at once.
const CHUNK_BYTES: usize = 1 << 20;

/// A larger file system is not filled: that would take long, and somebody may need it.
pub(super) const DISK_BYTES_MAX: u64 = 4 << 30;

/// Whether each folder is alone on a file system that is small enough to be filled.
pub(super) fn are_own_and_small(folders: &[PathBuf]) -> bool {
    let devices: Option<Vec<u64>> = folders
        .iter()
        .map(|folder| own_small_device(folder))
        .collect();
    devices.is_some_and(|devices| {
        let different: BTreeSet<&u64> = devices.iter().collect();
        !devices.is_empty() && different.len() == devices.len()
    })
}

/// The device of a folder at which a small file system is mounted.
fn own_small_device(folder: &Path) -> Option<u64> {
    let device = fs::metadata(folder).ok()?.dev();
    let is_mounted_here = fs::metadata(folder.parent()?).ok()?.dev() != device;
    let size = rustix::fs::statvfs(folder).ok()?;
    let bytes = size.f_blocks.saturating_mul(size.f_frsize);
    (is_mounted_here && bytes <= DISK_BYTES_MAX).then_some(device)
}

/// Writes until there is no room.
///
/// # Errors
/// Writing fails otherwise.
pub(super) fn fill(folder: &Path) -> Result<(), TargetError> {
    let path = folder.join(FILLING);
    let failed =
        |error: io::Error| TargetError::new(format!("cannot fill {}: {error}", path.display()));
    let mut file = File::create(&path).map_err(failed)?;
    let mut chunk = vec![0_u8; CHUNK_BYTES];
    while !chunk.is_empty() {
        match file.write_all(&chunk) {
            Ok(()) => {}
            // The rest may have room for less.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                chunk.truncate(chunk.len() / 2)
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

/// Makes room again.
///
/// # Errors
/// The filling cannot be removed.
pub(super) fn empty(folder: &Path) -> Result<(), TargetError> {
    let path = folder.join(FILLING);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let path = path.display();
            Err(TargetError::new(format!("cannot remove {path}: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_shared_with_others_is_not_to_be_filled() {
        let folder = std::env::temp_dir();
        assert!(!are_own_and_small(&[]));
        assert!(!are_own_and_small(&[folder.clone(), folder]));
    }
}
