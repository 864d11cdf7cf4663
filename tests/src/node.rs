//! One node: a `klamm server` process with a folder of its own.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::binary::klamm_binary;

/// How many log lines a failing test shows of each node.
const TAIL_LINES: usize = 40;

/// Where a node listens on 127.0.0.1; a missing port means that it does not have the role.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeAddress {
    pub(crate) id: i32,
    pub(crate) broker_port: Option<u16>,
    pub(crate) controller_port: Option<u16>,
}

/// A node and its process, which may be down.
///
/// Its folder holds `server.properties`, `data/`, `log` (what all its runs printed) and, while it runs, `pid`.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) address: NodeAddress,
    dir: PathBuf,
    data_dirs: Vec<PathBuf>,
    child: Option<Child>,
}

impl Node {
    /// A node of so many log directories that is not started yet.
    pub(crate) fn new(address: NodeAddress, dir: PathBuf, log_dirs: usize) -> Self {
        let number = |index: usize| match index {
            0 => String::new(),
            index => (index + 1).to_string(),
        };
        let data_dirs = (0..log_dirs).map(|index| dir.join(format!("data{}", number(index))));
        Self {
            address,
            data_dirs: data_dirs.collect(),
            dir,
            child: None,
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(crate) fn data_dirs(&self) -> &[PathBuf] {
        &self.data_dirs
    }

    /// Starts the process.
    ///
    /// # Panics
    /// When it runs already, or cannot be started.
    pub(crate) fn start(&mut self) {
        assert!(!self.is_running(), "node {} runs already", self.address.id);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join("log"))
            .expect("open a node's log");
        let child = Command::new(klamm_binary())
            .arg("server")
            .arg("--config")
            .arg(self.dir.join("server.properties"))
            .stdin(Stdio::null())
            .stdout(clone(&log))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("start node {}: {error}", self.address.id));
        fs::write(self.dir.join("pid"), child.id().to_string()).expect("write a pid file");
        self.child = Some(child);
    }

    /// The process id, if the node was started and not stopped.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether the process is there; a frozen one is.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Kills the process with SIGKILL and waits for its end; nothing happens to a node that is down.
    pub(crate) fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself a moment ago.
            let _ = child.kill();
            let _ = child.wait();
            // Gone before the watchdog could take the number for a process of somebody else.
            let _ = fs::remove_file(self.dir.join("pid"));
        }
    }

    /// Sends a signal to a running node.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.and_then(Pid::from_raw).expect("a running node");
        kill_process(pid, signal).expect("signal a node");
    }

    /// `Some` once every thread is stopped: the signal is for one of them to take, and until that
    /// one runs on a busy machine the others go on.
    pub(crate) fn stands_still(&self) -> io::Result<Option<()>> {
        let tasks = format!("/proc/{}/task", self.pid().expect("a running node"));
        for task in fs::read_dir(tasks)? {
            let stat = fs::read_to_string(task?.path().join("stat"))?;
            // The state follows the name, which stands in parentheses and may contain some.
            let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
            if !state.is_some_and(|state| state.starts_with('T')) {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// Waits for a node that was told to stop, `None` if it still runs.
    pub(crate) fn exit_status(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().expect("wait for a node")?;
        self.child = None;
        let _ = fs::remove_file(self.dir.join("pid"));
        Some(status)
    }

    /// All the node has printed, over all its runs.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.dir.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines of its log, under a heading.
    pub(crate) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        format!(
            "--- node {} ({})\n{}\n",
            self.address.id,
            self.dir.display(),
            tail.join("\n")
        )
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill9();
    }
}

fn clone(log: &File) -> File {
    log.try_clone().expect("clone a log's descriptor")
}
