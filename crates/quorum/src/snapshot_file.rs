//! Snapshots on disk: one file each, named after the last entry it covers.

use crate::{
    durable_file,
    identity::FolderLock,
    raft_types::{LogId, Snapshot, SnapshotMeta},
    room::Room,
    wire,
};
use bytes::Bytes;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

const EXTENSION: &str = "snapshot";

/// The folder of a controller's snapshots; there is one, and for a moment two. Clones share it:
/// one of them writes or reads at a time.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotFolder {
    path: Arc<Mutex<PathBuf>>,
    room: Room,
    _lock: FolderLock,
}

impl SnapshotFolder {
    pub(crate) fn new(folder: &Path, lock: FolderLock) -> SnapshotFolder {
        SnapshotFolder {
            path: Arc::new(Mutex::new(folder.to_owned())),
            room: Room::of(folder),
            _lock: lock,
        }
    }

    /// Writes a snapshot, once the disk has room for it; when this returns it survives a crash and
    /// older ones are gone. One that is older than what is there is not written: it took longer to
    /// build than the newer one took to arrive, and the log may not reach back to it any more.
    ///
    /// # Errors
    /// The disk refused; the older ones are still there.
    pub(crate) fn save(&self, meta: &SnapshotMeta, data: &[u8]) -> io::Result<()> {
        self.room.wait(|| self.try_save(meta, data))
    }

    fn try_save(&self, meta: &SnapshotMeta, data: &[u8]) -> io::Result<()> {
        let folder = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        let path = folder.join(name_of(meta.last_log_id));
        let found = files(&folder)?;
        if found.iter().any(|other| *other > path) {
            return Ok(());
        }
        let encoded = wire::encode(meta)?;
        let length = u32::try_from(encoded.len()).map_err(io::Error::other)?;
        let mut payload = Vec::with_capacity(4 + encoded.len() + data.len());
        payload.extend_from_slice(&length.to_le_bytes());
        payload.extend_from_slice(&encoded);
        payload.extend_from_slice(data);
        durable_file::replace(&path, &payload)?;
        for other in found.into_iter().filter(|other| *other != path) {
            fs::remove_file(other)?;
        }
        Ok(())
    }

    /// The newest snapshot, if there is one.
    ///
    /// # Errors
    /// The disk refused, or the snapshot is damaged.
    pub(crate) fn load(&self) -> io::Result<Option<Snapshot>> {
        let folder = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = files(&folder)?.into_iter().max() else {
            return Ok(None);
        };
        let Some(payload) = durable_file::read(&path)? else {
            return Ok(None);
        };
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "damaged snapshot");
        let (length, rest) = payload.split_first_chunk::<4>().ok_or_else(damaged)?;
        let length = u32::from_le_bytes(*length) as usize;
        let meta = wire::decode(rest.get(..length).ok_or_else(damaged)?)?;
        let snapshot = Bytes::from(payload).slice(4 + length..);
        Ok(Some(Snapshot { meta, snapshot }))
    }
}

/// The name sorts by index.
fn name_of(last: Option<LogId>) -> String {
    let (index, term) = last.map_or((0, 0), |id| (id.index, id.leader_id.term));
    format!("{index:020}-{term:010}.{EXTENSION}")
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|is| is == EXTENSION) {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(term: u64, index: u64) -> SnapshotMeta {
        SnapshotMeta {
            last_log_id: Some(LogId::new(term.into(), index)),
            ..SnapshotMeta::default()
        }
    }

    #[test]
    fn the_newest_snapshot_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = SnapshotFolder::new(folder.path(), FolderLock::default());
        assert!(snapshots.load().unwrap().is_none());
        for (term, index) in [(1, 9), (2, 10)] {
            snapshots.save(&meta(term, index), b"image").unwrap();
            let loaded = snapshots.load().unwrap().unwrap();
            assert_eq!(loaded.meta, meta(term, index));
            assert_eq!(loaded.snapshot, &b"image"[..]);
        }
        // This one was begun before the others and is finished only now.
        snapshots.save(&meta(1, 5), b"older").unwrap();
        let loaded = snapshots.load().unwrap().unwrap();
        assert_eq!(loaded.meta, meta(2, 10));
        assert_eq!(files(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_snapshot_is_there_while_the_next_one_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = SnapshotFolder::new(folder.path(), FolderLock::default());
        snapshots.save(&meta(1, 0), b"image").unwrap();
        let writer = std::thread::spawn({
            let snapshots = snapshots.clone();
            move || (1..200).try_for_each(|index| snapshots.save(&meta(1, index), b"image"))
        });
        while !writer.is_finished() {
            assert!(snapshots.load().unwrap().is_some());
        }
        writer.join().unwrap().unwrap();
    }
}
