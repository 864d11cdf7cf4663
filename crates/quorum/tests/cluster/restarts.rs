//! What lies on disk comes back.

use crate::nodes::{Cluster, Follower, LIMIT, POLL, register_broker, run};
use klamm_quorum::SnapshotConfig;
use klamm_rpc::{ControllerClient, controller::DescribeQuorumRequest};
use std::time::Instant;
use tokio::time::sleep;

async fn leader_epoch(client: &ControllerClient) -> i32 {
    let described = client.describe_quorum(DescribeQuorumRequest {}, LIMIT);
    described.await.unwrap().leader_epoch
}

#[test]
fn everything_is_there_after_all_were_killed() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        let epoch = register_broker(&client, 100, 1).await;
        let before = leader_epoch(&client).await;
        for id in 1..=3 {
            cluster.kill(id);
        }

        let started = Instant::now();
        for id in 1..=3 {
            cluster.start_node(id).await;
        }
        let client = cluster.client();
        register_broker(&client, 101, 1).await;
        println!(
            "restart of all to first committed proposal: {:?}",
            started.elapsed()
        );
        let after = leader_epoch(&client).await;
        assert!(after > before, "{after} after {before}");
        for id in 1..=3 {
            let mut follower = Follower::of(&cluster, id).await;
            follower
                .until(|image| image.broker(101.into()).is_some())
                .await;
            assert_eq!(follower.image.broker(100.into()).unwrap().epoch.0, epoch);
        }
    });
}

#[test]
fn controllers_may_move_while_all_are_stopped() {
    run(async {
        let mut cluster = Cluster::start().await;
        register_broker(&cluster.client(), 100, 1).await;
        for id in 1..=3 {
            cluster.kill(id);
        }

        cluster.start_on_new_ports(&[1, 2, 3]).await;
        register_broker(&cluster.client(), 101, 1).await;
        let mut follower = Follower::of(&cluster, 2).await;
        follower.until(|image| image.brokers().count() == 2).await;
    });
}

#[test]
fn more_voters_do_not_make_a_second_cluster() {
    run(async {
        let mut cluster = Cluster::of_folders(SnapshotConfig::default());
        cluster.start_on_new_ports(&[1]).await;
        register_broker(&cluster.client(), 100, 1).await;
        cluster.kill(1);

        cluster.start_on_new_ports(&[1, 2, 3]).await;
        register_broker(&cluster.client(), 101, 1).await;
        for id in [2, 3] {
            let mut follower = Follower::of(&cluster, id).await;
            follower.until(|image| image.brokers().count() == 2).await;
        }
        // They follow, and have no vote.
        let client = cluster.client();
        let described = client.describe_quorum(DescribeQuorumRequest {}, LIMIT);
        let described = described.await.unwrap();
        assert_eq!(described.voters.len(), 1, "{:?}", described.voters);
        assert_eq!(described.observers.len(), 2, "{:?}", described.observers);
    });
}

#[test]
fn a_follower_that_was_away_for_long_gets_a_snapshot() {
    run(async {
        let snapshot = SnapshotConfig {
            entries: 16,
            entries_kept: 0,
            ..SnapshotConfig::default()
        };
        let mut cluster = Cluster::start_with(snapshot).await;
        let client = cluster.client();
        let leader = client.find_active(LIMIT).await.unwrap().controller_id;
        let away = if leader == 1 { 2 } else { 1 };
        cluster.kill(away);
        for id in 100..200 {
            register_broker(&client, id, 1).await;
        }

        cluster.start_node(away).await;
        let mut follower = Follower::of(&cluster, away).await;
        follower
            .until(|image| image.broker(199.into()).is_some())
            .await;
        assert_eq!(follower.image.brokers().count(), 100);

        // And it can do without the others' log after a restart, too.
        cluster.kill(away);
        cluster.start_node(away).await;
        let mut follower = Follower::of(&cluster, away).await;
        follower
            .until(|image| image.broker(199.into()).is_some())
            .await;
    });
}

/// Entries are counted by openraft; the bytes bound the log here, while records go on being written.
#[test]
fn the_bytes_of_the_log_are_bounded_under_load() {
    run(async {
        let snapshot = SnapshotConfig {
            entries: 1_000_000,
            entries_kept: 1_000_000,
            bytes: 2_000,
        };
        let mut cluster = Cluster::start_with(snapshot).await;
        let client = cluster.client();
        let leader = client.find_active(LIMIT).await.unwrap().controller_id;
        let away = if leader == 1 { 2 } else { 1 };
        cluster.kill(away);
        let writer = tokio::spawn(async move {
            for id in 100..400 {
                register_broker(&client, id, 1).await;
            }
        });
        let deadline = Instant::now() + LIMIT;
        while cluster.snapshots(leader).is_empty() {
            assert!(Instant::now() < deadline, "no snapshot was made");
            sleep(POLL).await;
        }
        cluster.start_node(away).await;
        writer.await.unwrap();
        let mut follower = Follower::of(&cluster, away).await;
        follower.until(|image| image.brokers().count() == 300).await;
        // There is one, and for a moment two.
        assert!(cluster.snapshots(leader).len() <= 2);
    });
}
