//! A cluster of one.

use std::time::{Duration, Instant};

use klamm_tests::Cluster;

use crate::lab::{client, create_topic, numbered, produce, read_all, values_of};
use crate::traffic::Traffic;

#[tokio::test(flavor = "multi_thread")]
async fn one_node_keeps_what_it_acknowledged() {
    let started = Instant::now();
    let cluster = Cluster::builder(1).start();
    let client = client(&cluster);
    create_topic(&cluster, "alone", 2, &[]).await;
    let values = numbered("value", 20);
    produce(&client, "alone", 0, &values[..1]).await;
    let first_ack = started.elapsed();
    produce(&client, "alone", 0, &values[1..]).await;

    cluster.kill9(1);
    let restarted = Instant::now();
    cluster.restart(1);
    let read = read_all(&client, "alone").await;
    report(first_ack, restarted.elapsed());
    assert_eq!(values_of(&read, 0), values);
    produce(&client, "alone", 1, &values).await;

    assert!(cluster.stop(1).success());
    cluster.restart(1);
    let read = read_all(&client, "alone").await;
    assert_eq!(values_of(&read, 0), values);
    assert_eq!(values_of(&read, 1), values);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_killed_under_traffic_loses_nothing() {
    let cluster = Cluster::builder(1).start();
    let client = client(&cluster);
    create_topic(&cluster, "alone", 2, &[]).await;
    let traffic = Traffic::start(client.clone(), "alone", 2);
    for _round in 0..3 {
        traffic.flows().await;
        cluster.kill9(1);
        cluster.restart(1);
    }
    traffic.flows().await;
    traffic.finish(&client).await;
}

/// How long starting takes is a promise for a benchmark, not for a loaded test machine: it is told, not judged.
fn report(first_ack: Duration, read_again: Duration) {
    println!(
        "one node: start to first ack {first_ack:?}, kill -9 to all read again {read_again:?}"
    );
}
