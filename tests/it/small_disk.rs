//! A small file system of its own for nodes' data, which a test can fill to the last byte, freeze, or cut off as a loss of
//! power does.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::statvfs;
use tempfile::NamedTempFile;

/// An ext4 file system in a file, mounted where a node keeps its data. The cluster's watchdog unmounts it.
pub(crate) struct SmallDisk {
    mount_point: PathBuf,
    image: NamedTempFile,
}

/// Ends an ext4 file system without another write: EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH.
const SHUT_DOWN: &str = "
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(fd, 0x8004587d, struct.pack('I', 2))
";

impl SmallDisk {
    /// Makes and mounts it, its image beside the mount point, where it goes with the cluster's folder. `None`, with a word
    /// about it, where this process may not mount.
    ///
    /// # Panics
    /// With `CI=true`, where it may not.
    pub(crate) fn mount(mount_point: &Path, bytes: u64) -> Option<Self> {
        let folder = mount_point.parent().expect("a folder around a data folder");
        Self::mount_in(folder, mount_point, bytes)
    }

    /// The same with its image in a certain folder: where that is another small disk and freezes, what this one is told to
    /// keep waits, and the kernel goes on taking writes.
    ///
    /// # Panics
    /// As [`SmallDisk::mount`].
    pub(crate) fn mount_in(folder: &Path, mount_point: &Path, bytes: u64) -> Option<Self> {
        fs::create_dir_all(mount_point).expect("create a mount point");
        let image = NamedTempFile::new_in(folder).expect("create an image");
        image.as_file().set_len(bytes).expect("extend an image");
        let is_made = succeeds(
            Command::new("mkfs.ext4")
                .args(["-q", "-m", "0"])
                .arg(image.path()),
        );
        let disk = Self {
            mount_point: mount_point.to_owned(),
            image,
        };
        if is_made && disk.attach() {
            return Some(disk);
        }
        let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!is_ci, "a test must mount a file system and may not");
        println!("not run: this process may not mount a file system");
        None
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.mount_point
    }

    fn attach(&self) -> bool {
        succeeds(
            Command::new("mount")
                .args(["-o", "loop"])
                .arg(self.image.path())
                .arg(&self.mount_point),
        )
    }

    /// Lets every write wait until the guard is dropped; reads go on.
    pub(crate) fn freeze(&self) -> Frozen<'_> {
        let frozen = succeeds(Command::new("fsfreeze").arg("-f").arg(&self.mount_point));
        assert!(frozen, "who may mount may freeze as well");
        Frozen(self)
    }

    /// Whether [`SmallDisk::lose_power`] is possible here; says so if not.
    ///
    /// # Panics
    /// With `CI=true`, if not.
    pub(crate) fn can_lose_power(&self) -> bool {
        let is_there = succeeds(Command::new("python3").args(["-c", "import fcntl"]));
        let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(is_there || !is_ci, "a test needs python3");
        if !is_there {
            println!("not run: there is no python3");
        }
        is_there
    }

    /// Cuts it off: every later read and write fails, and what was not flushed is lost.
    pub(crate) fn lose_power(&self) {
        let mut command = Command::new("python3");
        let output = command
            .args(["-c", SHUT_DOWN])
            .arg(&self.mount_point)
            .output();
        let output = output.expect("run python3");
        assert!(output.status.success(), "{output:?}");
    }

    /// Mounts it anew, from what has reached the medium. Whether nobody held it any more.
    ///
    /// # Panics
    /// If it cannot be mounted again.
    pub(crate) fn remount(&self) -> bool {
        if !succeeds(Command::new("umount").arg(&self.mount_point)) {
            return false;
        }
        assert!(self.attach(), "a disk is gone");
        true
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

/// A disk that stands still.
pub(crate) struct Frozen<'a>(&'a SmallDisk);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        // Whoever waits for a frozen disk cannot even be killed.
        succeeds(Command::new("fsfreeze").arg("-u").arg(&self.0.mount_point));
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
