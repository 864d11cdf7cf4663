//! OffsetCommit: rule 104.

use super::lab::*;
use crate::{RequestBody, Response};
use klamm_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition,
};
use klamm_types::ErrorCode as E;

#[test]
fn a_commit_is_answered_once_it_is_in_the_log() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    lab.commits = false;
    let id = lab.commit("g", generation_id, &members[0], 42);
    assert!(lab.is_parked(id));
    lab.commit_outstanding();
    assert_eq!(lab.committed(id), E::None);
    assert_eq!(lab.fetch("g"), 42);
}

#[test]
fn who_may_commit() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("stable", 1);
    let member = members[0].clone();
    let (completing, join) = lab.newcomer("completing");
    let completing_generation = lab.joined(join).generation_id;
    let (gone, _) = lab.stable_group("empty", 1);
    lab.leave("empty", &[(&gone[0], None)]);
    for (group_id, generation_id, member_id, expected) in [
        ("stable", generation_id, member.as_str(), E::None),
        ("stable", generation_id + 1, &member, E::IllegalGeneration),
        ("stable", -1, &member, E::IllegalGeneration),
        ("stable", generation_id, "nobody", E::UnknownMemberId),
        ("stable", -1, "nobody", E::UnknownMemberId),
        ("stable", 0, "", E::UnknownMemberId),
        ("stable", -1, "", E::UnknownMemberId),
        (
            "completing",
            completing_generation,
            &completing,
            E::RebalanceInProgress,
        ),
        ("empty", -1, "", E::None),
        ("empty", 2, &gone[0], E::UnknownMemberId),
        ("simple", -1, "anybody", E::None),
        ("simple", -1, "", E::None),
        ("simple", 0, "anybody", E::UnknownMemberId),
        ("unknown", 1, "m", E::GroupIdNotFound),
        ("", -1, "", E::None),
    ] {
        let id = lab.commit(group_id, generation_id, member_id, 1);
        assert_eq!(
            lab.committed(id),
            expected,
            "{group_id} {generation_id} {member_id}"
        );
    }
    let request = committing("unknown", 1, "m", 1);
    let id = lab.ask(8, RequestBody::OffsetCommit(request));
    assert_eq!(lab.committed(id), E::IllegalGeneration, "before version 9");
    assert_eq!(lab.state("simple"), "Empty");
    assert_eq!(lab.state("unknown"), "Dead");
}

#[test]
fn a_member_may_still_commit_while_the_group_rebalances() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    lab.newcomer("g");
    assert_eq!(lab.state("g"), "PreparingRebalance");
    let id = lab.commit("g", generation_id, &members[0], 7);
    assert_eq!(lab.committed(id), E::None);
}

#[test]
fn a_commit_is_a_sign_of_life() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    for offset in 0..5 {
        lab.advance(i64::from(SESSION_MS) - 1);
        lab.commit("g", generation_id, &members[0], offset);
    }
    assert_eq!(lab.state("g"), "Stable");
}

#[test]
fn metadata_is_limited_partition_by_partition() {
    let mut lab = Lab::new();
    let mut request = committing("g", -1, "", 1);
    let partition = |index: i32, metadata: Option<String>| OffsetCommitRequestPartition {
        partition_index: index,
        committed_offset: 1,
        committed_leader_epoch: -1,
        committed_metadata: metadata,
    };
    request.topics[0].partitions = vec![
        partition(0, Some("x".repeat(4_096))),
        partition(1, Some("x".repeat(4_097))),
        // Two bytes each, one UTF-16 unit each.
        partition(2, Some("ü".repeat(4_096))),
        // Four bytes each, two UTF-16 units each.
        partition(3, Some("😀".repeat(2_049))),
        partition(4, None),
    ];
    let id = lab.ask(9, RequestBody::OffsetCommit(request));
    let Some(Response::OffsetCommit(response)) = lab.answer(id) else {
        panic!("not answered");
    };
    let partitions = &response.topics[0].partitions;
    let errors: Vec<E> = partitions.iter().map(|p| error(p.error_code)).collect();
    let too_large = E::OffsetMetadataTooLarge;
    assert_eq!(errors, [E::None, too_large, E::None, too_large, E::None]);
    assert_eq!(lab.log.len(), 3);
}

#[test]
fn nothing_to_commit_is_answered_at_once() {
    let mut lab = Lab::new();
    lab.commits = false;
    let request = OffsetCommitRequest {
        group_id: "g".into(),
        ..Default::default()
    };
    let id = lab.ask(9, RequestBody::OffsetCommit(request));
    assert!(!lab.is_parked(id));
    assert_eq!(lab.state("g"), "Dead");
}

#[test]
fn a_commit_that_is_larger_than_a_batch_is_split() {
    let mut lab = Lab::new();
    lab.config.append_bytes_max = 1_000;
    lab.load_again();
    lab.commits = false;
    let mut request = committing("g", -1, "", 1);
    let first = request.topics[0].partitions[0].clone();
    request.topics[0].partitions = (0..100)
        .map(|index| OffsetCommitRequestPartition {
            partition_index: index,
            ..first.clone()
        })
        .collect();
    let id = lab.ask(9, RequestBody::OffsetCommit(request));
    assert!(lab.outstanding.len() > 1);
    let last = lab.outstanding.pop().unwrap();
    lab.commit_outstanding();
    assert!(lab.is_parked(id), "the last append is awaited");
    lab.outstanding.push(last);
    lab.commit_outstanding();
    assert_eq!(lab.committed(id), E::None);
    assert_eq!(lab.log.len(), 100);
}

#[test]
fn a_record_that_no_batch_can_hold_is_refused() {
    let mut lab = Lab::new();
    lab.config.append_bytes_max = 500;
    lab.load_again();
    let mut request = committing("g", -1, "", 1);
    request.topics[0].partitions[0].committed_metadata = Some("x".repeat(500));
    let id = lab.ask(9, RequestBody::OffsetCommit(request));
    assert_eq!(lab.committed(id), E::UnknownServerError);
    assert!(lab.log.is_empty());
    assert_eq!(lab.fetch("g"), -1);
    assert_eq!(lab.state("g"), "Dead");
}
