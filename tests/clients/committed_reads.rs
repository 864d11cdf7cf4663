//! Consumers of committed records see the ends of transactions, and nothing of those that are undecided.
//!
//! The transactions are written into the log while the node is down.

use std::path::Path;

use klamm_records::{BatchBuilder, EndTransactionMarker};
use klamm_storage::{Log, LogConfig, OpenOptions};
use klamm_tests::Cluster;
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};

use crate::foreign::{Client, java, kcat};
use crate::process::{TOOL_TIMEOUT, run};
use crate::unique;

const CONSOLE_CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";

#[test]
fn consumers_see_what_is_committed() {
    // The records are years old: retention would take them from whoever reads slowly.
    let cluster = Cluster::builder(1)
        .property("log.retention.ms", "-1")
        .start();
    let id = cluster.broker_ids()[0];
    let data_dir = cluster.data_dir(id).unwrap();
    let _logs = cluster.logs_on_panic();
    let topic = unique("committed");
    cluster.create_topic(&topic, 1);
    cluster.stop(id);
    let (committed, all) = write(&data_dir.join(format!("{topic}-0")));
    cluster.restart(id);
    cluster.wait_in_sync(&[&topic]);
    for (isolation, expected) in [("read_committed", committed), ("read_uncommitted", all)] {
        if Client::Kcat.is_here() {
            let mut kcat = kcat();
            let bootstrap = cluster.bootstrap();
            kcat.args([
                "-C",
                "-q",
                "-e",
                "-o",
                "beginning",
                "-b",
                &bootstrap,
                "-t",
                &topic,
            ])
            .args(["-X", &format!("isolation.level={isolation}")]);
            let seen = run(&mut kcat, None, TOOL_TIMEOUT).text();
            assert_eq!(
                seen.lines().collect::<Vec<_>>(),
                expected,
                "kcat, {isolation}"
            );
        }
        if Client::Java.is_here() {
            let mut consumer = java(CONSOLE_CONSUMER);
            let (bootstrap, count) = (cluster.bootstrap(), expected.len().to_string());
            consumer
                .args([
                    "--bootstrap-server",
                    &bootstrap,
                    "--topic",
                    &topic,
                    "--from-beginning",
                ])
                .args(["--isolation-level", isolation, "--max-messages", &count]);
            let seen = run(&mut consumer, None, TOOL_TIMEOUT).text();
            assert_eq!(
                seen.lines().collect::<Vec<_>>(),
                expected,
                "java, {isolation}"
            );
        }
    }
}

/// Writes transactions of both ends and an open one; the values that are committed before that one, and all values.
fn write(folder: &Path) -> (Vec<String>, Vec<String>) {
    let (mut committed, mut all) = (Vec::new(), Vec::new());
    let options = OpenOptions {
        clean_shutdown: true,
        recovery_point: 0,
        log_start_offset: 0,
    };
    let (mut log, _) = Log::open(folder, LogConfig::DEFAULT, options).unwrap();
    let mut send = |log: &mut Log, producer: i64, sequence: i32, is_committed: bool| {
        let value = format!("value-{producer}-{sequence}");
        let mut builder = BatchBuilder::new(log.log_end_offset())
            .leader_epoch(LeaderEpoch(0))
            .producer(ProducerId(producer), ProducerEpoch(0), sequence)
            .transactional(producer > 0);
        builder.append(1_700_000_000_000, None, Some(value.as_bytes()), &[]);
        log.append(&builder.build().unwrap()).unwrap();
        all.push(value.clone());
        if is_committed {
            committed.push(value);
        }
    };
    for round in 0..200 {
        let (first, second) = (round % 3 == 0, round % 2 == 0);
        send(&mut log, 1, 2 * round, first);
        send(&mut log, 2, round, second);
        send(&mut log, 0, round, true);
        send(&mut log, 1, 2 * round + 1, first);
        end(&mut log, 1, first);
        end(&mut log, 2, second);
    }
    send(&mut log, 3, 0, false);
    send(&mut log, 0, 200, false);
    log.close().unwrap();
    (committed, all)
}

fn end(log: &mut Log, producer: i64, committed: bool) {
    let marker = EndTransactionMarker {
        committed,
        coordinator_epoch: 0,
    };
    let (id, epoch) = (ProducerId(producer), ProducerEpoch(0));
    let time = 1_700_000_000_000;
    let batch = marker.batch(log.log_end_offset(), LeaderEpoch(0), id, epoch, time);
    log.append(&batch.unwrap()).unwrap();
}
