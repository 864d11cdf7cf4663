//! A cluster under test: started here from the `klamm` binary, or running elsewhere.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::external::External;
use crate::node::{Node, NodeAddress};
use crate::ports::PortBlock;
use crate::properties::{NodeSpec, server_properties};
use crate::watchdog::Watchdog;
use crate::wire::{self, wait_until};

/// Far beyond what a healthy cluster needs on a loaded machine.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a node may take to stop after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(120);

/// What a cluster should look like; see [`Cluster::builder`].
#[derive(Debug)]
pub struct ClusterBuilder {
    brokers: i32,
    separate_controllers: i32,
    joining_nodes: i32,
    log_dirs: usize,
    properties: Vec<(String, String)>,
}

impl ClusterBuilder {
    /// Sets a property in every node's `server.properties`, over the harness's default.
    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.properties.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Runs `controllers` nodes of their own (ids after the brokers') instead of combined ones.
    pub fn separate_controllers(mut self, controllers: i32) -> Self {
        self.separate_controllers = controllers;
        self
    }

    /// Prepares combined nodes (the last ids) that are not started with the others and know these as bootstrap
    /// servers only: [`Cluster::restart`] lets one join.
    pub fn joining_nodes(mut self, nodes: i32) -> Self {
        self.joining_nodes = nodes;
        self
    }

    /// Gives every node so many log directories, `data`, `data2`, …
    pub fn log_dirs(mut self, count: usize) -> Self {
        self.log_dirs = count;
        self
    }

    /// Starts the cluster and waits until it is whole.
    pub fn start(self) -> Cluster {
        let cluster = self.start_without_waiting();
        cluster.wait_ready();
        cluster
    }

    /// Makes the nodes' folders only; [`Cluster::restart_all`] starts the processes.
    pub fn create(self) -> Cluster {
        Cluster {
            backend: Backend::Local(Local::create(&self)),
        }
    }

    /// Starts the processes only.
    pub fn start_without_waiting(self) -> Cluster {
        let joining = usize::try_from(self.joining_nodes).expect("not negative");
        let cluster = self.create();
        let mut nodes = cluster.local().nodes();
        let first = nodes.len() - joining;
        for node in nodes.iter_mut().take(first) {
            node.start();
        }
        drop(nodes);
        cluster
    }
}

/// A running cluster. Dropping it kills its nodes; dropping it in a panic prints the end of their logs first.
#[derive(Debug)]
pub struct Cluster {
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Local(Local),
    External(External),
}

/// Fields drop in order: first the nodes die, then the watchdog removes the folder, then others may have the ports.
#[derive(Debug)]
struct Local {
    nodes: Mutex<Vec<Node>>,
    _watchdog: Watchdog,
    _ports: PortBlock,
}

impl Cluster {
    /// A cluster of `nodes` combined nodes with ids from 1, ready for clients: replication factor 3 (or all nodes),
    /// a majority of that in sync, more patience with silent nodes than by default, defaults otherwise.
    ///
    /// Where the environment names a cluster (`KLAMM_TEST_BOOTSTRAP`), that one instead.
    pub fn start(nodes: i32) -> Self {
        match External::from_env() {
            Some(external) => {
                let cluster = Self {
                    backend: Backend::External(external),
                };
                cluster.wait_ready();
                cluster
            }
            None => Self::builder(nodes).start(),
        }
    }

    /// A cluster of `brokers` brokers with other settings; always a new one.
    pub fn builder(brokers: i32) -> ClusterBuilder {
        ClusterBuilder {
            brokers,
            separate_controllers: 0,
            joining_nodes: 0,
            log_dirs: 1,
            properties: Vec::new(),
        }
    }

    /// The brokers' addresses as clients take them: `127.0.0.1:21000,…`.
    pub fn bootstrap(&self) -> String {
        let addresses = self
            .broker_ids()
            .into_iter()
            .map(|id| self.broker_address(id).to_string());
        addresses.collect::<Vec<_>>().join(",")
    }

    /// Ids of the nodes with the broker role.
    pub fn broker_ids(&self) -> Vec<i32> {
        match &self.backend {
            Backend::External(external) => (1..).take(external.nodes()).collect(),
            Backend::Local(local) => {
                let nodes = local.nodes();
                let brokers = nodes
                    .iter()
                    .filter(|node| node.address.broker_port.is_some());
                brokers.map(|node| node.address.id).collect()
            }
        }
    }

    /// Where clients reach node `id`.
    pub fn broker_address(&self, id: i32) -> SocketAddr {
        match &self.backend {
            Backend::External(external) => external.address(id),
            Backend::Local(local) => {
                let port = local.with(id, |node| node.address.broker_port);
                SocketAddr::from(([127, 0, 0, 1], port.expect("a node with the broker role")))
            }
        }
    }

    /// Where other nodes reach the controller of node `id`.
    pub fn controller_address(&self, id: i32) -> SocketAddr {
        let port = self.local().with(id, |node| node.address.controller_port);
        SocketAddr::from((
            [127, 0, 0, 1],
            port.expect("a node with the controller role"),
        ))
    }

    /// The folder of node `id`: `server.properties`, `data/`, `log`.
    pub fn node_dir(&self, id: i32) -> PathBuf {
        self.local().with(id, |node| node.dir().to_owned())
    }

    /// The `log.dirs` of node `id`, unless the cluster runs where nobody can look.
    pub fn data_dir(&self, id: i32) -> Option<PathBuf> {
        match &self.backend {
            Backend::Local(local) => Some(local.with(id, |node| node.data_dir())),
            Backend::External(external) => external.data_dir(id),
        }
    }

    /// All `log.dirs` of node `id`, the first first; none if the cluster runs where nobody can look.
    pub fn data_dirs(&self, id: i32) -> Vec<PathBuf> {
        match &self.backend {
            Backend::Local(local) => local.with(id, |node| node.data_dirs().to_vec()),
            Backend::External(external) => external.data_dir(id).into_iter().collect(),
        }
    }

    /// What node `id` has printed, over all its runs.
    pub fn log(&self, id: i32) -> String {
        self.local().with(id, |node| node.log())
    }

    /// The process id of node `id`, `None` while it is down.
    pub fn pid(&self, id: i32) -> Option<u32> {
        self.local().with(id, |node| node.pid())
    }

    /// Whether the process of node `id` is there.
    pub fn is_running(&self, id: i32) -> bool {
        self.local().with(id, Node::is_running)
    }

    /// Whether nodes can be killed and restarted.
    pub fn can_control(&self) -> bool {
        match &self.backend {
            Backend::Local(_) => true,
            Backend::External(external) => external.can_control(),
        }
    }

    /// Kills node `id` with SIGKILL.
    pub fn kill9(&self, id: i32) {
        self.kill9_all(&[id]);
    }

    /// Kills several nodes with SIGKILL, all before waiting for the first; those that are down stay down.
    pub fn kill9_all(&self, ids: &[i32]) {
        match &self.backend {
            Backend::External(external) => external.control("kill", ids),
            Backend::Local(local) => {
                for &id in ids {
                    local.with(id, |node| node.pid().map(|_| node.signal(Signal::KILL)));
                }
                for &id in ids {
                    local.with(id, Node::kill9);
                }
            }
        }
    }

    /// Starts nodes that are down again, with their data; see [`Cluster::wait_ready`].
    pub fn restart_all(&self, ids: &[i32]) {
        match &self.backend {
            Backend::External(external) => external.control("restart", ids),
            Backend::Local(local) => {
                for &id in ids {
                    local.with(id, Node::start);
                }
            }
        }
    }

    /// Starts node `id`, which is down, again.
    pub fn restart(&self, id: i32) {
        self.restart_all(&[id]);
    }

    /// Stops node `id` with SIGTERM and returns how it ended.
    pub fn stop(&self, id: i32) -> ExitStatus {
        self.local().with(id, |node| node.signal(Signal::TERM));
        self.wait_stopped(id)
    }

    /// Waits until node `id` has stopped by itself and returns how it ended.
    pub fn wait_stopped(&self, id: i32) -> ExitStatus {
        wait_until(&format!("node {id} stops"), STOP_TIMEOUT, || {
            Ok(self.local().with(id, Node::exit_status))
        })
    }

    /// Freezes node `id` with SIGSTOP; returns when it stands still.
    ///
    /// # Panics
    /// When it does not within two minutes.
    pub fn pause(&self, id: i32) {
        self.local().with(id, |node| {
            node.signal(Signal::STOP);
            wait_until("the node stands still", READY_TIMEOUT, || {
                node.stands_still()
            });
        });
    }

    /// Lets a frozen node go on.
    pub fn resume(&self, id: i32) {
        self.local().with(id, |node| node.signal(Signal::CONT));
    }

    /// Sets a property of node `id` from its next start on.
    pub fn set_property(&self, id: i32, key: &str, value: &str) {
        let path = self.node_dir(id).join("server.properties");
        let text = fs::read_to_string(&path).expect("read server.properties");
        let others = text
            .lines()
            .filter(|line| line.split('=').next() != Some(key));
        let mut lines: Vec<String> = others.map(str::to_owned).collect();
        lines.push(format!("{key}={value}\n"));
        fs::write(&path, lines.join("\n")).expect("write server.properties");
    }

    /// Waits until every broker that runs answers ApiVersions and knows all of them.
    pub fn wait_ready(&self) {
        let mut running = self.broker_ids();
        if let Backend::Local(_) = self.backend {
            running.retain(|&id| self.pid(id).is_some());
        }
        for &id in &running {
            let address = self.broker_address(id);
            wait_until(
                &format!("node {id} knows brokers {running:?}"),
                READY_TIMEOUT,
                || {
                    self.assert_alive(id);
                    wire::api_versions(address)?;
                    Ok((wire::metadata(address, &[])?.brokers == running).then_some(()))
                },
            );
        }
    }

    fn assert_alive(&self, id: i32) {
        if let Backend::Local(local) = &self.backend {
            assert!(
                local.with(id, Node::is_running),
                "node {id} ended while others waited for it"
            );
        }
    }

    /// Waits until all replicas of the topics' partitions are in sync and each partition has a leader.
    pub fn wait_in_sync(&self, topics: &[&str]) {
        wait_until(&format!("{topics:?} are in sync"), READY_TIMEOUT, || {
            let view = self.view(topics)?;
            let whole = view
                .partitions
                .iter()
                .all(|p| p.leader >= 0 && p.isr.len() == p.replicas.len());
            Ok((whole && !view.partitions.is_empty()).then_some(()))
        });
    }

    /// Creates a topic, replicated to three brokers or as many as there are, and waits until it is in sync.
    pub fn create_topic(&self, name: &str, partitions: i32) {
        let replicas = i16::try_from(self.broker_ids().len().min(3)).expect("at most three");
        let error = self.ask(|address| wire::create_topic(address, name, partitions, replicas));
        assert_eq!(
            error.expect("create a topic"),
            0,
            "error code of CreateTopics for {name}"
        );
        self.wait_in_sync(&[name]);
    }

    /// The node that leads the partition, once there is one.
    pub fn leader(&self, topic: &str, partition: i32) -> i32 {
        wait_until(
            &format!("{topic}-{partition} has a leader"),
            READY_TIMEOUT,
            || {
                let view = self.view(&[topic])?;
                let found = view
                    .partitions
                    .iter()
                    .find(|p| p.partition == partition && p.leader >= 0);
                Ok(found.map(|p| p.leader))
            },
        )
    }

    /// The node that is the active controller, once there is one.
    pub fn active_controller(&self) -> i32 {
        wait_until("there is an active controller", READY_TIMEOUT, || {
            self.ask(wire::active_controller).map(Some)
        })
    }

    /// Metadata of the topics, from the first broker that answers.
    pub fn view(&self, topics: &[&str]) -> std::io::Result<wire::ClusterView> {
        self.ask(|address| wire::metadata(address, topics))
    }

    fn ask<T>(&self, question: impl Fn(SocketAddr) -> std::io::Result<T>) -> std::io::Result<T> {
        let mut answer = Err(std::io::Error::other("no broker runs"));
        for id in self.broker_ids() {
            answer = question(self.broker_address(id));
            if answer.is_ok() {
                break;
            }
        }
        answer
    }

    /// The end of every node's log, for a failing test.
    pub fn log_tails(&self) -> String {
        match &self.backend {
            Backend::External(_) => String::new(),
            Backend::Local(local) => local.nodes().iter().map(Node::log_tail).collect(),
        }
    }

    /// Prints [`Cluster::log_tails`] if the calling test panics while it holds the guard; for clusters that tests share.
    pub fn logs_on_panic(&self) -> LogsOnPanic<'_> {
        LogsOnPanic(self)
    }

    fn local(&self) -> &Local {
        match &self.backend {
            Backend::Local(local) => local,
            Backend::External(_) => panic!("not possible with the cluster of KLAMM_TEST_BOOTSTRAP"),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.logs_on_panic());
    }
}

/// See [`Cluster::logs_on_panic`].
#[derive(Debug)]
pub struct LogsOnPanic<'a>(&'a Cluster);

impl Drop for LogsOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.log_tails());
        }
    }
}

impl Local {
    /// Draws ports, writes folders and properties.
    fn create(builder: &ClusterBuilder) -> Self {
        let ports = PortBlock::take();
        let folder = TempDir::with_prefix("klamm-test-")
            .expect("create a cluster's folder")
            .keep();
        let watchdog = Watchdog::start(&folder).expect("start the watchdog");
        let addresses = addresses(builder, &ports);
        let first = builder.brokers + builder.separate_controllers;
        let voters: Vec<NodeAddress> = addresses
            .iter()
            .filter(|a| a.controller_port.is_some() && a.id <= first)
            .copied()
            .collect();
        let brokers = addresses.iter().filter(|a| a.broker_port.is_some()).count();
        let mut nodes = Vec::new();
        for address in addresses {
            let dir = folder.join(format!("node{}", address.id));
            fs::create_dir(&dir).expect("create a node's folder");
            let node = Node::new(address, dir, builder.log_dirs);
            let spec = NodeSpec {
                address,
                joins: address.id > first,
                voters: &voters,
                brokers,
                data_dirs: node.data_dirs(),
                extra: &builder.properties,
            };
            fs::write(
                node.dir().join("server.properties"),
                server_properties(&spec),
            )
            .expect("write server.properties");
            nodes.push(node);
        }
        Self {
            nodes: Mutex::new(nodes),
            _watchdog: watchdog,
            _ports: ports,
        }
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Node>> {
        // A test that panicked elsewhere leaves the nodes as they are.
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, id: i32, action: impl FnOnce(&mut Node) -> T) -> T {
        let mut nodes = self.nodes();
        let node = nodes.iter_mut().find(|node| node.address.id == id);
        action(node.unwrap_or_else(|| panic!("no node {id}")))
    }
}

fn addresses(builder: &ClusterBuilder, ports: &PortBlock) -> Vec<NodeAddress> {
    let mut next_port = 0;
    let mut draw = || {
        next_port += 1;
        Some(ports.port(next_port - 1))
    };
    let combined = builder.separate_controllers == 0;
    let mut addresses = Vec::new();
    for id in 1..=builder.brokers {
        let broker_port = draw();
        let controller_port = if combined { draw() } else { None };
        addresses.push(NodeAddress {
            id,
            broker_port,
            controller_port,
        });
    }
    for id in builder.brokers + 1..=builder.brokers + builder.separate_controllers {
        addresses.push(NodeAddress {
            id,
            broker_port: None,
            controller_port: draw(),
        });
    }
    let first = builder.brokers + builder.separate_controllers;
    for id in first + 1..=first + builder.joining_nodes {
        let broker_port = draw();
        let controller_port = draw();
        addresses.push(NodeAddress {
            id,
            broker_port,
            controller_port,
        });
    }
    addresses
}
