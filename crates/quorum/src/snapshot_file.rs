//! Snapshots on disk: one file each, named after the last entry it covers.

use crate::{
    durable_file,
    raft_types::{LogId, Snapshot, SnapshotMeta},
    wire,
};
use bytes::Bytes;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const EXTENSION: &str = "snapshot";

/// The folder of a controller's snapshots; there is one, and for a moment two.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotFolder(PathBuf);

impl SnapshotFolder {
    pub(crate) fn new(folder: &Path) -> SnapshotFolder {
        SnapshotFolder(folder.to_owned())
    }

    /// Writes a snapshot; when this returns it survives a crash and older ones are gone.
    ///
    /// # Errors
    /// The disk refused; the older ones are still there.
    pub(crate) fn save(&self, meta: &SnapshotMeta, data: &[u8]) -> io::Result<()> {
        let encoded = wire::encode(meta)?;
        let length = u32::try_from(encoded.len()).map_err(io::Error::other)?;
        let mut payload = Vec::with_capacity(4 + encoded.len() + data.len());
        payload.extend_from_slice(&length.to_le_bytes());
        payload.extend_from_slice(&encoded);
        payload.extend_from_slice(data);
        let path = self.path_of(meta.last_log_id);
        durable_file::replace(&path, &payload)?;
        for other in self.files()?.into_iter().filter(|other| *other != path) {
            fs::remove_file(other)?;
        }
        Ok(())
    }

    /// The newest snapshot, if there is one.
    ///
    /// # Errors
    /// The disk refused, or the snapshot is damaged.
    pub(crate) fn load(&self) -> io::Result<Option<Snapshot>> {
        let Some(path) = self.files()?.into_iter().max() else {
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

    /// The name sorts by index.
    fn path_of(&self, last: Option<LogId>) -> PathBuf {
        let (index, term) = last.map_or((0, 0), |id| (id.index, id.leader_id.term));
        self.0.join(format!("{index:020}-{term:010}.{EXTENSION}"))
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            if path.extension().is_some_and(|is| is == EXTENSION) {
                files.push(path);
            }
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_snapshot_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = SnapshotFolder::new(folder.path());
        assert!(snapshots.load().unwrap().is_none());
        for (term, index) in [(1, 9), (2, 10)] {
            let meta = SnapshotMeta {
                last_log_id: Some(LogId::new(term.into(), index)),
                ..SnapshotMeta::default()
            };
            snapshots.save(&meta, b"image").unwrap();
            let loaded = snapshots.load().unwrap().unwrap();
            assert_eq!(loaded.meta, meta);
            assert_eq!(loaded.snapshot, &b"image"[..]);
        }
        assert_eq!(snapshots.files().unwrap().len(), 1);
    }
}
