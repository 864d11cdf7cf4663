//! A member of a group: joining, rebalances, commits.

#![allow(clippy::unwrap_used, reason = "tests")]

mod scripted_broker;

use bytes::Bytes;
use klamm_client::{
    Client, ClientOptions, ConsumedRecord, GroupConsumer, GroupOptions, StartOffset,
};
use klamm_protocol::{
    ApiKey,
    messages::{
        AnyRequest, AnyResponse,
        consumer_protocol_assignment::ConsumerProtocolAssignment,
        fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData},
        find_coordinator_response::{Coordinator, FindCoordinatorResponse},
        heartbeat_response::HeartbeatResponse,
        join_group_response::{JoinGroupResponse, JoinGroupResponseMember},
        leave_group_response::LeaveGroupResponse,
        offset_commit_response::{
            OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
        },
        offset_fetch_response::{
            OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartitions,
            OffsetFetchResponseTopics,
        },
        sync_group_response::SyncGroupResponse,
    },
    record,
};
use klamm_records::BatchBuilder;
use klamm_types::ErrorCode;
use scripted_broker::{Call, Reply, ScriptedBroker, TOPIC_ID, metadata};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

/// A coordinator of one member `m`, which must say `true` in `rebalance` to make its heartbeats ask for another
/// round. Partition 0 of `t` has one record at each offset, the committed offset is 5.
async fn coordinator(rebalance: Arc<AtomicI32>) -> ScriptedBroker {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let generation = AtomicI32::new(0);
    ScriptedBroker::over(listener, move |call| match &call.request {
        AnyRequest::ApiVersions(_) => Reply::Silence,
        AnyRequest::Metadata(_) => metadata(&[(1, address)], &[1]).into(),
        AnyRequest::FindCoordinator(_) => found(address).into(),
        AnyRequest::JoinGroup(request) if request.member_id.is_empty() => {
            AnyResponse::JoinGroup(Box::new(JoinGroupResponse {
                error_code: ErrorCode::MemberIdRequired.code(),
                member_id: "m".to_owned(),
                ..JoinGroupResponse::default()
            }))
            .into()
        }
        AnyRequest::JoinGroup(request) => {
            rebalance.store(0, Ordering::SeqCst);
            AnyResponse::JoinGroup(Box::new(JoinGroupResponse {
                generation_id: generation.fetch_add(1, Ordering::SeqCst) + 1,
                protocol_name: Some(request.protocols[0].name.clone()),
                leader: "m".to_owned(),
                member_id: "m".to_owned(),
                members: vec![JoinGroupResponseMember {
                    member_id: "m".to_owned(),
                    metadata: request.protocols[0].metadata.clone(),
                    ..JoinGroupResponseMember::default()
                }],
                ..JoinGroupResponse::default()
            }))
            .into()
        }
        AnyRequest::SyncGroup(request) => AnyResponse::SyncGroup(Box::new(SyncGroupResponse {
            assignment: request.assignments[0].assignment.clone(),
            ..SyncGroupResponse::default()
        }))
        .into(),
        AnyRequest::Heartbeat(_) => AnyResponse::Heartbeat(Box::new(HeartbeatResponse {
            error_code: rebalance.load(Ordering::SeqCst) as i16,
            ..HeartbeatResponse::default()
        }))
        .into(),
        AnyRequest::OffsetFetch(_) => committed(5).into(),
        AnyRequest::OffsetCommit(_) => accepted().into(),
        AnyRequest::LeaveGroup(_) => {
            AnyResponse::LeaveGroup(Box::<LeaveGroupResponse>::default()).into()
        }
        AnyRequest::Fetch(request) => {
            one_record(request.topics[0].partitions[0].fetch_offset).into()
        }
        other => panic!("unexpected {other:?}"),
    })
}

fn found(address: SocketAddr) -> AnyResponse {
    AnyResponse::FindCoordinator(Box::new(FindCoordinatorResponse {
        coordinators: vec![Coordinator {
            key: "g".to_owned(),
            node_id: 1,
            host: address.ip().to_string(),
            port: i32::from(address.port()),
            ..Coordinator::default()
        }],
        ..FindCoordinatorResponse::default()
    }))
}

fn committed(offset: i64) -> AnyResponse {
    AnyResponse::OffsetFetch(Box::new(OffsetFetchResponse {
        groups: vec![OffsetFetchResponseGroup {
            group_id: "g".to_owned(),
            topics: vec![OffsetFetchResponseTopics {
                name: "t".to_owned(),
                partitions: vec![OffsetFetchResponsePartitions {
                    committed_offset: offset,
                    ..OffsetFetchResponsePartitions::default()
                }],
                ..OffsetFetchResponseTopics::default()
            }],
            ..OffsetFetchResponseGroup::default()
        }],
        ..OffsetFetchResponse::default()
    }))
}

fn accepted() -> AnyResponse {
    AnyResponse::OffsetCommit(Box::new(OffsetCommitResponse {
        topics: vec![OffsetCommitResponseTopic {
            name: "t".to_owned(),
            partitions: vec![OffsetCommitResponsePartition::default()],
            ..OffsetCommitResponseTopic::default()
        }],
        ..OffsetCommitResponse::default()
    }))
}

fn one_record(offset: i64) -> AnyResponse {
    let mut builder = BatchBuilder::new(offset);
    builder.append(0, None, Some(b"v"), &[]);
    let records: Bytes = builder.build().unwrap();
    AnyResponse::Fetch(Box::new(FetchResponse {
        responses: vec![FetchableTopicResponse {
            topic_id: TOPIC_ID,
            partitions: vec![PartitionData {
                high_watermark: offset + 1,
                records: Some(records),
                ..PartitionData::default()
            }],
            ..FetchableTopicResponse::default()
        }],
        ..FetchResponse::default()
    }))
}

fn member(broker: &ScriptedBroker) -> GroupConsumer {
    let client = Client::new([broker.address.to_string()], ClientOptions::default());
    let options = GroupOptions {
        start: StartOffset::Earliest,
        heartbeat_interval: Duration::from_millis(5),
        auto_commit: None,
        ..GroupOptions::default()
    };
    GroupConsumer::new(client, "g", ["t"], options)
}

async fn next(member: &mut GroupConsumer) -> ConsumedRecord {
    loop {
        let mut records = member.poll().await.unwrap();
        if let Some(record) = records.pop() {
            assert!(records.is_empty(), "each response has one record");
            return record;
        }
    }
}

fn commits(broker: &ScriptedBroker) -> Vec<(i32, i64)> {
    let offset = |call: &Call| match &call.request {
        AnyRequest::OffsetCommit(request) => {
            let offset = request.topics[0].partitions[0].committed_offset;
            (request.generation_id_or_member_epoch, offset)
        }
        other => panic!("unexpected {other:?}"),
    };
    broker
        .calls(ApiKey::OffsetCommit)
        .iter()
        .map(offset)
        .collect()
}

#[tokio::test]
async fn a_member_joins_reads_on_at_the_committed_offset_commits_and_leaves() {
    let broker = coordinator(Arc::default()).await;
    let mut member = member(&broker);
    assert_eq!(next(&mut member).await.offset, 5);
    assert_eq!(next(&mut member).await.offset, 6);
    assert_eq!(member.assignment(), [("t".into(), 0)]);
    member.commit().await.unwrap();
    member.commit().await.unwrap();
    assert_eq!(
        commits(&broker),
        [(1, 7)],
        "nothing changed before the second commit"
    );
    member.close().await.unwrap();

    let joins: Vec<String> = broker
        .calls(ApiKey::JoinGroup)
        .iter()
        .map(|call| match &call.request {
            AnyRequest::JoinGroup(request) => request.member_id.clone(),
            other => panic!("unexpected {other:?}"),
        })
        .collect();
    assert_eq!(joins, ["", "m"], "the coordinator draws the id of a member");
    let AnyRequest::SyncGroup(sync) = &broker.calls(ApiKey::SyncGroup)[0].request else {
        panic!("not a sync");
    };
    let share: ConsumerProtocolAssignment =
        record::decode_versioned(sync.assignments[0].assignment.clone()).unwrap();
    assert_eq!(share.assigned_partitions[0].topic, "t");
    assert_eq!(share.assigned_partitions[0].partitions, [0]);
    let AnyRequest::LeaveGroup(leave) = &broker.calls(ApiKey::LeaveGroup)[0].request else {
        panic!("not a leave");
    };
    assert_eq!(leave.members[0].member_id, "m");
}

#[tokio::test]
async fn a_rebalance_makes_the_member_join_again_with_its_id() {
    let rebalance = Arc::new(AtomicI32::new(0));
    let broker = coordinator(rebalance.clone()).await;
    let mut member = member(&broker);
    assert_eq!(next(&mut member).await.offset, 5);
    rebalance.store(
        ErrorCode::RebalanceInProgress.code().into(),
        Ordering::SeqCst,
    );
    // Reads on until it joins again, and then begins anew, since nothing was committed.
    while next(&mut member).await.offset != 5 {}
    assert_eq!(broker.calls(ApiKey::SyncGroup).len(), 2);
    member.commit().await.unwrap();
    assert_eq!(commits(&broker), [(2, 6)]);
    assert_eq!(broker.calls(ApiKey::JoinGroup).len(), 3);
}
