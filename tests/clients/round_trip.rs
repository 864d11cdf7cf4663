//! Real records, written by each client with each codec, read back by each other client in a consumer group.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use crate::foreign::{Client, java, kcat, python};
use crate::kafka_tools::{TOPICS, tool};
use crate::process::{TOOL_TIMEOUT, run};
use crate::records::{Records, records};
use crate::{say, shared_cluster, unique};

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
const PARTITIONS: i32 = 3;
/// Five topics of records through a client in Python, on a loaded machine.
const CONSUME_TIMEOUT: Duration = Duration::from_secs(600);

#[test]
fn others_read_what_kcat_wrote() {
    check(Client::Kcat);
}

#[test]
fn others_read_what_confluent_kafka_wrote() {
    check(Client::ConfluentKafka);
}

#[test]
fn others_read_what_kafka_python_wrote() {
    check(Client::KafkaPython);
}

#[test]
fn others_read_what_java_wrote() {
    check(Client::Java);
}

/// Codecs of topics, at the ends of what their levels can do.
const STORED: [&str; 4] = [
    "compression.type=lz4,compression.lz4.level=1",
    "compression.type=lz4,compression.lz4.level=17",
    "compression.type=gzip,compression.gzip.level=9",
    "compression.type=zstd,compression.zstd.level=19",
];

#[test]
fn all_read_what_brokers_compress() {
    let producer = Client::Java;
    if !producer.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let records = records();
    let topic_prefix = unique("stored");
    let mut topics = Vec::new();
    for (number, configs) in STORED.iter().enumerate() {
        let topic = format!("{topic_prefix}-{number}");
        let partitions = PARTITIONS.to_string();
        let mut create = vec!["--create", "--topic", &topic, "--partitions", &partitions];
        configs
            .split(',')
            .for_each(|config| create.extend(["--config", config]));
        tool(cluster, TOPICS, &create).text();
        cluster.wait_in_sync(&[&topic]);
        produce(producer, &cluster.bootstrap(), &topic, "none", records);
        topics.push(topic);
    }
    for consumer in Client::ALL.into_iter().filter(|client| client.is_here()) {
        let output = consume(consumer, &cluster.bootstrap(), &topics, records.lines.len());
        for (topic, configs) in topics.iter().zip(STORED) {
            let what = format!("{} from {configs}", consumer.name());
            assert_same(records, &output, topic, &what);
        }
    }
}

fn check(producer: Client) {
    if !producer.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let records = records();
    let topic_prefix = unique(&format!("packages-{}", producer.name()));
    let topics: Vec<String> = CODECS
        .iter()
        .map(|codec| format!("{topic_prefix}-{codec}"))
        .collect();
    for (topic, codec) in topics.iter().zip(CODECS) {
        cluster.create_topic(topic, PARTITIONS);
        produce(producer, &cluster.bootstrap(), topic, codec, records);
    }
    for consumer in Client::ALL {
        if consumer != producer && consumer.is_here() {
            let output = consume(consumer, &cluster.bootstrap(), &topics, records.lines.len());
            for topic in &topics {
                assert_same(
                    records,
                    &output,
                    topic,
                    &format!("{} from {topic}", consumer.name()),
                );
            }
            say(&format!(
                "{} read all that {} wrote",
                consumer.name(),
                producer.name()
            ));
        }
    }
}

fn produce(producer: Client, bootstrap: &str, topic: &str, codec: &str, records: &Records) {
    let (mut command, stdin) = match producer {
        Client::Kcat => {
            let mut command = kcat();
            // One request at a time: what is sent again would change its place otherwise.
            command
                .args(["-P", "-b", bootstrap, "-t", topic, "-z", codec, "-K", "\t"])
                .args(["-X", "max.in.flight=1", "-l"])
                .arg(&records.file);
            (command, None)
        }
        Client::ConfluentKafka => (
            python_producer(
                producer,
                "librdkafka_io.py",
                [bootstrap, topic, codec],
                records,
            ),
            None,
        ),
        Client::KafkaPython => (
            python_producer(
                producer,
                "kafka_python_io.py",
                [bootstrap, topic, codec],
                records,
            ),
            None,
        ),
        Client::Java => {
            let mut command = java("org.apache.kafka.tools.ConsoleProducer");
            command
                .args([
                    "--bootstrap-server",
                    bootstrap,
                    "--topic",
                    topic,
                    "--compression-codec",
                    codec,
                ])
                .args([
                    "--reader-property",
                    "parse.key=true",
                    "--reader-property",
                    "key.separator=\t",
                ]);
            (command, Some(records.file.as_path()))
        }
    };
    run(&mut command, stdin, TOOL_TIMEOUT).bytes();
}

fn python_producer(
    client: Client,
    script: &str,
    arguments: [&str; 3],
    records: &Records,
) -> Command {
    let mut command = python(client, script);
    command.arg("produce").args(arguments).arg(&records.file);
    command
}

/// Where a record was, and its line.
type Consumed = BTreeMap<(String, i32), Vec<(i64, Vec<u8>)>>;

/// Reads `count` records of each topic; as members of a group, as the client orders them.
fn consume(consumer: Client, bootstrap: &str, topics: &[String], count: usize) -> Consumed {
    let group = unique(consumer.name());
    let total = (count * topics.len()).to_string();
    let mut command = match consumer {
        Client::Kcat => {
            let mut command = kcat();
            command
                .args([
                    "-q",
                    "-b",
                    bootstrap,
                    "-X",
                    "auto.offset.reset=earliest",
                    "-c",
                    &total,
                ])
                .args(["-f", "%t\t%p\t%o\t%k\t%s\n", "-G", &group])
                .args(topics);
            command
        }
        Client::ConfluentKafka => {
            let mut command = python(consumer, "librdkafka_io.py");
            command
                .args(["consume", bootstrap, &group, &total])
                .args(topics);
            command
        }
        Client::KafkaPython => {
            let mut command = python(consumer, "kafka_python_io.py");
            command
                .args(["consume", bootstrap, &group, &total])
                .args(topics);
            command
        }
        Client::Java => return consume_java(bootstrap, topics, count, &group),
    };
    let output = run(&mut command, None, CONSUME_TIMEOUT).bytes();
    let mut consumed = Consumed::new();
    for line in lines(&output) {
        let mut fields = line.splitn(4, |&byte| byte == b'\t');
        let topic = text(fields.next());
        add(
            &mut consumed,
            topic,
            text(fields.next()),
            text(fields.next()),
            fields.next(),
        );
    }
    consumed
}

/// The console consumer does not print topics, so it reads one at a time.
fn consume_java(bootstrap: &str, topics: &[String], count: usize, group: &str) -> Consumed {
    let mut consumed = Consumed::new();
    for topic in topics {
        let mut command = java("org.apache.kafka.tools.consumer.ConsoleConsumer");
        command
            .args([
                "--bootstrap-server",
                bootstrap,
                "--topic",
                topic,
                "--group",
                group,
            ])
            .args(["--from-beginning", "--max-messages", &count.to_string()]);
        for property in [
            "print.partition=true",
            "print.offset=true",
            "print.key=true",
        ] {
            command.args(["--formatter-property", property]);
        }
        let output = run(&mut command, None, TOOL_TIMEOUT).bytes();
        for line in lines(&output) {
            let mut fields = line.splitn(3, |&byte| byte == b'\t');
            let partition = text(fields.next()).replace("Partition:", "");
            let offset = text(fields.next()).replace("Offset:", "");
            add(
                &mut consumed,
                topic.clone(),
                partition,
                offset,
                fields.next(),
            );
        }
    }
    consumed
}

fn add(
    consumed: &mut Consumed,
    topic: String,
    partition: String,
    offset: String,
    line: Option<&[u8]>,
) {
    let partition = partition
        .parse()
        .unwrap_or_else(|_| panic!("partition {partition:?}"));
    let offset = offset
        .parse()
        .unwrap_or_else(|_| panic!("offset {offset:?}"));
    let line = line.expect("key and value").to_vec();
    consumed
        .entry((topic, partition))
        .or_default()
        .push((offset, line));
}

fn lines(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
}

fn text(field: Option<&[u8]>) -> String {
    String::from_utf8_lossy(field.expect("a field")).into_owned()
}

/// Checks that the partitions of `topic` hold the input and nothing else, byte for byte, each in the input's order.
fn assert_same(records: &Records, consumed: &Consumed, topic: &str, what: &str) {
    let mut rest: Vec<_> = consumed
        .iter()
        .filter(|((name, _), _)| name == topic)
        .map(|(_, records)| records.iter())
        .collect();
    for partition in &rest {
        for (expected, (offset, _)) in (0..).zip(partition.clone()) {
            assert_eq!(
                *offset, expected,
                "{what}: offsets of a partition count from 0"
            );
        }
    }
    for (number, line) in records.lines.iter().enumerate() {
        let next = rest.iter_mut().find(|partition| {
            partition
                .as_slice()
                .first()
                .is_some_and(|(_, got)| got == line)
        });
        let next = next.unwrap_or_else(|| {
            panic!(
                "{what}: record {number} is missing, changed or out of order: {}",
                String::from_utf8_lossy(line)
            )
        });
        next.next();
    }
    for mut partition in rest {
        assert_eq!(partition.next(), None, "{what}: more than was sent");
    }
}
