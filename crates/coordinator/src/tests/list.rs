//! ListGroups and DescribeGroups: rule 108.

use super::lab::*;
use crate::{RequestBody, Response};
use klamm_protocol::messages::{
    describe_groups_response::DescribedGroup, list_groups_request::ListGroupsRequest,
};
use klamm_types::ErrorCode as E;

fn listed(lab: &mut Lab, states: &[&str], types: &[&str]) -> Vec<(String, String, String)> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let request = ListGroupsRequest {
        states_filter: owned(states),
        types_filter: owned(types),
    };
    let id = lab.ask(5, RequestBody::ListGroups(request));
    match lab.answer(id) {
        Some(Response::ListGroups(response)) => response
            .groups
            .iter()
            .map(|group| {
                assert_eq!(group.group_type, "classic");
                (
                    group.group_id.clone(),
                    group.protocol_type.clone(),
                    group.group_state.clone(),
                )
            })
            .collect(),
        other => panic!("not a ListGroups answer: {other:?}"),
    }
}

fn described(lab: &mut Lab, version: i16, group_id: &str) -> DescribedGroup {
    let id = lab.ask(version, RequestBody::DescribeGroup(group_id.into()));
    match lab.answer(id) {
        Some(Response::DescribeGroup(response)) => response.clone(),
        other => panic!("not a DescribeGroups answer: {other:?}"),
    }
}

#[test]
fn groups_are_listed_by_state_and_type_in_any_case() {
    let mut lab = Lab::new();
    lab.stable_group("stable", 1);
    lab.commit("simple", -1, "", 1);
    let row = |group_id: &str, kind: &str, state: &str| {
        (group_id.to_owned(), kind.to_owned(), state.to_owned())
    };
    let stable = row("stable", "consumer", "Stable");
    let simple = row("simple", "", "Empty");
    assert_eq!(listed(&mut lab, &[], &[]), [simple.clone(), stable.clone()]);
    assert_eq!(listed(&mut lab, &["sTABLE"], &["Classic"]), [stable]);
    assert_eq!(listed(&mut lab, &["Empty", "Dead"], &[]), [simple]);
    assert_eq!(listed(&mut lab, &[], &["consumer"]), []);
}

#[test]
fn a_stable_group_tells_what_its_members_say_and_get() {
    let mut lab = Lab::new();
    let (members, _) = lab.stable_group("g", 2);
    let group = described(&mut lab, 5, "g");
    check(group.error_code, E::None);
    assert_eq!(group.protocol_type, "consumer");
    assert_eq!(group.protocol_data, "range");
    assert_eq!(group.authorized_operations, i32::MIN);
    assert_eq!(group.members.len(), 2);
    let leader = group.members.iter().find(|m| m.member_id == members[0]);
    let leader = leader.unwrap();
    assert_eq!(leader.client_id, "client");
    assert_eq!(leader.client_host, "/127.0.0.1");
    assert_eq!(leader.member_metadata, subscription(&[TOPIC]));
    assert_eq!(&leader.member_assignment[..], b"0");
}

#[test]
fn a_group_in_a_rebalance_tells_its_members_names_only() {
    let mut lab = Lab::new();
    lab.stable_group("g", 1);
    lab.newcomer("g");
    let group = described(&mut lab, 5, "g");
    assert_eq!(group.group_state, "PreparingRebalance");
    assert_eq!(group.protocol_data, "");
    assert_eq!(group.members.len(), 2);
    for member in group.members {
        assert!(member.member_metadata.is_empty());
        assert!(member.member_assignment.is_empty());
    }
}

#[test]
fn an_unknown_group_is_dead_and_an_error_from_version_6_on() {
    let mut lab = Lab::new();
    let group = described(&mut lab, 5, "unknown");
    check(group.error_code, E::None);
    assert_eq!(group.group_state, "Dead");
    assert_eq!(group.error_message, None);
    let group = described(&mut lab, 6, "unknown");
    check(group.error_code, E::GroupIdNotFound);
    assert_eq!(group.group_state, "Dead");
    assert_eq!(
        group.error_message.as_deref(),
        Some("Group unknown not found.")
    );
}
