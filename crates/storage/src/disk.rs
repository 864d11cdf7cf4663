//! The one place that touches files: opens, reads, writes, renames and removes them.
//!
//! Under test, every change is recorded on its way (`disk_trace.rs`), so that what a crash would
//! leave behind can be built for each moment. Whoever needs an operation that is missing here
//! adds it, with its record.

#[cfg(test)]
use crate::disk_trace::{self, Change};
use rustix::{
    buffer::spare_capacity,
    fs::{Advice, FallocateFlags},
    io::Errno,
};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    num::NonZeroU64,
    os::{
        fd::{AsRawFd, RawFd},
        unix::fs::{FileExt, MetadataExt},
    },
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// An open file. Reads and writes name their place; there is no cursor.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    #[cfg(test)]
    inode: u64,
}

impl DiskFile {
    fn new(file: File) -> io::Result<DiskFile> {
        Ok(DiskFile {
            #[cfg(test)]
            inode: disk_trace::inode(&file)?,
            file,
        })
    }

    /// Reads what there is from a place on, at most as much as fits; the count of bytes, which
    /// is zero behind the end only.
    pub(crate) fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.file.read_at(buffer, position)
    }

    /// Fills a buffer.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, position)
    }

    /// Reads up to `size` bytes, fewer where the file ends. The memory is not cleared first.
    pub(crate) fn read_vec_at(&self, size: usize, position: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(size);
        while bytes.len() < size {
            let at = position + bytes.len() as u64;
            match rustix::io::pread(&self.file, spare_capacity(&mut bytes), at) {
                Ok(0) => break,
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        bytes.truncate(size);
        Ok(bytes)
    }

    /// Writes all of it, behind the end too.
    pub(crate) fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        #[cfg(test)]
        disk_trace::take_room().inspect_err(|_| self.write_half_at(bytes, position))?;
        self.file.write_all_at(bytes, position)?;
        #[cfg(test)]
        disk_trace::record(|| Change::Write {
            inode: self.inode,
            position,
            bytes: bytes.to_vec(),
        });
        Ok(())
    }

    /// What a full disk still takes.
    #[cfg(test)]
    fn write_half_at(&self, bytes: &[u8], position: u64) {
        let half = &bytes[..bytes.len() / 2];
        self.file.write_all_at(half, position).unwrap();
        disk_trace::record(|| Change::Write {
            inode: self.inode,
            position,
            bytes: half.to_vec(),
        });
    }

    /// Cuts the file, or extends it with zeros.
    pub(crate) fn set_len(&self, size: u64) -> io::Result<()> {
        self.file.set_len(size)?;
        #[cfg(test)]
        disk_trace::record(|| Change::SetLen {
            inode: self.inode,
            size,
        });
        Ok(())
    }

    /// Reserves room up to a size without changing the file's own. Where the system cannot, or
    /// has no room, nothing happens: writes will tell.
    pub(crate) fn preallocate(&self, size: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, size) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::NOSPC | Errno::DQUOT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the contents durable, and the size.
    pub(crate) fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()?;
        #[cfg(test)]
        disk_trace::record(|| Change::SyncFile { inode: self.inode });
        Ok(())
    }

    /// Makes everything durable that was written to the file system before, by anybody.
    pub(crate) fn sync_file_system(&self) -> io::Result<()> {
        rustix::fs::syncfs(&self.file)?;
        #[cfg(test)]
        disk_trace::record(|| Change::SyncAll);
        Ok(())
    }

    /// What kind of file system the file lies in, as statfs(2) tells.
    pub(crate) fn file_system_magic(&self) -> io::Result<u64> {
        let magic = rustix::fs::fstatfs(&self.file)?.f_type;
        // 32 bits, signed on some machines.
        Ok(u64::from(magic as u32))
    }

    /// Tells the system that a part of the file will not be read again soon.
    pub(crate) fn forget(&self, position: u64, bytes: u64) -> io::Result<()> {
        let size = NonZeroU64::new(bytes);
        Ok(rustix::fs::fadvise(
            &self.file,
            position,
            size,
            Advice::DontNeed,
        )?)
    }

    /// Bytes of the file.
    pub(crate) fn len(&self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }

    /// Takes the lock of the file until it is closed, unless somebody has it.
    pub(crate) fn try_lock(&self) -> Result<(), TryLockError> {
        self.file.try_lock()
    }
}

impl AsRawFd for DiskFile {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

/// Opens a file for reading and writing; it must exist.
pub(crate) fn open(path: &Path) -> io::Result<DiskFile> {
    #[cfg(test)]
    disk_trace::may_open()?;
    DiskFile::new(OpenOptions::new().read(true).write(true).open(path)?)
}

/// Opens a file for reading.
pub(crate) fn open_to_read(path: &Path) -> io::Result<DiskFile> {
    #[cfg(test)]
    disk_trace::may_open()?;
    DiskFile::new(File::open(path)?)
}

/// A name of a file, which can be used for nothing else.
#[cfg(test)]
pub(crate) fn open_as_path(path: &Path) -> DiskFile {
    let flags = rustix::fs::OFlags::PATH;
    let opened = rustix::fs::open(path, flags, rustix::fs::Mode::empty());
    DiskFile::new(opened.unwrap().into()).unwrap()
}

/// Creates a file, or empties the one there is.
pub(crate) fn create(path: &Path) -> io::Result<DiskFile> {
    #[cfg(test)]
    disk_trace::take_room()?;
    #[cfg(test)]
    disk_trace::may_open()?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    let file = DiskFile::new(file)?;
    #[cfg(test)]
    disk_trace::record(|| Change::Create {
        path: path.to_path_buf(),
        inode: file.inode,
    });
    Ok(file)
}

/// Opens a file to lock it, creating it if need be.
pub(crate) fn open_lock(path: &Path) -> io::Result<DiskFile> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    DiskFile::new(file)
}

/// Renames a file, over another one if need be.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    #[cfg(test)]
    disk_trace::record(|| Change::Rename {
        from: from.to_path_buf(),
        to: to.to_path_buf(),
    });
    Ok(())
}

/// Removes a file. One that is not there is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            #[cfg(test)]
            disk_trace::record(|| Change::Remove {
                path: path.to_path_buf(),
            });
            Ok(())
        }
    }
}

/// Creates a folder and those above it.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Makes the entries of a folder durable: files created, renamed and removed in it.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    open_to_read(path)?.file.sync_all()?;
    #[cfg(test)]
    disk_trace::record(|| Change::SyncDir {
        path: path.to_path_buf(),
    });
    Ok(())
}

/// Makes the contents of a file durable, or the entries of a folder. One that is not there is
/// fine.
pub(crate) fn sync_file(path: &Path) -> io::Result<()> {
    let sync = |file: DiskFile| match file.file.metadata()?.is_dir() {
        true => sync_dir(path),
        false => file.sync_data(),
    };
    // It may be removed at any time.
    match open_to_read(path).and_then(sync) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        synced => synced,
    }
}

/// Replaces a file as one step that a crash cannot halve: a temporary file beside it, sync,
/// rename, sync of the folder.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    prepare_replacement(path, contents)?.sync_data()?;
    install_replacement(path)?;
    match path.parent() {
        Some(dir) => sync_dir(dir),
        None => Ok(()),
    }
}

/// The first part of [`replace`], up to the sync.
pub(crate) fn prepare_replacement(path: &Path, contents: &[u8]) -> io::Result<DiskFile> {
    let file = create(&temporary_path(path))?;
    file.write_all_at(contents, 0)?;
    Ok(file)
}

/// The rename of [`replace`].
pub(crate) fn install_replacement(path: &Path) -> io::Result<()> {
    rename(&temporary_path(path), path)
}

/// Writes a file whose loss or damage is noticed when it is read, without waiting for the disk.
pub(crate) fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    create(path)?.write_all_at(contents, 0)
}

/// Reads a file of at most `bytes_max` bytes; `None` if it is not there.
pub(crate) fn read(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > bytes_max => Err(io::ErrorKind::FileTooLarge.into()),
        Ok(_) => fs::read(path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a file of the system whose size is not known before.
pub(crate) fn read_all(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// Names of the files in a folder, sorted. Names that are not UTF-8 are nobody's here.
pub(crate) fn file_names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}

/// The number of the device that a file or folder lies on.
pub(crate) fn device(path: &Path) -> io::Result<u64> {
    fs::metadata(path).map(|metadata| metadata.dev())
}

/// Bytes of a file.
pub(crate) fn size(path: &Path) -> io::Result<u64> {
    fs::metadata(path).map(|metadata| metadata.len())
}

/// Creates a file that has its blocks already, without writing them.
pub(crate) fn allocate(path: &Path, bytes: u64) -> io::Result<()> {
    let file = File::create(path)?;
    Ok(rustix::fs::fallocate(
        &file,
        FallocateFlags::empty(),
        0,
        bytes,
    )?)
}

/// When a file was last written, in ms since 1970.
pub(crate) fn modified_ms(path: &Path) -> io::Result<i64> {
    let modified = fs::metadata(path)?.modified()?;
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).map_err(io::Error::other)
}

/// Whether an operation failed for want of room, on the disk or for one more open file. That is
/// no failure of the disk.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded) || is_unopened(error)
}

/// Whether a file could not be opened since this process, or the system, has too many open ones.
pub(crate) fn is_unopened(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE))
}

fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".tmp");
    path.with_file_name(name)
}
