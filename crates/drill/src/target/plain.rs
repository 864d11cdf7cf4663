//! A cluster of which nothing is known but its address.

use super::{Target, TargetError};
use crate::{history::Node, scenario::Capability};
use std::collections::BTreeSet;

/// Any cluster that speaks Kafka's protocol. Nothing can be done to its nodes.
#[derive(Debug, Clone)]
pub struct PlainTarget {
    bootstrap: String,
}

impl PlainTarget {
    /// The cluster at these addresses, by comma.
    pub fn new(bootstrap: impl Into<String>) -> PlainTarget {
        PlainTarget {
            bootstrap: bootstrap.into(),
        }
    }
}

impl Target for PlainTarget {
    fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    fn description(&self) -> String {
        format!("the cluster at {}", self.bootstrap)
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        BTreeSet::new()
    }

    fn limits(&self) -> Vec<String> {
        let limit = "nothing is known of its processes: only what Kafka's protocol offers, and pauses of the drill's \
                     own clients";
        vec![limit.to_owned()]
    }

    fn nodes(&self) -> Vec<Node> {
        Vec::new()
    }

    fn kill(&self, _nodes: &[Node]) -> Result<(), TargetError> {
        Err(TargetError::unable("kill nodes"))
    }

    fn start(&self, _node: Node) -> Result<(), TargetError> {
        Err(TargetError::unable("start nodes"))
    }

    fn stop(&self, _node: Node) -> Result<(), TargetError> {
        Err(TargetError::unable("stop nodes"))
    }

    fn pause(&self, _node: Node) -> Result<(), TargetError> {
        Err(TargetError::unable("freeze nodes"))
    }

    fn resume(&self, _node: Node) -> Result<(), TargetError> {
        Err(TargetError::unable("resume nodes"))
    }
}
