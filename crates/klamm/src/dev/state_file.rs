//! What runs, as JSON for tools: `dev.json` in the data folder.

use super::layout;
use crate::failure::{Context, Failure};
use serde::Serialize;
use std::{fs, path::Path};

/// A running cluster.
#[derive(Debug, Serialize)]
pub(super) struct State {
    /// The process id of `klamm dev`.
    pub(super) pid: u32,
    /// Where clients connect.
    pub(super) bootstrap_servers: String,
    /// The nodes, by id.
    pub(super) nodes: Vec<NodeState>,
}

/// One of its nodes.
#[derive(Debug, Serialize)]
pub(super) struct NodeState {
    pub(super) id: u16,
    /// The process id; `null` while the node is down.
    pub(super) pid: Option<u32>,
    pub(super) port: u16,
    pub(super) controller_port: Option<u16>,
    pub(super) log: String,
    pub(super) data: String,
}

impl State {
    /// Writes the file; a reader sees the old or the new one, never half of one.
    pub(super) fn write(&self, data: &Path) -> Result<(), Failure> {
        let path = layout::state_file(data);
        let new = path.with_extension("json.new");
        let text = serde_json::to_string_pretty(self).context("write JSON")?;
        fs::write(&new, text + "\n")
            .and_then(|()| fs::rename(&new, &path))
            .context(format!("write {}", path.display()))
    }

    /// Removes the file: nothing runs any more.
    pub(super) fn remove(data: &Path) -> Result<(), Failure> {
        let path = layout::state_file(data);
        fs::remove_file(&path).context(format!("remove {}", path.display()))
    }
}
