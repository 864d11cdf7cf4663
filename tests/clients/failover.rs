//! The failover drill: nodes are killed with -9 under an idempotent producer and a group.
//!
//! Each round waits until all is in sync, kills (the leader's node, the active controller's, both at once, or all), waits for
//! acks from every partition, and restarts what it killed; in between, nodes are stopped and restarted one after another. At the end no acknowledged record may be lost, none there
//! twice, each partition in the order sent, and the group must have read everything. The longest gap between two acks
//! of a partition is told for every round; how long it may be is a promise for a benchmark, not for a loaded test machine.
//!
//! `KLAMM_FAILOVER_ROUNDS=10` makes it ten rounds of each kind.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use klamm_tests::{Cluster, wait_until};

use crate::foreign::{Client, java, python};
use crate::process::{TOOL_TIMEOUT, run};
use crate::reporter::{Report, Reporter};
use crate::{kafka_reassignment, say, unique};

const PARTITIONS: i32 = 3;
const INTERVAL_MS: u64 = 2;
/// Records sent in a second: one that is this much newer than another was sent a second later.
const NUMBERS_A_SECOND: u64 = 1000 / INTERVAL_MS;
/// Far beyond what failing over takes; only a cluster that does not come back reaches it.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(90);

#[test]
fn librdkafka_loses_nothing_when_nodes_are_killed() {
    if Client::ConfluentKafka.is_here() {
        let mut producer = python(Client::ConfluentKafka, "failover.py");
        producer.arg("produce");
        drill("librdkafka", producer);
    }
}

#[test]
fn java_loses_nothing_when_nodes_are_killed() {
    if Client::Java.is_here() && Client::ConfluentKafka.is_here() {
        drill("java", java("FailoverProducer"));
    }
}

/// Partitions move to other brokers and back, by Kafka's own tool, under producers that count.
#[test]
fn partitions_that_move_lose_nothing() {
    if !(Client::Java.is_here() && Client::ConfluentKafka.is_here()) {
        return;
    }
    let cluster = Cluster::builder(4).start();
    let mut python_producer = python(Client::ConfluentKafka, "failover.py");
    python_producer.arg("produce");
    let producers = [
        ("librdkafka", python_producer),
        ("java", java("FailoverProducer")),
    ];
    let mut running = Vec::new();
    for (name, mut producer) in producers {
        let topic = unique(&format!("moving-{name}"));
        cluster.create_topic(&topic, PARTITIONS);
        producer.args([
            &cluster.bootstrap(),
            &topic,
            &PARTITIONS.to_string(),
            &INTERVAL_MS.to_string(),
        ]);
        let producer = Reporter::<Events>::start(producer);
        wait_for_acks(&producer, 0);
        running.push((name, topic, producer));
    }
    for replicas in [[4, 1, 2], [2, 3, 4], [3, 4, 1]] {
        let begin: Vec<u64> = running.iter().map(|r| r.2.report().newest().ms).collect();
        for (_, topic, _) in &running {
            let everywhere = [&replicas[..]; PARTITIONS as usize];
            kafka_reassignment::start(&cluster, topic, &everywhere);
        }
        for ((name, topic, producer), since_ms) in running.iter().zip(begin) {
            wait_until("all have moved", RECOVERY_TIMEOUT, || {
                let view = cluster.view(&[topic])?;
                let mut partitions = view.partitions.iter();
                Ok(partitions.all(|p| p.replicas == replicas).then_some(()))
            });
            let newest = producer.report().newest().number;
            wait_for_acks(producer, newest + NUMBERS_A_SECOND);
            let gap_ms = producer.report().longest_gap_ms(since_ms);
            say(&format!(
                "{name} moved to {replicas:?}: longest ack gap {gap_ms} ms"
            ));
        }
    }
    for (name, topic, producer) in running {
        let sent = producer.finish();
        assert!(sent.failures.is_empty(), "{name}: {:?}", sent.failures);
        judge(&sent, &read_all(&cluster, &topic));
    }
}

/// Which nodes a round kills.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Leader,
    Controller,
    Both,
    Everyone,
}

fn drill(name: &str, mut producer: Command) {
    // One drill at a time: two would measure each other's load.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = Cluster::start(3);
    if !cluster.can_control() {
        say("not run: failover drill (KLAMM_TEST_CONTROL names no program)");
        return;
    }
    let topic = unique(&format!("failover-{name}"));
    cluster.create_topic(&topic, PARTITIONS);
    producer.args([
        &cluster.bootstrap(),
        &topic,
        &PARTITIONS.to_string(),
        &INTERVAL_MS.to_string(),
    ]);
    let mut group = python(Client::ConfluentKafka, "failover.py");
    group.args(["consume", &cluster.bootstrap(), &topic, &topic]);
    let producer = Reporter::<Events>::start(producer);
    let group = Reporter::<Events>::start(group);
    wait_for_acks(&producer, 0);

    for round in 0..rounds() {
        for victim in [
            Victim::Leader,
            Victim::Controller,
            Victim::Both,
            Victim::Everyone,
        ] {
            let gap_ms = play_round(&cluster, &topic, victim, &producer, &group);
            say(&format!(
                "failover {name}, round {}, {victim:?} killed: longest ack gap {gap_ms} ms",
                round + 1
            ));
        }
        for id in stoppable(&cluster) {
            let gap_ms = restart_cleanly(&cluster, &topic, id, &producer);
            say(&format!(
                "failover {name}, round {}, node {id} stopped and restarted: longest ack gap {gap_ms} ms",
                round + 1
            ));
        }
    }
    let sent = producer.finish();
    let read = read_all(&cluster, &topic);
    judge(&sent, &read);
    wait_until("the group has read everything", RECOVERY_TIMEOUT, || {
        Ok((group.report().numbers() == read.numbers()).then_some(()))
    });
    group.finish();
    say(&format!(
        "failover {name}: {} acknowledged, {} failed, {} there",
        sent.records.len(),
        sent.failures.len(),
        read.records.len()
    ));
}

fn rounds() -> u32 {
    std::env::var("KLAMM_FAILOVER_ROUNDS").map_or(1, |rounds| {
        rounds.parse().expect("KLAMM_FAILOVER_ROUNDS is a number")
    })
}

/// Kills, waits until every partition acknowledges and the group reads again, restarts; returns the longest ack gap.
fn play_round(
    cluster: &Cluster,
    topic: &str,
    victim: Victim,
    producer: &Reporter<Events>,
    group: &Reporter<Events>,
) -> u64 {
    let everything = [topic, "__consumer_offsets"];
    cluster.wait_in_sync(&everything);
    let victims = victims(cluster, topic, victim);
    let before = producer.report().newest();
    cluster.kill9_all(&victims);
    if victims.len() == 1 {
        wait_for_acks(producer, before.number + NUMBERS_A_SECOND);
    }
    // When several are killed, none goes on until one is back: without a majority there is nobody to fail over to.
    cluster.restart_all(&victims);
    wait_for_acks(producer, before.number + NUMBERS_A_SECOND);
    cluster.wait_ready();
    cluster.wait_in_sync(&everything);
    let newest = producer.report().newest().number;
    wait_until(
        "the group reads what was acknowledged after the kill",
        RECOVERY_TIMEOUT,
        || Ok((group.report().newest().number >= newest).then_some(())),
    );
    producer.report().longest_gap_ms(before.ms)
}

/// The nodes that can be stopped other than by killing them: those that were started here.
fn stoppable(cluster: &Cluster) -> Vec<i32> {
    match std::env::var_os("KLAMM_TEST_BOOTSTRAP") {
        Some(_) => Vec::new(),
        None => cluster.broker_ids(),
    }
}

/// Stops a node as its service manager would, and starts it again; returns the longest ack gap.
fn restart_cleanly(cluster: &Cluster, topic: &str, id: i32, producer: &Reporter<Events>) -> u64 {
    let everything = [topic, "__consumer_offsets"];
    cluster.wait_in_sync(&everything);
    let before = producer.report().newest();
    cluster.stop(id);
    cluster.restart(id);
    cluster.wait_ready();
    cluster.wait_in_sync(&everything);
    let newest = producer.report().newest().number;
    wait_for_acks(producer, newest.max(before.number + NUMBERS_A_SECOND));
    producer.report().longest_gap_ms(before.ms)
}

fn victims(cluster: &Cluster, topic: &str, victim: Victim) -> Vec<i32> {
    let controller = cluster.active_controller();
    match victim {
        Victim::Leader => vec![cluster.leader(topic, 0)],
        Victim::Controller => vec![controller],
        Victim::Both => {
            let leaders = (0..PARTITIONS).map(|partition| cluster.leader(topic, partition));
            let other = leaders.into_iter().find(|&leader| leader != controller);
            std::iter::once(controller).chain(other).collect()
        }
        Victim::Everyone => cluster.broker_ids(),
    }
}

/// Waits until each partition has acknowledged a record that is not older than `number`.
fn wait_for_acks(producer: &Reporter<Events>, number: u64) {
    wait_until(
        &format!("every partition acknowledges record {number} or later"),
        RECOVERY_TIMEOUT,
        || {
            let events = producer.report();
            let newer = events
                .records
                .iter()
                .rev()
                .take_while(|ack| ack.number + NUMBERS_A_SECOND > number);
            let partitions: BTreeSet<i32> = newer
                .filter(|ack| ack.number >= number)
                .map(|ack| ack.partition)
                .collect();
            Ok((partitions.len() == PARTITIONS as usize).then_some(()))
        },
    );
}

fn read_all(cluster: &Cluster, topic: &str) -> Events {
    let mut reader = python(Client::ConfluentKafka, "failover.py");
    reader.args(["read", &cluster.bootstrap(), topic, &PARTITIONS.to_string()]);
    let mut events = Events::default();
    for line in run(&mut reader, None, TOOL_TIMEOUT).text().lines() {
        events.add(line);
    }
    events
}

/// Nothing acknowledged is lost or moved, nothing is there twice, each partition is in the order sent.
fn judge(sent: &Events, read: &Events) {
    let mut places = BTreeMap::new();
    let mut last = BTreeMap::new();
    for record in &read.records {
        let place = (record.partition, record.offset);
        if let Some(other) = places.insert(record.number, place) {
            panic!(
                "record {} is there twice, at {other:?} and {place:?}",
                record.number
            );
        }
        let previous = last.insert(record.partition, record.number);
        assert!(
            previous < Some(record.number),
            "record {} after {previous:?} in partition {}",
            record.number,
            record.partition
        );
    }
    for ack in &sent.records {
        let place = places.get(&ack.number);
        assert_eq!(
            place,
            Some(&(ack.partition, ack.offset)),
            "place of record {}, which was acknowledged",
            ack.number
        );
    }
}

/// A record as a client reported it: acknowledged, or read.
#[derive(Debug, Clone, Copy, Default)]
struct Reported {
    number: u64,
    partition: i32,
    offset: i64,
    /// When it was acknowledged, since the producer's start.
    ms: u64,
}

/// All that a client has reported.
#[derive(Debug, Default)]
struct Events {
    records: Vec<Reported>,
    failures: Vec<String>,
}

impl Report for Events {
    fn add(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(' ').collect();
        let record = match fields[..] {
            ["ack", number, partition, offset, ms] => reported(number, partition, offset, ms),
            ["got", partition, offset, number] => reported(number, partition, offset, "0"),
            ["done", _] => return,
            _ => None,
        };
        match record {
            Some(record) => self.records.push(record),
            None => self.failures.push(line.to_owned()),
        }
    }
}

impl Events {
    fn numbers(&self) -> BTreeSet<u64> {
        self.records.iter().map(|record| record.number).collect()
    }

    fn newest(&self) -> Reported {
        self.records
            .iter()
            .max_by_key(|record| record.number)
            .copied()
            .unwrap_or_default()
    }

    /// The longest time between two acks of the same partition, among those that ended after `since_ms`.
    fn longest_gap_ms(&self, since_ms: u64) -> u64 {
        let mut last: BTreeMap<i32, u64> = BTreeMap::new();
        let mut longest = 0;
        for ack in &self.records {
            let previous = last.insert(ack.partition, ack.ms).unwrap_or(ack.ms);
            if ack.ms > since_ms {
                longest = longest.max(ack.ms.saturating_sub(previous));
            }
        }
        longest
    }
}

fn reported(number: &str, partition: &str, offset: &str, ms: &str) -> Option<Reported> {
    Some(Reported {
        number: number.parse().ok()?,
        partition: partition.parse().ok()?,
        offset: offset.parse().ok()?,
        ms: ms.parse().ok()?,
    })
}
