//! Records what a thread changes on disk, for tests of crashes, and lets its disk be full.

use std::{
    cell::{Cell, RefCell},
    fs::File,
    io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
};

/// A change of a file or a folder, as the system carried it out. Files that are open are known
/// by their inode, since they can be renamed and removed meanwhile.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A file is new, or was emptied.
    Create {
        path: PathBuf,
        inode: u64,
    },
    Write {
        inode: u64,
        position: u64,
        bytes: Vec<u8>,
    },
    SetLen {
        inode: u64,
        size: u64,
    },
    SyncFile {
        inode: u64,
    },
    SyncDir {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
}

thread_local! {
    static CHANGES: RefCell<Option<Vec<Change>>> = const { RefCell::new(None) };
    static ROOM: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Begins to record what this thread does.
pub(crate) fn start() {
    CHANGES.set(Some(Vec::new()));
}

/// How many changes were recorded so far.
pub(crate) fn count() -> usize {
    CHANGES.with_borrow(|changes| changes.as_ref().map_or(0, Vec::len))
}

/// Ends the record; the changes in their order.
pub(crate) fn stop() -> Vec<Change> {
    CHANGES.take().unwrap_or_default()
}

/// Adds a change, if this thread is recorded.
pub(crate) fn record(change: impl FnOnce() -> Change) {
    CHANGES.with_borrow_mut(|changes| {
        if let Some(changes) = changes {
            changes.push(change());
        }
    });
}

/// Lets this thread create or write so many times before its disk is full; `None`: for ever.
pub(crate) fn limit_room(writes: Option<usize>) {
    ROOM.set(writes);
}

/// Fails if the disk is full.
pub(crate) fn take_room() -> io::Result<()> {
    match ROOM.get() {
        None => Ok(()),
        Some(0) => Err(io::ErrorKind::StorageFull.into()),
        Some(writes) => {
            ROOM.set(Some(writes - 1));
            Ok(())
        }
    }
}

/// What tells a file from others.
pub(crate) fn inode(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.ino())
}
