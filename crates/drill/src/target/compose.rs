//! Nodes in containers of a docker compose project.
//!
//! A cut drops packets inside of a container's network, so that it takes effect for connections that exist; the rules
//! are put there from this machine, where `nft` is. Only root of the machine that runs the containers may do so.

use super::{Target, TargetError, program};
use crate::{
    history::Node,
    scenario::{Capability, Direction},
};
use rustix::process::geteuid;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The table of nftables in a container's network.
const TABLE: &str = "klamm_drill";

/// A project of docker compose. Node ids are the numbers at the ends of the names of its services.
#[derive(Debug)]
pub struct ComposeTarget {
    project: String,
    bootstrap: String,
    containers: BTreeMap<Node, String>,
    can_cut: Result<(), String>,
    cut: Mutex<BTreeSet<Node>>,
}

impl ComposeTarget {
    /// The containers of a project, running or not. Packets that a drill that was killed has left dropped travel again.
    ///
    /// # Errors
    /// Docker cannot be asked, or there are none whose names end in numbers.
    pub fn attach(project: &str, bootstrap: &str) -> Result<ComposeTarget, TargetError> {
        let filter = format!("label=com.docker.compose.project={project}");
        let format = "{{.ID}} {{.Label \"com.docker.compose.service\"}}";
        let arguments = ["ps", "--all", "--filter", &filter, "--format", format];
        let containers = containers(&program::run("docker", &arguments)?);
        if containers.is_empty() {
            return Err(TargetError::new(format!(
                "docker compose project {project} has no services whose names end in the id of a node"
            )));
        }
        let target = ComposeTarget {
            project: project.to_owned(),
            bootstrap: bootstrap.to_owned(),
            containers,
            can_cut: can_cut(),
            cut: Mutex::default(),
        };
        target.sweep();
        Ok(target)
    }

    /// Removes what a drill that was killed has left behind. Without the right to do so there can be nothing.
    fn sweep(&self) {
        if self.can_cut.is_ok() {
            for node in self.nodes() {
                // A container that does not run has no rules.
                let _ = self.apply(node, &rules(None));
            }
        }
    }

    fn docker(&self, verb: &str, node: Node) -> Result<(), TargetError> {
        program::run("docker", &[verb, self.container(node)?]).map(drop)
    }

    fn container(&self, node: Node) -> Result<&str, TargetError> {
        let container = self.containers.get(&node).map(String::as_str);
        container.ok_or_else(|| TargetError::new(format!("there is no node {node}")))
    }

    /// Replaces the rules in the network of a container.
    fn apply(&self, node: Node, rules: &str) -> Result<(), TargetError> {
        let pid = self.inspect(node, "{{.State.Pid}}")?;
        let arguments = ["--target", &pid, "--net", "nft", "-f", "-"];
        program::run_with("nsenter", &arguments, rules).map(drop)
    }

    fn inspect(&self, node: Node, format: &str) -> Result<String, TargetError> {
        let arguments = ["inspect", "--format", format, self.container(node)?];
        program::run("docker", &arguments).map(|text| text.trim().to_owned())
    }

    fn cut_nodes(&self) -> MutexGuard<'_, BTreeSet<Node>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines of an id and a service whose name ends in a number.
fn containers(lines: &str) -> BTreeMap<Node, String> {
    let containers = lines.lines().filter_map(|line| {
        let (id, service) = line.split_once(' ')?;
        let digits = service
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |at| at + 1);
        Some((Node(service[digits..].parse().ok()?), id.to_owned()))
    });
    containers.collect()
}

fn can_cut() -> Result<(), String> {
    if !geteuid().is_root() {
        return Err("only root may drop packets of containers".to_owned());
    }
    let tools = [("nft", "--version"), ("nsenter", "--version")];
    let tried = tools
        .iter()
        .try_for_each(|(tool, argument)| program::run(tool, &[argument]).map(drop));
    tried.map_err(|error| format!("nft and nsenter are needed ({error})"))
}

/// Rules that drop all packets of a network in these directions, but not those that stay inside of it.
fn rules(direction: Option<Direction>) -> String {
    let mut text = format!("table inet {TABLE}\ndelete table inet {TABLE}\n");
    let hooks: &[&str] = match direction {
        None => &[],
        Some(Direction::Both) => &["input", "output"],
        Some(Direction::Inbound) => &["input"],
        Some(Direction::Outbound) => &["output"],
    };
    for hook in hooks {
        let interface = if *hook == "input" {
            "iifname"
        } else {
            "oifname"
        };
        text.push_str(&format!(
            "table inet {TABLE} {{\n  chain {hook} {{\n    type filter hook {hook} priority -10; policy accept;\n    \
             {interface} != \"lo\" drop\n  }}\n}}\n"
        ));
    }
    text
}

impl Target for ComposeTarget {
    fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    fn description(&self) -> String {
        let count = self.containers.len();
        format!(
            "{count} containers of docker compose project {}",
            self.project
        )
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        let mut able = BTreeSet::from([Capability::Kill, Capability::Stop, Capability::Pause]);
        if self.can_cut.is_ok() {
            able.extend([Capability::Cut, Capability::CutOneWay]);
        }
        able
    }

    fn limits(&self) -> Vec<String> {
        let cuts = self
            .can_cut
            .as_ref()
            .err()
            .map(|why| format!("no cuts: {why}"));
        let disks = "no full disks: containers share their file system with others".to_owned();
        cuts.into_iter().chain([disks]).collect()
    }

    fn nodes(&self) -> Vec<Node> {
        self.containers.keys().copied().collect()
    }

    fn kill(&self, nodes: &[Node]) -> Result<(), TargetError> {
        let containers: Result<Vec<&str>, _> =
            nodes.iter().map(|node| self.container(*node)).collect();
        // Docker counts a kill as wanted, so that no restart policy interferes.
        program::run("docker", &[&["kill"], &containers?[..]].concat()).map(drop)
    }

    fn start(&self, node: Node) -> Result<(), TargetError> {
        self.docker("start", node)
    }

    fn stop(&self, node: Node) -> Result<(), TargetError> {
        self.docker("stop", node)
    }

    fn pause(&self, node: Node) -> Result<(), TargetError> {
        self.docker("pause", node)
    }

    fn resume(&self, node: Node) -> Result<(), TargetError> {
        let resumed = self.docker("unpause", node);
        match self.inspect(node, "{{.State.Paused}}") {
            // Docker counts it as an error if there was nothing to resume.
            Ok(paused) if paused == "false" => Ok(()),
            _ => resumed,
        }
    }

    fn cut(&self, node: Node, direction: Direction) -> Result<(), TargetError> {
        if let Err(why) = &self.can_cut {
            return Err(TargetError::new(format!("cannot cut nodes off: {why}")));
        }
        self.cut_nodes().insert(node);
        self.apply(node, &rules(Some(direction)))
    }

    fn mend(&self) -> Result<(), TargetError> {
        let mut outcome = Ok(());
        for node in self.cut_nodes().clone() {
            let mended = self.apply(node, &rules(None));
            if mended.is_ok() {
                self.cut_nodes().remove(&node);
            }
            outcome = outcome.and(mended);
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_the_numbers_of_services() {
        let found = containers("a1 klamm-1\nb2 klamm-12\nc3 web\n\n");
        let expected = [(Node(1), "a1".to_owned()), (Node(12), "b2".to_owned())];
        assert_eq!(found, BTreeMap::from(expected));
    }

    #[test]
    fn cuts_spare_what_stays_inside() {
        assert_eq!(
            rules(Some(Direction::Both))
                .matches("!= \"lo\" drop")
                .count(),
            2
        );
        assert!(!rules(Some(Direction::Inbound)).contains("output"));
        assert!(!rules(None).contains("drop"));
    }
}
