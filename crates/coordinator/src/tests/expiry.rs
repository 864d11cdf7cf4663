//! Expiry and deletion of offsets and groups: rules 107 and 108.

use super::lab::*;
use crate::{RequestBody, Response};
use klamm_protocol::messages::{
    join_group_request::JoinGroupRequest,
    offset_delete_request::{
        OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
    },
};
use klamm_types::{ErrorCode as E, Uuid};
use std::collections::BTreeMap;

const RETENTION_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
const CHECK_MS: i64 = 600_000;

#[test]
fn offsets_of_a_simple_group_expire_by_their_commit() {
    let mut lab = Lab::new();
    lab.commit("g", -1, "", 1);
    lab.advance(RETENTION_MS - 1);
    assert_eq!(lab.fetch("g"), 1);
    lab.commit("g", -1, "", 2);
    lab.advance(RETENTION_MS - 1);
    assert_eq!(lab.fetch("g"), 2, "the last commit counts");
    lab.advance(CHECK_MS + 1);
    assert_eq!(lab.fetch("g"), -1);
    assert_eq!(lab.state("g"), "Dead");
    lab.load_again();
    assert_eq!(lab.state("g"), "Dead");
}

#[test]
fn offsets_age_by_the_time_of_day_and_sessions_do_not() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    lab.commit("simple", -1, "", 1);
    // The clock was wrong, and somebody sets it.
    lab.shard.set_wall_ahead(RETENTION_MS);
    assert_eq!(lab.heartbeat("g", generation_id, &members[0]), E::None);
    lab.commit("later", -1, "", 2);
    lab.load_again();
    lab.shard.set_wall_ahead(RETENTION_MS);
    lab.advance(CHECK_MS);
    assert_eq!(lab.fetch("simple"), -1);
    assert_eq!(lab.fetch("later"), 2);
    // And back: what is dated in the future is kept.
    lab.load_again();
    lab.advance(CHECK_MS);
    assert_eq!(lab.fetch("later"), 2);
}

#[test]
fn offsets_of_a_group_expire_from_when_it_became_empty() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    lab.commit("g", generation_id, &members[0], 5);
    for _ in 0..RETENTION_MS / 5_000 / 100 + 10 {
        // A session of weeks, in strides: only the heartbeats' effect matters here.
        lab.heartbeat("g", generation_id, &members[0]);
        lab.advance(5_000);
    }
    lab.leave("g", &[(&members[0], None)]);
    lab.load_again();
    lab.advance(RETENTION_MS - CHECK_MS);
    assert_eq!(lab.fetch("g"), 5);
    lab.advance(2 * CHECK_MS);
    assert_eq!(lab.fetch("g"), -1);
    assert_eq!(lab.state("g"), "Dead");
}

#[test]
fn subscribed_topics_of_a_stable_group_never_expire_and_others_do() {
    let mut lab = Lab::new();
    let long = |group_id: &str, topic: &str| {
        let mut request = JoinGroupRequest {
            session_timeout_ms: 1_800_000,
            ..joining(group_id, "")
        };
        request.protocols[0].metadata = subscription(&[topic]);
        request
    };
    let mut members = Vec::new();
    for (group_id, topic) in [("uses", TOPIC), ("does not use", "other")] {
        let id = lab.join_version(3, long(group_id, topic));
        let joined = lab.joined(id);
        lab.sync(group_id, 1, &joined.member_id, &[]);
        lab.commit(group_id, 1, &joined.member_id, 5);
        members.push((group_id, joined.member_id));
    }
    for _ in 0..RETENTION_MS / 1_000_000 + 2 {
        lab.advance(1_000_000);
        for (group_id, member_id) in &members {
            assert_eq!(lab.heartbeat(group_id, 1, member_id), E::None);
        }
    }
    assert_eq!(lab.fetch("uses"), 5);
    assert_eq!(lab.fetch("does not use"), -1);
    assert_eq!(lab.state("does not use"), "Stable", "the group stays");
}

#[test]
fn a_commit_with_its_own_retention_expires_by_that() {
    let mut lab = Lab::new();
    let mut request = committing("g", -1, "", 1);
    request.retention_time_ms = 1_000;
    lab.ask(2, RequestBody::OffsetCommit(request));
    lab.commit("other", -1, "", 1);
    lab.advance(CHECK_MS);
    assert_eq!(lab.fetch("g"), -1);
    assert_eq!(lab.fetch("other"), 1);
}

#[test]
fn an_empty_group_without_offsets_is_forgotten() {
    let mut lab = Lab::new();
    let (members, _) = lab.stable_group("g", 1);
    lab.leave("g", &[(&members[0], None)]);
    assert_eq!(lab.state("g"), "Empty");
    lab.advance(CHECK_MS);
    assert_eq!(lab.state("g"), "Dead");
    assert_eq!(lab.log.last().unwrap().1.value, None);
}

#[test]
fn deleted_topics_take_their_offsets_along() {
    let mut lab = Lab::new();
    lab.commit("g", -1, "", 1);
    let mut legacy = committing("legacy", -1, "", 2);
    legacy.topics[0].topic_id = Uuid::ZERO;
    lab.ask(9, RequestBody::OffsetCommit(legacy));
    let mut other = committing("other", -1, "", 3);
    other.topics[0].topic_id = Uuid([1; 16]);
    lab.ask(9, RequestBody::OffsetCommit(other));

    let deleted = BTreeMap::from([(TOPIC.to_owned(), TOPIC_ID)]);
    let effects = lab.shard.on_topics_deleted(lab.now_ms, &deleted);
    lab.absorb(effects);
    assert_eq!(lab.fetch("g"), -1);
    assert_eq!(lab.fetch("legacy"), -1);
    let id = lab.ask(8, fetching("other", Uuid([1; 16])));
    let Some(Response::OffsetFetch(response)) = lab.answer(id) else {
        panic!("not answered");
    };
    assert_eq!(response.topics[0].partitions[0].committed_offset, 3);
    let effects = lab.shard.on_topics_deleted(lab.now_ms, &deleted);
    assert!(effects.is_empty(), "nothing to delete, nothing to append");
}

#[test]
fn only_empty_groups_can_be_deleted() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    lab.commit("g", generation_id, &members[0], 5);
    assert_eq!(lab.delete_group("unknown"), E::GroupIdNotFound);
    assert_eq!(lab.delete_group("g"), E::NonEmptyGroup);
    lab.leave("g", &[(&members[0], None)]);
    lab.commits = false;
    let id = lab.ask(2, RequestBody::DeleteGroup("g".into()));
    assert!(lab.is_parked(id));
    lab.commit_outstanding();
    lab.commits = true;
    assert_eq!(lab.state("g"), "Dead");
    assert_eq!(lab.fetch("g"), -1);
    lab.load_again();
    assert_eq!(lab.state("g"), "Dead");
}

#[test]
fn a_group_of_pending_members_alone_can_be_deleted() {
    let mut lab = Lab::new();
    let id = lab.join(joining("g", ""));
    let pending = lab.joined(id).member_id;
    assert_eq!(lab.delete_group("g"), E::None);
    assert_eq!(lab.state("g"), "Dead");
    let id = lab.join(joining("g", &pending));
    check(lab.joined(id).error_code, E::UnknownMemberId);
}

fn delete_offset(lab: &mut Lab, group_id: &str, topic: &str) -> (E, Option<E>) {
    let request = OffsetDeleteRequest {
        group_id: group_id.into(),
        topics: vec![OffsetDeleteRequestTopic {
            name: topic.into(),
            partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }],
        }],
    };
    let id = lab.ask(0, RequestBody::OffsetDelete(request));
    match lab.answer(id) {
        Some(Response::OffsetDelete(response)) => (
            error(response.error_code),
            response
                .topics
                .first()
                .map(|topic| error(topic.partitions[0].error_code)),
        ),
        other => panic!("not an OffsetDelete answer: {other:?}"),
    }
}

#[test]
fn offsets_in_use_are_not_deleted() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    lab.commit("g", generation_id, &members[0], 5);
    assert_eq!(
        delete_offset(&mut lab, "", TOPIC),
        (E::InvalidGroupId, None)
    );
    assert_eq!(lab.delete_group(""), E::GroupIdNotFound);
    assert_eq!(lab.state(""), "Dead");
    assert_eq!(
        delete_offset(&mut lab, "unknown", TOPIC),
        (E::GroupIdNotFound, None)
    );
    assert_eq!(
        delete_offset(&mut lab, "g", TOPIC),
        (E::None, Some(E::GroupSubscribedToTopic))
    );
    assert_eq!(
        delete_offset(&mut lab, "g", "other"),
        (E::None, Some(E::None))
    );
    lab.leave("g", &[(&members[0], None)]);
    assert_eq!(
        delete_offset(&mut lab, "g", TOPIC),
        (E::None, Some(E::None))
    );
    assert_eq!(lab.fetch("g"), -1);
}

#[test]
fn groups_of_others_than_consumers_are_left_alone_while_they_have_members() {
    let mut lab = Lab::new();
    let request = JoinGroupRequest {
        protocol_type: "connect".into(),
        ..joining("g", "")
    };
    lab.join_version(3, request);
    assert_eq!(
        delete_offset(&mut lab, "g", TOPIC),
        (E::NonEmptyGroup, None)
    );
}
