//! Groups and their offsets.

use super::Scene;
use crate::asking::{Asking, assert_code, fresh};
use bytes::Bytes;
use klamm_protocol::messages::{
    delete_groups_request::DeleteGroupsRequest,
    describe_groups_request::DescribeGroupsRequest,
    find_coordinator_request::FindCoordinatorRequest,
    heartbeat_request::HeartbeatRequest,
    join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol},
    leave_group_request::{LeaveGroupRequest, MemberIdentity},
    list_groups_request::ListGroupsRequest,
    offset_commit_request::{
        OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    },
    offset_delete_request::{
        OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
    },
    offset_fetch_request::{
        OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic,
        OffsetFetchRequestTopics,
    },
    sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment},
};
use klamm_types::{ErrorCode, Uuid};

/// What the only member offers as its subscription; brokers do not look into it.
const SUBSCRIPTION: &[u8] = b"\0\x01\0\0\0\0\0\0\0\0\0\0\0\0";
/// What the leader assigns.
const ASSIGNMENT: &[u8] = b"assignment";

/// The only member of a group.
pub(super) struct Member {
    pub(super) coordinator: Asking,
    pub(super) group: String,
    pub(super) id: String,
    pub(super) generation: i32,
}

impl Member {
    /// Joins a new group in the newest version.
    pub(super) fn join(scene: &Scene) -> Member {
        Member::join_in(scene, 9)
    }

    /// Joins a new group in a version.
    fn join_in(scene: &Scene, version: i16) -> Member {
        let group = fresh("group");
        let mut coordinator = Asking::coordinator(scene.cluster, &group);
        let mut request = join_request(&group);
        let mut answer = coordinator.ask(&request, version);
        if version >= 4 {
            assert_code("join", answer.error_code, ErrorCode::MemberIdRequired);
            request.member_id = answer.member_id;
            answer = coordinator.ask(&request, version);
        }
        assert_code("join", answer.error_code, ErrorCode::None);
        assert_eq!(answer.generation_id, 1);
        assert_eq!(answer.leader, answer.member_id);
        assert_eq!(answer.protocol_name.as_deref(), Some("range"));
        let kind = (version >= 7).then_some("consumer");
        assert_eq!(answer.protocol_type.as_deref(), kind);
        assert_eq!(answer.members.len(), 1);
        assert_eq!(answer.members[0].member_id, answer.member_id);
        assert_eq!(answer.members[0].metadata, SUBSCRIPTION);
        Member {
            coordinator,
            group,
            id: answer.member_id,
            generation: answer.generation_id,
        }
    }

    /// Assigns itself what there is.
    pub(super) fn sync(mut self, version: i16) -> Member {
        let has_protocol = version >= 5;
        let request = SyncGroupRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            protocol_type: has_protocol.then(|| "consumer".to_owned()),
            protocol_name: has_protocol.then(|| "range".to_owned()),
            assignments: vec![SyncGroupRequestAssignment {
                member_id: self.id.clone(),
                assignment: Bytes::from_static(ASSIGNMENT),
            }],
            ..Default::default()
        };
        let answer = self.coordinator.ask(&request, version);
        assert_code("sync", answer.error_code, ErrorCode::None);
        assert_eq!(answer.assignment, ASSIGNMENT);
        assert_eq!(answer.protocol_name.is_some(), has_protocol);
        self
    }

    /// Commits an offset of partition 0.
    fn commit(&mut self, scene: &Scene, version: i16) {
        let mut request = commit_request(scene, &self.group, version);
        request.generation_id_or_member_epoch = self.generation;
        request.member_id = self.id.clone();
        let answer = self.coordinator.ask(&request, version);
        let topic = &answer.topics[0];
        match version {
            ..10 => assert_eq!(topic.name, scene.topic),
            10.. => assert_eq!(topic.topic_id, scene.topic_id),
        }
        assert_code("commit", topic.partitions[0].error_code, ErrorCode::None);
    }

    pub(super) fn leave(&mut self, version: i16) {
        let identity = MemberIdentity {
            member_id: self.id.clone(),
            reason: (version >= 5).then(|| "done".to_owned()),
            ..Default::default()
        };
        let mut request = LeaveGroupRequest {
            group_id: self.group.clone(),
            ..Default::default()
        };
        match version {
            ..3 => request.member_id = self.id.clone(),
            3.. => request.members = vec![identity],
        }
        let answer = self.coordinator.ask(&request, version);
        assert_code("leave", answer.error_code, ErrorCode::None);
        if version >= 3 {
            assert_eq!(answer.members[0].member_id, self.id);
            assert_code("member", answer.members[0].error_code, ErrorCode::None);
        }
    }
}

/// A first request to join.
pub(super) fn join_request(group: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.to_owned(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 30_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".to_owned(),
            metadata: Bytes::from_static(SUBSCRIPTION),
        }],
        ..Default::default()
    }
}

/// A commit by nobody in particular.
pub(super) fn commit_request(scene: &Scene, group: &str, version: i16) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: group.to_owned(),
        topics: vec![OffsetCommitRequestTopic {
            name: scene.topic.clone(),
            topic_id: if version >= 10 {
                scene.topic_id
            } else {
                Uuid::ZERO
            },
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: 2,
                committed_leader_epoch: 0,
                committed_metadata: Some("note".to_owned()),
            }],
        }],
        ..Default::default()
    }
}

pub(super) fn find_coordinator(scene: &Scene, version: i16) {
    let group = fresh("found");
    let known = Asking::coordinator(scene.cluster, &group);
    drop(known);
    let mut broker = Asking::any(scene.cluster);
    let ids = scene.cluster.broker_ids();
    if version >= 4 {
        let request = FindCoordinatorRequest {
            coordinator_keys: vec![group.clone(), fresh("found")],
            ..Default::default()
        };
        let answer = broker.ask(&request, version);
        assert_eq!(answer.coordinators.len(), 2);
        assert_eq!(answer.coordinators[0].key, group);
        for found in &answer.coordinators {
            assert_code("coordinator", found.error_code, ErrorCode::None);
            assert!(ids.contains(&found.node_id) && found.port > 0);
        }
        return;
    }
    let request = FindCoordinatorRequest {
        key: group,
        coordinator_keys: vec![],
        ..Default::default()
    };
    let answer = broker.ask(&request, version);
    assert_code("coordinator", answer.error_code, ErrorCode::None);
    assert!(ids.contains(&answer.node_id) && answer.port > 0);
}

pub(super) fn join_group(scene: &Scene, version: i16) {
    Member::join_in(scene, version);
}

pub(super) fn sync_group(scene: &Scene, version: i16) {
    Member::join(scene).sync(version);
}

pub(super) fn heartbeat(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    let request = HeartbeatRequest {
        group_id: member.group.clone(),
        generation_id: member.generation,
        member_id: member.id.clone(),
        ..Default::default()
    };
    let answer = member.coordinator.ask(&request, version);
    assert_code("heartbeat", answer.error_code, ErrorCode::None);
}

pub(super) fn leave_group(scene: &Scene, version: i16) {
    Member::join(scene).sync(5).leave(version);
}

pub(super) fn offset_commit(scene: &Scene, version: i16) {
    Member::join(scene).sync(5).commit(scene, version);
}

pub(super) fn offset_fetch(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    member.commit(scene, 9);
    let mut request = fetch_request(scene, &member.group, version);
    check_offsets(scene, &mut member.coordinator, &request, version);
    // All topics of the group.
    match version {
        ..2 => return,
        2..8 => request.topics = None,
        8.. => request.groups[0].topics = None,
    }
    check_offsets(scene, &mut member.coordinator, &request, version);
}

/// Asks for partition 0.
pub(super) fn fetch_request(scene: &Scene, group: &str, version: i16) -> OffsetFetchRequest {
    let mut request = OffsetFetchRequest {
        require_stable: version >= 7,
        ..Default::default()
    };
    if version >= 8 {
        request.groups = vec![OffsetFetchRequestGroup {
            group_id: group.to_owned(),
            topics: Some(vec![OffsetFetchRequestTopics {
                name: scene.topic.clone(),
                topic_id: if version >= 10 {
                    scene.topic_id
                } else {
                    Uuid::ZERO
                },
                partition_indexes: vec![0],
            }]),
            ..Default::default()
        }];
        return request;
    }
    request.group_id = group.to_owned();
    request.topics = Some(vec![OffsetFetchRequestTopic {
        name: scene.topic.clone(),
        partition_indexes: vec![0],
    }]);
    request
}

fn check_offsets(scene: &Scene, to: &mut Asking, request: &OffsetFetchRequest, version: i16) {
    let answer = to.ask(request, version);
    if version >= 8 {
        let group = &answer.groups[0];
        assert_eq!(group.group_id, request.groups[0].group_id);
        assert_code("group", group.error_code, ErrorCode::None);
        let topic = &group.topics[0];
        match version {
            ..10 => assert_eq!(topic.name, scene.topic),
            10.. => assert_eq!(topic.topic_id, scene.topic_id),
        }
        let partition = &topic.partitions[0];
        assert_code("partition", partition.error_code, ErrorCode::None);
        assert_eq!(
            (partition.committed_offset, partition.committed_leader_epoch),
            (2, 0)
        );
        assert_eq!(partition.metadata.as_deref(), Some("note"));
        return;
    }
    assert_code("offsets", answer.error_code, ErrorCode::None);
    assert_eq!(answer.topics[0].name, scene.topic);
    let partition = &answer.topics[0].partitions[0];
    assert_code("partition", partition.error_code, ErrorCode::None);
    assert_eq!(partition.committed_offset, 2);
    assert_eq!(
        partition.committed_leader_epoch,
        if version >= 5 { 0 } else { -1 }
    );
    assert_eq!(partition.metadata.as_deref(), Some("note"));
}

pub(super) fn describe_groups(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    let request = DescribeGroupsRequest {
        groups: vec![member.group.clone()],
        include_authorized_operations: version >= 3,
    };
    let answer = member.coordinator.ask(&request, version);
    let group = &answer.groups[0];
    assert_code("group", group.error_code, ErrorCode::None);
    assert_eq!(
        (&group.group_id, group.group_state.as_str()),
        (&member.group, "Stable")
    );
    assert_eq!(
        (group.protocol_type.as_str(), group.protocol_data.as_str()),
        ("consumer", "range")
    );
    let described = &group.members[0];
    assert_eq!(
        (&described.member_id, described.client_id.as_str()),
        (&member.id, "klamm-it")
    );
    assert!(
        described.client_host.starts_with('/'),
        "{}",
        described.client_host
    );
    assert_eq!(described.member_metadata, SUBSCRIPTION);
    assert_eq!(described.member_assignment, ASSIGNMENT);
}

pub(super) fn list_groups(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    let mut request = ListGroupsRequest::default();
    if version >= 4 {
        request.states_filter = vec!["Stable".to_owned()];
    }
    if version >= 5 {
        request.types_filter = vec!["classic".to_owned()];
    }
    let answer = member.coordinator.ask(&request, version);
    assert_code("list groups", answer.error_code, ErrorCode::None);
    let listed = answer
        .groups
        .iter()
        .find(|group| group.group_id == member.group);
    let listed = listed.expect("the group is listed");
    assert_eq!(listed.protocol_type, "consumer");
    assert_eq!(listed.group_state, if version >= 4 { "Stable" } else { "" });
    assert_eq!(listed.group_type, if version >= 5 { "classic" } else { "" });
}

pub(super) fn delete_groups(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    member.commit(scene, 9);
    member.leave(5);
    let request = DeleteGroupsRequest {
        groups_names: vec![member.group.clone()],
    };
    let answer = member.coordinator.ask(&request, version);
    assert_eq!(answer.results[0].group_id, member.group);
    assert_code(
        "delete group",
        answer.results[0].error_code,
        ErrorCode::None,
    );
}

/// Forgets the offset of partition 0.
pub(super) fn offset_delete_request(topic: &str, group: &str) -> OffsetDeleteRequest {
    OffsetDeleteRequest {
        group_id: group.to_owned(),
        topics: vec![OffsetDeleteRequestTopic {
            name: topic.to_owned(),
            partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }],
        }],
    }
}

pub(super) fn offset_delete(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    member.commit(scene, 9);
    member.leave(5);
    let request = offset_delete_request(&scene.topic, &member.group);
    let answer = member.coordinator.ask(&request, version);
    assert_code("offset delete", answer.error_code, ErrorCode::None);
    let partition = &answer.topics[0].partitions[0];
    assert_code("partition", partition.error_code, ErrorCode::None);
    let left = member
        .coordinator
        .ask(&fetch_request(scene, &member.group, 9), 9);
    let left = &left.groups[0].topics[0].partitions[0];
    assert_eq!(left.committed_offset, -1, "the offset is gone");
}
