//! `klamm topic`, `produce`, `consume` and `health` against a real cluster.

use crate::{
    asking::fresh,
    process::{Process, klamm},
    shared_cluster::shared_cluster,
};
use std::time::{Duration, Instant};

/// Lets a client try for longer than the end of a command is waited for.
const FOR_EVER: [&str; 2] = ["--timeout-ms", "3600000"];
/// How long a client tries if nobody says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs a command against the shared cluster.
fn run(arguments: &[&str]) -> crate::process::Ended {
    let bootstrap = shared_cluster().bootstrap();
    klamm(&[arguments, &["--bootstrap-server", &bootstrap]].concat())
}

fn run_reading(arguments: &[&str], input: &str) -> crate::process::Ended {
    let bootstrap = shared_cluster().bootstrap();
    let arguments = [arguments, &["--bootstrap-server", &bootstrap]].concat();
    Process::start_reading(&arguments, &[], input).end()
}

#[test]
fn a_topic_from_its_creation_to_its_end() {
    let topic = fresh("cli");
    let created = run(&[
        "topic",
        "create",
        &topic,
        "-p",
        "2",
        "--config",
        "retention.ms=3600000",
    ]);
    assert!(created.succeeded().contains(&topic));
    let listed = run(&["topic", "list"]).succeeded();
    assert!(listed.lines().any(|line| line == topic), "{listed}");
    let described = run(&["topic", "describe", &topic]).succeeded();
    for part in [
        "partitions 2",
        "replication factor 3",
        "retention.ms=3600000",
        "partition 1",
    ] {
        assert!(described.contains(part), "{part}: {described}");
    }
    run(&["topic", "create", &topic]).failed(&[&topic, "already exists"]);
    run(&["topic", "create", &topic, "--if-not-exists"]).succeeded();
    assert!(
        run(&["topic", "delete", &topic])
            .succeeded()
            .contains(&topic)
    );
    run(&["topic", "delete", &topic]).failed(&[&topic]);
    run(&["topic", "delete", &topic, "--if-exists"]).succeeded();
    let listed = run(&["topic", "list"]).succeeded();
    assert!(!listed.lines().any(|line| line == topic), "{listed}");
}

#[test]
fn what_is_refused_is_explained() {
    let topic = fresh("cli");
    run(&["topic", "create", "no spaces"]).failed(&["no spaces"]);
    run(&["topic", "create", &topic, "-r", "9"]).failed(&[&topic, "replica"]);
    run(&["topic", "create", &topic, "--config", "retention.ms=soon"])
        .failed(&["retention.ms", "soon"]);
    run(&["topic", "create", &topic, "--config", "no.such.setting=1"]).failed(&["no.such.setting"]);
    run(&["topic", "create", &topic, "--config", "nothing"]).failed(&["KEY=VALUE"]);
}

#[test]
fn records_go_in_and_come_out() {
    let topic = fresh("cli");
    run(&["topic", "create", &topic, "-p", "1"]).succeeded();
    let lines: String = (0..1000)
        .map(|i| format!("key-{i}:value {i} äöü\n"))
        .collect();
    for compression in ["none", "zstd"] {
        let arguments = ["produce", &topic, "-k", ":", "-z", compression];
        let ended = run_reading(&arguments, &lines);
        assert!(ended.stderr.contains("1000 records"), "{ended:?}");
        ended.succeeded();
    }
    let consume = ["consume", &topic, "--from-beginning", "--exit-at-end"];
    let all = run(&[&consume[..], &["-k", ":"]].concat()).succeeded();
    assert!(all == lines.repeat(2), "{} bytes came out", all.len());
    let three = run(&["consume", &topic, "-p", "0", "-o", "10", "-n", "3"]).succeeded();
    assert_eq!(three, "value 10 äöü\nvalue 11 äöü\nvalue 12 äöü\n");
}

#[test]
fn a_line_without_its_end_is_a_record_and_no_lines_are_none() {
    let topic = fresh("cli");
    run(&["topic", "create", &topic]).succeeded();
    run_reading(&["produce", &topic], "").succeeded();
    run_reading(&["produce", &topic], "first\n\nlast").succeeded();
    let mut all = run(&["consume", &topic, "--from-beginning", "--exit-at-end"]).succeeded();
    let mut lines: Vec<&str> = all.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["", "first", "last"]);
    all.clear();
}

#[test]
fn a_topic_that_is_not_there_is_told_soon() {
    let topic = fresh("missing");
    for arguments in [
        &["consume", &topic, "--from-beginning"][..],
        &["consume", &topic, "--partition", "0"],
        &["topic", "describe", &topic],
        &["topic", "delete", &topic],
    ] {
        run(&[arguments, &FOR_EVER].concat()).failed(&[&topic]);
    }
    let produce = [&["produce", "no spaces"][..], &FOR_EVER].concat();
    run_reading(&produce, "lost\n").failed(&["no spaces"]);
}

#[test]
fn a_partition_that_is_not_there_is_told_soon() {
    let topic = fresh("cli");
    run(&["topic", "create", &topic, "-p", "1"]).succeeded();
    let partition = [&topic, "--partition", "7"];
    let command = |verb| [&[verb][..], &partition, &FOR_EVER].concat();
    run(&command("consume")).failed(&[&topic, "7"]);
    run_reading(&command("produce"), "lost\n").failed(&[&topic, "7"]);
}

#[test]
fn health_is_that_of_one_broker() {
    let cluster = shared_cluster();
    let bootstrap = cluster.broker_address(1).to_string();
    let healthy = klamm(&[&["health", "-b", &bootstrap][..], &FOR_EVER].concat()).succeeded();
    assert!(healthy.contains(&bootstrap), "{healthy}");
    // Bound, but nobody accepts: it connects and hears nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let health = ["health", "-b", &silent, "--timeout-ms", "300"];
    klamm(&health).failed(&[&silent]);
}

#[test]
fn nobody_there_is_told_in_the_time_given() {
    for arguments in [
        &["topic", "list"][..],
        &["consume", "t"],
        &["topic", "create", "t"],
    ] {
        let nobody = ["--bootstrap-server", "127.0.0.1:1", "--timeout-ms", "500"];
        let begun = Instant::now();
        klamm(&[arguments, &nobody].concat()).failed(&["127.0.0.1:1"]);
        let taken = begun.elapsed();
        assert!(taken < DEFAULT_TIMEOUT, "{arguments:?}: {taken:?}");
    }
}
