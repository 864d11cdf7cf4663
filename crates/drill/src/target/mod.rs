//! Clusters that can be drilled, and what can be done to their nodes.
//!
//! A [`Target`] does one thing to one node and returns when it is done: a killed process is gone, a frozen one stands
//! still, one that was started has its ports open. Everything here blocks, so that faults can be healed while a panic
//! unwinds; every wait is bounded. What to do, and that it is healed, is for [`crate::fault`].

mod commands;
mod compose;
mod dev;
mod dev_cluster;
mod disk;
mod network;
mod plain;
mod process;
mod program;

pub use commands::{CommandTarget, Commands};
pub use compose::ComposeTarget;
pub use dev::DevTarget;
pub use dev_cluster::{DevCluster, DevClusterOptions};
pub use plain::PlainTarget;

use crate::{
    history::Node,
    scenario::{Capability, Direction},
};
use std::{
    collections::BTreeSet,
    io::{self, Write},
    thread,
    time::{Duration, Instant},
};

/// How long a node may take to end or to start.
const NODE_PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether something that was begun is done.
const POLL: Duration = Duration::from_millis(10);

/// Something could not be done to a target; the text says what and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TargetError(String);

impl TargetError {
    pub(crate) fn new(message: impl Into<String>) -> TargetError {
        TargetError(message.into())
    }

    /// Something that a target never can.
    fn unable(what: &str) -> TargetError {
        TargetError(format!("this target cannot {what}"))
    }
}

/// A cluster that can be drilled. What a target cannot do fails, and is not among its capabilities.
pub trait Target: Send + Sync {
    /// Where clients connect, by comma.
    fn bootstrap(&self) -> String;

    /// What it is, in words.
    fn description(&self) -> String;

    /// What can be done to its nodes; what only needs Kafka's protocol is found out elsewhere.
    fn capabilities(&self) -> BTreeSet<Capability>;

    /// Why it cannot do more, in words.
    fn limits(&self) -> Vec<String> {
        Vec::new()
    }

    /// The nodes that something can be done to.
    fn nodes(&self) -> Vec<Node>;

    /// Makes ready for what these capabilities need, such as starting nodes where their packets can be told apart.
    ///
    /// # Errors
    /// It cannot be made ready.
    fn prepare(&self, _needed: &BTreeSet<Capability>) -> Result<(), TargetError> {
        Ok(())
    }

    /// Kills nodes at once, as crashes would.
    ///
    /// # Errors
    /// Some node is not dead.
    fn kill(&self, nodes: &[Node]) -> Result<(), TargetError>;

    /// Starts a node that is down. One that runs already is no error.
    ///
    /// # Errors
    /// It does not run.
    fn start(&self, node: Node) -> Result<(), TargetError>;

    /// Stops a node cleanly.
    ///
    /// # Errors
    /// It still runs.
    fn stop(&self, node: Node) -> Result<(), TargetError>;

    /// Freezes a node.
    ///
    /// # Errors
    /// It does not stand still.
    fn pause(&self, node: Node) -> Result<(), TargetError>;

    /// Lets a frozen node go on. One that goes on already is no error, where that can be told.
    ///
    /// # Errors
    /// It still stands still.
    fn resume(&self, node: Node) -> Result<(), TargetError>;

    /// Drops the packets of a node, until all networks are mended.
    ///
    /// # Errors
    /// They still travel.
    fn cut(&self, _node: Node, _direction: Direction) -> Result<(), TargetError> {
        Err(TargetError::unable("cut nodes off"))
    }

    /// Ends all cuts.
    ///
    /// # Errors
    /// Some packets are still dropped.
    fn mend(&self) -> Result<(), TargetError> {
        Ok(())
    }

    /// Fills the file system of a node's log directories.
    ///
    /// # Errors
    /// There is still room.
    fn fill_disk(&self, _node: Node) -> Result<(), TargetError> {
        Err(TargetError::unable("fill disks"))
    }

    /// Removes the filling.
    ///
    /// # Errors
    /// It is still there.
    fn empty_disk(&self, _node: Node) -> Result<(), TargetError> {
        Ok(())
    }
}

/// Removes what drills that were killed have left behind on this machine.
pub fn sweep() {
    network::sweep();
    disk::sweep();
}

/// Says that something could not be undone; nobody may be there any more to hear it.
pub(crate) fn left_behind(error: &TargetError) {
    let _ = writeln!(
        io::stderr(),
        "klamm drill: something was left behind: {error}"
    );
}

/// Waits until `is_done`.
fn wait_until(
    what: &str,
    patience: Duration,
    mut is_done: impl FnMut() -> Result<bool, TargetError>,
) -> Result<(), TargetError> {
    let deadline = Instant::now() + patience;
    while !is_done()? {
        if Instant::now() >= deadline {
            let seconds = patience.as_secs();
            return Err(TargetError(format!("{what}: not within {seconds} s")));
        }
        thread::sleep(POLL);
    }
    Ok(())
}
