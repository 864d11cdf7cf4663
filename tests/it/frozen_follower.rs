//! Followers that hang while their brokers seem to live: they leave the ISR soon, and come back.

use std::time::{Duration, Instant};

use klamm_client::PartitionView;
use klamm_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use klamm_protocol::messages::create_topics_response::CreateTopicsResponse;
use klamm_tests::Cluster;

use crate::lab::{client, connection, create_topic, partition_where};
use crate::replicas::wait_identical;
use crate::small_disk::SmallDisk;
use crate::traffic::Traffic;

/// Half of `replica.lag.time.max.ms`, which is how long a follower has that only lags.
const SOON: Duration = Duration::from_secs(15);
/// Sessions of brokers outlive the test: the controller suspects nobody.
const NO_SUSPICION: (&str, &str) = ("broker.session.timeout.ms", "120000");
const CREATE_TOPICS_VERSION: i16 = 5;

async fn wait_dropped(client: &klamm_client::Client, topic: &str, follower: i32) -> PartitionView {
    let began = Instant::now();
    let what = "goes on without the follower that hangs";
    let view = partition_where(client, topic, 0, what, |p| !p.isr.contains(&follower)).await;
    assert!(began.elapsed() < SOON, "after {:?}", began.elapsed());
    view
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_hangs_is_dropped_by_its_leader() {
    let cluster = Cluster::builder(3)
        .property(NO_SUSPICION.0, NO_SUSPICION.1)
        .start();
    let client = client(&cluster);
    create_topic(&cluster, "hanging", 1, &[]).await;
    let traffic = Traffic::start(client.clone(), "hanging", 1);
    traffic.flows().await;
    let leader = cluster.leader("hanging", 0);
    let mut others = cluster.broker_ids();
    others.retain(|&id| id != leader && id != cluster.active_controller());
    let follower = others[others.len() - 1];
    cluster.pause(follower);
    let view = wait_dropped(&client, "hanging", follower).await;
    assert_eq!((view.leader, view.isr.len()), (leader, 2));
    traffic.flows().await;
    cluster.resume(follower);
    cluster.wait_in_sync(&["hanging"]);
    traffic.flows().await;
    traffic.finish(&client).await;
    wait_identical(&cluster, "hanging", 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_whose_disk_hangs_is_dropped_by_its_leader() {
    let cluster = Cluster::builder(3)
        .separate_controllers(1)
        .property(NO_SUSPICION.0, NO_SUSPICION.1)
        .property("klamm.log.dirs.free.bytes.min", "12582912")
        .create();
    let Some(disk) = SmallDisk::mount(&cluster.data_dir(3).unwrap(), 96 << 20) else {
        return;
    };
    cluster.restart_all(&[1, 2, 3, 4]);
    cluster.wait_ready();
    let client = client(&cluster);
    create_led_by_first(&cluster, "stuck", &[1, 2, 3]).await;
    let traffic = Traffic::start(client.clone(), "stuck", 1);
    traffic.flows().await;
    if !disk.freeze() {
        println!("not run: this process may not freeze a file system");
        return;
    }
    let view = wait_dropped(&client, "stuck", 3).await;
    assert_eq!((view.leader, view.isr.len()), (1, 2));
    traffic.flows().await;
    disk.thaw();
    cluster.wait_in_sync(&["stuck"]);
    traffic.flows().await;
    traffic.finish(&client).await;
    wait_identical(&cluster, "stuck", 0);
}

/// Creates a topic of one partition with these replicas, the first of which leads.
async fn create_led_by_first(cluster: &Cluster, topic: &str, replicas: &[i32]) {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: topic.to_owned(),
            num_partitions: -1,
            replication_factor: -1,
            assignments: vec![CreatableReplicaAssignment {
                partition_index: 0,
                broker_ids: replicas.to_vec(),
            }],
            ..CreatableTopic::default()
        }],
        timeout_ms: 30_000,
        ..CreateTopicsRequest::default()
    };
    let node = connection(cluster, replicas[0]).await;
    let answer = node.request(&request, CREATE_TOPICS_VERSION).await;
    let created: CreateTopicsResponse = answer.expect("create a topic");
    assert_eq!(created.topics[0].error_code, 0, "{created:?}");
    cluster.wait_in_sync(&[topic]);
}
