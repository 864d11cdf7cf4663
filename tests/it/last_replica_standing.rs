//! The last replica standing (KIP-966): a leader that was alone and lost what it had not flushed does not lead again while
//! somebody may have more, and what was acknowledged before it was alone stays.

use klamm_client::Acks;
use klamm_protocol::messages::describe_topic_partitions_request::{
    DescribeTopicPartitionsRequest, TopicRequest,
};
use klamm_tests::{Cluster, wait_until};
use klamm_types::ErrorCode;

use crate::asking::Asking;
use crate::lab::{
    PATIENCE, client, create_topic, partition_where, produce, produce_code, read_all, values_of,
};
use crate::power_loss::note_new_boot;
use crate::replicas::{bytes, cut_bytes, last_segment, wait_identical};

const TOPIC: &str = "standing";

/// The eligible leader replicas of the partition, as a node that runs knows them.
fn eligible(cluster: &Cluster, id: i32) -> Vec<i32> {
    let request = DescribeTopicPartitionsRequest {
        topics: vec![TopicRequest {
            name: TOPIC.to_owned(),
        }],
        response_partition_limit: 10,
        ..Default::default()
    };
    let mut answer = Asking::connect(cluster.broker_address(id)).ask(&request, 0);
    let partition = answer.topics.remove(0).partitions.remove(0);
    partition.eligible_leader_replicas.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_alone_and_lost_its_tail_does_not_take_the_others_with_it() {
    let cluster = Cluster::builder(3).separate_controllers(1).start();
    // Acknowledged from the page cache: only so has a replica a tail to lose.
    let configs = [("min.insync.replicas", "2"), ("flush.messages", "1000000")];
    create_topic(&cluster, TOPIC, 1, &configs).await;
    let client = client(&cluster);
    let value = |text: &str| vec![text.to_owned()];
    produce(&client, TOPIC, 0, &value("one")).await;
    let all = wait_identical(&cluster, TOPIC, 0).len();
    let first = cluster.leader(TOPIC, 0);
    let (second, third) = (first % 3 + 1, (first + 1) % 3 + 1);

    cluster.kill9(third);
    partition_where(&client, TOPIC, 0, "goes on without the third", |p| {
        p.leader == first && p.isr.len() == 2
    })
    .await;
    produce(&client, TOPIC, 0, &value("two")).await;

    // Alone, it takes records for itself, but acknowledges none for all.
    cluster.kill9(second);
    partition_where(&client, TOPIC, 0, "has one replica left", |p| {
        p.leader == first && p.isr == [first]
    })
    .await;
    wait_until("the second stays eligible", PATIENCE, || {
        Ok((eligible(&cluster, first) == [second]).then_some(()))
    });
    let alone = produce_code(&cluster, TOPIC, Acks::Leader, "three").await;
    assert_eq!(alone, ErrorCode::None);
    let refused = produce_code(&cluster, TOPIC, Acks::All, "four").await;
    assert_eq!(refused, ErrorCode::NotEnoughReplicas);

    // It loses power, and what the disk was never told to keep.
    cluster.kill9(first);
    let tail = bytes(&cluster, first, TOPIC, 0).len() - all;
    cut_bytes(&last_segment(&cluster, first, TOPIC, 0), tail as u64);
    note_new_boot(&cluster.data_dir(first).unwrap(), 1);
    cluster.restart_all(&[first, third]);
    cluster.wait_ready();
    let view = cluster.view(&[TOPIC]).unwrap();
    assert_eq!(
        view.partitions[0].leader, -1,
        "they lack what was acknowledged"
    );
    assert_eq!(eligible(&cluster, first), [second]);

    cluster.restart(second);
    cluster.wait_ready();
    cluster.wait_in_sync(&[TOPIC]);
    produce(&client, TOPIC, 0, &value("five")).await;
    let read = values_of(&read_all(&client, TOPIC).await, 0);
    assert_eq!(read, ["one", "two", "five"]);
    wait_identical(&cluster, TOPIC, 0);
}
