//! A cluster of `klamm dev` that a drill starts for itself.

use super::{DevTarget, NODE_PATIENCE, TargetError, disk, left_behind, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How long the nodes may take to stop when all is over.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Ports that may be taken: above those of a cluster that somebody develops against, and few others'.
const PORTS: std::ops::Range<u16> = 10_000..12_000;
/// Controllers listen so many ports above brokers.
const CONTROLLER_DISTANCE: u16 = 100;
/// Each cluster keeps to as many ports.
const PORTS_PER_CLUSTER: usize = 200;

/// A running cluster; dropping it stops it.
#[derive(Debug)]
pub struct DevCluster {
    child: Child,
    data: PathBuf,
    _disks: Disks,
}

/// How a cluster is to be.
#[derive(Debug, Clone, Default)]
pub struct DevClusterOptions {
    /// How many nodes.
    pub nodes: u16,
    /// Properties of each node, as `key=value`.
    pub overrides: Vec<String>,
    /// Gives each node a small file system of its own, if that is allowed.
    pub small_disks: bool,
}

/// File systems of nodes; dropping them takes them away.
#[derive(Debug, Default)]
struct Disks(Vec<PathBuf>);

impl Disks {
    /// Makes one for each node; none if it may not.
    fn mount(data: &Path, nodes: u16) -> Disks {
        let mut disks = Disks::default();
        for id in 1..=nodes {
            let folder = data.join(format!("node-{id}")).join("data");
            let mounted = fs::create_dir_all(&folder).is_ok() && disk::mount(&folder).is_ok();
            if !mounted {
                return Disks::default();
            }
            disks.0.push(folder);
        }
        disks
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        for folder in &self.0 {
            if let Err(error) = disk::unmount(folder) {
                left_behind(&error);
            }
        }
    }
}

impl DevCluster {
    /// Starts nodes of `program` (the `klamm` binary) with their data in `folder`, and waits until they listen. They end
    /// with the thread that called this, if not before.
    ///
    /// # Errors
    /// They do not start; the error tells what they said.
    pub fn start(
        program: &Path,
        folder: &Path,
        options: &DevClusterOptions,
    ) -> Result<DevCluster, TargetError> {
        let nodes = options.nodes;
        let failed = |error: std::io::Error| {
            TargetError::new(format!(
                "cannot start a cluster in {}: {error}",
                folder.display()
            ))
        };
        let data = folder.join("cluster");
        fs::create_dir_all(&data).map_err(failed)?;
        let disks = match options.small_disks {
            true => Disks::mount(&data, nodes),
            false => Disks::default(),
        };
        let log = folder.join("cluster.log");
        let output = File::create(&log).map_err(failed)?;
        let port = free_port(nodes)?.to_string();
        let mut command = Command::new(program);
        command
            .args([
                "dev",
                "--exit-with-parent",
                "--nodes",
                &nodes.to_string(),
                "--port",
                &port,
            ])
            .arg("--data")
            .arg(&data);
        for text in &options.overrides {
            command.args(["--override", text]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(failed)?)
            .stderr(output)
            // Ctrl-C is for the drill, which then heals and stops everything in order.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let mut cluster = DevCluster {
            child,
            data,
            _disks: disks,
        };
        wait_until("the cluster starts", NODE_PATIENCE, || {
            let ended = cluster.child.try_wait().map_err(failed)?.is_some();
            let said = fs::read_to_string(&log).unwrap_or_default();
            match ended {
                true => Err(TargetError::new(format!(
                    "the cluster ended: {}",
                    said.trim()
                ))),
                false => Ok(said.contains("connect to ")),
            }
        })?;
        Ok(cluster)
    }

    /// What can be done to it.
    ///
    /// # Errors
    /// It does not run any more.
    pub fn target(&self) -> Result<DevTarget, TargetError> {
        DevTarget::attach(&self.data)
    }
}

impl Drop for DevCluster {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It has not been waited for, so the id is still its own.
        let told = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let ended = wait_until("the cluster stops", STOP_PATIENCE, || {
            Ok(!matches!(self.child.try_wait(), Ok(None)))
        });
        if !told || ended.is_err() {
            // Nodes end with their supervisor.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The first of some ports that are free now.
fn free_port(nodes: u16) -> Result<u16, TargetError> {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let places = PORTS.len() / PORTS_PER_CLUSTER;
    // Drills that run side by side begin to look at different places.
    let first = std::process::id() as usize % places;
    let bases = (0..places).map(|place| (first + place) % places * PORTS_PER_CLUSTER);
    let mut bases = bases.filter_map(|base| PORTS.start.checked_add(u16::try_from(base).ok()?));
    let found = bases.find(|base| {
        (0..nodes).all(|i| is_free(base + i) && is_free(base + CONTROLLER_DISTANCE + i))
    });
    found.ok_or_else(|| TargetError::new("no free ports for a cluster"))
}
