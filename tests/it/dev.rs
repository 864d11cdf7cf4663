//! `klamm dev`: a cluster on this machine that comes, goes on and leaves nothing behind.

use crate::process::{Process, klamm};
use klamm_tests::{lock_ports, wait_until};
use rustix::process::{Pid, Signal, test_kill_process};
use std::{collections::BTreeSet, fs::File, net::TcpListener, time::Duration};

const PATIENCE: Duration = Duration::from_secs(120);

/// First port that may be drawn, below those that clusters of the harness take.
const PORTS_FROM: u16 = 12_000;
/// A cluster takes its brokers' ports and those of controllers, 100 above.
const PORTS_PER_CLUSTER: u16 = 200;
const CLUSTERS_MAX: u16 = 40;

/// Ports that are free, and no other test's until this is dropped.
struct Ports {
    base: u16,
    _lock: File,
}

impl Ports {
    fn take() -> Ports {
        let mut free = bases().filter_map(|base| {
            let lock = lock_ports(&format!("dev-{base}"))?;
            Some(Ports { base, _lock: lock }).filter(Ports::are_free)
        });
        free.next().expect("six free ports")
    }

    fn are_free(&self) -> bool {
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        (0..3).all(|i| is_free(self.base + i) && is_free(self.base + 100 + i))
    }
}

/// Where ports may begin, another one first for each process.
fn bases() -> impl Iterator<Item = u16> {
    let first = u16::try_from(std::process::id() % u32::from(CLUSTERS_MAX)).unwrap();
    (0..CLUSTERS_MAX).map(move |i| PORTS_FROM + (first + i) % CLUSTERS_MAX * PORTS_PER_CLUSTER)
}

struct Dev {
    process: Process,
    data: tempfile::TempDir,
    ports: Ports,
}

impl Dev {
    fn start() -> Dev {
        let data = tempfile::tempdir().unwrap();
        let ports = Ports::take();
        let mut process = Process::start(
            &[
                "dev",
                "--data",
                data.path().to_str().unwrap(),
                "--port",
                &ports.base.to_string(),
            ],
            &[],
        );
        wait_until("the cluster says where to connect", PATIENCE, || {
            assert!(process.is_running(), "{}", process.stderr());
            Ok(process.stdout().contains("connect to ").then_some(()))
        });
        Dev {
            process,
            data,
            ports,
        }
    }

    fn ask(&self, request: &[&str]) -> crate::process::Ended {
        let data = ["--data", self.data.path().to_str().unwrap()];
        klamm(&[&["dev"], request, &data].concat())
    }

    /// The process ids of the nodes, by what `status` says.
    fn pids(&self) -> BTreeSet<i32> {
        let status = self.ask(&["status"]).succeeded();
        let pids = status.lines().filter_map(|line| {
            let rest = line.split("process ").nth(1)?;
            rest.split_whitespace().next()?.parse().ok()
        });
        pids.collect()
    }

    fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.base)
    }
}

fn is_alive(pid: i32) -> bool {
    test_kill_process(Pid::from_raw(pid).unwrap()).is_ok()
}

#[test]
fn three_nodes_serve_restart_and_stop_cleanly() {
    let dev = Dev::start();
    let said = dev.process.stdout();
    let bootstrap = dev.bootstrap();
    assert!(said.contains(&bootstrap), "{said}");
    let pids = dev.pids();
    assert_eq!(pids.len(), 3, "{said}");
    for pid in &pids {
        assert!(said.contains(&format!("process {pid}")), "{said}");
    }
    let client = ["--bootstrap-server", &bootstrap];
    klamm(&[&["topic", "create", "t", "-p", "1"], &client[..]].concat()).succeeded();
    let produce = [&["produce", "t"], &client[..]].concat();
    Process::start_reading(&produce, &[], "hello\n")
        .end()
        .succeeded();

    dev.ask(&["kill", "2"]).succeeded();
    wait_until("node 2 is down", PATIENCE, || {
        Ok((dev.pids().len() == 2).then_some(()))
    });
    dev.ask(&["kill", "2"]).failed(&["node 2", "down"]);
    dev.ask(&["restart", "2"]).succeeded();
    assert_eq!(dev.pids().len(), 3);
    dev.ask(&["restart", "1"]).succeeded();
    wait_until("node 1 is a new process", PATIENCE, || {
        let now = dev.pids();
        Ok((now.len() == 3 && now.intersection(&pids).count() == 1).then_some(()))
    });
    dev.ask(&["kill", "9"]).failed(&["no node 9"]);
    let consume = ["consume", "t", "--from-beginning", "-n", "1"];
    let read = klamm(&[&consume[..], &client].concat()).succeeded();
    assert_eq!(read, "hello\n");

    check_stop(dev, Signal::INT);
}

#[test]
fn a_second_cluster_is_told_what_is_in_its_way() {
    let dev = Dev::start();
    let port = dev.ports.base.to_string();
    let other = tempfile::tempdir().unwrap();
    let other = other.path().to_str().unwrap();
    let taken = klamm(&["dev", "--data", other, "--port", &port]);
    taken.failed(&[&port, "taken", "--port"]);
    let ports = Ports::take();
    let free = ports.base.to_string();
    let same = dev.data.path().to_str().unwrap();
    klamm(&["dev", "--data", same, "--port", &free]).failed(&["already runs", "--data"]);
    check_stop(dev, Signal::TERM);
}

/// Stops the cluster and checks that nothing of it is left.
fn check_stop(dev: Dev, signal: Signal) {
    let pids = dev.pids();
    assert_eq!(pids.len(), 3);
    dev.process.signal(signal);
    let ended = dev.process.end();
    assert!(ended.stdout.contains("all nodes are down"), "{ended:?}");
    ended.succeeded();
    for pid in pids {
        assert!(!is_alive(pid), "process {pid} is left behind");
    }
    assert!(!dev.data.path().join("dev.json").exists());
}

#[test]
fn nodes_end_when_their_supervisor_is_killed() {
    let dev = Dev::start();
    let pids = dev.pids();
    assert_eq!(pids.len(), 3);
    dev.process.signal(Signal::KILL);
    wait_until("no node is left", PATIENCE, || {
        Ok((!pids.iter().any(|pid| is_alive(*pid))).then_some(()))
    });
}
