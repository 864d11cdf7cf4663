//! Requests of groups that are refused, in versions old and new.

use super::{
    Scene,
    group::{Member, commit_request, fetch_request, join_request, offset_delete_request},
};
use crate::asking::{Asking, assert_code, fresh};
use klamm_protocol::messages::{
    delete_groups_request::DeleteGroupsRequest,
    describe_groups_request::DescribeGroupsRequest,
    find_coordinator_request::FindCoordinatorRequest,
    heartbeat_request::HeartbeatRequest,
    leave_group_request::{LeaveGroupRequest, MemberIdentity},
    sync_group_request::SyncGroupRequest,
};
use klamm_types::{ErrorCode, Uuid};

pub(super) fn find_coordinator(scene: &Scene, version: i16) {
    if version < 1 {
        return;
    }
    let mut request = FindCoordinatorRequest {
        key_type: 9,
        ..Default::default()
    };
    match version {
        ..4 => request.key = "group".to_owned(),
        4.. => request.coordinator_keys = vec!["group".to_owned()],
    }
    let answer = Asking::any(scene.cluster).ask(&request, version);
    let (code, node_id) = match answer.coordinators.first() {
        Some(found) => (found.error_code, found.node_id),
        None => (answer.error_code, answer.node_id),
    };
    assert_code("key type 9", code, ErrorCode::InvalidRequest);
    assert_eq!(node_id, -1);
}

pub(super) fn offset_commit(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    let mut code = |group: &str, id: &str, generation, unknown_topic: bool| {
        let mut request = commit_request(scene, group, version);
        request.member_id = id.to_owned();
        request.generation_id_or_member_epoch = generation;
        if unknown_topic {
            request.topics[0].name = fresh("missing");
            request.topics[0].topic_id = if version >= 10 {
                Uuid([7; 16])
            } else {
                Uuid::ZERO
            };
        }
        let answer = member.coordinator.ask(&request, version);
        answer.topics[0].partitions[0].error_code
    };
    let (group, id) = (member.group.clone(), member.id.clone());
    let stranger = code(&group, "stranger", 1, false);
    assert_code("stranger", stranger, ErrorCode::UnknownMemberId);
    let generation = code(&group, &id, 9, false);
    assert_code("generation 9", generation, ErrorCode::IllegalGeneration);
    let unknown = match version {
        ..10 => ErrorCode::UnknownTopicOrPartition,
        10.. => ErrorCode::UnknownTopicId,
    };
    assert_code("topic", code(&group, &id, 1, true), unknown);
}

pub(super) fn offset_fetch(scene: &Scene, version: i16) {
    let group = fresh("unheard-of");
    let mut coordinator = Asking::coordinator(scene.cluster, &group);
    let answer = coordinator.ask(&fetch_request(scene, &group, version), version);
    if version >= 8 {
        assert_code("group", answer.groups[0].error_code, ErrorCode::None);
        let partition = &answer.groups[0].topics[0].partitions[0];
        assert_code("partition", partition.error_code, ErrorCode::None);
        assert_eq!(
            (partition.committed_offset, partition.committed_leader_epoch),
            (-1, -1)
        );
        assert_eq!(partition.metadata.as_deref(), Some(""));
    } else {
        assert_code("group", answer.error_code, ErrorCode::None);
        let partition = &answer.topics[0].partitions[0];
        assert_code("partition", partition.error_code, ErrorCode::None);
        assert_eq!(
            (partition.committed_offset, partition.committed_leader_epoch),
            (-1, -1)
        );
        assert_eq!(partition.metadata.as_deref(), Some(""));
    }
    if version >= 10 {
        let mut request = fetch_request(scene, &group, version);
        request.groups[0].topics.as_mut().unwrap()[0].topic_id = Uuid([7; 16]);
        let answer = coordinator.ask(&request, version);
        let partition = &answer.groups[0].topics[0].partitions[0];
        assert_code(
            "unknown id",
            partition.error_code,
            ErrorCode::UnknownTopicId,
        );
    }
}

pub(super) fn join_group(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    let good = join_request(&member.group);
    let mut requests = vec![];
    let mut request = good.clone();
    request.group_id = String::new();
    requests.push((request, ErrorCode::InvalidGroupId));
    let mut request = good.clone();
    request.session_timeout_ms = 1;
    requests.push((request, ErrorCode::InvalidSessionTimeout));
    let mut request = good.clone();
    request.member_id = "stranger".to_owned();
    requests.push((request, ErrorCode::UnknownMemberId));
    let mut request = good.clone();
    request.member_id = member.id.clone();
    request.protocol_type = "connect".to_owned();
    requests.push((request, ErrorCode::InconsistentGroupProtocol));
    let mut request = good;
    request.member_id = member.id.clone();
    request.protocols.clear();
    requests.push((request, ErrorCode::InconsistentGroupProtocol));
    for (request, expected) in requests {
        let answer = member.coordinator.ask(&request, version);
        assert_code("join", answer.error_code, expected);
        assert_eq!(answer.generation_id, -1);
        assert!(answer.members.is_empty());
    }
}

pub(super) fn heartbeat(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    let id = member.id.clone();
    for (member_id, generation_id, expected) in [
        ("stranger", 1, ErrorCode::UnknownMemberId),
        (id.as_str(), 9, ErrorCode::IllegalGeneration),
    ] {
        let request = HeartbeatRequest {
            group_id: member.group.clone(),
            generation_id,
            member_id: member_id.to_owned(),
            ..Default::default()
        };
        let answer = member.coordinator.ask(&request, version);
        assert_code("heartbeat", answer.error_code, expected);
    }
}

pub(super) fn leave_group(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    let mut request = LeaveGroupRequest {
        group_id: member.group.clone(),
        ..Default::default()
    };
    match version {
        ..3 => request.member_id = "stranger".to_owned(),
        3.. => {
            request.members = vec![MemberIdentity {
                member_id: "stranger".to_owned(),
                ..Default::default()
            }];
        }
    }
    let answer = member.coordinator.ask(&request, version);
    if version < 3 {
        assert_code("leave", answer.error_code, ErrorCode::UnknownMemberId);
    } else {
        assert_code("leave", answer.error_code, ErrorCode::None);
        assert_code(
            "member",
            answer.members[0].error_code,
            ErrorCode::UnknownMemberId,
        );
    }
}

pub(super) fn sync_group(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    let id = member.id.clone();
    let has_protocol = version >= 5;
    for (member_id, generation_id, protocol, expected) in [
        ("stranger", 1, "range", ErrorCode::UnknownMemberId),
        (id.as_str(), 9, "range", ErrorCode::IllegalGeneration),
        (
            id.as_str(),
            1,
            "other",
            ErrorCode::InconsistentGroupProtocol,
        ),
    ] {
        if protocol == "other" && !has_protocol {
            continue;
        }
        let request = SyncGroupRequest {
            group_id: member.group.clone(),
            generation_id,
            member_id: member_id.to_owned(),
            protocol_type: has_protocol.then(|| "consumer".to_owned()),
            protocol_name: has_protocol.then(|| protocol.to_owned()),
            ..Default::default()
        };
        let answer = member.coordinator.ask(&request, version);
        assert_code("sync", answer.error_code, expected);
        assert!(answer.assignment.is_empty());
    }
}

pub(super) fn describe_groups(scene: &Scene, version: i16) {
    let group = fresh("unheard-of");
    let mut coordinator = Asking::coordinator(scene.cluster, &group);
    let request = DescribeGroupsRequest {
        groups: vec![group],
        ..Default::default()
    };
    let answer = coordinator.ask(&request, version);
    let described = &answer.groups[0];
    let expected = match version {
        ..6 => ErrorCode::None,
        6.. => ErrorCode::GroupIdNotFound,
    };
    assert_code("unheard-of", described.error_code, expected);
    assert_eq!(described.group_state, "Dead");
    assert_eq!(described.error_message.is_some(), version >= 6);
}

pub(super) fn delete_groups(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    let mut code = |group: &str| {
        let request = DeleteGroupsRequest {
            groups_names: vec![group.to_owned()],
        };
        member.coordinator.ask(&request, version).results[0].error_code
    };
    let group = member.group.clone();
    assert_code("with members", code(&group), ErrorCode::NonEmptyGroup);
    // The coordinator of one group knows nothing of groups that others look after.
    let other = code(&fresh("unheard-of"));
    let known = [ErrorCode::GroupIdNotFound, ErrorCode::NotCoordinator];
    assert!(known.map(ErrorCode::code).contains(&other), "code {other}");
}

pub(super) fn offset_delete(scene: &Scene, version: i16) {
    let mut member = Member::join(scene).sync(5);
    // Its subscription names no topic, so only the group can be wrong.
    let group = fresh("unheard-of");
    let mut coordinator = Asking::coordinator(scene.cluster, &group);
    let request = offset_delete_request(&scene.topic, &group);
    let answer = coordinator.ask(&request, version);
    assert_code("unheard-of", answer.error_code, ErrorCode::GroupIdNotFound);
    assert!(answer.topics.is_empty());
    let request = offset_delete_request(&fresh("missing"), &member.group);
    let answer = member.coordinator.ask(&request, version);
    let partition = &answer.topics[0].partitions[0];
    assert_code(
        "topic",
        partition.error_code,
        ErrorCode::UnknownTopicOrPartition,
    );
}
