//! Fetch sessions (KIP-227) of clients that do not wait for one answer before they go on.

use klamm_client::Connection;
use klamm_protocol::messages::{
    fetch_request::{FetchPartition, FetchRequest, FetchTopic, ReplicaState},
    fetch_response::FetchResponse,
};
use klamm_types::{ErrorCode, Uuid};
use std::time::Duration;

use crate::lab::{client, connection, create_topic, numbered, produce, shared_cluster};

const FETCH_VERSION: i16 = 18;
/// No fetch that waits for news is ever answered for want of them.
const LONG: Duration = Duration::from_secs(120);
const LIMIT: Duration = Duration::from_secs(60);

/// A request in a session that names these partitions, from their beginning.
fn request(session: (i32, i32), max_wait: Duration, topic_id: Uuid, named: &[i32]) -> FetchRequest {
    let partitions = named.iter().map(|partition| FetchPartition {
        partition: *partition,
        current_leader_epoch: -1,
        last_fetched_epoch: -1,
        log_start_offset: -1,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    });
    let topic = FetchTopic {
        topic_id,
        partitions: partitions.collect(),
        ..FetchTopic::default()
    };
    FetchRequest {
        replica_state: ReplicaState {
            replica_id: -1,
            replica_epoch: -1,
        },
        max_wait_ms: i32::try_from(max_wait.as_millis()).unwrap(),
        min_bytes: 1,
        max_bytes: 1 << 20,
        session_id: session.0,
        session_epoch: session.1,
        topics: match named {
            [] => Vec::new(),
            _ => vec![topic],
        },
        ..FetchRequest::default()
    }
}

async fn fetch(node: &Connection, request: &FetchRequest) -> FetchResponse {
    let response = node.request_within(request, FETCH_VERSION, LIMIT).await;
    let response: FetchResponse = response.unwrap();
    assert_eq!(response.error_code, ErrorCode::None.code());
    response
}

/// The partitions that brought records.
fn fetched(response: &FetchResponse) -> Vec<i32> {
    let partitions = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
    partitions
        .filter(|data| data.records.as_ref().is_some_and(|it| !it.is_empty()))
        .map(|data| data.partition_index)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_fetch_ends_when_its_client_goes_on() {
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let client = client(cluster);
    create_topic(cluster, "overtaken", 4, &[]).await;
    let view = client.refresh(Some(&["overtaken"])).await.unwrap();
    let topic = &view.topics["overtaken"];
    // Four partitions on three nodes: two have the same leader.
    let leader_of = |partition: usize| topic.partitions[partition].leader;
    let pair = (0..4).flat_map(|second| (0..second).map(move |first| (first, second)));
    let same = |(first, second): &(usize, usize)| leader_of(*first) == leader_of(*second);
    let (empty, full) = pair.into_iter().find(same).unwrap();
    let [empty_id, full_id] = [empty, full].map(|it| i32::try_from(it).unwrap());
    produce(&client, "overtaken", full_id, &numbered("value", 1)).await;

    let node = connection(cluster, leader_of(empty)).await;
    let begin = request((0, 0), Duration::ZERO, topic.id, &[empty_id]);
    let begun = fetch(&node, &begin).await;
    assert_ne!(begun.session_id, 0);
    // Both are under way at once, the first one with nothing to tell.
    let parked = request((begun.session_id, 1), LONG, topic.id, &[]);
    let next = request((begun.session_id, 2), LONG, topic.id, &[full_id]);
    let (first, second) = tokio::join!(fetch(&node, &parked), fetch(&node, &next));
    assert_eq!(fetched(&first), [0; 0]);
    assert_eq!(fetched(&second), [full_id]);
}
