//! File systems that belong to one node alone: made for it, and filled.

use super::{TargetError, process::Process, program};
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

/// The size of a file system that is made for a node: room for the records of a long drill, and soon filled.
const SIZE: &str = "size=384m";

/// Makes a small file system, in memory, for a folder that is there. Needs root.
///
/// # Errors
/// It cannot be mounted.
pub(super) fn mount(folder: &Path) -> Result<(), TargetError> {
    let place = folder.display().to_string();
    program::run("mount", &["-t", "tmpfs", "-o", SIZE, "klamm-drill", &place]).map(drop)
}

/// Takes the file system of a folder away.
///
/// # Errors
/// It is still in use.
pub(super) fn unmount(folder: &Path) -> Result<(), TargetError> {
    program::run("umount", &[&folder.display().to_string()]).map(drop)
}

/// Takes away what drills that do not run any more have left mounted.
pub(super) fn sweep() {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    for folder in left_behind(&mounts) {
        // It may have gone meanwhile, by another drill that sweeps.
        let _ = unmount(Path::new(&folder));
    }
}

/// File systems in folders of drills whose process is gone.
fn left_behind(mounts: &str) -> Vec<String> {
    let folders = mounts.lines().filter_map(|line| {
        let rest = line.strip_prefix("klamm-drill ")?;
        rest.split(' ').next()
    });
    let is_orphan = |folder: &&str| {
        let drill = folder
            .split('/')
            .find_map(|part| part.strip_prefix("klamm-drill-"));
        let pid = drill.and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid| !Process::new(pid).is_some_and(Process::is_alive))
    };
    folders.filter(is_orphan).map(str::to_owned).collect()
}

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
    fn mounts_of_living_drills_and_of_others_stay() {
        let own = std::process::id();
        let mounts = format!(
            "tmpfs /tmp/klamm-drill-4000000/a tmpfs rw 0 0\n\
             klamm-drill /tmp/klamm-drill-{own}/a tmpfs rw 0 0\n\
             klamm-drill /tmp/klamm-drill-4000000/b tmpfs rw 0 0\n"
        );
        assert_eq!(left_behind(&mounts), ["/tmp/klamm-drill-4000000/b"]);
    }

    #[test]
    fn a_file_system_shared_with_others_is_not_to_be_filled() {
        let folder = std::env::temp_dir();
        assert!(!are_own_and_small(&[]));
        assert!(!are_own_and_small(&[folder.clone(), folder]));
    }
}
