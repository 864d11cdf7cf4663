//! Replicas that hang while their brokers seem to live: followers leave the ISR soon, leaders let others lead.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use klamm_client::{Client, PartitionView, Producer, ProducerOptions, ProducerRecord};
use klamm_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use klamm_protocol::messages::create_topics_response::CreateTopicsResponse;
use klamm_tests::{Cluster, ClusterBuilder, wait_until, wire};

use crate::lab::{PATIENCE, client, connection, create_topic, partition_where};
use crate::replicas::wait_identical;
use crate::small_disk::SmallDisk;
use crate::traffic::Traffic;

const CREATE_TOPICS_VERSION: i16 = 5;

/// Three brokers that nothing but its hanging takes out of an ISR: sessions and the time that laggards have outlive the test.
fn builder() -> ClusterBuilder {
    Cluster::builder(3)
        .property("broker.session.timeout.ms", "600000")
        .property("replica.lag.time.max.ms", "600000")
}

async fn wait_dropped(client: &Client, topic: &str, follower: i32) -> PartitionView {
    let what = "goes on without the follower that hangs";
    partition_where(client, topic, 0, what, |p| !p.isr.contains(&follower)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_hangs_is_dropped_soon() {
    let cluster = builder().start();
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

/// A node's disk that can hang: it goes on taking writes, but keeps none until it thaws.
struct HangingDisk {
    outer: SmallDisk,
    /// Lies on the outer one.
    _inner: SmallDisk,
}

impl HangingDisk {
    /// Puts the data of a node that is not started yet on such a disk.
    fn mount(cluster: &Cluster, id: i32) -> Option<Self> {
        let folder = cluster.node_dir(id).parent()?.join(format!("outer{id}"));
        // By this name the watchdog finds and unmounts it.
        let outer = SmallDisk::mount(&folder.join("data"), 160 << 20)?;
        let data_dir = cluster.data_dir(id).unwrap();
        let inner = SmallDisk::mount_in(outer.path(), &data_dir, 96 << 20)?;
        Some(Self {
            outer,
            _inner: inner,
        })
    }
}

/// Three brokers, and the disks of some that can hang.
fn with_disks_that_hang(
    separate_controllers: i32,
    ids: &[i32],
) -> Option<(Cluster, BTreeMap<i32, HangingDisk>)> {
    let cluster = builder()
        .separate_controllers(separate_controllers)
        .property("klamm.log.dirs.free.bytes.min", "12582912")
        .create();
    let disks = ids
        .iter()
        .map(|&id| Some((id, HangingDisk::mount(&cluster, id)?)));
    let disks = disks.collect::<Option<_>>()?;
    let all: Vec<i32> = (1..=3 + separate_controllers).collect();
    cluster.restart_all(&all);
    cluster.wait_ready();
    Some((cluster, disks))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_whose_disk_hangs_is_dropped_by_its_leader() {
    let Some((cluster, disks)) = with_disks_that_hang(1, &[3]) else {
        return;
    };
    let client = client(&cluster);
    create_led_by_first(&cluster, "stuck", &[1, 2, 3]).await;
    let traffic = Traffic::start(client.clone(), "stuck", 1);
    traffic.flows().await;
    let frozen = disks[&3].outer.freeze();
    let view = wait_dropped(&client, "stuck", 3).await;
    assert_eq!((view.leader, view.isr.len()), (1, 2));
    traffic.flows().await;
    drop(frozen);
    cluster.wait_in_sync(&["stuck"]);
    traffic.flows().await;
    traffic.finish(&client).await;
    wait_identical(&cluster, "stuck", 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_disk_hangs_lets_another_lead() {
    let Some((cluster, disks)) = with_disks_that_hang(1, &[3]) else {
        return;
    };
    let client = client(&cluster);
    create_led_by_first(&cluster, "left", &[3, 1, 2]).await;
    let traffic = Traffic::start(client.clone(), "left", 1);
    traffic.flows().await;
    let frozen = disks[&3].outer.freeze();
    let what = "is led by one whose disk works";
    partition_where(&client, "left", 0, what, |p| {
        p.leader == 1 && p.isr == [1, 2]
    })
    .await;
    traffic.flows().await;
    drop(frozen);
    cluster.wait_in_sync(&["left"]);
    traffic.flows().await;
    traffic.finish(&client).await;
    wait_identical(&cluster, "left", 0);
}

/// Followers of the quorum commit without it, so the cluster goes on deciding.
#[tokio::test(flavor = "multi_thread")]
async fn a_controller_whose_disk_hangs_goes_on() {
    let Some((cluster, disks)) = with_disks_that_hang(0, &[1, 2, 3]) else {
        return;
    };
    let client = client(&cluster);
    let active = cluster.active_controller();
    let (first, second) = (active % 3 + 1, (active + 1) % 3 + 1);
    create_led_by_first(&cluster, "decided", &[first, second, active]).await;
    let traffic = Traffic::start(client.clone(), "decided", 1);
    traffic.flows().await;
    let frozen = disks[&active].outer.freeze();
    wait_dropped(&client, "decided", active).await;
    traffic.flows().await;
    create_led_by_first(&cluster, "meanwhile", &[first, second]).await;
    drop(frozen);
    cluster.wait_in_sync(&["decided"]);
    traffic.flows().await;
    traffic.finish(&client).await;
    wait_identical(&cluster, "decided", 0);
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

/// Records a second, of a kilobyte each.
const RATE: u64 = 500;
/// How long each part of the measurement lasts.
const PART: Duration = Duration::from_secs(10);

/// Not run by itself: it says what a frozen follower costs with default settings, on this machine.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn what_a_frozen_follower_costs() {
    for is_controller in [false, true] {
        let cluster = Cluster::builder(3)
            .property("controller.quorum.election.timeout.ms", "450")
            .property("broker.session.timeout.ms", "1500")
            .start();
        let client = client(&cluster);
        let controller = cluster.active_controller();
        let others: Vec<i32> = (1..=3).filter(|&id| id != controller).collect();
        let (leader, other) = (others[0], others[1]);
        create_led_by_first(&cluster, "measured", &[leader, other, controller]).await;
        let follower = if is_controller { controller } else { other };
        let producer = Producer::new(client.clone(), ProducerOptions::default());
        measure(&producer, PART).await;
        println!("is the active controller: {is_controller}");
        println!("quiet:         {}", measure(&producer, PART).await);

        cluster.pause(follower);
        let frozen = Instant::now();
        let during = tokio::spawn({
            let producer = producer.clone();
            async move { measure(&producer, Duration::from_secs(4)).await }
        });
        wait_until("it is dropped", PATIENCE, || {
            let view = wire::metadata(cluster.broker_address(leader), &["measured"])?;
            Ok((!view.partitions[0].isr.contains(&follower)).then_some(()))
        });
        println!("dropped after: {:?}", frozen.elapsed());
        println!("the first 4 s: {}", during.await.unwrap());
        println!("without it:    {}", measure(&producer, PART).await);
        cluster.resume(follower);
    }
}

/// Writes at a steady rate and tells how long it took until records were acknowledged.
async fn measure(producer: &Producer, time: Duration) -> String {
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / RATE));
    let mut deliveries = tokio::task::JoinSet::new();
    let began = Instant::now();
    while began.elapsed() < time {
        let due = ticks.tick().await;
        let record = ProducerRecord::new("measured", None::<Bytes>, "x".repeat(1024));
        let delivery = producer.send(record).await.expect("queue a record");
        deliveries.spawn(async move {
            delivery.await.expect("a record is acknowledged");
            due.elapsed()
        });
    }
    let mut latencies = deliveries.join_all().await;
    latencies.sort_unstable();
    let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize];
    let max = latencies[latencies.len() - 1];
    format!(
        "p50 {:?}, p99 {:?}, max {max:?} of {}",
        at(0.5),
        at(0.99),
        latencies.len()
    )
}
