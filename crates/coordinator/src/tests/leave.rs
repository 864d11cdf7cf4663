//! LeaveGroup: rule 103.

use super::lab::*;
use crate::RequestBody;
use klamm_protocol::messages::{
    join_group_request::JoinGroupRequest, leave_group_request::LeaveGroupRequest,
};
use klamm_types::ErrorCode as E;

#[test]
fn leavers_are_answered_one_by_one_and_the_rest_rebalances_once() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 3);
    let response = lab.leave(
        "g",
        &[
            (&members[1], None),
            ("nobody", None),
            ("", Some("no instance")),
            ("", None),
            (&members[2], None),
            (&members[2], None),
        ],
    );
    check(response.error_code, E::None);
    let errors: Vec<E> = response
        .members
        .iter()
        .map(|member| error(member.error_code))
        .collect();
    let unknown = E::UnknownMemberId;
    assert_eq!(
        errors,
        [E::None, unknown, unknown, unknown, E::None, unknown]
    );
    assert_eq!(lab.state("g"), "PreparingRebalance");
    let id = lab.join(joining("g", &members[0]));
    assert_eq!(lab.joined(id).generation_id, generation_id + 1);
}

#[test]
fn below_version_3_the_error_is_the_answers() {
    let mut lab = Lab::new();
    let (members, _) = lab.stable_group("g", 1);
    for (group_id, member_id, expected) in [
        ("g", "nobody", E::UnknownMemberId),
        ("unknown", members[0].as_str(), E::UnknownMemberId),
        ("", members[0].as_str(), E::InvalidGroupId),
        ("g", members[0].as_str(), E::None),
    ] {
        let request = LeaveGroupRequest {
            group_id: group_id.into(),
            member_id: member_id.into(),
            ..Default::default()
        };
        let id = lab.ask(2, RequestBody::LeaveGroup(request));
        let response = lab.left(id);
        check(response.error_code, expected);
        assert!(response.members.is_empty());
    }
}

#[test]
fn members_of_an_unknown_group_are_unknown() {
    let mut lab = Lab::new();
    let response = lab.leave("unknown", &[("m", None), ("", Some("i"))]);
    check(response.error_code, E::None);
    for member in response.members {
        check(member.error_code, E::UnknownMemberId);
    }
}

#[test]
fn the_last_to_leave_is_answered_once_the_log_knows_that_the_group_is_empty() {
    let mut lab = Lab::new();
    let (members, _) = lab.stable_group("g", 1);
    lab.commits = false;
    let request = LeaveGroupRequest {
        group_id: "g".into(),
        member_id: members[0].clone(),
        ..Default::default()
    };
    let id = lab.ask(0, RequestBody::LeaveGroup(request));
    assert!(lab.is_parked(id));
    assert_eq!(lab.state("g"), "Empty");
    lab.commit_outstanding();
    check(lab.left(id).error_code, E::None);
}

#[test]
fn a_pending_member_may_leave_and_holds_nobody_up_then() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    let id = lab.join(joining("g", ""));
    let pending = lab.joined(id).member_id;
    let rejoin = lab.join(joining("g", &members[0]));
    assert!(lab.is_parked(rejoin));
    let response = lab.leave("g", &[(&pending, None)]);
    check(response.members[0].error_code, E::None);
    assert_eq!(lab.joined(rejoin).generation_id, generation_id + 1);
}

#[test]
fn a_static_member_leaves_by_its_instance_id() {
    let mut lab = Lab::new();
    let request = JoinGroupRequest {
        group_instance_id: Some("i".into()),
        ..joining("g", "")
    };
    let id = lab.join(request.clone());
    let old = lab.joined(id).member_id;
    lab.sync("g", 1, &old, &[]);
    let id = lab.join(request);
    let member_id = lab.joined(id).member_id;
    let response = lab.leave("g", &[(&old, Some("i"))]);
    check(response.members[0].error_code, E::FencedInstanceId);
    let response = lab.leave("g", &[("", Some("i"))]);
    check(response.members[0].error_code, E::None);
    assert_eq!(response.members[0].group_instance_id.as_deref(), Some("i"));
    assert_eq!(lab.heartbeat("g", 1, &member_id), E::UnknownMemberId);
    assert_eq!(lab.state("g"), "Empty");
}

#[test]
fn a_leaver_with_a_parked_join_gets_an_answer() {
    let mut lab = Lab::new();
    lab.stable_group("g", 1);
    let (newcomer, join) = lab.newcomer("g");
    lab.leave("g", &[(&newcomer, None)]);
    check(lab.joined(join).error_code, E::UnknownMemberId);
}
