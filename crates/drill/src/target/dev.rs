//! A cluster of `klamm dev` on this machine, by its data folder.
//!
//! Nodes are killed and frozen by signals, stopped and started by asking `klamm dev` over the socket in that folder. Cuts
//! tell nodes apart by control group, which a process takes from the one that starts it: `klamm dev` itself is
//! moved to the group of a node for the moment in which it starts that node.

use super::{
    NODE_PATIENCE, Target, TargetError, disk,
    network::{Network, NodePorts},
    process::Process,
    wait_until,
};
use crate::{
    history::Node,
    scenario::{Capability, Direction},
};
use serde::Deserialize;
use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long `klamm dev` may take to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);

/// No answer is longer.
const ANSWER_BYTES_MAX: u64 = 1 << 16;

/// What runs, as `klamm dev` writes it.
#[derive(Debug, Clone, Deserialize)]
struct State {
    pid: u32,
    bootstrap_servers: String,
    nodes: Vec<NodeState>,
}

#[derive(Debug, Clone, Deserialize)]
struct NodeState {
    id: u16,
    pid: Option<u32>,
    port: u16,
    controller_port: Option<u16>,
    data: PathBuf,
}

/// A running cluster of `klamm dev`.
#[derive(Debug)]
pub struct DevTarget {
    data: PathBuf,
    supervisor: u32,
    bootstrap: String,
    host: String,
    nodes: Vec<NodeState>,
    network: Network,
    /// Nodes whose file system may be filled, because it is theirs alone.
    own_disks: bool,
}

impl DevTarget {
    /// The cluster that runs in a data folder.
    ///
    /// # Errors
    /// None runs there.
    pub fn attach(data: &Path) -> Result<DevTarget, TargetError> {
        let state = read_state(data)?;
        let host = state
            .bootstrap_servers
            .split(':')
            .next()
            .unwrap_or("127.0.0.1");
        let network = Network::new(state.nodes.iter().map(|node| {
            NodePorts {
                node: Node(i32::from(node.id)),
                ports: [node.port]
                    .into_iter()
                    .chain(node.controller_port)
                    .collect(),
            }
        }));
        let folders: Vec<PathBuf> = state.nodes.iter().map(|node| node.data.clone()).collect();
        Ok(DevTarget {
            data: data.to_owned(),
            supervisor: state.pid,
            bootstrap: state.bootstrap_servers.clone(),
            host: host.to_owned(),
            network,
            own_disks: disk::are_own_and_small(&folders),
            nodes: state.nodes,
        })
    }

    fn node(&self, node: Node) -> Result<&NodeState, TargetError> {
        let mut nodes = self.nodes.iter();
        let found = nodes.find(|known| i32::from(known.id) == node.0);
        found.ok_or_else(|| TargetError::new(format!("there is no node {node}")))
    }

    /// The process of a node, unless it is down.
    fn process(&self, node: Node) -> Result<Option<Process>, TargetError> {
        let state = read_state(&self.data)?;
        let mut nodes = state.nodes.iter();
        let found = nodes.find(|known| i32::from(known.id) == node.0);
        let process = found.and_then(|node| node.pid).and_then(Process::new);
        Ok(process.filter(|process| process.is_alive()))
    }

    fn running(&self, node: Node) -> Result<Process, TargetError> {
        let process = self.process(node)?;
        process.ok_or_else(|| TargetError::new(format!("node {node} is down")))
    }

    fn ask(&self, request: &str) -> Result<(), TargetError> {
        let failed = |error: std::io::Error| {
            TargetError::new(format!("cannot ask for `{request}`: {error}"))
        };
        let mut stream = UnixStream::connect(self.data.join("control")).map_err(failed)?;
        stream
            .set_read_timeout(Some(ANSWER_PATIENCE))
            .map_err(failed)?;
        stream
            .write_all(format!("{request}\n").as_bytes())
            .map_err(failed)?;
        let mut answer = String::new();
        stream
            .take(ANSWER_BYTES_MAX)
            .read_to_string(&mut answer)
            .map_err(failed)?;
        match answer.strip_prefix('!') {
            Some(problem) => Err(TargetError::new(problem.trim_end())),
            None => Ok(()),
        }
    }

    /// Waits until a node is known to be down: only then can it be started.
    fn wait_down(&self, node: Node) -> Result<(), TargetError> {
        let what = format!("node {node} is down");
        wait_until(&what, NODE_PATIENCE, || {
            let state = read_state(&self.data)?;
            let mut nodes = state.nodes.iter();
            Ok(nodes.any(|known| i32::from(known.id) == node.0 && known.pid.is_none()))
        })
    }
}

impl Target for DevTarget {
    fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    fn description(&self) -> String {
        format!(
            "{} nodes of klamm dev in {}",
            self.nodes.len(),
            self.data.display()
        )
    }

    fn capabilities(&self) -> BTreeSet<Capability> {
        let mut able = BTreeSet::from([
            Capability::Kill,
            Capability::Stop,
            Capability::Pause,
            Capability::Slow,
        ]);
        if self.network.unable().is_none() {
            able.extend([Capability::Cut, Capability::CutOneWay]);
        }
        if self.own_disks {
            able.insert(Capability::FillDisk);
        }
        able
    }

    fn limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        limits.extend(self.network.unable().map(|why| format!("no cuts: {why}")));
        if !self.own_disks {
            limits.push("no full disks: the nodes share a file system with others".to_owned());
        }
        limits
    }

    fn nodes(&self) -> Vec<Node> {
        self.nodes
            .iter()
            .map(|node| Node(i32::from(node.id)))
            .collect()
    }

    fn prepare(&self, needed: &BTreeSet<Capability>) -> Result<(), TargetError> {
        if !needed.contains(&Capability::Cut) && !needed.contains(&Capability::CutOneWay) {
            return Ok(());
        }
        self.network.make_groups()?;
        for node in self.nodes() {
            self.stop(node)?;
            self.start(node)?;
        }
        Ok(())
    }

    fn kill(&self, nodes: &[Node]) -> Result<(), TargetError> {
        let processes: Result<Vec<Process>, _> =
            nodes.iter().map(|node| self.running(*node)).collect();
        let processes = processes?;
        // All are hit before any is waited for.
        let outcomes: Vec<_> = processes.iter().map(|process| process.kill()).collect();
        outcomes.into_iter().collect::<Result<(), _>>()?;
        processes.iter().try_for_each(|process| process.wait_gone())
    }

    fn start(&self, node: Node) -> Result<(), TargetError> {
        let NodeState { id, port, .. } = *self.node(node)?;
        if self.process(node)?.is_none() {
            self.wait_down(node)?;
            let start = || self.ask(&format!("start {id}"));
            self.network.start_in_group(node, self.supervisor, start)?;
        }
        let what = format!("node {node} listens");
        wait_until(&what, NODE_PATIENCE, || {
            Ok(TcpStream::connect((self.host.as_str(), port)).is_ok())
        })
    }

    fn stop(&self, node: Node) -> Result<(), TargetError> {
        let process = self.running(node)?;
        self.ask(&format!("stop {}", self.node(node)?.id))?;
        process.wait_gone()?;
        self.wait_down(node)
    }

    fn pause(&self, node: Node) -> Result<(), TargetError> {
        self.running(node)?.pause()
    }

    fn resume(&self, node: Node) -> Result<(), TargetError> {
        self.running(node)?.resume()
    }

    fn cut(&self, node: Node, direction: Direction) -> Result<(), TargetError> {
        self.network.cut(node, direction)
    }

    fn mend(&self) -> Result<(), TargetError> {
        self.network.mend()
    }

    fn fill_disk(&self, node: Node) -> Result<(), TargetError> {
        if !self.own_disks {
            return Err(TargetError::unable("fill disks"));
        }
        disk::fill(&self.node(node)?.data)
    }

    fn empty_disk(&self, node: Node) -> Result<(), TargetError> {
        disk::empty(&self.node(node)?.data)
    }
}

fn read_state(data: &Path) -> Result<State, TargetError> {
    let path = data.join("dev.json");
    let text = fs::read_to_string(&path).map_err(|_| {
        TargetError::new(format!(
            "no cluster of `klamm dev` runs in {}: there is no dev.json",
            data.display()
        ))
    })?;
    serde_json::from_str(&text)
        .map_err(|error| TargetError::new(format!("cannot read {}: {error}", path.display())))
}
