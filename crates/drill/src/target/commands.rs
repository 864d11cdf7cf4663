//! Nodes that are killed, started and frozen by commands of the user.

use super::{Target, TargetError, program};
use crate::{history::Node, scenario::Capability};
use std::collections::BTreeSet;

/// Command lines for a shell, in which `{node}` stands for the id of a node. Each returns when it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commands {
    /// Kills a node.
    pub kill: Option<String>,
    /// Stops a node cleanly.
    pub stop: Option<String>,
    /// Starts a node that is down.
    pub start: Option<String>,
    /// Freezes a node.
    pub pause: Option<String>,
    /// Lets a frozen node go on.
    pub resume: Option<String>,
}

/// Any Kafka-compatible cluster, with commands for its nodes.
#[derive(Debug, Clone)]
pub struct CommandTarget {
    bootstrap: String,
    nodes: Vec<Node>,
    commands: Commands,
}

impl CommandTarget {
    /// The cluster at these addresses, by comma, and the nodes that the commands are for.
    pub fn new(
        bootstrap: impl Into<String>,
        nodes: impl IntoIterator<Item = Node>,
        commands: Commands,
    ) -> CommandTarget {
        CommandTarget {
            bootstrap: bootstrap.into(),
            nodes: nodes.into_iter().collect(),
            commands,
        }
    }
}

fn run(command: Option<&String>, what: &str, node: Node) -> Result<(), TargetError> {
    let command = command.ok_or_else(|| TargetError::unable(what))?;
    let line = command.replace("{node}", &node.to_string());
    program::run("sh", &["-c", &line]).map(drop)
}

impl Target for CommandTarget {
    fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    fn description(&self) -> String {
        let count = self.nodes.len();
        format!("{count} nodes at {}, by commands", self.bootstrap)
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        let Commands {
            kill,
            stop,
            start,
            pause,
            resume,
        } = &self.commands;
        let able = [
            (Capability::Kill, kill.is_some() && start.is_some()),
            (Capability::Stop, stop.is_some() && start.is_some()),
            (Capability::Pause, pause.is_some() && resume.is_some()),
        ];
        able.into_iter()
            .filter(|(_, is_able)| *is_able)
            .map(|(able, _)| able)
            .collect()
    }

    fn limits(&self) -> Vec<String> {
        vec!["its nodes are reached by commands: no cuts, no full disks".to_owned()]
    }

    fn nodes(&self) -> Vec<Node> {
        self.nodes.clone()
    }

    fn kill(&self, nodes: &[Node]) -> Result<(), TargetError> {
        // At once, as far as processes can be started at once.
        let outcomes = std::thread::scope(|scope| {
            let kill = |node: Node| move || run(self.commands.kill.as_ref(), "kill nodes", node);
            let kills: Vec<_> = nodes.iter().map(|node| scope.spawn(kill(*node))).collect();
            let ended = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(TargetError::new("a kill panicked")))
            };
            kills.into_iter().map(ended).collect::<Vec<_>>()
        });
        outcomes.into_iter().collect()
    }

    fn start(&self, node: Node) -> Result<(), TargetError> {
        run(self.commands.start.as_ref(), "start nodes", node)
    }

    fn stop(&self, node: Node) -> Result<(), TargetError> {
        run(self.commands.stop.as_ref(), "stop nodes", node)
    }

    fn pause(&self, node: Node) -> Result<(), TargetError> {
        run(self.commands.pause.as_ref(), "freeze nodes", node)
    }

    fn resume(&self, node: Node) -> Result<(), TargetError> {
        run(self.commands.resume.as_ref(), "resume nodes", node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_for_a_node_and_say_what_can_be_done() {
        let folder = std::env::temp_dir().join(format!("klamm-drill-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let commands = Commands {
            kill: Some(format!("touch {}/{{node}}", folder.display())),
            start: Some("exit 3".to_owned()),
            pause: Some("true".to_owned()),
            ..Commands::default()
        };
        let target = CommandTarget::new("localhost:9092", [Node(1), Node(2)], commands);
        assert_eq!(target.capabilities(), BTreeSet::from([Capability::Kill]));
        target.kill(&target.nodes()).unwrap();
        assert!(folder.join("1").exists() && folder.join("2").exists());
        assert!(target.start(Node(1)).is_err());
        assert!(target.resume(Node(1)).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
