//! The data folders of a node: made when missing, marked with the node and the cluster that they
//! belong to (`meta.properties`), refused when they belong to another.

use crate::failure::{Context, Failure};
use klamm_config::ServerConfig;
use klamm_storage::{MetaProperties, MetaPropertiesError};
use klamm_types::{BrokerId, Uuid};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// All folders of a node: its log directories and that of the metadata log.
pub(crate) fn all(config: &ServerConfig) -> Vec<PathBuf> {
    let mut folders = config.log_dirs.clone();
    if !folders.contains(&config.metadata_log_dir) {
        folders.push(config.metadata_log_dir.clone());
    }
    folders
}

/// Makes the folders, but for those of a broken disk that a broker can do without, and checks whose
/// they are. Returns the id of the cluster as far as it is
/// known: from the folders, or else as `given`, with what gave it.
pub(crate) fn prepare(
    config: &ServerConfig,
    given: Option<(&str, &str)>,
) -> Result<Option<String>, Failure> {
    let mut known: Option<(String, String)> =
        given.map(|(id, origin)| (id.to_owned(), origin.to_owned()));
    for folder in all(config) {
        // A broker goes on without a broken disk while others work.
        let is_needed = folder == config.metadata_log_dir;
        match fs::create_dir_all(&folder) {
            Err(error) if !is_needed && is_broken(&error) => continue,
            made => made.context(format!("create {}", folder.display()))?,
        }
        let meta = match MetaProperties::read(&folder) {
            Err(MetaPropertiesError::Io { source, .. }) if !is_needed && is_broken(&source) => {
                continue;
            }
            found => found.map_err(|error| Failure::new(error.to_string()))?,
        };
        let Some(meta) = meta else {
            continue;
        };
        check_node(&folder, &meta, config.node_id)?;
        match &known {
            Some((id, origin)) if *id != meta.cluster_id => {
                return Err(Failure::new(format!(
                    "{} belongs to the cluster {}, but {origin} names the cluster {id}; give this node folders of its own, or take the id of the cluster it belongs to",
                    folder.display(),
                    meta.cluster_id
                )));
            }
            Some(_) => {}
            None => known = Some((meta.cluster_id, folder.display().to_string())),
        }
    }
    Ok(known.map(|(id, _)| id))
}

/// Whether a disk is to blame, rather than whoever set the folder up.
fn is_broken(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::PermissionDenied
}

/// The id of a folder that is marked.
pub(crate) fn directory_id(folder: &Path) -> Result<Option<Uuid>, Failure> {
    Ok(read(folder)?.map(|meta| meta.directory_id))
}

/// Whether log directories are marked with a cluster and the folder of the metadata log is not. A
/// new cluster marks them all.
pub(crate) fn has_lost_metadata_folder(config: &ServerConfig) -> Result<bool, Failure> {
    // Those of a broken disk say nothing.
    let is_marked = |folder: &PathBuf| matches!(read(folder), Ok(Some(_)));
    Ok(read(&config.metadata_log_dir)?.is_none() && config.log_dirs.iter().any(is_marked))
}

/// Marks the folders that are not marked yet. Returns those. Some have an id already, which others
/// may know; the others draw one.
pub(crate) fn mark(
    folders: &[PathBuf],
    cluster_id: &str,
    node_id: BrokerId,
    known: &BTreeMap<PathBuf, Uuid>,
) -> Result<Vec<PathBuf>, Failure> {
    let mut marked = Vec::new();
    for folder in folders {
        if read(folder)?.is_some() {
            continue;
        }
        let meta = MetaProperties {
            cluster_id: cluster_id.to_owned(),
            node_id,
            directory_id: match known.get(folder) {
                Some(id) => *id,
                None => Uuid::random().context("draw the id of a directory")?,
            },
        };
        meta.write(folder)
            .map_err(|error| Failure::new(error.to_string()))?;
        marked.push(folder.clone());
    }
    Ok(marked)
}

/// Whose a folder is; `None` for nobody's.
pub(crate) fn read(folder: &Path) -> Result<Option<MetaProperties>, Failure> {
    MetaProperties::read(folder).map_err(|error| Failure::new(error.to_string()))
}

fn check_node(folder: &Path, meta: &MetaProperties, node_id: BrokerId) -> Result<(), Failure> {
    if meta.node_id == node_id {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} belongs to node {}, but node.id={node_id}; give this node folders of its own in log.dirs",
        folder.display(),
        meta.node_id
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &Path, node_id: &str) -> ServerConfig {
        let dirs = format!("{0}/a,{0}/b", folder.display());
        let properties: BTreeMap<String, String> = [
            ("process.roles", "broker"),
            ("node.id", node_id),
            ("controller.quorum.bootstrap.servers", "localhost:9093"),
            ("controller.listener.names", "CONTROLLER"),
            ("log.dirs", &dirs),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        ServerConfig::from_properties(&properties).unwrap().0
    }

    #[test]
    fn empty_folders_are_made_and_marked_once() {
        let temporary = tempfile::tempdir().unwrap();
        let config = config(temporary.path(), "1");
        assert_eq!(prepare(&config, None).unwrap(), None);
        assert_eq!(
            mark(&all(&config), "cluster", config.node_id, &BTreeMap::new()).unwrap(),
            all(&config)
        );
        assert_eq!(
            mark(&all(&config), "cluster", config.node_id, &BTreeMap::new()).unwrap(),
            Vec::<PathBuf>::new()
        );
        assert_eq!(prepare(&config, None).unwrap().as_deref(), Some("cluster"));
        let ids = all(&config)
            .iter()
            .map(|f| read(f).unwrap().unwrap().directory_id)
            .collect::<Vec<_>>();
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn a_metadata_folder_that_is_new_alone_was_lost() {
        let temporary = tempfile::tempdir().unwrap();
        let config = config(temporary.path(), "1");
        prepare(&config, None).unwrap();
        assert!(!has_lost_metadata_folder(&config).unwrap());
        mark(&all(&config), "cluster", config.node_id, &BTreeMap::new()).unwrap();
        assert!(!has_lost_metadata_folder(&config).unwrap());
        fs::remove_dir_all(&config.metadata_log_dir).unwrap();
        prepare(&config, None).unwrap();
        assert!(has_lost_metadata_folder(&config).unwrap());
    }

    #[test]
    fn folders_of_others_are_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let own = config(temporary.path(), "1");
        prepare(&own, None).unwrap();
        mark(&all(&own), "cluster", own.node_id, &BTreeMap::new()).unwrap();
        let message = prepare(&config(temporary.path(), "2"), None)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("belongs to node 1, but node.id=2"),
            "{message}"
        );
        let message = prepare(&own, Some(("other", "CLUSTER_ID")))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("cluster cluster, but CLUSTER_ID names the cluster other"),
            "{message}"
        );
    }
}
