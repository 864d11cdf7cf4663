//! Whose folder this is: written at the first start, so that a folder of another node or
//! cluster is never used by mistake.

use crate::{QuorumError, durable_file, wire};
use klamm_types::Uuid;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What the folder says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    node_id: i32,
    cluster_id: Option<String>,
    directory_id: Uuid,
}

/// The same as it was written before folders had ids.
#[derive(Serialize, Deserialize)]
struct IdentityWithoutDirectory {
    node_id: i32,
    cluster_id: Option<String>,
}

/// A controller's folder, locked for as long as this value or its lock lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    node_id: i32,
    directory_id: Uuid,
    lock: FolderLock,
}

/// Keeps a folder locked. Whoever writes there from a thread of its own holds one, for it may
/// outlive the controller by the write under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct FolderLock {
    _file: Option<Arc<File>>,
}

impl Folder {
    /// Opens or makes the folder at `path` for `node_id`, and tells which cluster it belongs to.
    /// A folder without an id gets `directory_id`, or one that is drawn.
    pub(crate) fn open(
        path: &Path,
        node_id: i32,
        cluster_id: Option<&str>,
        directory_id: Option<Uuid>,
    ) -> Result<(Folder, Option<String>), QuorumError> {
        let storage = |source| QuorumError::Storage {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(path).map_err(storage)?;
        let lock = File::create(path.join("quorum.lock")).map_err(storage)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(QuorumError::FolderInUse(path.to_owned()));
            }
            Err(TryLockError::Error(source)) => return Err(storage(source)),
        }
        let mut folder = Folder {
            path: path.to_owned(),
            node_id,
            directory_id: Uuid::ZERO,
            lock: FolderLock {
                _file: Some(Arc::new(lock)),
            },
        };
        folder.tidy().map_err(storage)?;
        let found = folder.read().map_err(storage)?;
        let known = found.as_ref().and_then(|found| found.cluster_id.clone());
        let foreign = |what: String| QuorumError::ForeignFolder {
            path: path.to_owned(),
            what,
        };
        match (&found, &known, cluster_id) {
            (Some(found), _, _) if found.node_id != node_id => {
                Err(foreign(format!("node {}, not {node_id}", found.node_id)))
            }
            (_, Some(known), Some(wanted)) if known != wanted => {
                Err(foreign(format!("cluster {known}, not {wanted}")))
            }
            _ => {
                let id = found.as_ref().map(|found| found.directory_id);
                folder.directory_id = match id.filter(|id| !id.is_zero()).or(directory_id) {
                    Some(id) => id,
                    None => Uuid::random().map_err(|error| storage(io::Error::other(error)))?,
                };
                if id != Some(folder.directory_id) {
                    folder.write(known.clone()).map_err(storage)?;
                }
                Ok((folder, known))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells this folder from one that takes its place.
    pub(crate) fn directory_id(&self) -> Uuid {
        self.directory_id
    }

    pub(crate) fn lock(&self) -> FolderLock {
        self.lock.clone()
    }

    /// The folder belongs to that cluster from now on.
    pub(crate) fn write(&self, cluster_id: Option<String>) -> io::Result<()> {
        let identity = Identity {
            node_id: self.node_id,
            cluster_id,
            directory_id: self.directory_id,
        };
        durable_file::replace(&self.identity_path(), &wire::encode(&identity)?)
    }

    /// Removes what a crash left of files that were being replaced, and makes sure that the folder
    /// itself survives one: the vote lies in it.
    fn tidy(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.extension().is_some_and(|is| is == "tmp") {
                fs::remove_file(path)?;
            }
        }
        let path = fs::canonicalize(&self.path)?;
        durable_file::sync_folder_of(&path)
    }

    fn read(&self) -> io::Result<Option<Identity>> {
        match durable_file::read(&self.identity_path())? {
            Some(payload) => Ok(Some(match wire::decode(&payload) {
                Ok(identity) => identity,
                Err(_) => {
                    let old: IdentityWithoutDirectory = wire::decode(&payload)?;
                    Identity {
                        node_id: old.node_id,
                        cluster_id: old.cluster_id,
                        directory_id: Uuid::ZERO,
                    }
                }
            })),
            None => Ok(None),
        }
    }

    fn identity_path(&self) -> PathBuf {
        self.path.join("quorum-identity")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_others_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("metadata");
        let (folder, known) = Folder::open(&path, 1, Some("a"), None).unwrap();
        assert_eq!(known, None);
        assert!(matches!(
            Folder::open(&path, 1, None, None),
            Err(QuorumError::FolderInUse(_))
        ));
        folder.write(Some("a".into())).unwrap();
        drop(folder);

        let (_, known) = Folder::open(&path, 1, None, None).unwrap();
        assert_eq!(known.as_deref(), Some("a"));
        let node = Folder::open(&path, 2, None, None).unwrap_err();
        assert!(node.to_string().contains("node 1, not 2"), "{node}");
        let cluster = Folder::open(&path, 1, Some("b"), None).unwrap_err();
        assert!(
            cluster.to_string().contains("cluster a, not b"),
            "{cluster}"
        );
    }

    #[test]
    fn a_folder_keeps_its_id() {
        let temp = tempfile::tempdir().unwrap();
        let given = Uuid::random().unwrap();
        let open = |name: &str, id| Folder::open(&temp.path().join(name), 1, None, id);
        let id_of = |name, id| open(name, id).unwrap().0.directory_id();
        assert_eq!(id_of("given", Some(given)), given);
        assert_eq!(id_of("given", None), given);
        let drawn = id_of("drawn", None);
        assert_ne!(drawn, given);
        assert_eq!(id_of("drawn", Some(given)), drawn);

        // As it was written before there were ids.
        let (folder, _) = open("old", None).unwrap();
        let old = IdentityWithoutDirectory {
            node_id: 1,
            cluster_id: Some("a".into()),
        };
        let payload = wire::encode(&old).unwrap();
        durable_file::replace(&folder.identity_path(), &payload).unwrap();
        drop(folder);
        let (folder, known) = open("old", Some(given)).unwrap();
        assert_eq!(known.as_deref(), Some("a"));
        assert_eq!(folder.directory_id(), given);
        drop(folder);
        assert_eq!(id_of("old", None), given);
    }

    #[test]
    fn what_a_crash_left_half_written_goes() {
        let temp = tempfile::tempdir().unwrap();
        let leftover = temp.path().join("00000000000000000009-0000000001.tmp");
        let kept = temp.path().join("00000000000000000005-0000000001.snapshot");
        fs::write(&leftover, b"half").unwrap();
        fs::write(&kept, b"whole").unwrap();
        Folder::open(temp.path(), 1, None, None).unwrap();
        assert!(!leftover.exists());
        assert!(kept.exists());
    }
}
