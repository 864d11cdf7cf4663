//! Apache Kafka's tools that move partitions and leadership, and forget brokers.

use std::io::Write;

use klamm_tests::{Cluster, wait_until};
use tempfile::NamedTempFile;

use crate::foreign::{Client, java};
use crate::kafka_tools::{GET_OFFSETS, TOPICS, assert_contains, fill, tool};
use crate::process::{TOOL_TIMEOUT, run};
use crate::{shared_cluster, unique};

const REASSIGN: &str = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand";
const ELECT: &str = "org.apache.kafka.tools.LeaderElectionCommand";
const CLUSTER: &str = "org.apache.kafka.tools.ClusterTool";
const CONFIGS: &str = "kafka.admin.ConfigCommand";
/// What a broker leaves free of its disk.
const RESERVE: &str = "klamm.log.dirs.free.bytes.min";

/// A file of that text.
fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// The tool's file for partitions 0, 1, … of a topic.
fn plan(topic: &str, replicas: &[&[i32]]) -> String {
    let partitions = (0..).zip(replicas).map(|(partition, replicas): (i32, _)| {
        format!(r#"{{"topic":"{topic}","partition":{partition},"replicas":{replicas:?}}}"#)
    });
    let partitions: Vec<_> = partitions.collect();
    format!(r#"{{"version":1,"partitions":[{}]}}"#, partitions.join(","))
}

/// Runs the tool with a plan.
fn reassign(cluster: &Cluster, plan: &str, arguments: &[&str]) -> String {
    let file = file(plan);
    let path = file.path().to_str().unwrap();
    let arguments = [&["--reassignment-json-file", path], arguments].concat();
    tool(cluster, REASSIGN, &arguments).text()
}

/// Starts moving the partitions of a topic.
pub(crate) fn start(cluster: &Cluster, topic: &str, replicas: &[&[i32]]) {
    reassign(cluster, &plan(topic, replicas), &["--execute"]);
}

fn create(cluster: &Cluster, topic: &str, assignment: &str) {
    let arguments = ["--create", "--topic", topic, "--replica-assignment"];
    tool(cluster, TOPICS, &[&arguments[..], &[assignment]].concat()).text();
    cluster.wait_in_sync(&[topic]);
}

fn describe(cluster: &Cluster, arguments: &[&str]) -> String {
    tool(cluster, TOPICS, &[&["--describe"], arguments].concat()).text()
}

#[test]
fn partitions_are_planned_moved_verified_and_unthrottled() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let topic = unique("tools-reassign");
    create(cluster, &topic, "1:2,2:1");
    fill(cluster, &topic, 2_000, 1_000);

    let topics = file(&format!(
        r#"{{"version":1,"topics":[{{"topic":"{topic}"}}]}}"#
    ));
    let path = topics.path().to_str().unwrap();
    let generate = ["--topics-to-move-json-file", path, "--broker-list", "2,3"];
    let proposed = tool(
        cluster,
        REASSIGN,
        &[&generate[..], &["--generate"]].concat(),
    )
    .text();
    let current = r#""partition":0,"replicas":[1,2]"#;
    assert_contains(
        &proposed,
        &["Proposed partition reassignment configuration", current],
    );

    let target = plan(&topic, &[&[3, 2], &[3]]);
    let started = reassign(cluster, &target, &["--execute", "--throttle", "50000000"]);
    let done = format!("Successfully started partition reassignments for {topic}-0,{topic}-1");
    assert_contains(&started, &[&done, "throttle limit was set to 50000000 B/s"]);
    let completed =
        |partition| format!("Reassignment of partition {topic}-{partition} is completed.");
    wait_until("the tool finds both moved", TOOL_TIMEOUT, || {
        let verified = reassign(cluster, &target, &["--verify", "--preserve-throttles"]);
        let both = [0, 1].iter().all(|p| verified.contains(&completed(*p)));
        Ok(both.then_some(()))
    });
    let throttles = |entity: &[&str]| {
        let arguments = [&["--describe"], entity].concat();
        tool(cluster, CONFIGS, &arguments).text()
    };
    let of_topic = ["--entity-type", "topics", "--entity-name", &topic];
    let of_broker = ["--entity-type", "brokers", "--entity-name", "3"];
    assert_contains(
        &throttles(&of_topic),
        &[
            "leader.replication.throttled.replicas=",
            "follower.replication.throttled.replicas=",
        ],
    );
    let rate = "replication.throttled.rate=50000000";
    assert_contains(&throttles(&of_broker), &[&format!("leader.{rate}")]);
    let verified = reassign(cluster, &target, &["--verify"]);
    let cleared = format!("Clearing topic-level throttles on topic {topic}");
    assert_contains(&verified, &["Clearing broker-level throttles", &cleared]);
    for entity in [&of_topic, &of_broker] {
        let left = throttles(entity);
        assert!(!left.contains("throttled"), "{left}");
    }

    cluster.wait_in_sync(&[&topic]);
    let described = describe(cluster, &["--topic", &topic]);
    assert_contains(&described, &["Replicas: 3,2\t", "Replicas: 3\t"]);
    let offsets = tool(cluster, GET_OFFSETS, &["--topic", &topic]).text();
    let count = |line: &str| line.rsplit(':').next()?.parse::<u32>().ok();
    assert_eq!(offsets.lines().filter_map(count).sum::<u32>(), 2_000);
    let none = tool(cluster, REASSIGN, &["--list"]).text();
    assert_contains(&none, &["No partition reassignments found."]);
    let wrong = file(&plan(&topic, &[&[9]]));
    let path = wrong.path().to_str().unwrap();
    let refused = tool(
        cluster,
        REASSIGN,
        &["--execute", "--reassignment-json-file", path],
    );
    assert_contains(&refused.refusal(), &["Unknown broker id 9"]);
}

#[test]
fn leaders_are_elected() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let topic = unique("tools-elect");
    create(cluster, &topic, "1:2:3,2:3:1");
    // Only the order changes: 1 leads on, and is not the preferred one any more.
    let target = plan(&topic, &[&[2, 1, 3], &[3, 2, 1]]);
    reassign(cluster, &target, &["--execute"]);
    let elect = |arguments: &[&str]| {
        let which = [
            &["--election-type", "preferred", "--topic", topic.as_str()],
            arguments,
        ];
        tool(cluster, ELECT, &which.concat()).text()
    };
    let elected = elect(&["--partition", "0"]);
    let done =
        format!("Successfully completed leader election (PREFERRED) for partitions {topic}-0");
    assert_contains(&elected, &[&done]);
    assert_eq!(cluster.leader(&topic, 0), 2);
    let again = elect(&["--partition", "0"]);
    let valid = format!("Valid replica already elected for partitions {topic}-0");
    assert_contains(&again, &[&valid]);
    let all = ["--election-type", "preferred", "--all-topic-partitions"];
    let elected = tool(cluster, ELECT, &all).text();
    assert_contains(&elected, &[&format!("{topic}-1")]);
    assert_eq!(cluster.leader(&topic, 1), 3);
    let unclean = ["--election-type", "unclean", "--topic", &topic];
    let none = tool(
        cluster,
        ELECT,
        &[&unclean[..], &["--partition", "0"]].concat(),
    )
    .text();
    assert_contains(&none, &[&valid]);
}

#[test]
fn what_waits_for_a_broker_is_cancelled_and_the_broker_forgotten() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = Cluster::builder(3).create();
    // It never has room, hence never catches up.
    cluster.set_property(3, RESERVE, &i64::MAX.to_string());
    cluster.restart_all(&[1, 2, 3]);
    cluster.wait_ready();
    let topic = unique("tools-cancel");
    create(&cluster, &topic, "1:2,2:1");
    let target = plan(&topic, &[&[1, 3], &[2, 3]]);
    reassign(&cluster, &target, &["--execute"]);
    let progress = format!("Reassignment of partition {topic}-0 is still in progress.");
    let verified = reassign(&cluster, &target, &["--verify"]);
    assert_contains(&verified, &[&progress]);
    let listed = tool(&cluster, REASSIGN, &["--list"]).text();
    assert_contains(
        &listed,
        &[&format!(
            "{topic}-0: replicas: 1,3,2. adding: 3. removing: 2."
        )],
    );
    let described = describe(&cluster, &["--topic", &topic]);
    assert_contains(&described, &["Adding Replicas: 3\tRemoving Replicas: 2"]);
    // As many as before are in sync.
    let lagging = describe(&cluster, &["--under-replicated-partitions"]);
    assert!(!lagging.contains(&topic), "{lagging}");

    let cancelled = reassign(&cluster, &target, &["--cancel"]);
    let both = format!("Successfully cancelled partition reassignments for: {topic}-0,{topic}-1");
    assert_contains(&cancelled, &[&both]);
    let none = tool(&cluster, REASSIGN, &["--list"]).text();
    assert_contains(&none, &["No partition reassignments found."]);
    let described = describe(&cluster, &["--topic", &topic]);
    assert_contains(&described, &["Replicas: 1,2\t", "Replicas: 2,1\t"]);

    cluster.kill9(3);
    let unregister = |id: &str| {
        let mut command = java(CLUSTER);
        command.args(["unregister", "--bootstrap-server", &cluster.bootstrap()]);
        command.args(["--id", id]);
        run(&mut command, None, TOOL_TIMEOUT)
    };
    assert_contains(
        &unregister("3").text(),
        &["Broker 3 is no longer registered."],
    );
    assert_contains(
        &unregister("3").refusal(),
        &["BrokerIdNotRegisteredException"],
    );
    // It may come back as a new one.
    cluster.set_property(3, RESERVE, "0");
    cluster.restart(3);
    cluster.wait_ready();
    reassign(&cluster, &target, &["--execute"]);
    cluster.wait_in_sync(&[&topic]);
    wait_until("3 has taken over", TOOL_TIMEOUT, || {
        let view = cluster.view(&[&topic])?;
        let mut replicas = view.partitions.iter().map(|p| &p.replicas[..]);
        Ok((replicas.all(|replicas| replicas.len() == 2 && replicas[1] == 3)).then_some(()))
    });
}
