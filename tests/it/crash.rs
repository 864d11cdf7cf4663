//! Nodes that die without warning, logs that are damaged meanwhile, and stops in order.

use std::fs;

use klamm_records::{BatchHeader, set_base_offset};
use klamm_tests::Cluster;

use crate::lab::{client, create_topic, numbered, produce, read_all, values_of};
use crate::replicas::{append_bytes, cut_bytes, last_segment, wait_identical};
use crate::traffic::Traffic;
use crate::voters::{directory_of, until};

const NODES: [i32; 3] = [1, 2, 3];

#[tokio::test(flavor = "multi_thread")]
async fn everybody_killed_at_once_loses_nothing() {
    let cluster = Cluster::start(3);
    let client = client(&cluster);
    create_topic(&cluster, "crash", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "crash", 3);
    for _round in 0..2 {
        traffic.flows().await;
        cluster.kill9_all(&NODES);
        cluster.restart_all(&NODES);
        traffic.flows().await;
    }
    cluster.wait_ready();
    cluster.wait_in_sync(&["crash"]);
    traffic.finish(&client).await;
    for partition in 0..3 {
        wait_identical(&cluster, "crash", partition);
    }
}

/// Each way in which a write that was under way can look after a power loss; all behind what was acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn torn_tails_are_cut_on_all_replicas() {
    let cluster = Cluster::start(3);
    let client = client(&cluster);
    create_topic(&cluster, "torn", 1, &[]).await;
    let values = numbered("a", 40);
    produce(&client, "torn", 0, &values).await;
    let before = wait_identical(&cluster, "torn", 0);
    let first = BatchHeader::parse(&before).unwrap();
    let mut bad_checksum = before[..first.batch_size()].to_vec();
    set_base_offset(&mut bad_checksum, 40);
    *bad_checksum.last_mut().unwrap() ^= 1;

    cluster.kill9_all(&NODES);
    append_bytes(&last_segment(&cluster, 1, "torn", 0), &[0; 4096]);
    append_bytes(&last_segment(&cluster, 2, "torn", 0), b"not a batch");
    append_bytes(&last_segment(&cluster, 3, "torn", 0), &bad_checksum);
    cluster.restart_all(&NODES);
    cluster.wait_ready();
    cluster.wait_in_sync(&["torn"]);
    assert!(
        wait_identical(&cluster, "torn", 0) == before,
        "what was there before the crash is what is there now"
    );

    let more = numbered("b", 10);
    produce(&client, "torn", 0, &more).await;
    wait_identical(&cluster, "torn", 0);
    let read = read_all(&client, "torn").await;
    assert_eq!(values_of(&read, 0), [values, more].concat());
}

/// A follower that lost the end of its log gets it again, whether it was killed or stopped in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_with_a_shortened_log_catches_up() {
    let cluster = Cluster::start(3);
    let client = client(&cluster);
    create_topic(&cluster, "short", 1, &[]).await;
    let mut all = Vec::new();
    for (round, is_killed) in [true, false].into_iter().enumerate() {
        let values = numbered(&format!("round-{round}"), 40);
        produce(&client, "short", 0, &values).await;
        all.extend(values);
        wait_identical(&cluster, "short", 0);
        let follower = other_than(cluster.leader("short", 0));
        if is_killed {
            cluster.kill9(follower);
        } else {
            assert!(cluster.stop(follower).success());
        }
        cut_bytes(&last_segment(&cluster, follower, "short", 0), 7);
        let values = numbered(&format!("meanwhile-{round}"), 5);
        produce(&client, "short", 0, &values).await;
        all.extend(values);
        cluster.restart(follower);
        cluster.wait_ready();
        cluster.wait_in_sync(&["short"]);
        wait_identical(&cluster, "short", 0);
    }
    assert_eq!(values_of(&read_all(&client, "short").await, 0), all);
}

/// A new disk: the node comes back without anything, its Raft log included.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_an_emptied_folder_gets_everything_again() {
    let cluster = Cluster::start(3);
    let client = client(&cluster);
    create_topic(&cluster, "empty", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "empty", 3);
    traffic.flows().await;
    // The leader of some partition, so that leadership moves as well.
    let victim = cluster.leader("empty", 0);
    let lost = directory_of(&cluster, victim).await;
    cluster.kill9(victim);
    fs::remove_dir_all(cluster.data_dir(victim).unwrap()).unwrap();
    traffic.flows().await;
    cluster.restart(victim);
    until(&cluster, "its new folder votes", |quorum| {
        let mut voters = quorum.current_voters.iter();
        voters.any(|voter| voter.replica_id == victim && voter.replica_directory_id != lost)
    })
    .await;
    cluster.wait_ready();
    cluster.wait_in_sync(&["empty"]);

    // It counts again: the others' deaths, one at a time, lose nothing.
    for other in NODES.into_iter().filter(|&id| id != victim) {
        cluster.kill9(other);
        traffic.flows().await;
        cluster.restart(other);
        cluster.wait_ready();
        cluster.wait_in_sync(&["empty"]);
    }
    traffic.finish(&client).await;
    for partition in 0..3 {
        wait_identical(&cluster, "empty", partition);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_stops_each_node_in_order() {
    let cluster = Cluster::start(3);
    let client = client(&cluster);
    create_topic(&cluster, "rolling", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "rolling", 3);
    for id in NODES {
        traffic.flows().await;
        let status = cluster.stop(id);
        assert!(status.success(), "node {id} ended with {status}");
        let marker = cluster.data_dir(id).unwrap().join(".kafka_cleanshutdown");
        assert!(marker.exists(), "node {id} notes that its logs are whole");
        traffic.flows().await;
        cluster.restart(id);
        cluster.wait_ready();
        cluster.wait_in_sync(&["rolling"]);
    }
    traffic.finish(&client).await;
    for partition in 0..3 {
        wait_identical(&cluster, "rolling", partition);
    }
}

fn other_than(leader: i32) -> i32 {
    let found = NODES.into_iter().find(|&id| id != leader);
    found.expect("a follower")
}
