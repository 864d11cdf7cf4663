//! Static members: rule 103 (KIP-345, KIP-814).

use super::lab::*;
use klamm_protocol::messages::{
    heartbeat_request::HeartbeatRequest, join_group_request::JoinGroupRequest,
};
use klamm_types::ErrorCode as E;

fn joining_as(instance_id: &str, member_id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_instance_id: Some(instance_id.into()),
        ..joining("g", member_id)
    }
}

fn heartbeat_as(lab: &mut Lab, instance_id: &str, generation_id: i32, member_id: &str) -> E {
    lab.heartbeat_with(HeartbeatRequest {
        group_id: "g".into(),
        generation_id,
        member_id: member_id.into(),
        group_instance_id: Some(instance_id.into()),
    })
}

/// A stable group of one static leader and one static follower.
fn static_pair(lab: &mut Lab) -> (String, String, i32) {
    let first = lab.join(joining_as("one", ""));
    let leader = lab.joined(first).member_id;
    let second = lab.join(joining_as("two", ""));
    lab.join(joining_as("one", &leader));
    let joined = lab.joined(second);
    let assignments = [(&*leader, "A"), (&*joined.member_id, "B")];
    lab.sync("g", joined.generation_id, &leader, &assignments);
    lab.sync("g", joined.generation_id, &joined.member_id, &[]);
    assert_eq!(lab.state("g"), "Stable");
    (leader, joined.member_id, joined.generation_id)
}

#[test]
fn a_static_newcomer_needs_no_second_join() {
    let mut lab = Lab::new();
    let id = lab.join(joining_as("one", ""));
    let joined = lab.joined(id);
    check(joined.error_code, E::None);
    assert_eq!(joined.member_id, "one-00000000-0000-0000-0000-000000000001");
    assert_eq!(joined.members[0].group_instance_id.as_deref(), Some("one"));
}

#[test]
fn a_restarted_follower_takes_over_without_a_rebalance() {
    let mut lab = Lab::new();
    let (leader, old, generation_id) = static_pair(&mut lab);
    lab.commits = false;
    let id = lab.join(joining_as("two", ""));
    assert!(lab.is_parked(id), "the log learns the new id first");
    lab.commit_outstanding();
    let joined = lab.joined(id);
    check(joined.error_code, E::None);
    assert_eq!(joined.generation_id, generation_id);
    assert_eq!(joined.leader, leader);
    assert_ne!(joined.member_id, old);
    assert!(!joined.skip_assignment);
    assert_eq!(lab.state("g"), "Stable");

    let id = lab.sync("g", generation_id, &joined.member_id, &[]);
    assert_eq!(&lab.synced(id).assignment[..], b"B");
    assert_eq!(
        heartbeat_as(&mut lab, "two", generation_id, &old),
        E::FencedInstanceId
    );
    assert_eq!(lab.heartbeat("g", generation_id, &old), E::UnknownMemberId);
    assert_eq!(
        heartbeat_as(&mut lab, "two", generation_id, &joined.member_id),
        E::None
    );

    lab.load_again();
    assert_eq!(
        heartbeat_as(&mut lab, "two", generation_id, &joined.member_id),
        E::None,
        "the new id survives the coordinator"
    );
}

#[test]
fn a_restarted_leader_keeps_the_assignment_or_does_not_see_that_it_leads() {
    let mut lab = Lab::new();
    let (old, _, generation_id) = static_pair(&mut lab);
    let id = lab.join(joining_as("one", ""));
    let joined = lab.joined(id);
    assert!(joined.skip_assignment);
    assert_eq!(joined.leader, joined.member_id);
    assert_eq!(joined.members.len(), 2);
    assert_eq!(joined.generation_id, generation_id);
    assert_ne!(joined.member_id, old);

    let id = lab.join_version(8, joining_as("one", ""));
    let rejoined = lab.joined(id);
    assert!(!rejoined.skip_assignment);
    assert_eq!(rejoined.leader, joined.member_id, "its own old id");
    assert_eq!(rejoined.members.len(), 0);
    let id = lab.sync("g", generation_id, &rejoined.member_id, &[]);
    assert_eq!(&lab.synced(id).assignment[..], b"A");
}

#[test]
fn a_restart_that_changes_the_protocol_rebalances() {
    let mut lab = Lab::new();
    let both = |instance_id: &str, member_id: &str, names: &[&str]| JoinGroupRequest {
        protocols: protocols(names),
        ..joining_as(instance_id, member_id)
    };
    let id = lab.join(both("one", "", &["range", "roundrobin"]));
    let joined = lab.joined(id);
    lab.sync("g", joined.generation_id, &joined.member_id, &[]);
    let id = lab.join(both("one", "", &["roundrobin", "range"]));
    let rejoined = lab.joined(id);
    assert_eq!(rejoined.protocol_name.as_deref(), Some("roundrobin"));
    assert_eq!(rejoined.generation_id, joined.generation_id + 1);
}

#[test]
fn a_restart_while_the_assignment_is_awaited_rebalances() {
    let mut lab = Lab::new();
    let id = lab.join(joining_as("one", ""));
    let first = lab.joined(id);
    let id = lab.join(joining_as("one", ""));
    let second = lab.joined(id);
    assert_eq!(second.generation_id, first.generation_id + 1);
    assert_ne!(second.member_id, first.member_id);
}

#[test]
fn whoever_waits_under_the_old_id_is_fenced() {
    let mut lab = Lab::new();
    let (leader, follower, generation_id) = static_pair(&mut lab);
    let parked = lab.join(joining_as("one", &leader));
    assert!(lab.is_parked(parked), "a leader's join rebalances");
    let replacement = lab.join(joining_as("one", ""));
    check(lab.joined(parked).error_code, E::FencedInstanceId);
    assert!(lab.is_parked(replacement));
    lab.join(joining_as("two", &follower));
    let joined = lab.joined(replacement);
    assert_eq!(joined.generation_id, generation_id + 1);
    assert_eq!(joined.leader, joined.member_id);
    let id = lab.join(joining_as("one", &leader));
    check(lab.joined(id).error_code, E::FencedInstanceId);
}

#[test]
fn an_instance_id_that_is_not_the_members_is_unknown() {
    let mut lab = Lab::new();
    let (leader, _, generation_id) = static_pair(&mut lab);
    let error = heartbeat_as(&mut lab, "three", generation_id, &leader);
    assert_eq!(error, E::UnknownMemberId);
    let error = heartbeat_as(&mut lab, "two", generation_id, &leader);
    assert_eq!(error, E::FencedInstanceId);
}

#[test]
fn static_members_that_do_not_rejoin_stay_until_their_session_ends() {
    let mut lab = Lab::new();
    let long = |instance_id: &str, member_id: &str| JoinGroupRequest {
        session_timeout_ms: 600_000,
        rebalance_timeout_ms: 20_000,
        ..joining_as(instance_id, member_id)
    };
    let id = lab.join(long("one", ""));
    let leader = lab.joined(id).member_id;
    let second = lab.join(long("two", ""));
    lab.join(long("one", &leader));
    let generation_id = lab.joined(second).generation_id;
    lab.sync("g", generation_id, &leader, &[]);
    lab.sync("g", generation_id, &lab.joined(second).member_id, &[]);

    // The leader asks for a rebalance, the other one is away.
    let rejoin = lab.join(long("one", &leader));
    lab.advance(20_000);
    let joined = lab.joined(rejoin);
    assert_eq!(joined.generation_id, generation_id + 1);
    assert_eq!(joined.members.len(), 2, "the absent member still counts");
}

#[test]
fn a_join_phase_that_no_static_member_joins_goes_on() {
    let mut lab = Lab::new();
    let long = |instance_id: &str, member_id: &str| JoinGroupRequest {
        session_timeout_ms: 600_000,
        rebalance_timeout_ms: 20_000,
        ..joining_as(instance_id, member_id)
    };
    let id = lab.join(long("one", ""));
    let joined = lab.joined(id);
    lab.sync("g", joined.generation_id, &joined.member_id, &[]);
    let (dynamic, _) = lab.newcomer("g");
    assert_eq!(lab.state("g"), "PreparingRebalance");
    lab.leave("g", &[(&dynamic, None)]);
    lab.advance(100_000);
    assert_eq!(lab.state("g"), "PreparingRebalance");
    assert_eq!(
        heartbeat_as(&mut lab, "one", joined.generation_id, &joined.member_id),
        E::RebalanceInProgress
    );
    let id = lab.join(long("one", &joined.member_id));
    assert_eq!(lab.joined(id).generation_id, joined.generation_id + 1);
}

#[test]
fn a_rebalance_timeout_of_nothing_does_not_keep_the_shard_busy() {
    let mut lab = Lab::new();
    let hasty = |member_id: &str| JoinGroupRequest {
        session_timeout_ms: 600_000,
        rebalance_timeout_ms: -1,
        ..joining_as("one", member_id)
    };
    let id = lab.join(hasty(""));
    let joined = lab.joined(id);
    lab.sync("g", joined.generation_id, &joined.member_id, &[]);
    let (dynamic, _) = lab.newcomer("g");
    lab.leave("g", &[(&dynamic, None)]);
    let mut wakes = 0;
    let end_ms = lab.now_ms + 120_000;
    while let Some(deadline_ms) = lab.shard.next_deadline()
        && deadline_ms <= end_ms
    {
        let effects = lab.shard.tick(deadline_ms);
        lab.absorb(effects);
        wakes += 1;
        assert!(wakes < 150, "woken without end");
    }
    assert!(wakes > 30, "the join phase goes on");
}
