//! Leaders and controllers that die, freeze, are cut off, and come back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use klamm_client::Acks;
use klamm_tests::Cluster;
use klamm_types::ErrorCode;
use tokio::task::JoinSet;

use crate::lab::{
    PATIENCE, client, connection, create_topic, eventually, numbered, partition_where, produce,
    produce_code, produce_to, read_all, values_of,
};
use crate::replicas::{bytes, wait_identical};
use crate::traffic::Traffic;

const NODES: [i32; 3] = [1, 2, 3];

/// How long an answer is waited for that may be "not committed in time", half of it at the leader.
const COMMIT_PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn leaders_and_controllers_killed_lose_nothing() {
    let cluster = Cluster::start(3);
    let client = client(&cluster);
    create_topic(&cluster, "failover", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "failover", 3);
    for victim in [Victim::Leader, Victim::Controller, Victim::Both] {
        cluster.wait_in_sync(&["failover"]);
        traffic.flows().await;
        let victims = victim.nodes(&cluster);
        let view = client.refresh(Some(&["failover"])).await.unwrap();
        cluster.kill9_all(&victims);
        // Without a majority of controllers nobody takes over.
        if victims.len() == 1 {
            traffic.flows().await;
        }
        cluster.restart_all(&victims);
        traffic.flows().await;
        cluster.wait_ready();
        for before in &view.topics["failover"].partitions {
            let is_orphan = victims.contains(&before.leader);
            let what = "is led in a newer epoch if its leader was killed";
            partition_where(&client, "failover", before.index, what, |now| {
                now.leader >= 0 && now.leader_epoch >= before.leader_epoch + i32::from(is_orphan)
            })
            .await;
        }
    }
    cluster.wait_in_sync(&["failover"]);
    traffic.finish(&client).await;
    for partition in 0..3 {
        wait_identical(&cluster, "failover", partition);
    }
}

#[derive(Clone, Copy)]
enum Victim {
    Leader,
    Controller,
    Both,
}

impl Victim {
    fn nodes(self, cluster: &Cluster) -> Vec<i32> {
        let controller = cluster.active_controller();
        let leaders: BTreeSet<i32> = (0..3).map(|p| cluster.leader("failover", p)).collect();
        let other = leaders.into_iter().find(|&leader| leader != controller);
        match self {
            Victim::Leader => vec![cluster.leader("failover", 0)],
            Victim::Controller => vec![controller],
            Victim::Both => std::iter::once(controller).chain(other).collect(),
        }
    }
}

/// A frozen node does not know what it missed: what it does first when it goes on must not count.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_leader_comes_back_as_a_follower() {
    let cluster = Cluster::builder(3)
        .property("broker.session.timeout.ms", "1500")
        .property("broker.heartbeat.interval.ms", "300")
        .start();
    let client = client(&cluster);
    create_topic(&cluster, "frozen", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "frozen", 3);
    for victim in [Victim::Leader, Victim::Controller] {
        cluster.wait_in_sync(&["frozen"]);
        traffic.flows().await;
        let frozen = match victim {
            Victim::Controller => cluster.active_controller(),
            _ => cluster.leader("frozen", 0),
        };
        let view = client.refresh(Some(&["frozen"])).await.unwrap();
        let led = view.topics["frozen"].partitions.iter();
        let led: Vec<_> = led.filter(|p| p.leader == frozen).cloned().collect();
        let zombie = Arc::new(connection(&cluster, frozen).await);
        // The versions are asked for while the node can still answer.
        zombie.versions().await.unwrap();
        cluster.pause(frozen);
        let mut writes = JoinSet::new();
        for index in led.iter().map(|partition| partition.index) {
            let zombie = zombie.clone();
            writes.spawn(async move {
                let values = ["zombie".to_owned()];
                produce_to(&zombie, "frozen", index, Acks::All, &values, PATIENCE).await
            });
        }
        for before in &led {
            let what = "is led by somebody else";
            partition_where(&client, "frozen", before.index, what, |now| {
                let is_newer = now.leader_epoch > before.leader_epoch;
                now.leader >= 0 && now.leader != frozen && is_newer
            })
            .await;
        }
        traffic.flows().await;
        cluster.resume(frozen);
        for answer in writes.join_all().await {
            let code = answer.map(|answer| ErrorCode::from(answer.error_code));
            assert_ne!(code, Ok(ErrorCode::None), "a zombie acknowledged a write");
        }
        cluster.wait_ready();
    }
    cluster.wait_in_sync(&["frozen"]);
    // Fails as well if a zombie's record is there.
    traffic.finish(&client).await;
    for partition in 0..3 {
        wait_identical(&cluster, "frozen", partition);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_isr_follows_its_members_and_guards_acks() {
    let cluster = Cluster::builder(3)
        // The leader alone notices who falls behind: sessions outlive the test.
        .property("broker.session.timeout.ms", "600000")
        .property("replica.lag.time.max.ms", "5000")
        .start();
    let client = client(&cluster);
    create_topic(&cluster, "isr", 1, &[("min.insync.replicas", "3")]).await;
    let all_in_sync = |isr: &[i32]| isr.len() == 3;
    let mut values = Vec::new();
    for (round, is_killed) in [false, true].into_iter().enumerate() {
        partition_where(&client, "isr", 0, "has everybody in sync", |p| {
            all_in_sync(&p.isr)
        })
        .await;
        let value = format!("all-{round}");
        // The leader itself may hear of it last, and writes nothing until then.
        eventually("a leader with enough replicas", async || {
            let code = produce_code(&cluster, "isr", Acks::All, &value).await;
            assert!(
                matches!(code, ErrorCode::None | ErrorCode::NotEnoughReplicas),
                "{code}"
            );
            code.is_none().then_some(())
        })
        .await;
        values.push(value);

        let leader = cluster.leader("isr", 0);
        // The last one: questions go to the first, and a frozen node would hold them up.
        let follower = NODES.into_iter().rfind(|&id| id != leader).unwrap();
        if is_killed {
            cluster.kill9(follower);
        } else {
            cluster.pause(follower);
        }
        let committed = values.len();
        // Only somebody who misses something falls behind. One replica is enough for acks=1.
        let value = format!("one-{round}");
        assert_eq!(
            produce_code(&cluster, "isr", Acks::Leader, &value).await,
            ErrorCode::None
        );
        values.push(value);
        let shrunk = partition_where(&client, "isr", 0, "has the follower out of sync", |p| {
            !p.isr.contains(&follower)
        })
        .await;
        assert_eq!((shrunk.leader, shrunk.isr.len()), (leader, 2));

        // A leader that has not heard yet that its ISR has shrunk takes the record, and cannot commit it.
        values.extend(refuse_for_want_of_replicas(&cluster, "isr").await);
        let value = format!("one-again-{round}");
        assert_eq!(
            produce_code(&cluster, "isr", Acks::Leader, &value).await,
            ErrorCode::None
        );
        values.push(value);
        // What fewer replicas have than were asked for is not committed, hence not to be read.
        assert_eq!(
            values_of(&read_all(&client, "isr").await, 0),
            values[..committed]
        );

        if is_killed {
            cluster.restart(follower);
        } else {
            cluster.resume(follower);
        }
    }
    cluster.wait_ready();
    cluster.wait_in_sync(&["isr"]);
    assert_eq!(values_of(&read_all(&client, "isr").await, 0), values);
    wait_identical(&cluster, "isr", 0);
}

/// Sends records with acks=all until one is refused for want of replicas; those that were taken but not committed.
async fn refuse_for_want_of_replicas(cluster: &Cluster, topic: &str) -> Vec<String> {
    let mut taken = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let value = format!("early-{}", taken.len());
        let leader = connection(cluster, cluster.leader(topic, 0)).await;
        let values = [value.clone()];
        let answer = produce_to(&leader, topic, 0, Acks::All, &values, COMMIT_PATIENCE).await;
        match ErrorCode::from(answer.expect("the leader answers").error_code) {
            ErrorCode::NotEnoughReplicas => return taken,
            code => assert_eq!(code, ErrorCode::RequestTimedOut),
        }
        taken.push(value);
    }
    panic!("waited {PATIENCE:?} in vain until a record is refused for want of replicas");
}

/// Records that only a leader has, because it was cut off and died, give way to those of its successor.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_leader_alone_had_is_cut_away() {
    const FETCH_WAIT: Duration = Duration::from_millis(100);
    let cluster = Cluster::builder(3)
        .property(
            "replica.fetch.wait.max.ms",
            &FETCH_WAIT.as_millis().to_string(),
        )
        .start();
    let client = client(&cluster);
    create_topic(&cluster, "parted", 1, &[]).await;
    let before = numbered("before", 10);
    produce(&client, "parted", 0, &before).await;

    let leader = cluster.leader("parted", 0);
    let followers: Vec<i32> = NODES.into_iter().filter(|&id| id != leader).collect();
    let isolated = connection(&cluster, leader).await;
    for &id in &followers {
        cluster.pause(id);
    }
    // A fetch that was under way may still carry away what comes first, but only as long as it waits at the leader.
    let cut_off = Instant::now();
    let mut alone = Vec::new();
    while cut_off.elapsed() < 10 * FETCH_WAIT || alone.len() < 10 {
        let value = format!("alone-{}", alone.len());
        let values = [value.clone()];
        let answer = produce_to(&isolated, "parted", 0, Acks::Leader, &values, PATIENCE).await;
        assert_eq!(ErrorCode::from(answer.unwrap().error_code), ErrorCode::None);
        alone.push(value);
    }
    let parted = bytes(&cluster, leader, "parted", 0);
    cluster.kill9(leader);
    for &id in &followers {
        cluster.resume(id);
    }
    let what = "is led by a follower";
    let led = partition_where(&client, "parted", 0, what, |p| {
        followers.contains(&p.leader)
    })
    .await;
    assert!(led.leader_epoch > 0, "a new leader has a new epoch");
    let after = numbered("after", 10);
    produce(&client, "parted", 0, &after).await;

    cluster.restart(leader);
    cluster.wait_ready();
    cluster.wait_in_sync(&["parted"]);
    let joint = wait_identical(&cluster, "parted", 0);
    assert!(!joint.starts_with(&parted), "nothing had to be cut away");
    let values = values_of(&read_all(&client, "parted").await, 0);
    let survivors = values.len() - before.len() - after.len();
    assert!(survivors < alone.len(), "nothing had to be cut away");
    assert_eq!(
        values,
        [before, alone[..survivors].to_vec(), after].concat()
    );
}
