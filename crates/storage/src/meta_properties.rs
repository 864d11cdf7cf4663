//! `meta.properties`: which cluster and node a log directory belongs to.

use crate::disk;
use klamm_types::{BrokerId, Uuid};
use std::{io, path::Path};

const FILE_NAME: &str = "meta.properties";
const VERSION: &str = "1";
const FILE_BYTES_MAX: u64 = 64 << 10;

/// The identity of a log directory (version 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// The cluster's id; Kafka's are base64 UUIDs, any text is allowed.
    pub cluster_id: String,
    /// The node.
    pub node_id: BrokerId,
    /// The directory.
    pub directory_id: Uuid,
}

/// Why `meta.properties` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MetaPropertiesError {
    /// A key is missing or its value is not allowed.
    #[error("{path}: {key} is {value:?}, expected {expected}")]
    Invalid {
        /// The file.
        path: String,
        /// The key.
        key: &'static str,
        /// Its value, empty if missing.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The operating system refused an operation.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
}

impl MetaProperties {
    /// Reads the file of a log directory; `None` if it has none.
    ///
    /// # Errors
    /// The file cannot be read or is not of version 1.
    pub fn read(log_dir: &Path) -> Result<Option<MetaProperties>, MetaPropertiesError> {
        let path = log_dir.join(FILE_NAME);
        let bytes = disk::read(&path, FILE_BYTES_MAX).map_err(io_error("read", &path))?;
        bytes
            .map(|bytes| parse(&path, &String::from_utf8_lossy(&bytes)))
            .transpose()
    }

    /// Writes the file of a log directory, durably.
    ///
    /// # Errors
    /// The disk failed.
    pub fn write(&self, log_dir: &Path) -> Result<(), MetaPropertiesError> {
        let path = log_dir.join(FILE_NAME);
        let MetaProperties {
            cluster_id,
            node_id,
            directory_id,
        } = self;
        let text = format!(
            "#\ncluster.id={cluster_id}\ndirectory.id={directory_id}\nnode.id={node_id}\nversion={VERSION}\n"
        );
        disk::replace(&path, text.as_bytes()).map_err(io_error("write", &path))
    }
}

fn parse(path: &Path, text: &str) -> Result<MetaProperties, MetaPropertiesError> {
    let value = |key: &str| {
        let pairs = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with(['#', '!']));
        let mut values = pairs.filter_map(|line| line.split_once('='));
        values
            .find(|(k, _)| k.trim() == key)
            .map_or("", |(_, value)| value.trim())
    };
    let invalid = |key: &'static str, expected: &'static str| MetaPropertiesError::Invalid {
        path: path.display().to_string(),
        key,
        value: value(key).to_owned(),
        expected,
    };
    if value("version") != VERSION {
        return Err(invalid("version", "1"));
    }
    let cluster_id = value("cluster.id").to_owned();
    if cluster_id.is_empty() {
        return Err(invalid("cluster.id", "the id of a cluster"));
    }
    let node_id = value("node.id").parse().ok().filter(|&id: &i32| id >= 0);
    let node_id = node_id.ok_or_else(|| invalid("node.id", "a number of 0 or more"))?;
    let directory_id = value("directory.id").parse();
    let directory_id = directory_id.map_err(|_| invalid("directory.id", "a base64 UUID"))?;
    Ok(MetaProperties {
        cluster_id,
        node_id: BrokerId(node_id),
        directory_id,
    })
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MetaPropertiesError {
    let path = path.display().to_string();
    move |source| MetaPropertiesError::Io {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_round_trips() {
        let dir = tempfile::tempdir().unwrap();
        assert!(MetaProperties::read(dir.path()).unwrap().is_none());
        let meta = MetaProperties {
            cluster_id: "MkU3OEVBNTcwNTJENDM2Qk".to_owned(),
            node_id: BrokerId(3),
            directory_id: Uuid::random().unwrap(),
        };
        meta.write(dir.path()).unwrap();
        assert_eq!(MetaProperties::read(dir.path()).unwrap(), Some(meta));
    }

    #[test]
    fn wrong_values_name_their_key() {
        let good = "version=1\ncluster.id=c\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\n";
        assert!(parse(Path::new("p"), good).is_ok());
        for (from, to, key) in [
            ("version=1", "version=0", "version"),
            ("cluster.id=c", "", "cluster.id"),
            ("node.id=1", "node.id=-1", "node.id"),
            ("directory.id=AA", "directory.id=A", "directory.id"),
        ] {
            let error = parse(Path::new("p"), &good.replace(from, to)).unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("p: {key} is")),
                "{error}"
            );
        }
    }
}
