//! Segments that are to take the place of others, and the steps by which they do.
//!
//! ```text
//! <base>.log.cleaned   being written; means nothing after a crash
//!        sync, rename with the indexes, the log last; sync the folder
//! <base>.log.swap      complete: from here on a crash leads to the new segment
//!        remove the old files; sync the folder
//!        rename, the log last; sync the folder
//! <base>.log           in place
//! ```
//!
//! The folder is synced between the steps since nothing orders what a file system makes of its
//! entries: a new segment without its old ones removed would say things twice. See
//! [`swap_recovery`](crate::swap_recovery) for what is done after a crash.

use crate::disk;
use crate::log_files::LogFile;
use crate::segment::Segment;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The files of a segment in the order in which they are renamed: the log tells of the others.
const RENAMED: [LogFile; 4] = [
    LogFile::OffsetIndex,
    LogFile::TimeIndex,
    LogFile::TransactionIndex,
    LogFile::Log,
];

/// Files of a segment that is no part of the log yet. They are removed when this is dropped,
/// unless they have taken their place.
#[derive(Debug)]
pub(crate) struct CleanedFiles {
    dir: PathBuf,
    base_offset: i64,
    is_published: bool,
}

impl CleanedFiles {
    pub(crate) fn new(dir: &Path, base_offset: i64) -> CleanedFiles {
        CleanedFiles {
            dir: dir.to_path_buf(),
            base_offset,
            is_published: false,
        }
    }

    /// Where a file of the segment is written.
    pub(crate) fn path(&self, file: LogFile) -> PathBuf {
        file.cleaned_path(&self.dir, self.base_offset)
    }

    pub(crate) fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Removes what was written.
    pub(crate) fn remove(&self) -> io::Result<()> {
        RENAMED
            .iter()
            .try_for_each(|file| disk::remove(&self.path(*file)))
    }

    /// Makes the segment the one that counts after a crash. `step` hears of each operation.
    ///
    /// # Errors
    /// The disk failed. Unless [`CleanedFiles::is_published`], nothing has changed.
    pub(crate) fn publish(&mut self, step: &mut dyn FnMut()) -> io::Result<()> {
        for (i, file) in RENAMED.iter().enumerate() {
            let to = file.swap_path(&self.dir, self.base_offset);
            let renamed = rename_if_there(&self.path(*file), &to);
            if renamed.is_err() {
                self.withdraw(&RENAMED[..i])?;
            }
            renamed?;
            step();
        }
        // The log came last.
        self.is_published = true;
        disk::sync_dir(&self.dir)
    }

    /// Whether a crash leads to the segment.
    pub(crate) fn is_published(&self) -> bool {
        self.is_published
    }

    /// Removes indexes that were renamed before their log could not be.
    fn withdraw(&self, indexes: &[LogFile]) -> io::Result<()> {
        indexes
            .iter()
            .try_for_each(|file| disk::remove(&file.swap_path(&self.dir, self.base_offset)))
    }

    /// Gives a published segment its name. Those in its place are gone, durably.
    pub(crate) fn complete(&self, step: &mut dyn FnMut()) -> io::Result<()> {
        complete(&self.dir, self.base_offset, step)
    }
}

impl Drop for CleanedFiles {
    fn drop(&mut self) {
        if !self.is_published {
            // What stays is removed by the next attempt, or when the log is opened.
            let _ = self.remove();
        }
    }
}

/// Gives a published segment its name.
pub(crate) fn complete(dir: &Path, base_offset: i64, step: &mut dyn FnMut()) -> io::Result<()> {
    for file in RENAMED {
        let from = file.swap_path(dir, base_offset);
        rename_if_there(&from, &file.path(dir, base_offset))?;
        step();
    }
    disk::sync_dir(dir)
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match disk::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

/// A segment that says what its sources say; see [`Log::install`](crate::Log::install).
#[derive(Debug)]
pub struct Replacement {
    pub(crate) sources: Vec<Arc<Segment>>,
    /// Of the log, when the work began.
    pub(crate) truncations: u64,
    pub(crate) files: CleanedFiles,
}

impl Replacement {
    /// `sources` follow one another in the log; the files are complete and durable, and start at
    /// the base offset of the first source. `truncations` are those of the log when the work
    /// began: a segment that was cut may be sealed again, and what supersedes others may be gone.
    pub(crate) fn new(
        sources: Vec<Arc<Segment>>,
        truncations: u64,
        files: CleanedFiles,
    ) -> Replacement {
        Replacement {
            sources,
            truncations,
            files,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn nothing_is_left_of_a_replacement_that_could_not_be_published() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = CleanedFiles::new(dir.path(), 7);
        for file in RENAMED {
            fs::write(files.path(file), "contents").unwrap();
        }
        // No file can be renamed to a folder.
        let in_the_way = LogFile::Log.swap_path(dir.path(), 7);
        fs::create_dir(&in_the_way).unwrap();
        let mut steps = 0;
        files.publish(&mut || steps += 1).unwrap_err();
        assert_eq!((steps, files.is_published()), (3, false));
        fs::remove_dir(in_the_way).unwrap();
        drop(files);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
