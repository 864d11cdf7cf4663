//! Consumers that read from a replica in their rack (KIP-392).

use std::time::Duration;

use klamm_client::Connection;
use klamm_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use klamm_protocol::messages::fetch_response::{FetchResponse, PartitionData};
use klamm_records::Batches;
use klamm_tests::Cluster;
use klamm_types::ErrorCode;

use crate::lab::{PATIENCE, client, connection, create_topic, eventually, numbered, produce};

/// Longer than anybody waits for an answer here.
const WAIT_MS: i32 = 600_000;
const TOPIC: &str = "closest";
/// The last version without topic ids.
pub(crate) const BY_NAME: i16 = 12;
/// The last version that only leaders serve.
const LEADER_ONLY: i16 = 10;

/// A cluster of a rack for each broker, `rack-1` and so on.
fn racked() -> Cluster {
    let wait_ms = WAIT_MS.to_string();
    let cluster = Cluster::builder(3)
        .property(
            "replica.selector.class",
            "org.apache.kafka.common.replica.RackAwareReplicaSelector",
        )
        // A follower that is told of commits by the next records alone would hear of the last one so late: too late.
        .property("replica.fetch.wait.max.ms", &wait_ms)
        .property("replica.socket.timeout.ms", &wait_ms)
        .property("replica.lag.time.max.ms", &wait_ms)
        .create();
    for id in cluster.broker_ids() {
        cluster.set_property(id, "broker.rack", &rack(id));
    }
    cluster.restart_all(&cluster.broker_ids());
    cluster.wait_ready();
    cluster
}

fn rack(id: i32) -> String {
    format!("rack-{id}")
}

/// What one node answers, leader or not, to a consumer in a rack that asks by the topic's name.
pub(crate) async fn fetch(
    node: &Connection,
    topic: &str,
    version: i16,
    rack: &str,
    offset: i64,
    wait_ms: i32,
) -> PartitionData {
    let request = FetchRequest {
        replica_id: -1,
        max_wait_ms: wait_ms,
        min_bytes: 1,
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            partitions: vec![FetchPartition {
                partition: 0,
                fetch_offset: offset,
                partition_max_bytes: 1 << 20,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        rack_id: rack.to_owned(),
        ..FetchRequest::default()
    };
    let answer = node.request_within(&request, version, PATIENCE).await;
    let mut answer: FetchResponse = answer.expect("a node answers");
    answer.responses.remove(0).partitions.remove(0)
}

fn count(data: &PartitionData) -> i32 {
    let records = data.records.clone().unwrap_or_default();
    let batches = Batches::new(&records).map(|batch| batch.unwrap().0.records_count);
    batches.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn leaders_send_consumers_to_their_rack_and_followers_serve_what_is_committed() {
    let cluster = racked();
    let client = client(&cluster);
    create_topic(&cluster, TOPIC, 1, &[]).await;
    produce(&client, TOPIC, 0, &numbered("value", 3)).await;
    let leader = cluster.leader(TOPIC, 0);
    let follower = leader % 3 + 1;
    let (first, second) = (
        connection(&cluster, leader).await,
        connection(&cluster, follower).await,
    );

    // The leader serves whoever has no closer replica, and sends on who has one, without records.
    for (rack_id, version, expected, records) in [
        ("", BY_NAME, -1, 3),
        ("nowhere", BY_NAME, -1, 3),
        (rack(leader).as_str(), BY_NAME, -1, 3),
        (rack(follower).as_str(), LEADER_ONLY, -1, 3),
        (rack(follower).as_str(), BY_NAME, follower, 0),
    ] {
        let told = fetch(&first, TOPIC, version, rack_id, 0, 0).await;
        assert_eq!(ErrorCode::from(told.error_code), ErrorCode::None);
        assert_eq!(
            told.preferred_read_replica, expected,
            "{rack_id} v{version}"
        );
        assert_eq!(count(&told), records, "{rack_id} v{version}");
    }
    // What no replica in sync has comes from the leader: it alone knows.
    let beyond = fetch(&first, TOPIC, BY_NAME, &rack(follower), 99, 0).await;
    assert_eq!(
        ErrorCode::from(beyond.error_code),
        ErrorCode::OffsetOutOfRange
    );

    let refused = fetch(&second, TOPIC, LEADER_ONLY, "", 0, 0).await;
    assert_eq!(
        ErrorCode::from(refused.error_code),
        ErrorCode::NotLeaderOrFollower
    );
    // It hears soon that the last record is committed, though no other follows it.
    eventually("the follower serves all that is committed", || async {
        let read = fetch(&second, TOPIC, BY_NAME, &rack(follower), 0, 0).await;
        assert_eq!(ErrorCode::from(read.error_code), ErrorCode::None);
        assert_eq!(read.preferred_read_replica, -1);
        (count(&read) == 3 && read.high_watermark == 3).then_some(())
    })
    .await;
    let beyond = fetch(&second, TOPIC, BY_NAME, &rack(follower), 4, 0).await;
    assert_eq!(
        ErrorCode::from(beyond.error_code),
        ErrorCode::OffsetOutOfRange
    );

    // Who waits at a follower is woken by the next commit.
    let rack_id = rack(follower);
    let waiting = fetch(&second, TOPIC, BY_NAME, &rack_id, 3, WAIT_MS);
    let writing = async {
        // Nobody sees from outside that it waits: mostly it does by now, and no harm is done where it does not yet.
        tokio::time::sleep(Duration::from_millis(50)).await;
        produce(&client, TOPIC, 0, &numbered("later", 1)).await;
    };
    let (read, ()) = tokio::join!(waiting, writing);
    assert_eq!(count(&read), 1);
}
