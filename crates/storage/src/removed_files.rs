//! Files that were removed from a log and stay on disk for a while as `*.deleted`.
//!
//! Readers that found a segment just before it was removed may still open its files, and an
//! operator has a moment to change their mind. The files are unlinked when they are due; those
//! that a crash leaves behind go when the log is opened.

use crate::disk;
use crate::error::StorageError;
use crate::log_state::LogState;
use crate::segment::{Segment, lock};
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What waits to be unlinked. As many files as the log ever had in segments, at most.
#[derive(Debug, Default)]
pub(crate) struct RemovedFiles(Vec<Removed>);

#[derive(Debug)]
struct Removed {
    path: PathBuf,
    delay_ms: i64,
    /// Set by whoever first looks with a clock.
    due_ms: Option<i64>,
    _counted: Counted,
}

/// How many files wait to be unlinked, of all logs that share this.
#[derive(Debug, Default)]
pub(crate) struct RemovedCount(Arc<AtomicUsize>);

/// One of them, until this is dropped.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl RemovedCount {
    pub(crate) fn is_any(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }

    fn count(&self) -> Counted {
        self.0.fetch_add(1, Ordering::AcqRel);
        Counted(Arc::clone(&self.0))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl RemovedFiles {
    /// Takes out what is due.
    fn take_due(&mut self, now_ms: i64, at_once: bool) -> Vec<PathBuf> {
        for file in &mut self.0 {
            let due_ms = now_ms.saturating_add(file.delay_ms);
            file.due_ms.get_or_insert(due_ms);
        }
        let is_due = |file: &Removed| at_once || file.due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        self.0
            .extract_if(.., |file| is_due(file))
            .map(|file| file.path)
            .collect()
    }
}

impl LogState {
    /// Removes the files of a segment that is not in the list any more, `delay_ms` from now.
    pub(crate) fn remove_segment(
        &self,
        segment: &Segment,
        delay_ms: i64,
    ) -> Result<(), StorageError> {
        // Before the names are free.
        segment.disown();
        segment
            .files()
            .iter()
            .try_for_each(|path| self.remove_file(path, delay_ms))
    }

    /// Removes a file `delay_ms` from now: it is renamed at once and unlinked later. One that is
    /// not there is fine.
    pub(crate) fn remove_file(&self, path: &Path, delay_ms: i64) -> Result<(), StorageError> {
        if delay_ms > 0 {
            let renamed = deleted_path(path);
            match disk::rename(path, &renamed) {
                Ok(()) => {
                    lock(&self.removed).0.push(Removed {
                        path: renamed,
                        delay_ms,
                        due_ms: None,
                        _counted: self.files().removed().count(),
                    });
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                // The new name may need a block that a full disk does not have.
                Err(error) if disk::is_full(&error) => {}
                Err(error) => return Err(StorageError::io("rename", path)(error)),
            }
        }
        disk::remove(path).map_err(StorageError::io("remove", path))
    }

    /// Unlinks the removed files that are due, all of them `at_once` if need be; how many.
    pub(crate) fn purge_removed(&self, now_ms: i64, at_once: bool) -> Result<usize, StorageError> {
        let due = lock(&self.removed).take_due(now_ms, at_once);
        for path in &due {
            disk::remove(path).map_err(StorageError::io("remove", path))?;
        }
        Ok(due.len())
    }
}

fn deleted_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".deleted");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_due_their_delay_after_a_clock_first_saw_them() {
        let mut files = RemovedFiles::default();
        let count = RemovedCount::default();
        let add = |files: &mut RemovedFiles, name: &str, delay_ms| {
            files.0.push(Removed {
                path: name.into(),
                delay_ms,
                due_ms: None,
                _counted: count.count(),
            });
        };
        assert!(!count.is_any());
        add(&mut files, "a", 100);
        let nothing: [PathBuf; 0] = [];
        assert_eq!(files.take_due(1_000, false), nothing);
        add(&mut files, "b", 100);
        assert_eq!(files.take_due(1_099, false), nothing);
        assert_eq!(files.take_due(1_100, false), [PathBuf::from("a")]);
        assert_eq!(files.take_due(1_198, false), nothing);
        assert!(count.is_any());
        assert_eq!(files.take_due(1_199, false), [PathBuf::from("b")]);
        assert!(!count.is_any());
        add(&mut files, "c", i64::MAX);
        assert_eq!(files.take_due(i64::MAX - 1, false), nothing);
        assert_eq!(files.take_due(0, true), [PathBuf::from("c")]);
        add(&mut files, "d", 100);
        drop(files);
        assert!(
            !count.is_any(),
            "nobody waits for those of a log that is gone"
        );
    }
}
