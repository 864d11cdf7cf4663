//! SyncGroup: rule 101.

use super::lab::*;
use crate::RequestBody;
use bytes::Bytes;
use klamm_protocol::messages::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use klamm_types::ErrorCode as E;

/// A group of two that has just joined its second generation: leader, follower, generation.
fn joined_pair(lab: &mut Lab) -> (String, String, i32) {
    let (leader, _) = lab.newcomer("g");
    let (follower, join) = lab.newcomer("g");
    lab.join(joining("g", &leader));
    let generation_id = lab.joined(join).generation_id;
    (leader, follower, generation_id)
}

#[test]
fn the_assignment_reaches_everyone_once_the_log_has_it() {
    let mut lab = Lab::new();
    let (leader, follower, generation_id) = joined_pair(&mut lab);
    lab.commits = false;
    let waits = lab.sync("g", generation_id, &follower, &[]);
    assert!(lab.is_parked(waits), "the leader has not spoken");
    let assignments = [(&*leader, "one"), (&*follower, "two"), ("ghost", "x")];
    let leads = lab.sync("g", generation_id, &leader, &assignments);
    assert!(lab.is_parked(waits) && lab.is_parked(leads));
    assert_eq!(lab.state("g"), "CompletingRebalance");

    lab.commit_outstanding();
    assert_eq!(lab.state("g"), "Stable");
    let (led, followed) = (lab.synced(leads), lab.synced(waits));
    check(led.error_code, E::None);
    assert_eq!(&led.assignment[..], b"one");
    assert_eq!(&followed.assignment[..], b"two");
    assert_eq!(followed.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(followed.protocol_name.as_deref(), Some("range"));

    let later = lab.sync("g", generation_id, &follower, &[]);
    assert_eq!(&lab.synced(later).assignment[..], b"two");
}

#[test]
fn a_member_without_assignment_gets_an_empty_one() {
    let mut lab = Lab::new();
    let (leader, follower, generation_id) = joined_pair(&mut lab);
    lab.sync("g", generation_id, &leader, &[(&leader, "all")]);
    let id = lab.sync("g", generation_id, &follower, &[]);
    check(lab.synced(id).error_code, E::None);
    assert!(lab.synced(id).assignment.is_empty());
}

#[test]
fn requests_are_checked() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    let member = members[0].as_str();
    let base = syncing("g", generation_id, member);
    let other = |name: &str| Some(name.to_owned());
    for (version, request, expected) in [
        (5, syncing("", 1, member), E::InvalidGroupId),
        (5, syncing("unknown", 1, member), E::UnknownMemberId),
        (5, syncing("g", generation_id, "nobody"), E::UnknownMemberId),
        (5, syncing("g", 77, member), E::IllegalGeneration),
        (
            5,
            SyncGroupRequest {
                protocol_type: other("connect"),
                ..base.clone()
            },
            E::InconsistentGroupProtocol,
        ),
        (
            5,
            SyncGroupRequest {
                protocol_name: other("roundrobin"),
                ..base.clone()
            },
            E::InconsistentGroupProtocol,
        ),
        (
            5,
            SyncGroupRequest {
                protocol_name: None,
                ..base.clone()
            },
            E::InconsistentGroupProtocol,
        ),
        (
            4,
            SyncGroupRequest {
                protocol_type: None,
                protocol_name: None,
                ..base.clone()
            },
            E::None,
        ),
    ] {
        let id = lab.ask(version, RequestBody::SyncGroup(request));
        check(lab.synced(id).error_code, expected);
    }
}

#[test]
fn a_rebalance_answers_whoever_waits_for_the_assignment() {
    let mut lab = Lab::new();
    let (leader, follower, generation_id) = joined_pair(&mut lab);
    let waits = lab.sync("g", generation_id, &follower, &[]);
    lab.newcomer("g");
    check(lab.synced(waits).error_code, E::RebalanceInProgress);
    let late = lab.sync("g", generation_id, &leader, &[(&leader, "late")]);
    check(lab.synced(late).error_code, E::RebalanceInProgress);
    assert!(
        lab.log.is_empty(),
        "an assignment nobody may use is not kept"
    );
}

#[test]
fn an_assignment_that_is_overtaken_by_a_rebalance_is_not_handed_out() {
    let mut lab = Lab::new();
    let (leader, follower, generation_id) = joined_pair(&mut lab);
    lab.commits = false;
    let leads = lab.sync("g", generation_id, &leader, &[(&leader, "a")]);
    lab.newcomer("g");
    check(lab.synced(leads).error_code, E::RebalanceInProgress);
    lab.commit_outstanding();
    assert_eq!(lab.state("g"), "PreparingRebalance");
    let id = lab.sync("g", generation_id, &follower, &[]);
    check(lab.synced(id).error_code, E::RebalanceInProgress);
}

#[test]
fn members_that_never_sync_are_dropped() {
    let mut lab = Lab::new();
    let (leader, follower, generation_id) = joined_pair(&mut lab);
    let waits = lab.sync("g", generation_id, &follower, &[]);
    for _ in 0..(REBALANCE_MS / 5_000) {
        assert!(lab.is_parked(waits));
        lab.heartbeat("g", generation_id, &leader);
        lab.advance(5_000);
    }
    check(lab.synced(waits).error_code, E::RebalanceInProgress);
    let error = lab.heartbeat("g", generation_id, &leader);
    assert_eq!(
        error,
        E::UnknownMemberId,
        "the leader kept everybody waiting"
    );
    let id = lab.join(joining("g", &follower));
    assert_eq!(lab.joined(id).leader, follower);
}

#[test]
fn a_parked_sync_keeps_the_session() {
    let mut lab = Lab::new();
    let (leader, follower, generation_id) = joined_pair(&mut lab);
    let waits = lab.sync("g", generation_id, &follower, &[]);
    for _ in 0..5 {
        lab.advance(5_000);
        lab.heartbeat("g", generation_id, &leader);
    }
    lab.sync("g", generation_id, &leader, &[(&follower, "mine")]);
    assert_eq!(&lab.synced(waits).assignment[..], b"mine");
}

#[test]
fn a_sync_that_was_sent_again_is_answered_once_each() {
    let mut lab = Lab::new();
    let (leader, follower, generation_id) = joined_pair(&mut lab);
    let first = lab.sync("g", generation_id, &follower, &[]);
    let second = lab.sync("g", generation_id, &follower, &[]);
    check(lab.synced(first).error_code, E::RebalanceInProgress);
    lab.commits = false;
    let leads = lab.sync("g", generation_id, &leader, &[(&follower, "x")]);
    let again = lab.sync("g", generation_id, &leader, &[(&follower, "y")]);
    check(lab.synced(leads).error_code, E::RebalanceInProgress);
    assert_eq!(lab.outstanding.len(), 1, "one assignment a generation");
    lab.commit_outstanding();
    check(lab.synced(again).error_code, E::None);
    assert_eq!(&lab.synced(second).assignment[..], b"x");
}

#[test]
fn a_group_does_not_keep_requests_in_memory() {
    let mut lab = Lab::new();
    let metadata = Bytes::from(subscription(&[TOPIC]).to_vec());
    let mut request = joining("g", "");
    request.protocols[0].metadata = metadata.clone();
    let id = lab.join_version(3, request);
    let joined = lab.joined(id);
    assert!(metadata.is_unique());

    let assignment = Bytes::from(b"assignment".to_vec());
    let request = SyncGroupRequest {
        assignments: vec![SyncGroupRequestAssignment {
            member_id: joined.member_id.clone(),
            assignment: assignment.clone(),
        }],
        ..syncing("g", joined.generation_id, &joined.member_id)
    };
    let id = lab.ask(5, RequestBody::SyncGroup(request));
    assert_eq!(lab.synced(id).assignment, assignment);
    assert!(assignment.is_unique());
}
