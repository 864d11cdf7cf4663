//! Replication that is throttled (KIP-73): replicas that catch up are held back, those in sync are not.

use std::time::{Duration, Instant};

use klamm_tests::Cluster;

use crate::altering::{BROKER, DELETE, Op, SET, TOPIC, alter};
use crate::asking::Asking;
use crate::lab::{client, create_topic, numbered, partition_where, produce, read_all};
use crate::replicas::wait_identical;
use crate::traffic::Traffic;

/// What a replica lacks, in bytes, and how fast it gets it.
const LACKS: usize = 2 << 20;
const RATE: usize = 512 << 10;
const BATCHES: usize = 128;

/// Changes settings of a topic, or of all brokers.
fn configure(cluster: &Cluster, kind: i8, name: &str, ops: &[Op]) {
    let answer = alter(&mut Asking::any(cluster), kind, name, ops);
    assert_eq!(answer.error_code, 0, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_catches_up_is_throttled_by_leader_and_follower_alike_and_who_is_in_sync_is_not() {
    let cluster = Cluster::builder(3).start();
    let client = client(&cluster);
    for (topic, rate, replicas) in [
        (
            "by-leader",
            "leader.replication.throttled.rate",
            "leader.replication.throttled.replicas",
        ),
        (
            "by-follower",
            "follower.replication.throttled.rate",
            "follower.replication.throttled.replicas",
        ),
    ] {
        create_topic(&cluster, topic, 1, &[]).await;
        let leader = cluster.leader(topic, 0);
        let late = leader % 3 + 1;
        configure(
            &cluster,
            BROKER,
            "",
            &[(SET, rate, Some(&RATE.to_string()))],
        );
        configure(&cluster, TOPIC, topic, &[(SET, replicas, Some("*"))]);
        cluster.kill9(late);
        let filler = "x".repeat(LACKS / BATCHES);
        let values: Vec<String> = (numbered("value", BATCHES).iter())
            .map(|value| format!("{value}-{filler}"))
            .collect();
        // Much faster than the rate: those in sync are not held back.
        produce(&client, topic, 0, &values).await;
        let began = Instant::now();
        cluster.restart(late);
        let joined = |isr: &[i32]| isr.contains(&late);
        partition_where(&client, topic, 0, "has everybody in sync", |p| {
            joined(&p.isr)
        })
        .await;
        let least = Duration::from_secs_f64(LACKS as f64 / RATE as f64 * 0.9);
        assert!(began.elapsed() > least, "{topic}: {:?}", began.elapsed());
        configure(&cluster, BROKER, "", &[(DELETE, rate, None)]);
        configure(&cluster, TOPIC, topic, &[(DELETE, replicas, None)]);
        assert_eq!(read_all(&client, topic).await.len(), values.len());
        wait_identical(&cluster, topic, 0);
    }
}

/// A rate at which nothing would ever be in sync again, were it to hold for those that are.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_below_what_is_written_does_not_slow_producers() {
    let cluster = Cluster::builder(3)
        // At this rate nobody who was fenced comes back, so nobody is to be fenced for a moment's silence.
        .property("broker.session.timeout.ms", "600000")
        .start();
    let client = client(&cluster);
    create_topic(&cluster, "written", 3, &[]).await;
    let everything = [
        (SET, "leader.replication.throttled.replicas", Some("*")),
        (SET, "follower.replication.throttled.replicas", Some("*")),
    ];
    let rates = [
        (SET, "leader.replication.throttled.rate", Some("1")),
        (SET, "follower.replication.throttled.rate", Some("1")),
    ];
    configure(&cluster, TOPIC, "written", &everything);
    configure(&cluster, BROKER, "", &rates);
    let traffic = Traffic::start(client.clone(), "written", 3);
    for _ in 0..5 {
        traffic.flows().await;
    }
    let no_rates = rates.map(|(_, rate, _)| (DELETE, rate, None));
    configure(&cluster, BROKER, "", &no_rates);
    cluster.wait_in_sync(&["written"]);
    traffic.finish(&client).await;
}
