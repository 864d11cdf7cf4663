//! Disks that fill up under load: nothing that was acknowledged is lost, nothing exits, and all goes on when there is
//! room again.

use klamm_client::Acks;
use klamm_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use klamm_tests::{Cluster, wait_until};
use klamm_types::ErrorCode;

use crate::asking::Asking;
use crate::lab::{
    PATIENCE, client, connection, create_topic, eventually, partition_where, produce_to, read_all,
};
use crate::small_disk::SmallDisk;
use crate::traffic::Traffic;

const MIB: u64 = 1 << 20;
const DISK_BYTES: u64 = 96 * MIB;
const RESERVE_BYTES: u64 = 12 * MIB;

/// Nodes that are not started yet, the first of them with a small disk.
fn with_small_disk(nodes: i32) -> Option<(Cluster, SmallDisk)> {
    let cluster = Cluster::builder(nodes)
        .property("klamm.log.dirs.free.bytes.min", &RESERVE_BYTES.to_string())
        .property("replica.lag.time.max.ms", "1500")
        .property("offsets.topic.num.partitions", "3")
        .create();
    let disk = SmallDisk::mount(&cluster.data_dir(1).unwrap(), DISK_BYTES)?;
    cluster.restart_all(&cluster.broker_ids());
    cluster.wait_ready();
    Some((cluster, disk))
}

/// The answer of node 1 to a batch for a partition.
async fn produce_code(cluster: &Cluster, topic: &str) -> Option<(ErrorCode, String)> {
    let node = connection(cluster, 1).await;
    let values = &["value".to_owned()];
    let answer = produce_to(&node, topic, 0, Acks::All, values, PATIENCE).await;
    let answer = answer.ok()?;
    let message = answer.error_message.unwrap_or_default();
    Some((ErrorCode::from(answer.error_code), message))
}

fn commit_code(cluster: &Cluster) -> ErrorCode {
    let request = OffsetCommitRequest {
        group_id: "group".to_owned(),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitRequestTopic {
            name: "filled".to_owned(),
            partitions: vec![OffsetCommitRequestPartition {
                committed_offset: 1,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = Asking::coordinator(cluster, "group").ask(&request, 8);
    ErrorCode::from(answer.topics[0].partitions[0].error_code)
}

async fn wait_until_refused(cluster: &Cluster) {
    eventually("records are refused", || async {
        let (code, message) = produce_code(cluster, "probe").await?;
        (code == ErrorCode::KafkaStorageError && message.contains("full")).then_some(())
    })
    .await;
}

fn count(cluster: &Cluster, words: &str) -> usize {
    cluster.log(1).matches(words).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_alone_survives_a_disk_that_is_full_to_the_last_byte() {
    let Some((cluster, disk)) = with_small_disk(1) else {
        return;
    };
    let client = client(&cluster);
    create_topic(&cluster, "filled", 3, &[]).await;
    create_topic(&cluster, "probe", 1, &[]).await;
    let traffic = Traffic::start(client.clone(), "filled", 3);
    traffic.flows().await;
    wait_until("a group commits", PATIENCE, || {
        Ok((commit_code(&cluster) == ErrorCode::None).then_some(()))
    });

    // Below the reserve: no records, but everything else.
    disk.fill(RESERVE_BYTES - 4 * MIB);
    wait_until_refused(&cluster).await;
    assert_eq!(count(&cluster, "the disk is nearly full"), 1);
    let before = read_all(&client, "filled").await.len();
    assert!(before > 0);
    assert_eq!(commit_code(&cluster), ErrorCode::CoordinatorNotAvailable);
    create_topic(&cluster, "made-meanwhile", 1, &[]).await;

    // To the last byte, and killed there: what was set aside is enough for several starts.
    disk.fill(0);
    for is_killed in [true, true, false] {
        match is_killed {
            true => cluster.kill9(1),
            false => assert!(cluster.stop(1).success()),
        }
        cluster.restart(1);
        cluster.wait_ready();
        wait_until_refused(&cluster).await;
        // A high watermark counts anew after a crash, once the log is synced.
        eventually("what was there is read", || async {
            let read = read_all(&crate::lab::client(&cluster), "filled").await;
            (read.len() == before).then_some(())
        })
        .await;
    }
    // Without that, a start may have to wait; it does not end.
    disk.fill(0);
    cluster.kill9(1);
    disk.fill(0);
    cluster.restart(1);
    wait_until("the node is up or waits for room", PATIENCE, || {
        let serves = count(&cluster, "serving clients") == 5;
        Ok((serves || count(&cluster, "for room on") > 0).then_some(()))
    });
    assert!(cluster.is_running(1));

    disk.empty();
    traffic.flows().await;
    assert_eq!(count(&cluster, "the disk has room again"), 1);
    assert!(cluster.is_running(1));
    // It is full again, and this time by somebody who goes away by himself.
    disk.fill(0);
    wait_until_refused(&cluster).await;
    disk.empty();
    traffic.flows().await;
    traffic.finish(&client).await;
    wait_until("a group commits again", PATIENCE, || {
        Ok((commit_code(&cluster) == ErrorCode::None).then_some(()))
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_without_room_is_left_behind_and_comes_back() {
    let Some((cluster, disk)) = with_small_disk(3) else {
        return;
    };
    let client = client(&cluster);
    create_topic(&cluster, "filled", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "filled", 3);
    traffic.flows().await;
    let followed = wait_until("node 1 follows", PATIENCE, || {
        Ok((0..3).find(|&p| cluster.leader("filled", p) != 1))
    });
    disk.fill(0);
    partition_where(
        &client,
        "filled",
        followed,
        "goes on without node 1",
        |view| !view.isr.contains(&1),
    )
    .await;
    disk.empty();
    cluster.wait_in_sync(&["filled"]);
    traffic.flows().await;
    traffic.finish(&client).await;
    assert!(cluster.is_running(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_without_room_lets_others_lead() {
    let Some((cluster, disk)) = with_small_disk(3) else {
        return;
    };
    let client = client(&cluster);
    create_topic(&cluster, "filled", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "filled", 3);
    traffic.flows().await;
    disk.fill(0);
    let what = "is led by a node with room";
    for partition in 0..3 {
        partition_where(&client, "filled", partition, what, |p| p.leader > 1).await;
    }
    traffic.flows().await;
    disk.empty();
    cluster.wait_in_sync(&["filled"]);
    traffic.finish(&client).await;
    assert!(cluster.is_running(1));
}
