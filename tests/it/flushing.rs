//! When logs are flushed that acknowledge from the page cache, and what a crash leaves of them.

use std::fs;

use klamm_tests::{Cluster, wait_until};

use crate::lab::{PATIENCE, client, create_topic, numbered, produce, read_all, values_of};

const PAGE_CACHE: (&str, &str) = ("flush.messages", "9223372036854775807");

/// The recovery point of partition 0 as a node has recorded it.
fn recovery_point(cluster: &Cluster, id: i32, topic: &str) -> Option<i64> {
    let path = cluster.data_dir(id).unwrap();
    let text = fs::read_to_string(path.join("recovery-point-offset-checkpoint")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{topic} 0 ")))?;
    line.parse().ok()
}

fn wait_for_recovery_point(cluster: &Cluster, topic: &str, offset: i64) {
    for id in cluster.broker_ids() {
        let what = format!("node {id} has {topic} on disk up to {offset}");
        wait_until(&what, PATIENCE, || {
            let point = recovery_point(cluster, id, topic);
            Ok((point >= Some(offset)).then_some(()))
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_flushed_by_count_by_time_and_behind_each_segment() {
    let cluster = Cluster::builder(3)
        .property("log.flush.offset.checkpoint.interval.ms", "50")
        .start();
    let client = client(&cluster);
    let topics = [
        ("by-count", vec![("flush.messages", "5")]),
        ("by-time", vec![PAGE_CACHE, ("flush.ms", "200")]),
        ("by-segment", vec![PAGE_CACHE, ("segment.bytes", "1048576")]),
        ("never", vec![PAGE_CACHE]),
    ];
    for (topic, configs) in &topics {
        create_topic(&cluster, topic, 1, configs).await;
    }
    let small = numbered("value", 7);
    let large: Vec<String> = numbered("value", 12)
        .iter()
        .map(|value| format!("{value}-{}", "x".repeat(200_000)))
        .collect();
    produce(&client, "by-count", 0, &small).await;
    produce(&client, "by-time", 0, &small).await;
    produce(&client, "by-segment", 0, &large).await;
    produce(&client, "never", 0, &small).await;
    wait_for_recovery_point(&cluster, "by-count", 5);
    wait_for_recovery_point(&cluster, "by-time", 7);
    // Five records fill a segment.
    wait_for_recovery_point(&cluster, "by-segment", 10);
    for id in cluster.broker_ids() {
        assert!(recovery_point(&cluster, id, "never") <= Some(0));
    }

    // The processes die, the page cache does not: whatever the recovery points say, all is there.
    cluster.kill9_all(&cluster.broker_ids());
    cluster.restart_all(&cluster.broker_ids());
    cluster.wait_ready();
    let client = crate::lab::client(&cluster);
    for (topic, values) in [
        ("by-count", &small),
        ("by-time", &small),
        ("by-segment", &large),
        ("never", &small),
    ] {
        cluster.wait_in_sync(&[topic]);
        assert_eq!(
            values_of(&read_all(&client, topic).await, 0),
            *values,
            "{topic}"
        );
    }
}
