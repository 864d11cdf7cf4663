//! Who fetches as a follower and is none: it gets no records, and is told what it can act upon.

use klamm_client::Connection;
use klamm_protocol::messages::fetch_request::{
    FetchPartition, FetchRequest, FetchTopic, ReplicaState,
};
use klamm_protocol::messages::fetch_response::FetchResponse;
use klamm_types::{ErrorCode as E, Uuid};

use crate::lab::{client, connection, create_topic, numbered, produce, shared_cluster};

/// Names topics by id, and followers with their registration.
const FETCH_VERSION: i16 = 17;
const CONSUMER: i32 = -1;
/// What looks into replicas calls itself so, Kafka's tools for instance.
const DEBUGGING: i32 = -2;

/// Error code and bytes of a fetch from the start of a partition.
async fn fetch(node: &Connection, topic_id: Uuid, who: (i32, i64)) -> (E, usize) {
    let request = FetchRequest {
        replica_state: ReplicaState {
            replica_id: who.0,
            replica_epoch: who.1,
        },
        max_wait_ms: 0,
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic_id,
            partitions: vec![FetchPartition {
                current_leader_epoch: 0,
                partition_max_bytes: 1 << 20,
                last_fetched_epoch: -1,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    let answer: FetchResponse = node.request(&request, FETCH_VERSION).await.unwrap();
    let data = &answer.responses[0].partitions[0];
    let records = data.records.as_ref().map_or(0, |records| records.len());
    (E::from(data.error_code), records)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_followers_are_served_as_such() {
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let client = client(cluster);
    create_topic(cluster, "followed", 1, &[]).await;
    produce(&client, "followed", 0, &numbered("value", 1)).await;
    let view = client.refresh(Some(&["followed"])).await.unwrap();
    let topic = &view.topics["followed"];
    let leader = topic.partitions[0].leader;
    let follower = leader % 3 + 1;
    let (first, second) = (
        connection(cluster, leader).await,
        connection(cluster, follower).await,
    );
    for (node, who, expected) in [
        (&first, (99, -1), E::UnknownLeaderEpoch),
        // The broker has registered since, and its follower has fetched.
        (&first, (follower, 0), E::NotLeaderOrFollower),
        (&second, (leader, -1), E::NotLeaderOrFollower),
        (&first, (CONSUMER, -1), E::None),
        (&second, (CONSUMER, -1), E::None),
        (&first, (DEBUGGING, -1), E::None),
        (&second, (DEBUGGING, -1), E::None),
    ] {
        let (code, bytes) = fetch(node, topic.id, who).await;
        assert_eq!(code, expected, "{who:?}");
        let sees_uncommitted = who.0 == DEBUGGING;
        assert!(expected.is_none() || bytes == 0, "{who:?}");
        assert!(!sees_uncommitted || bytes > 0, "{who:?}");
    }
}
