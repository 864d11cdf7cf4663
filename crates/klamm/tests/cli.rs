//! The command line: help, exit codes, and what needs no cluster.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

fn klamm(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_klamm"))
        .args(arguments)
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Fails with these words on standard error.
fn fails(arguments: &[&str], code: i32, words: &[&str]) {
    let output = klamm(arguments);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    for word in words {
        assert!(
            errors.contains(word),
            "{arguments:?}: {errors} lacks {word}"
        );
    }
}

fn properties(folder: &Path, node_id: i32) -> String {
    let path = folder.join(format!("node-{node_id}.properties"));
    let text = format!(
        "process.roles=broker,controller\nnode.id={node_id}\n\
         controller.quorum.voters={node_id}@127.0.0.1:1\ncontroller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1\nlog.dirs={}/data\n",
        folder.display()
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn help_has_examples_and_a_wrong_command_line_ends_with_2() {
    for command in [
        &[][..],
        &["server"],
        &["dev"],
        &["topic"],
        &["produce"],
        &["consume"],
        &["health"],
        &["storage"],
    ] {
        let output = klamm(&[command, &["--help"]].concat());
        assert!(output.status.success(), "{command:?}");
        assert!(text(&output.stdout).contains("Examples:"), "{command:?}");
    }
    assert!(text(&klamm(&["--version"]).stdout).starts_with("klamm "));
    fails(&["nonsense"], 2, &["nonsense"]);
    fails(&["dev", "--nodes", "0"], 2, &["1..=9"]);
    fails(&["topic", "delete"], 2, &["TOPICS"]);
}

#[test]
fn a_server_tells_what_is_wrong_with_its_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = properties(folder.path(), 1);
    fails(&["server", "--config", "/nowhere"], 1, &["/nowhere"]);
    let server = ["server", "--config", &config, "--override"];
    fails(
        &[&server[..], &["num.partitions=x"]].concat(),
        1,
        &["num.partitions=x", "whole number"],
    );
    fails(
        &[&server[..], &["num.partitions"]].concat(),
        1,
        &["key=value"],
    );
}

#[test]
fn folders_are_formatted_once_and_belong_to_one_node() {
    let folder = tempfile::tempdir().unwrap();
    let config = properties(folder.path(), 1);
    let id = text(&klamm(&["storage", "random-uuid"]).stdout)
        .trim()
        .to_owned();
    assert_eq!(id.len(), 22);
    fails(&["storage", "info", "-c", &config], 1, &["1 of 1 folders"]);
    let format = [
        "storage",
        "format",
        "-t",
        &id,
        "-c",
        &config,
        "--standalone",
    ];
    assert!(text(&klamm(&format).stdout).contains("Formatting data directory"));
    fails(&format, 1, &["already formatted", "--ignore-formatted"]);
    let again = klamm(&[&format[..], &["-g"]].concat());
    assert!(text(&again.stdout).contains("All of the log directories are already formatted"));
    let info = klamm(&["storage", "info", "-c", &config]);
    assert!(info.status.success());
    assert!(text(&info.stdout).contains(&format!("cluster.id={id}")));
    let other = properties(folder.path(), 2);
    fails(
        &["server", "-c", &other],
        1,
        &["belongs to node 1", "node.id=2"],
    );
}

#[test]
fn a_development_cluster_names_the_port_that_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    // Ports of the operating system's choice lie below 65000 on all usual systems, mostly.
    if port.parse::<u16>().unwrap() <= 65_000 {
        let dev = ["dev", "--nodes", "1", "--data", &data, "--port", &port];
        fails(&dev, 1, &[&format!("port {port} is taken"), "--port"]);
    }
    fails(
        &["dev", "status", "--data", &data],
        1,
        &["no cluster runs in"],
    );
}

#[test]
fn clients_tell_that_nobody_is_there() {
    // Nothing listens on port 1.
    fails(&["health", "-b", "127.0.0.1:1"], 1, &["127.0.0.1:1"]);
}
