//! How a node starts, and how it says that it cannot.

use crate::{
    asking::{Asking, PATIENCE},
    process::{Process, klamm},
};
use klamm_protocol::messages::describe_cluster_request::DescribeClusterRequest;
use klamm_tests::{Cluster, wait_until, wire};
use rustix::process::Signal;
use std::{fs, net::TcpListener, path::Path};

/// A cluster of one node that was stopped: its ports are free and nobody else takes them.
fn stopped_node() -> Cluster {
    let cluster = Cluster::builder(1).start();
    assert!(cluster.stop(1).success());
    cluster
}

fn properties_of(cluster: &Cluster) -> String {
    let path = cluster.node_dir(1).join("server.properties");
    fs::read_to_string(path).unwrap()
}

/// Writes properties with some of them changed, and returns the file's path.
fn write(folder: &Path, properties: &str, changes: &[(&str, &str)]) -> String {
    let changed = |line: &&str| {
        let key = line.split('=').next().unwrap();
        !changes.iter().any(|(name, _)| *name == key)
    };
    let mut lines: Vec<String> = properties
        .lines()
        .filter(changed)
        .map(str::to_owned)
        .collect();
    lines.extend(changes.iter().map(|(key, value)| format!("{key}={value}")));
    let path = folder.join("server.properties");
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    path.display().to_string()
}

/// Waits until the node serves, and asks for the id of its cluster.
fn cluster_id(cluster: &Cluster, node: &mut Process) -> String {
    let address = cluster.broker_address(1);
    wait_until("the node serves", PATIENCE, || {
        assert!(node.is_running(), "{}", node.stdout() + &node.stderr());
        let view = wire::metadata(address, &[])?;
        Ok((!view.brokers.is_empty()).then_some(()))
    });
    let answer = Asking::connect(address).ask(&DescribeClusterRequest::default(), 0);
    answer.cluster_id
}

fn stop(node: Process) {
    node.signal(Signal::TERM);
    node.end().succeeded();
}

#[test]
fn folders_of_others_are_refused() {
    let cluster = stopped_node();
    let folder = tempfile::tempdir().unwrap();
    let properties = properties_of(&cluster);
    let voters = cluster.controller_address(1).to_string();
    let other_node = [
        ("node.id", "7"),
        ("controller.quorum.voters", &format!("7@{voters}")),
    ];
    let config = write(folder.path(), &properties, &other_node);
    let data = cluster.data_dir(1).unwrap().display().to_string();
    klamm(&["server", "--config", &config]).failed(&[&data, "belongs to node 1", "node.id=7"]);

    let config = write(folder.path(), &properties, &[]);
    let other_cluster = [("CLUSTER_ID", "4L6g3nShT-eMCtK--X86sw")];
    Process::start(&["server", "--config", &config], &other_cluster)
        .end()
        .failed(&[&data, "belongs to the cluster", "4L6g3nShT-eMCtK--X86sw"]);

    // Neither has harmed the folder.
    cluster.restart(1);
    cluster.wait_ready();
}

#[test]
fn a_folder_in_use_is_refused() {
    let cluster = Cluster::builder(1).start();
    let folder = tempfile::tempdir().unwrap();
    // Ports of nobody, so that the folder is all that is in the way.
    let changes = [(
        "listeners",
        "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
    )];
    let config = write(folder.path(), &properties_of(&cluster), &changes);
    let data = cluster.data_dir(1).unwrap().display().to_string();
    klamm(&["server", "--config", &config]).failed(&[&data]);
    assert!(cluster.is_running(1));
}

#[test]
fn taken_ports_are_named() {
    let cluster = stopped_node();
    let config = cluster.node_dir(1).join("server.properties");
    let config = config.display().to_string();
    for address in [cluster.broker_address(1), cluster.controller_address(1)] {
        let _taken = TcpListener::bind(address).unwrap();
        klamm(&["server", "--config", &config]).failed(&[&address.to_string(), "in use"]);
    }
}

#[test]
fn wrong_properties_are_named_with_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let properties = "process.roles=broker,controller\nnode.id=1\n\
        controller.quorum.voters=1@127.0.0.1:1\ncontroller.listener.names=CONTROLLER\n\
        listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1\nlog.dirs=/nowhere\n";
    for (key, value, allowed) in [
        ("num.partitions", "0", "1"),
        ("num.partitions", "many", "whole number"),
        ("log.cleanup.policy", "burn", "delete"),
        ("compression.type", "zip", "zstd"),
        ("auto.create.topics.enable", "perhaps", "true"),
        ("process.roles", "observer", "controller"),
        ("listeners", "nonsense", "://"),
        ("node.id", "-1", "0"),
    ] {
        let config = write(folder.path(), properties, &[(key, value)]);
        klamm(&["server", "--config", &config]).failed(&[key, value, allowed]);
    }
}

#[test]
fn unknown_properties_warn_and_the_environment_is_taken() {
    let cluster = stopped_node();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let changes = [("log.dirs", data.as_str()), ("no.such.property", "1")];
    let config = write(folder.path(), &properties_of(&cluster), &changes);
    let variables = [
        ("CLUSTER_ID", "4L6g3nShT-eMCtK--X86sw"),
        ("KAFKA_NUM_PARTITIONS", "5"),
    ];
    let mut node = Process::start(&["server", "--config", &config], &variables);
    assert_eq!(cluster_id(&cluster, &mut node), "4L6g3nShT-eMCtK--X86sw");
    let said = node.stdout() + &node.stderr();
    assert!(
        said.contains("WARN") && said.contains("no.such.property"),
        "{said}"
    );
    let bootstrap = cluster.bootstrap();
    klamm(&["topic", "create", "five", "-b", &bootstrap]).succeeded();
    let described = klamm(&["topic", "describe", "five", "-b", &bootstrap]).succeeded();
    assert!(described.contains("partitions 5"), "{described}");
    stop(node);
}

#[test]
fn the_environment_alone_is_enough() {
    let cluster = stopped_node();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let controller = cluster.controller_address(1);
    let listeners = format!(
        "PLAINTEXT://{},CONTROLLER://{controller}",
        cluster.broker_address(1)
    );
    let voters = format!("1@{controller}");
    let variables = [
        ("KAFKA_NODE_ID", "1"),
        ("KAFKA_PROCESS_ROLES", "broker,controller"),
        ("KAFKA_LISTENERS", &listeners),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", &voters),
        ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
        ("KAFKA_LOG_DIRS", &data),
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
    ];
    let mut node = Process::start(&["server"], &variables);
    assert_eq!(cluster_id(&cluster, &mut node).len(), 22, "it is drawn");
    stop(node);
    assert!(Path::new(&data).join("meta.properties").exists());
}

#[test]
fn a_formatted_folder_keeps_its_cluster() {
    let cluster = stopped_node();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let config = write(
        folder.path(),
        &properties_of(&cluster),
        &[("log.dirs", &data)],
    );
    let id = klamm(&["storage", "random-uuid"]).succeeded();
    let id = id.trim();
    klamm(&["storage", "format", "-t", id, "-c", &config]).succeeded();
    for _ in 0..2 {
        let mut node = Process::start(&["server", "--config", &config], &[]);
        assert_eq!(cluster_id(&cluster, &mut node), id);
        stop(node);
    }
}
