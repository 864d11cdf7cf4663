//! Whose folder this is: written at the first start, so that a folder of another node or
//! cluster is never used by mistake.

use crate::{QuorumError, durable_file, wire};
use klamm_types::Uuid;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What the folder says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    node_id: i32,
    cluster_id: Option<String>,
    directory_id: Uuid,
    /// See [`Folder::is_whole`]; `None` in a folder from before that was noted.
    is_whole: Option<bool>,
    /// See [`Folder::replaces`].
    replaces: bool,
}

/// The same as it was written before folders could be lost and replaced.
#[derive(Serialize, Deserialize)]
struct IdentityWithoutPast {
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
    identity: Mutex<Identity>,
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
        tidy(path).map_err(storage)?;
        let found = read(&identity_path(path)).map_err(storage)?;
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
                let identity = Identity {
                    node_id,
                    cluster_id: known.clone(),
                    directory_id: match id.filter(|id| !id.is_zero()).or(directory_id) {
                        Some(id) => id,
                        None => Uuid::random().map_err(|error| storage(io::Error::other(error)))?,
                    },
                    is_whole: found.as_ref().map_or(Some(false), |found| found.is_whole),
                    replaces: found.as_ref().is_some_and(|found| found.replaces),
                };
                if id != Some(identity.directory_id) {
                    write(&identity_path(path), &identity).map_err(storage)?;
                }
                let folder = Folder {
                    path: path.to_owned(),
                    identity: Mutex::new(identity),
                    lock: FolderLock {
                        _file: Some(Arc::new(lock)),
                    },
                };
                Ok((folder, known))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells this folder from one that takes its place.
    pub(crate) fn directory_id(&self) -> Uuid {
        self.lock_identity().directory_id
    }

    /// Whether everything is here that this controller has promised as a voter. A new folder may be
    /// that of one which was lost; it is whole as the folder of somebody who founds the cluster, or
    /// once it has caught up with the others. One from before that was noted is if it `has_log`.
    pub(crate) fn is_whole(&self, has_log: bool) -> bool {
        self.lock_identity().is_whole.unwrap_or(has_log)
    }

    /// It is whole from now on.
    ///
    /// # Errors
    /// The disk refused.
    pub(crate) fn become_whole(&self) -> io::Result<()> {
        self.change(|identity| identity.is_whole = Some(true))
    }

    /// Whether this folder is about to take the place of one that was lost: its vote is being
    /// removed, or was, and this one wants it back.
    pub(crate) fn replaces(&self) -> bool {
        self.lock_identity().replaces
    }

    /// Notes whether it is.
    ///
    /// # Errors
    /// The disk refused.
    pub(crate) fn note_replacing(&self, replaces: bool) -> io::Result<()> {
        self.change(|identity| identity.replaces = replaces)
    }

    pub(crate) fn lock(&self) -> FolderLock {
        self.lock.clone()
    }

    /// The folder belongs to that cluster from now on.
    ///
    /// # Errors
    /// The disk refused.
    pub(crate) fn belong_to(&self, cluster_id: &str) -> io::Result<()> {
        self.change(|identity| identity.cluster_id = Some(cluster_id.to_owned()))
    }

    /// Changes what the folder says, on disk first.
    fn change(&self, change: impl FnOnce(&mut Identity)) -> io::Result<()> {
        let mut identity = self.lock_identity();
        let mut changed = identity.clone();
        change(&mut changed);
        if changed != *identity {
            write(&identity_path(&self.path), &changed)?;
            *identity = changed;
        }
        Ok(())
    }

    fn lock_identity(&self) -> MutexGuard<'_, Identity> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes what a crash left of files that were being replaced, and makes sure that the folder
/// itself survives one: the vote lies in it.
fn tidy(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|is| is == "tmp") {
            fs::remove_file(path)?;
        }
    }
    durable_file::sync_folder_of(&fs::canonicalize(folder)?)
}

fn identity_path(folder: &Path) -> PathBuf {
    folder.join("quorum-identity")
}

fn write(path: &Path, identity: &Identity) -> io::Result<()> {
    durable_file::replace(path, &wire::encode(identity)?)
}

fn read(path: &Path) -> io::Result<Option<Identity>> {
    durable_file::read(path)?
        .map(|payload| decode(&payload))
        .transpose()
}

/// The identity in this form or one of the earlier ones, which are shorter.
fn decode(payload: &[u8]) -> io::Result<Identity> {
    if let Ok(identity) = wire::decode(payload) {
        return Ok(identity);
    }
    let known = match wire::decode(payload) {
        Ok(known) => known,
        Err(_) => {
            let old: IdentityWithoutDirectory = wire::decode(payload)?;
            IdentityWithoutPast {
                node_id: old.node_id,
                cluster_id: old.cluster_id,
                directory_id: Uuid::ZERO,
            }
        }
    };
    Ok(Identity {
        node_id: known.node_id,
        cluster_id: known.cluster_id,
        directory_id: known.directory_id,
        is_whole: None,
        replaces: false,
    })
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
        folder.belong_to("a").unwrap();
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
        durable_file::replace(&identity_path(folder.path()), &payload).unwrap();
        drop(folder);
        let (folder, known) = open("old", Some(given)).unwrap();
        assert_eq!(known.as_deref(), Some("a"));
        assert_eq!(folder.directory_id(), given);
        drop(folder);
        assert_eq!(id_of("old", None), given);
    }

    #[test]
    fn a_folder_knows_its_past() {
        let temp = tempfile::tempdir().unwrap();
        let open = || Folder::open(temp.path(), 1, None, None).unwrap().0;
        let folder = open();
        assert!(!folder.is_whole(true) && !folder.replaces());
        folder.note_replacing(true).unwrap();
        folder.belong_to("a").unwrap();
        drop(folder);
        let folder = open();
        assert!(!folder.is_whole(true) && folder.replaces());
        folder.become_whole().unwrap();
        folder.note_replacing(false).unwrap();
        drop(folder);
        let folder = open();
        assert!(folder.is_whole(false) && !folder.replaces());

        // As it was written before that was noted.
        let old = IdentityWithoutPast {
            node_id: 1,
            cluster_id: Some("a".into()),
            directory_id: folder.directory_id(),
        };
        let payload = wire::encode(&old).unwrap();
        durable_file::replace(&identity_path(folder.path()), &payload).unwrap();
        drop(folder);
        let folder = open();
        assert!(folder.is_whole(true) && !folder.is_whole(false) && !folder.replaces());
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
