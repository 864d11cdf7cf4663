//! A small file system of its own for a node's data, which a test can fill to the last byte.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::statvfs;
use tempfile::NamedTempFile;

/// An ext4 file system in a file, mounted where a node keeps its data. The cluster's watchdog unmounts it.
pub(crate) struct SmallDisk {
    mount_point: PathBuf,
    _image: NamedTempFile,
}

impl SmallDisk {
    /// Makes and mounts it. `None`, with a word about it, where this process may not mount.
    ///
    /// # Panics
    /// With `CI=true`, where it may not.
    pub(crate) fn mount(mount_point: &Path, bytes: u64) -> Option<Self> {
        let image = NamedTempFile::new().expect("create an image");
        image.as_file().set_len(bytes).expect("extend an image");
        fs::create_dir_all(mount_point).expect("create a mount point");
        let mounted = succeeds(
            Command::new("mkfs.ext4")
                .args(["-q", "-m", "0"])
                .arg(image.path()),
        ) && succeeds(
            Command::new("mount")
                .args(["-o", "loop"])
                .arg(image.path())
                .arg(mount_point),
        );
        if mounted {
            return Some(Self {
                mount_point: mount_point.to_owned(),
                _image: image,
            });
        }
        let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!is_ci, "a test must mount a file system and may not");
        println!("not run: this process may not mount a file system");
        None
    }

    /// Bytes that are free.
    pub(crate) fn available(&self) -> u64 {
        let stat = statvfs(&self.mount_point).expect("look at a small disk");
        stat.f_bavail * stat.f_frsize
    }

    /// Fills it, by a file that is nobody's, until at most `left` bytes are free.
    pub(crate) fn fill(&self, left: u64) {
        let mut hog = File::options()
            .create(true)
            .append(true)
            .open(self.hog())
            .expect("open a file on a small disk");
        loop {
            let excess = self.available().saturating_sub(left);
            let size = usize::try_from(excess.min(1 << 20)).unwrap();
            if size == 0 || hog.write_all(&vec![1; size]).is_err() || hog.sync_all().is_err() {
                return;
            }
        }
    }

    /// Takes away what [`SmallDisk::fill`] wrote.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.hog()).expect("remove a file of a small disk");
    }

    fn hog(&self) -> PathBuf {
        self.mount_point.join("hog")
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
