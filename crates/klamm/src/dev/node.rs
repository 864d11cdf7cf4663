//! One node of a development cluster: its files and its process.

use super::{layout::NodeDir, plan::NodePlan, state_file::NodeState};
use crate::failure::{Context, Failure};
use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
    process::{ExitStatus, Stdio},
};
use tokio::{
    process::{Child, Command},
    sync::mpsc,
};

/// How much of a log is looked at for its last lines.
const TAIL_BYTES_MAX: u64 = 8 << 10;

/// Lines shown of the log of a node that ended by itself.
const TAIL_LINES: usize = 15;

/// What a node's process is asked to do.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// SIGTERM.
    Stop,
    /// SIGKILL.
    Kill,
}

/// The end of a node's process.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) id: u16,
    pub(super) status: std::io::Result<ExitStatus>,
}

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    plan: NodePlan,
    dir: NodeDir,
    process: Option<Process>,
    /// It was told to end, so its end is no surprise.
    pub(super) end_expected: bool,
    /// It is to be started again once it has ended.
    pub(super) restart_wanted: bool,
}

#[derive(Debug)]
struct Process {
    pid: u32,
    orders: mpsc::UnboundedSender<Order>,
}

impl Node {
    /// A node that is down, its files written.
    pub(super) fn new(data: &Path, plan: NodePlan) -> Result<Node, Failure> {
        let dir = NodeDir::new(data, plan.id);
        fs::create_dir_all(dir.data()).context(format!("create {}", dir.data().display()))?;
        let mut text = String::from(
            "# Written by `klamm dev` on each start; set properties with --override.\n",
        );
        for (key, value) in &plan.properties {
            // Backslashes are the only characters in values that the format reads otherwise.
            text.push_str(&format!("{key}={}\n", value.replace('\\', "\\\\")));
        }
        let path = dir.properties();
        fs::write(&path, text).context(format!("write {}", path.display()))?;
        Ok(Node {
            plan,
            dir,
            process: None,
            end_expected: false,
            restart_wanted: false,
        })
    }

    pub(super) fn id(&self) -> u16 {
        self.plan.id
    }

    /// The process id, unless the node is down.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.pid)
    }

    pub(super) fn state(&self) -> NodeState {
        NodeState {
            id: self.plan.id,
            pid: self.pid(),
            port: self.plan.port,
            controller_port: self.plan.controller_port,
            log: self.dir.log().display().to_string(),
            data: self.dir.data().display().to_string(),
        }
    }

    /// Starts the process; its end comes out of `exits`.
    pub(super) fn start(&mut self, exits: mpsc::UnboundedSender<Exit>) -> Result<(), Failure> {
        let child = self
            .spawn()
            .context(format!("start node {}", self.plan.id))?;
        let Some(pid) = child.id() else {
            return Err(Failure::new(format!("node {} ended at once", self.plan.id)));
        };
        let (orders, receiver) = mpsc::unbounded_channel();
        self.process = Some(Process { pid, orders });
        self.end_expected = false;
        self.restart_wanted = false;
        tokio::spawn(watch(self.plan.id, child, receiver, exits));
        Ok(())
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.log())?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("server")
            .arg("--config")
            .arg(self.dir.properties())
            .arg("--exit-with-parent")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in the terminal is for `klamm dev`, which then stops the nodes in order.
            .process_group(0)
            .kill_on_drop(true);
        // The environment configures servers too; these have their files.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("KAFKA_") || name == klamm_config::env::CLUSTER_ID {
                command.env_remove(name.as_ref());
            }
        }
        command.spawn()
    }

    /// Asks the process to stop cleanly.
    pub(super) fn stop(&mut self) {
        self.order(Order::Stop);
    }

    /// Kills the process.
    pub(super) fn kill(&mut self) {
        self.order(Order::Kill);
    }

    fn order(&mut self, order: Order) {
        if let Some(process) = &self.process {
            self.end_expected = true;
            self.restart_wanted = false;
            // A process that has just ended takes no orders; its end is on the way.
            if process.orders.send(order).is_err() {
                tracing::debug!(node = self.plan.id, "the process has already ended");
            }
        }
    }

    /// The process has ended.
    pub(super) fn ended(&mut self) {
        self.process = None;
    }

    /// The last lines of its log.
    pub(super) fn log_tail(&self) -> String {
        let path = self.dir.log();
        let text = read_tail(&path).unwrap_or_else(|error| format!("(no log: {error})"));
        let lines: Vec<&str> = text.lines().collect();
        let first = lines.len().saturating_sub(TAIL_LINES);
        let mut tail = format!("  the end of {}:\n", path.display());
        for line in &lines[first..] {
            tail.push_str(&format!("  | {line}\n"));
        }
        tail
    }
}

fn read_tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Owns the process: passes orders on and tells of its end. Signals only go to a process that has
/// not been waited for, so never to another one with the same id.
async fn watch(
    id: u16,
    mut child: Child,
    mut orders: mpsc::UnboundedReceiver<Order>,
    exits: mpsc::UnboundedSender<Exit>,
) {
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            Some(order) = orders.recv() => signal(&mut child, order),
        }
    };
    if exits.send(Exit { id, status }).is_err() {
        tracing::debug!(node = id, "nobody waits for the end of the node");
    }
}

fn signal(child: &mut Child, order: Order) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = match order {
        Order::Stop => Signal::TERM,
        Order::Kill => Signal::KILL,
    };
    let pid = child
        .id()
        .and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
    if let Some(pid) = pid
        && let Err(error) = kill_process(pid, signal)
    {
        tracing::warn!(%error, ?pid, "cannot signal the node");
    }
}
