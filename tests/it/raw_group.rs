//! A group's protocol, request by request.

use std::collections::BTreeMap;

use bytes::Bytes;
use klamm_protocol::Request;
use klamm_protocol::messages::{
    find_coordinator_request::FindCoordinatorRequest,
    heartbeat_request::HeartbeatRequest,
    join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol},
    join_group_response::JoinGroupResponse,
    offset_commit_request::{
        OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    },
    offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestTopic},
    sync_group_request::SyncGroupRequest,
};
use klamm_tests::Cluster;
use klamm_types::ErrorCode;

use crate::lab::{eventually, try_connection};

/// Longer than any test is without a coordinator.
const SESSION_TIMEOUT_MS: i32 = 120_000;

/// A group that reads one topic. Requests are repeated until a coordinator answers them.
pub(crate) struct RawGroup<'a> {
    cluster: &'a Cluster,
    group: &'static str,
    topic: &'static str,
}

impl<'a> RawGroup<'a> {
    pub(crate) fn new(cluster: &'a Cluster, group: &'static str, topic: &'static str) -> Self {
        Self {
            cluster,
            group,
            topic,
        }
    }

    /// The node that coordinates the group.
    pub(crate) async fn coordinator(&self) -> i32 {
        let find = FindCoordinatorRequest {
            key: self.group.to_owned(),
            ..FindCoordinatorRequest::default()
        };
        let find = &find;
        eventually("the group has a coordinator", || async move {
            for id in self.cluster.broker_ids() {
                let Ok(broker) = try_connection(self.cluster, id).await else {
                    continue;
                };
                match broker.request(find, 3).await {
                    Ok(found) if found.error_code == 0 => return Some(found.node_id),
                    _ => {}
                }
            }
            None
        })
        .await
    }

    /// Joins as `member` (a new one if empty) and as the only one; its id and the generation.
    pub(crate) async fn join(&self, member: &str) -> (String, i32) {
        let mut request = JoinGroupRequest {
            group_id: self.group.to_owned(),
            session_timeout_ms: SESSION_TIMEOUT_MS,
            rebalance_timeout_ms: SESSION_TIMEOUT_MS,
            member_id: member.to_owned(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".to_owned(),
                metadata: Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            }],
            ..JoinGroupRequest::default()
        };
        let code = |answer: &JoinGroupResponse| answer.error_code;
        let mut joined = self.ask(&request, 7, code).await;
        if joined.error_code == ErrorCode::MemberIdRequired.code() {
            request.member_id = joined.member_id;
            joined = self.ask(&request, 7, code).await;
        }
        assert_eq!(
            ErrorCode::from(joined.error_code),
            ErrorCode::None,
            "joining"
        );
        let sync = SyncGroupRequest {
            group_id: self.group.to_owned(),
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            ..SyncGroupRequest::default()
        };
        let synced = self.ask(&sync, 4, |answer| answer.error_code).await;
        assert_eq!(
            ErrorCode::from(synced.error_code),
            ErrorCode::None,
            "syncing"
        );
        (joined.member_id, joined.generation_id)
    }

    pub(crate) async fn heartbeat(&self, member: &str, generation: i32) -> ErrorCode {
        let request = HeartbeatRequest {
            group_id: self.group.to_owned(),
            generation_id: generation,
            member_id: member.to_owned(),
            ..HeartbeatRequest::default()
        };
        let answer = self.ask(&request, 4, |answer| answer.error_code).await;
        ErrorCode::from(answer.error_code)
    }

    /// Commits offsets of partitions; the first one's error code.
    pub(crate) async fn commit(
        &self,
        member: &str,
        generation: i32,
        offsets: &[(i32, i64)],
    ) -> ErrorCode {
        let partitions = offsets
            .iter()
            .map(|&(index, offset)| OffsetCommitRequestPartition {
                partition_index: index,
                committed_offset: offset,
                ..OffsetCommitRequestPartition::default()
            });
        let request = OffsetCommitRequest {
            group_id: self.group.to_owned(),
            generation_id_or_member_epoch: generation,
            member_id: member.to_owned(),
            topics: vec![OffsetCommitRequestTopic {
                name: self.topic.to_owned(),
                partitions: partitions.collect(),
                ..OffsetCommitRequestTopic::default()
            }],
            ..OffsetCommitRequest::default()
        };
        let answer = self
            .ask(&request, 8, |answer| {
                answer.topics[0].partitions[0].error_code
            })
            .await;
        ErrorCode::from(answer.topics[0].partitions[0].error_code)
    }

    /// The committed offsets of the topic's first partitions, of those that have any.
    pub(crate) async fn committed(&self) -> BTreeMap<i32, i64> {
        let request = OffsetFetchRequest {
            group_id: self.group.to_owned(),
            topics: Some(vec![OffsetFetchRequestTopic {
                name: self.topic.to_owned(),
                partition_indexes: (0..8).collect(),
            }]),
            ..OffsetFetchRequest::default()
        };
        let answer = self.ask(&request, 7, |answer| answer.error_code).await;
        assert_eq!(
            ErrorCode::from(answer.error_code),
            ErrorCode::None,
            "fetching offsets"
        );
        let partitions = answer.topics.into_iter().flat_map(|topic| topic.partitions);
        let committed = partitions.filter(|partition| partition.committed_offset >= 0);
        committed
            .map(|partition| (partition.partition_index, partition.committed_offset))
            .collect()
    }

    /// The coordinator's answer, once there is a coordinator that has loaded the group.
    async fn ask<R: Request>(
        &self,
        request: &R,
        version: i16,
        code: impl Fn(&R::Response) -> i16,
    ) -> R::Response {
        let code = &code;
        eventually("the coordinator answers", || async move {
            let coordinator = self.coordinator().await;
            let coordinator = try_connection(self.cluster, coordinator).await.ok()?;
            let answer = coordinator.request(request, version).await.ok()?;
            let is_away = matches!(
                ErrorCode::from(code(&answer)),
                ErrorCode::NotCoordinator
                    | ErrorCode::CoordinatorNotAvailable
                    | ErrorCode::CoordinatorLoadInProgress
            );
            (!is_away).then_some(answer)
        })
        .await
    }
}
