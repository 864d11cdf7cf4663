//! Where things lie in the data folder of a development cluster.
//!
//! ```text
//! klamm-data/
//!   lock               held while a cluster runs
//!   dev.json           what runs, for tools
//!   control            the socket for `klamm dev restart 2`
//!   node-1/
//!     server.properties
//!     log              what the node prints
//!     data/            log.dirs
//! ```

use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// The file that a running cluster holds a lock on.
pub(super) fn lock_file(data: &Path) -> PathBuf {
    data.join("lock")
}

/// What runs, as JSON.
pub(super) fn state_file(data: &Path) -> PathBuf {
    data.join("dev.json")
}

/// The socket for requests from other terminals.
pub(super) fn control_socket(data: &Path) -> PathBuf {
    data.join("control")
}

/// Refuses a folder whose cluster has another number of nodes: its replicas and voters would be
/// missing, or unknown.
pub(super) fn check_node_count(data: &Path, nodes: u16) -> Result<(), Failure> {
    let found = (1..=super::plan::NODES_MAX)
        .take_while(|id| NodeDir::new(data, *id).data().exists())
        .count();
    if found == 0 || found == usize::from(nodes) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} holds a cluster of {found} nodes: use --nodes {found}, or another folder with --data",
        data.display()
    )))
}

/// The folder of one node.
#[derive(Clone, Debug)]
pub(super) struct NodeDir(PathBuf);

impl NodeDir {
    pub(super) fn new(data: &Path, id: u16) -> NodeDir {
        NodeDir(data.join(format!("node-{id}")))
    }

    pub(super) fn properties(&self) -> PathBuf {
        self.0.join("server.properties")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.0.join("data")
    }
}
