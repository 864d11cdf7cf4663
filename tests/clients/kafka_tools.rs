//! Apache Kafka's own command-line tools.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use klamm_tests::Cluster;
use tempfile::NamedTempFile;

use crate::foreign::{Client, java};
use crate::process::{Finished, TOOL_TIMEOUT, run};
use crate::{shared_cluster, unique};

pub(crate) const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const GROUPS: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
const QUORUM: &str = "org.apache.kafka.tools.MetadataQuorumCommand";
const API_VERSIONS: &str = "org.apache.kafka.tools.BrokerApiVersionsCommand";
pub(crate) const GET_OFFSETS: &str = "org.apache.kafka.tools.GetOffsetShell";
const LOG_DIRS: &str = "org.apache.kafka.tools.LogDirsCommand";
const CONSOLE_PRODUCER: &str = "org.apache.kafka.tools.ConsoleProducer";
pub(crate) const CONSOLE_CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
const PRODUCER_PERF: &str = "org.apache.kafka.tools.ProducerPerformance";
const CONSUMER_PERF: &str = "org.apache.kafka.tools.ConsumerPerformance";
const VERIFIABLE_PRODUCER: &str = "org.apache.kafka.tools.VerifiableProducer";
const VERIFIABLE_CONSUMER: &str = "org.apache.kafka.tools.VerifiableConsumer";
const DUMP_LOG: &str = "org.apache.kafka.tools.DumpLogSegments";

/// Runs a tool that takes `--bootstrap-server`.
pub(crate) fn tool(cluster: &Cluster, class: &str, arguments: &[&str]) -> Finished {
    tool_with_input(cluster, class, arguments, None)
}

fn tool_with_input(
    cluster: &Cluster,
    class: &str,
    arguments: &[&str],
    input: Option<&Path>,
) -> Finished {
    let mut command = java(class);
    command
        .args(["--bootstrap-server", &cluster.bootstrap()])
        .args(arguments);
    run(&mut command, input, TOOL_TIMEOUT)
}

/// Fills `topic` with numbered records of `size` bytes.
pub(crate) fn fill(cluster: &Cluster, topic: &str, count: u32, size: u32) -> String {
    let arguments =
        format!("--topic {topic} --num-records {count} --record-size {size} --throughput -1");
    tool(
        cluster,
        PRODUCER_PERF,
        &arguments.split(' ').collect::<Vec<_>>(),
    )
    .text()
}

pub(crate) fn assert_contains(output: &str, parts: &[&str]) {
    for part in parts {
        assert!(output.contains(part), "no {part:?} in:\n{output}");
    }
}

#[test]
fn topics_are_created_listed_described_extended_and_deleted() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let topic = unique("tools-topic");
    let topics = |arguments: &str| tool(cluster, TOPICS, &arguments.split(' ').collect::<Vec<_>>());

    let create = format!(
        "--create --topic {topic} --partitions 3 --replication-factor 3 --config segment.bytes=2097152"
    );
    assert_contains(
        &topics(&create).text(),
        &[&format!("Created topic {topic}.")],
    );
    cluster.wait_in_sync(&[&topic]);
    assert_contains(&topics(&create).refusal(), &["already exists"]);
    assert!(topics("--list").text().lines().any(|line| line == topic));

    let described = topics(&format!("--describe --topic {topic}")).text();
    assert_contains(
        &described,
        &[
            "PartitionCount: 3",
            "ReplicationFactor: 3",
            "segment.bytes=2097152",
        ],
    );
    assert_eq!(described.matches("Leader: ").count(), 3, "{described}");

    topics(&format!("--alter --topic {topic} --partitions 5")).text();
    cluster.wait_in_sync(&[&topic]);
    let described = topics(&format!("--describe --topic {topic}")).text();
    assert_contains(&described, &["PartitionCount: 5", "Partition: 4"]);
    let under_replicated = topics(&format!(
        "--describe --under-replicated-partitions --topic {topic}"
    ))
    .text();
    assert!(
        !under_replicated.contains("Partition:"),
        "{under_replicated}"
    );

    let too_many = format!("--create --topic {topic}-x --partitions 1 --replication-factor 9");
    assert_contains(
        &topics(&too_many).refusal(),
        &["InvalidReplicationFactorException"],
    );
    topics(&format!("--delete --topic {topic}")).text();
    assert!(!topics("--list").text().lines().any(|line| line == topic));
}

#[test]
fn console_tools_carry_lines_and_groups_tell_their_offsets() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let (topic, group) = (unique("tools-console"), unique("tools-group"));
    cluster.create_topic(&topic, 1);
    let lines = "first\nsecond, with äöü\nthird\n";
    let mut input = NamedTempFile::new().unwrap();
    input.write_all(lines.as_bytes()).unwrap();

    tool_with_input(
        cluster,
        CONSOLE_PRODUCER,
        &["--topic", &topic],
        Some(input.path()),
    )
    .text();
    let consume = [
        "--topic",
        &topic,
        "--group",
        &group,
        "--from-beginning",
        "--max-messages",
        "3",
    ];
    assert_eq!(tool(cluster, CONSOLE_CONSUMER, &consume).text(), lines);

    assert!(
        tool(cluster, GROUPS, &["--list"])
            .text()
            .lines()
            .any(|line| line == group)
    );
    let described = tool(cluster, GROUPS, &["--describe", "--group", &group]).text();
    let row = described
        .lines()
        .find(|line| line.starts_with(&group))
        .unwrap_or_else(|| panic!("{described}"));
    let columns: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(
        columns[1..6],
        [&topic, "0", "3", "3", "0"],
        "topic, partition, offset, end, lag in:\n{described}"
    );
    let state = tool(
        cluster,
        GROUPS,
        &["--describe", "--group", &group, "--state"],
    )
    .text();
    assert_contains(&state, &[&group, "Empty"]);

    let offsets = tool(cluster, GET_OFFSETS, &["--topic", &topic]).text();
    assert_eq!(offsets.trim(), format!("{topic}:0:3"));
}

#[test]
fn the_quorum_and_the_brokers_describe_themselves() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let status = tool(cluster, QUORUM, &["describe", "--status"]).text();
    assert_contains(
        &status,
        &[
            "ClusterId:",
            "LeaderId:",
            "LeaderEpoch:",
            "HighWatermark:",
            "CurrentVoters:",
        ],
    );
    let replication = tool(cluster, QUORUM, &["describe", "--replication"]).text();
    let count = |role: &str| {
        replication
            .lines()
            .filter(|line| line.trim_end().ends_with(role))
            .count()
    };
    assert_eq!(
        (count("Leader"), count("Follower")),
        (1, 2),
        "{replication}"
    );

    let versions = tool(cluster, API_VERSIONS, &[]).text();
    for id in cluster.broker_ids() {
        assert_contains(
            &versions,
            &[&format!("{} (id: {id} ", cluster.broker_address(id))],
        );
    }
    assert_contains(
        &versions,
        &[
            "Produce(0): 0 to",
            "Fetch(1): 4 to",
            "DescribeQuorum(55): 0 to",
        ],
    );
}

#[test]
fn performance_tools_run() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let topic = unique("tools-perf");
    cluster.create_topic(&topic, 3);
    assert_contains(
        &fill(cluster, &topic, 20_000, 100),
        &["20000 records sent", "99.9th"],
    );
    let consumed = tool(
        cluster,
        CONSUMER_PERF,
        &["--topic", &topic, "--num-records", "20000"],
    )
    .text();
    let result = consumed.lines().last().unwrap_or_default();
    let fields: Vec<&str> = result.split(", ").collect();
    assert_eq!(
        fields.get(4),
        Some(&"20000"),
        "records consumed in:\n{consumed}"
    );
}

#[test]
fn log_directories_are_described() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let topic = unique("tools-log-dirs");
    cluster.create_topic(&topic, 1);
    fill(cluster, &topic, 100, 100);
    let described = tool(cluster, LOG_DIRS, &["--describe", "--topic-list", &topic]).text();
    let json = described.lines().last().unwrap_or_default();
    let partition = format!("\"partition\":\"{topic}-0\"");
    assert_eq!(json.matches(&partition).count(), 3, "{described}");
    assert_eq!(json.matches("\"error\":null").count(), 3, "{described}");
    assert_eq!(json.matches("\"isFuture\":false").count(), 3, "{described}");
    assert!(!json.contains("\"size\":0"), "{described}");
}

#[test]
fn verifiable_clients_verify() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let (topic, group) = (unique("tools-verifiable"), unique("tools-verifiable"));
    cluster.create_topic(&topic, 3);
    let produced = tool(
        cluster,
        VERIFIABLE_PRODUCER,
        &["--topic", &topic, "--max-messages", "500"],
    )
    .text();
    assert_contains(&produced, &["\"sent\":500", "\"acked\":500"]);
    let consume = [
        "--topic",
        &topic,
        "--group-id",
        &group,
        "--max-messages",
        "500",
        "--reset-policy",
        "earliest",
    ];
    let consumed = tool(cluster, VERIFIABLE_CONSUMER, &consume).text();
    let counts = consumed
        .lines()
        .filter(|line| line.contains("records_consumed"));
    let total: u64 = counts
        .filter_map(|line| {
            line.split("\"count\":")
                .nth(1)?
                .split(',')
                .next()?
                .parse::<u64>()
                .ok()
        })
        .sum();
    assert_eq!(total, 500, "{consumed}");
    assert_contains(&consumed, &["\"success\":true", "shutdown_complete"]);
}

/// What `kafka-dump-log` says of a segment or index that it does not like.
const COMPLAINTS: [&str; 6] = [
    "Mismatches",
    "Non-consecutive",
    "Found ",
    "isvalid: false",
    "Exception",
    "not be empty",
];

#[test]
fn dump_log_reads_segments_and_indexes_of_every_replica() {
    let cluster = shared_cluster();
    let data_dirs = data_dirs(cluster);
    if !Client::Java.is_here() || data_dirs.is_empty() {
        return;
    }
    let _logs = cluster.logs_on_panic();
    let topic = unique("tools-dump");
    let create = format!(
        "--create --topic {topic} --partitions 1 --replication-factor 3 --config segment.bytes=1048576"
    );
    tool(cluster, TOPICS, &create.split(' ').collect::<Vec<_>>()).text();
    cluster.wait_in_sync(&[&topic]);
    fill(cluster, &topic, 3_000, 1_000);
    cluster.wait_in_sync(&[&topic]);

    for data_dir in data_dirs {
        let (closed, active) = segment_files(&data_dir.join(format!("{topic}-0")));
        let segments = closed.iter().filter(|file| file.ends_with(".log")).count();
        assert!(segments >= 2, "3 MB in segments of 1 MiB: {closed:?}");
        let logs = dump(&[&closed[..], &active[..]].concat(), &["--print-data-log"]);
        assert_eq!(
            logs.matches("payload: ").count(),
            3_000,
            "{}",
            &logs[..logs.len().min(2000)]
        );
        // An index still written to may have room at its end, which this check takes for damage.
        let indexes = closed
            .into_iter()
            .filter(|file| file.ends_with("index"))
            .collect::<Vec<_>>();
        assert_eq!(
            dump(&indexes, &["--index-sanity-check"])
                .matches("passed sanity check")
                .count(),
            indexes.len()
        );
    }
}

#[test]
fn dump_log_decodes_the_offsets_of_groups() {
    let cluster = shared_cluster();
    let data_dirs = data_dirs(cluster);
    if !Client::Java.is_here() || data_dirs.is_empty() {
        return;
    }
    let _logs = cluster.logs_on_panic();
    let (topic, group) = (unique("tools-offsets"), unique("tools-offsets-group"));
    cluster.create_topic(&topic, 1);
    fill(cluster, &topic, 10, 10);
    let consume = [
        "--topic",
        &topic,
        "--group",
        &group,
        "--from-beginning",
        "--max-messages",
        "10",
    ];
    tool(cluster, CONSOLE_CONSUMER, &consume).text();

    let partitions = fs::read_dir(&data_dirs[0])
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let partitions =
        partitions.filter(|dir| dir.display().to_string().contains("/__consumer_offsets-"));
    let segments = partitions
        .flat_map(|dir| segment_files(&dir).1)
        .filter(|file| file.ends_with(".log"));
    let decoded = dump(&segments.collect::<Vec<_>>(), &["--offsets-decoder"]);
    let key = format!("{{\"group\":\"{group}\",\"topic\":\"{topic}\",\"partition\":0}}");
    let commit = decoded.lines().find(|line| line.contains(&key));
    let commit = commit.unwrap_or_else(|| panic!("no commit of {key} in:\n{decoded}"));
    assert_contains(commit, &["\"offset\":10"]);
    let described = format!("key: {{\"type\":\"2\",\"data\":{{\"group\":\"{group}\"}}}}");
    assert_contains(&decoded, &[&described]);
}

fn data_dirs(cluster: &Cluster) -> Vec<PathBuf> {
    cluster
        .broker_ids()
        .into_iter()
        .filter_map(|id| cluster.data_dir(id))
        .collect()
}

/// Segment, offset index and time index files of a partition: those of closed segments, and those of the active one.
fn segment_files(partition_dir: &Path) -> (Vec<String>, Vec<String>) {
    let entries = fs::read_dir(partition_dir)
        .unwrap_or_else(|error| panic!("{}: {error}", partition_dir.display()));
    let mut files: Vec<String> = entries
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|name| {
            [".log", ".index", ".timeindex"]
                .iter()
                .any(|suffix| name.ends_with(suffix))
        })
        .collect();
    files.sort();
    let base = |file: &String| Path::new(file).file_stem().map(ToOwned::to_owned);
    let active = files.iter().map(base).next_back();
    files
        .into_iter()
        .partition(|file| Some(base(file)) != active)
}

fn dump(files: &[String], arguments: &[&str]) -> String {
    let mut command = java(DUMP_LOG);
    command.args(["--files", &files.join(",")]).args(arguments);
    let output = run(&mut command, None, TOOL_TIMEOUT).text();
    for complaint in COMPLAINTS {
        let line = output.lines().find(|line| line.contains(complaint));
        assert_eq!(line, None, "kafka-dump-log complains of {files:?}");
    }
    output
}
