//! One consumer group with members of every kind.
//!
//! The broker carries what the members tell each other without understanding it, so clients of different makers must find
//! in it what the others put there.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use klamm_tests::wait_until;

use crate::foreign::{Client, java, kcat, python};
use crate::reporter::{Report, Reporter};
use crate::{shared_cluster, unique};

/// Enough for each member to get at least one.
const PARTITIONS: u32 = 8;
/// As short as a broker allows by default: so long a killed member keeps its partitions.
const SESSION_TIMEOUT_MS: u32 = 6_000;
const REBALANCE_TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn members_of_every_kind_share_a_group_and_replace_each_other() {
    let kinds: Vec<Client> = Client::ALL
        .into_iter()
        .filter(|client| client.is_here())
        .collect();
    if !kinds.contains(&Client::ConfluentKafka) || kinds.len() < 2 {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let topic = unique("mixed-group");
    cluster.create_topic(&topic, PARTITIONS.cast_signed());
    let bootstrap = cluster.bootstrap();
    let mut producer = python(Client::ConfluentKafka, "failover.py");
    producer.args(["produce", &bootstrap, &topic, &PARTITIONS.to_string(), "2"]);
    let producer = Reporter::<Numbers>::start(producer);

    let start = |kind: &Client| Reporter::<Numbers>::start(member(*kind, &bootstrap, &topic));
    let mut members: Vec<Reporter<Numbers>> = kinds.iter().map(start).collect();
    wait_until(
        &format!("{kinds:?} read side by side"),
        REBALANCE_TIMEOUT,
        || {
            Ok(members
                .iter()
                .all(|member| !member.report().0.is_empty())
                .then_some(()))
        },
    );
    wait_for_a_round(&producer, &members);

    let killed = members.remove(0).kill();
    wait_for_a_round(&producer, &members);

    let sent = producer.finish().0;
    wait_until("all that was sent is read", REBALANCE_TIMEOUT, || {
        let read = &killed.0 | &read_by(&members);
        Ok(sent.is_subset(&read).then_some(()))
    });
}

/// Waits until the members have read, from every partition, a record acknowledged from now on.
fn wait_for_a_round(producer: &Reporter<Numbers>, members: &[Reporter<Numbers>]) {
    let newest = producer.report().0.last().copied().unwrap_or_default();
    // Numbers go round the partitions, so as many in a row as there are partitions touch each.
    let first = newest + 1;
    let round: BTreeSet<u64> = (first..first + u64::from(PARTITIONS)).collect();
    wait_until(
        "members read from all partitions",
        REBALANCE_TIMEOUT,
        || Ok(round.is_subset(&read_by(members)).then_some(())),
    );
}

fn read_by(members: &[Reporter<Numbers>]) -> BTreeSet<u64> {
    members
        .iter()
        .flat_map(|member| member.report().0.clone())
        .collect()
}

/// The numbers that a client has sent or received.
#[derive(Debug, Default)]
struct Numbers(BTreeSet<u64>);

impl Report for Numbers {
    fn add(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(' ').collect();
        let number = match fields[..] {
            ["ack", number, ..] | ["got", _, _, number] | [number] => number,
            _ => return,
        };
        self.0.extend(number.parse::<u64>());
    }
}

fn member(kind: Client, bootstrap: &str, topic: &str) -> Command {
    let timeout = SESSION_TIMEOUT_MS.to_string();
    match kind {
        Client::Kcat => {
            let mut command = kcat();
            command.args([
                "-q",
                "-u",
                "-b",
                bootstrap,
                "-X",
                "auto.offset.reset=earliest",
            ]);
            command.args([
                "-X",
                &format!("session.timeout.ms={timeout}"),
                "-f",
                "%s\n",
                "-G",
                topic,
                topic,
            ]);
            command
        }
        Client::ConfluentKafka => {
            let mut command = python(kind, "failover.py");
            command.args(["consume", bootstrap, topic, topic]);
            command
        }
        Client::KafkaPython => {
            let mut command = python(kind, "kafka_python_io.py");
            command.args(["follow", bootstrap, topic, &timeout, topic]);
            command
        }
        Client::Java => {
            let mut command = java("org.apache.kafka.tools.consumer.ConsoleConsumer");
            command.args([
                "--bootstrap-server",
                bootstrap,
                "--topic",
                topic,
                "--group",
                topic,
                "--from-beginning",
            ]);
            command.args([
                "--command-property",
                &format!("session.timeout.ms={timeout}"),
            ]);
            command
        }
    }
}
