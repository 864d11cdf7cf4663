//! A leader is elected, serves, and is followed by another one without a loss.

use crate::nodes::{Cluster, Follower, LIMIT, create_topic, register_broker, run};
use klamm_metadata::Image;
use klamm_rpc::controller::{
    BrokerHeartbeat, CreatableTopic, CreateTopicsRequest, DescribeQuorumRequest, ReplicaAssignment,
};
use klamm_rpc::raft::{RaftMessage, SnapshotChunk};
use std::time::Instant;
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

/// Keeps broker `id` unfenced for as long as the sender lives.
async fn keep_alive(
    client: &klamm_rpc::ControllerClient,
    id: i32,
    epoch: i64,
) -> mpsc::Sender<BrokerHeartbeat> {
    let (heartbeats, receiver) = mpsc::channel(4);
    let heartbeat = BrokerHeartbeat {
        broker_id: id,
        broker_epoch: epoch,
        incarnation_id: Vec::new(),
        metadata_offset: i64::MAX,
        want_fence: false,
        want_shut_down: false,
        offline_log_dirs: Vec::new(),
    };
    heartbeats.send(heartbeat).await.unwrap();
    let active = client.find_active(LIMIT).await.unwrap();
    let receiver = ReceiverStream::new(receiver);
    let mut acks = client
        .heartbeat_stream(&active.endpoint, receiver)
        .await
        .unwrap();
    let ack = acks.message().await.unwrap().unwrap();
    assert_eq!((ack.error_code, ack.is_caught_up), (0, true));
    tokio::spawn(async move { while let Ok(Some(_)) = acks.message().await {} });
    heartbeats
}

#[test]
fn what_is_created_reaches_followers_of_every_controller() {
    run(async {
        let cluster = Cluster::start().await;
        let client = cluster.client();
        let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let epoch = register_broker(&client, 7, broker.local_addr().unwrap().port()).await;
        let heartbeats = keep_alive(&client, 7, epoch).await;
        let mut followers = Vec::new();
        for id in 1..=3 {
            followers.push(Follower::of(&cluster, id).await);
        }
        for follower in &mut followers {
            follower.until(|image| image.is_active(7.into())).await;
        }

        let created = create_topic(&client, "orders").await;
        assert_eq!(created.error_code, 0, "{}", created.error_message);
        for follower in &mut followers {
            follower
                .until(|image| image.topic_by_name("orders").is_some())
                .await;
            assert!(follower.active.is_some());
        }
        let first = &followers[0].image;
        assert!(followers.iter().all(|follower| follower.image == *first));
        assert_eq!(first.controllers().count(), 3);
        let cluster_id = first.cluster_id().map(str::to_owned);
        for id in 1..=3 {
            let mut known = cluster.node(id).cluster_id();
            let known = known.wait_for(Option::is_some).await.unwrap().clone();
            assert_eq!(known, cluster_id);
        }

        let again = create_topic(&client, "orders").await;
        assert_eq!(again.error_code, 36, "TOPIC_ALREADY_EXISTS");

        drop(heartbeats);
        drop(broker);
        let follower = &mut followers[0];
        follower.until(|image| !image.is_active(7.into())).await;
    });
}

#[test]
fn another_controller_takes_over_and_nothing_acknowledged_is_lost() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        let mut broker_epochs = vec![register_broker(&client, 100, 1).await];
        let old = client.find_active(LIMIT).await.unwrap();

        let killed = Instant::now();
        cluster.kill(old.controller_id);
        broker_epochs.push(register_broker(&client, 101, 1).await);
        println!("kill to first committed proposal: {:?}", killed.elapsed());

        let new = client.find_active(LIMIT).await.unwrap();
        assert_ne!(new.controller_id, old.controller_id);
        for id in (1..=3).filter(|id| *id != old.controller_id) {
            let mut follower = Follower::of(&cluster, id).await;
            follower
                .until(|image| image.broker(101.into()).is_some())
                .await;
            let epochs: Vec<i64> = follower.image.brokers().map(|(_, b)| b.epoch.0).collect();
            assert_eq!(epochs, broker_epochs);
        }

        // The killed one comes back as a follower and catches up.
        cluster.start_node(old.controller_id).await;
        let mut follower = Follower::of(&cluster, old.controller_id).await;
        follower
            .until(|image| image.broker(101.into()).is_some())
            .await;
    });
}

#[test]
fn a_broker_that_dies_with_the_active_controller_is_fenced() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let epoch = register_broker(&client, 7, broker.local_addr().unwrap().port()).await;
        let heartbeats = keep_alive(&client, 7, epoch).await;
        let old = client.find_active(LIMIT).await.unwrap().controller_id;
        let mut follower = Follower::of(&cluster, if old == 1 { 2 } else { 1 }).await;
        follower.until(|image| image.is_active(7.into())).await;

        let described = client.describe_quorum(DescribeQuorumRequest {}, LIMIT);
        let observers = described.await.unwrap().observers;
        assert_eq!(observers.len(), 1);
        assert_eq!(observers[0].replica_id, 7);

        let killed = Instant::now();
        cluster.kill(old);
        drop(broker);
        drop(heartbeats);
        follower.until(|image| !image.is_active(7.into())).await;
        println!(
            "kill of both to the broker being fenced: {:?}",
            killed.elapsed()
        );
    });
}

#[test]
fn what_a_broker_with_thousands_of_leaders_leaves_comes_in_parts() {
    const PARTITIONS: usize = 5_000;
    run(async {
        let cluster = Cluster::start().await;
        let client = cluster.client();
        let mut brokers = Vec::new();
        for id in [7, 8] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let epoch = register_broker(&client, id, port).await;
            brokers.push((listener, keep_alive(&client, id, epoch).await));
        }
        let mut follower = Follower::of(&cluster, 1).await;
        follower
            .until(|image| image.is_active(7.into()) && image.is_active(8.into()))
            .await;
        let assignment = |partition| ReplicaAssignment {
            partition,
            broker_ids: vec![7, 8],
        };
        let topic = CreatableTopic {
            name: "many".into(),
            num_partitions: -1,
            replication_factor: -1,
            assignments: (0..PARTITIONS as i32).map(assignment).collect(),
            configs: Vec::new(),
        };
        let request = CreateTopicsRequest {
            topics: vec![topic],
            validate_only: false,
        };
        let created = client.create_topics(request, LIMIT).await.unwrap();
        assert_eq!(created.topics[0].error_code, 0);
        let led_by = |image: &Image, id: i32| {
            let led = image.partitions().filter(|(_, p)| p.leader == id.into());
            led.count()
        };
        follower.until(|image| led_by(image, 7) == PARTITIONS).await;
        follower.batches.clear();
        drop(brokers.remove(0));
        // That the broker is fenced comes last.
        follower.until(|image| !image.is_active(7.into())).await;
        assert_eq!(led_by(&follower.image, 8), PARTITIONS);
        assert!(follower.batches.len() > 2, "{:?}", follower.batches);
        let largest = follower.batches.iter().max();
        assert!(largest < Some(&PARTITIONS), "{:?}", follower.batches);
        let answered = client
            .describe_quorum(DescribeQuorumRequest {}, LIMIT)
            .await;
        assert_eq!(answered.unwrap().error_code, 0, "it goes on");
    });
}

#[test]
fn a_leader_that_stops_hands_over() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        register_broker(&client, 100, 1).await;
        let described = client
            .describe_quorum(DescribeQuorumRequest {}, LIMIT)
            .await
            .unwrap();
        assert_eq!(described.voters.len(), 3);
        assert!(described.high_watermark > 0);

        let old = described.leader_id;
        let stopped = Instant::now();
        cluster.stop(old).await;
        register_broker(&client, 101, 1).await;
        println!("stop to first committed proposal: {:?}", stopped.elapsed());
        let new = client.find_active(LIMIT).await.unwrap();
        assert_ne!(new.controller_id, old);
    });
}

#[test]
fn a_leader_without_a_majority_leads_no_more() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        let epoch = register_broker(&client, 7, 1).await;
        let heartbeats = keep_alive(&client, 7, epoch).await;
        let leader = client.find_active(LIMIT).await.unwrap().controller_id;
        let mut follower = Follower::of(&cluster, leader).await;
        let others: Vec<i32> = (1..=3).filter(|id| *id != leader).collect();
        for id in &others {
            cluster.kill(*id);
        }

        let mut active = cluster.node(leader).active();
        let nobody = active.wait_for(|active| active.controller_id == -1);
        timeout(LIMIT, nobody).await.unwrap().unwrap();
        timeout(LIMIT, heartbeats.closed()).await.unwrap();
        assert_eq!(follower.until_it_ends().await, Code::Unavailable);

        // It may go on as soon as it has a majority again.
        cluster.start_node(others[0]).await;
        register_broker(&cluster.client(), 8, 1).await;
    });
}

#[test]
fn a_follower_that_is_cut_off_sends_brokers_away() {
    run(async {
        let mut cluster = Cluster::start().await;
        let client = cluster.client();
        register_broker(&client, 7, 1).await;
        let leader = client.find_active(LIMIT).await.unwrap().controller_id;
        let left = if leader == 1 { 2 } else { 1 };
        let mut follower = Follower::of(&cluster, left).await;
        for id in (1..=3).filter(|id| *id != left) {
            cluster.kill(id);
        }
        assert_eq!(follower.until_it_ends().await, Code::Unavailable);
        let mut active = cluster.node(left).active();
        let nobody = active.wait_for(|active| active.controller_id == -1);
        timeout(LIMIT, nobody).await.unwrap().unwrap();
    });
}

/// An address that had become another controller's made that one vote, and count, as two.
#[test]
fn a_controller_does_not_answer_for_another_one() {
    run(async {
        let mut cluster = Cluster::of_folders(klamm_quorum::SnapshotConfig::default());
        cluster.start_on_new_ports(&[1]).await;
        let channel = klamm_rpc::channel(
            &cluster.address(1).to_string(),
            &klamm_rpc::ChannelConfig::default(),
        );
        let mut raft = klamm_rpc::RawRaftClient::new(channel.unwrap());
        for (target_id, expected) in [
            (Some(2), Code::FailedPrecondition),
            // It takes these, and finds nothing in them.
            (Some(1), Code::InvalidArgument),
            (None, Code::InvalidArgument),
        ] {
            let message = RaftMessage {
                target_id,
                ..RaftMessage::default()
            };
            let refused = raft.vote(message.clone()).await.unwrap_err();
            assert_eq!(refused.code(), expected, "vote for {target_id:?}");
            let refused = raft.append_entries(message).await.unwrap_err();
            assert_eq!(refused.code(), expected, "entries for {target_id:?}");
            let chunk = SnapshotChunk {
                target_id,
                ..SnapshotChunk::default()
            };
            let chunks = tokio_stream::iter([chunk]);
            let refused = raft.install_snapshot(chunks).await.unwrap_err();
            assert_eq!(refused.code(), expected, "snapshot for {target_id:?}");
        }
    });
}
