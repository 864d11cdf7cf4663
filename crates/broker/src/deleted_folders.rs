//! Folders of removed replicas, which are deleted a while after they were renamed.

use std::{
    collections::VecDeque,
    fs, io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};
use tracing::warn;

/// Folders that wait at most. What is beyond is deleted at the next start.
const WAITING_MAX: usize = 100_000;

/// The folders that wait to be deleted. One thread at a time deletes them, so that a topic of
/// many partitions does not keep the disk from everything else.
#[derive(Default)]
pub(crate) struct DeletedFolders {
    /// In the order in which they came, with the time when they are due.
    waiting: Mutex<VecDeque<(i64, PathBuf)>>,
    /// Held while folders are deleted.
    deleting: Mutex<()>,
}

impl DeletedFolders {
    /// Has a folder deleted at `due_ms` or later.
    pub(crate) fn push(&self, folder: PathBuf, due_ms: i64) {
        let mut waiting = lock(&self.waiting);
        if waiting.len() < WAITING_MAX {
            waiting.push_back((due_ms, folder));
        } else {
            warn!(folder = %folder.display(), "too many folders wait for deletion: this one goes \
                with the next start");
        }
    }

    /// Deletes the folders that are due, all of them `at_once` if need be. Blocks for as long as
    /// the disk takes.
    pub(crate) fn delete_due(&self, now_ms: i64, at_once: bool) {
        let _deleting = lock(&self.deleting);
        while let Some(folder) = self.take_due(now_ms, at_once) {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    warn!(folder = %folder.display(), %error,
                        "cannot delete the log of a removed replica");
                }
                _ => {}
            }
        }
    }

    fn take_due(&self, now_ms: i64, at_once: bool) -> Option<PathBuf> {
        let mut waiting = lock(&self.waiting);
        let is_due = |(due_ms, _): &(i64, PathBuf)| at_once || *due_ms <= now_ms;
        let found = waiting.iter().position(is_due)?;
        waiting.remove(found).map(|(_, folder)| folder)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_go_when_they_are_due_or_space_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("file"), "text").unwrap();
            path
        };
        let (early, late) = (folder("early"), folder("late"));
        let folders = DeletedFolders::default();
        folders.push(late.clone(), 2_000);
        folders.push(early.clone(), 1_000);
        folders.push(dir.path().join("gone already"), 0);
        folders.delete_due(999, false);
        assert!(early.exists() && late.exists());
        folders.delete_due(1_000, false);
        assert!(!early.exists() && late.exists());
        folders.delete_due(1_001, true);
        assert!(!late.exists());
    }
}
