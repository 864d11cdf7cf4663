//! JoinGroup: rules 97–100.

use super::lab::*;
use crate::{GroupConfig, RequestBody};
use bytes::Bytes;
use klamm_protocol::messages::join_group_request::JoinGroupRequest;
use klamm_types::ErrorCode as E;

#[test]
fn requests_out_of_bounds_are_refused() {
    let mut lab = Lab::new();
    let base = joining("g", "");
    for (request, expected) in [
        (joining("", ""), E::InvalidGroupId),
        (joining(&"g".repeat(40_000), ""), E::InvalidGroupId),
        (
            JoinGroupRequest {
                session_timeout_ms: 5_999,
                ..base.clone()
            },
            E::InvalidSessionTimeout,
        ),
        (
            JoinGroupRequest {
                session_timeout_ms: 1_800_001,
                ..base.clone()
            },
            E::InvalidSessionTimeout,
        ),
        (joining("g", "never handed out"), E::UnknownMemberId),
        (
            JoinGroupRequest {
                protocols: vec![],
                ..base.clone()
            },
            E::InconsistentGroupProtocol,
        ),
        (
            JoinGroupRequest {
                protocol_type: String::new(),
                ..base.clone()
            },
            E::InconsistentGroupProtocol,
        ),
    ] {
        let member_id = request.member_id.clone();
        let id = lab.join(request);
        let response = lab.joined(id);
        check(response.error_code, expected);
        assert_eq!(response.generation_id, -1);
        assert_eq!(response.protocol_name.as_deref(), Some(""));
        assert_eq!(response.member_id, member_id);
    }
    assert_eq!(lab.state("g"), "Dead", "nothing is left of a refusal");
    assert!(lab.log.is_empty());
}

#[test]
fn a_dynamic_newcomer_comes_back_with_the_id_it_is_given() {
    let mut lab = Lab::new();
    let id = lab.join(joining("g", ""));
    let response = lab.joined(id);
    check(response.error_code, E::MemberIdRequired);
    assert_eq!(
        response.member_id,
        "client-00000000-0000-0000-0000-000000000001"
    );
    assert_eq!(lab.state("g"), "Empty");

    let id = lab.join(joining("g", &response.member_id));
    let joined = lab.joined(id);
    check(joined.error_code, E::None);
    assert_eq!(joined.generation_id, 1);
    assert_eq!(joined.leader, response.member_id);
    assert_eq!(joined.protocol_name.as_deref(), Some("range"));
    assert_eq!(joined.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(joined.members.len(), 1);
    assert_eq!(joined.members[0].metadata, subscription(&[TOPIC]));
    assert_eq!(lab.state("g"), "CompletingRebalance");
}

#[test]
fn an_old_client_joins_at_once_and_has_no_rebalance_timeout() {
    let mut lab = Lab::new();
    let id = lab.join_version(0, joining("g", ""));
    let joined = lab.joined(id);
    check(joined.error_code, E::None);
    // Version 0: the session timeout is the rebalance timeout, too.
    let second = lab.join_version(0, joining("g", ""));
    assert!(lab.is_parked(second));
    for _ in 0..4 {
        lab.advance(2_500);
        lab.heartbeat("g", joined.generation_id, &joined.member_id);
    }
    assert_eq!(lab.joined(second).generation_id, 2);
}

#[test]
fn an_id_that_is_not_used_in_time_is_forgotten() {
    let mut lab = Lab::new();
    let id = lab.join(joining("g", ""));
    let member_id = lab.joined(id).member_id;
    lab.advance(i64::from(SESSION_MS) - 1);
    assert_eq!(lab.state("g"), "Empty");
    lab.advance(1);
    assert_eq!(lab.state("g"), "Dead");
    let id = lab.join(joining("g", &member_id));
    check(lab.joined(id).error_code, E::UnknownMemberId);
}

#[test]
fn a_pending_member_holds_up_the_join_phase_until_it_expires() {
    let mut lab = Lab::new();
    let (leader, first) = lab.newcomer("g");
    assert_eq!(lab.joined(first).generation_id, 1);
    let pending = lab.join(joining("g", ""));
    check(lab.joined(pending).error_code, E::MemberIdRequired);
    let again = lab.join(joining("g", &leader));
    // The leader's first SyncGroup never came: it answers for the generation it is in.
    assert_eq!(lab.joined(again).generation_id, 1);
    let changed = JoinGroupRequest {
        protocols: protocols(&["range", "roundrobin"]),
        ..joining("g", &leader)
    };
    let rejoin = lab.join(changed);
    assert!(lab.is_parked(rejoin), "waits for the pending member");
    lab.advance(i64::from(SESSION_MS));
    assert_eq!(lab.joined(rejoin).generation_id, 2);
}

#[test]
fn the_first_rebalance_waits_and_newcomers_extend_it() {
    let mut lab = Lab::with(GroupConfig::default());
    let (first, first_join) = lab.newcomer("g");
    assert_eq!(lab.state("g"), "PreparingRebalance");
    lab.advance(2_999);
    assert!(lab.is_parked(first_join));
    let (_, second_join) = lab.newcomer("g");
    lab.advance(1);
    assert!(lab.is_parked(first_join), "extended by the newcomer");
    lab.advance(2_999);
    assert!(lab.is_parked(first_join));
    lab.advance(1);
    let joined = lab.joined(first_join);
    assert_eq!(joined.generation_id, 1);
    assert_eq!(joined.leader, first);
    assert_eq!(joined.members.len(), 2);
    assert_eq!(lab.joined(second_join).members.len(), 0);
}

#[test]
fn the_first_rebalance_is_extended_up_to_the_rebalance_timeout() {
    let mut lab = Lab::with(GroupConfig::default());
    let with_timeout = |member_id: &str| JoinGroupRequest {
        rebalance_timeout_ms: 7_000,
        ..joining("g", member_id)
    };
    let mut joins = vec![lab.join_version(3, with_timeout(""))];
    for _ in 0..6 {
        lab.advance(1_000);
        joins.push(lab.join_version(3, with_timeout("")));
    }
    assert!(joins.iter().all(|id| lab.is_parked(*id)));
    lab.advance(1_000);
    for id in joins {
        assert_eq!(lab.joined(id).generation_id, 1);
    }
}

#[test]
fn only_the_leader_learns_who_is_in_the_group() {
    let mut lab = Lab::new();
    let (members, _) = lab.stable_group("g", 3);
    let rejoins: Vec<_> = members
        .iter()
        .map(|member_id| lab.join(joining("g", member_id)))
        .collect();
    // A leader that joins again asks for a rebalance; its followers are answered when all have.
    let responses: Vec<_> = rejoins.iter().map(|id| lab.joined(*id)).collect();
    assert_eq!(responses[0].members.len(), 3);
    for response in &responses[1..] {
        assert_eq!(response.members.len(), 0);
        assert_eq!(response.leader, members[0]);
        assert_eq!(response.generation_id, responses[0].generation_id);
    }
}

#[test]
fn a_follower_with_nothing_new_gets_the_current_generation() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 2);
    let id = lab.join(joining("g", &members[1]));
    let joined = lab.joined(id);
    check(joined.error_code, E::None);
    assert_eq!(joined.generation_id, generation_id);
    assert_eq!(joined.leader, members[0]);
    assert_eq!(lab.state("g"), "Stable");
}

#[test]
fn a_follower_with_another_subscription_rebalances_the_group() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 2);
    let mut request = joining("g", &members[1]);
    request.protocols[0].metadata = subscription(&["other"]);
    let id = lab.join(request);
    assert!(lab.is_parked(id));
    assert_eq!(
        lab.heartbeat("g", generation_id, &members[0]),
        E::RebalanceInProgress
    );
    let leader = lab.join(joining("g", &members[0]));
    assert_eq!(lab.joined(leader).generation_id, generation_id + 1);
    assert_eq!(lab.joined(id).generation_id, generation_id + 1);
}

#[test]
fn a_lost_answer_is_given_again_while_the_assignment_is_awaited() {
    let mut lab = Lab::new();
    let (leader, join) = lab.newcomer("g");
    let again = lab.join(joining("g", &leader));
    assert_eq!(lab.joined(again), lab.joined(join));
    assert_eq!(lab.state("g"), "CompletingRebalance");
}

#[test]
fn members_that_do_not_join_again_in_time_are_dropped() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 3);
    let (_, join) = lab.newcomer("g");
    for _ in 0..(REBALANCE_MS / 5_000) {
        assert!(lab.is_parked(join));
        for member_id in &members {
            assert_eq!(
                lab.heartbeat("g", generation_id, member_id),
                E::RebalanceInProgress,
                "a heartbeat keeps the session though it tells of the rebalance"
            );
        }
        lab.advance(5_000);
    }
    let joined = lab.joined(join);
    assert_eq!(joined.generation_id, generation_id + 1);
    assert_eq!(
        joined.leader, joined.member_id,
        "the leader was dropped, too"
    );
    assert_eq!(joined.members.len(), 1);
    for member_id in &members {
        let error = lab.heartbeat("g", generation_id, member_id);
        assert_eq!(error, E::UnknownMemberId);
    }
}

#[test]
fn a_join_that_was_sent_again_is_answered_once_each() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 2);
    let (_, newcomer) = lab.newcomer("g");
    let first = lab.join(joining("g", &members[0]));
    let second = lab.join(joining("g", &members[0]));
    check(lab.joined(first).error_code, E::RebalanceInProgress);
    assert!(lab.is_parked(second));
    lab.join(joining("g", &members[1]));
    assert_eq!(lab.joined(second).generation_id, generation_id + 1);
    assert_eq!(lab.joined(newcomer).generation_id, generation_id + 1);
}

#[test]
fn the_protocol_is_chosen_by_vote_among_those_all_support() {
    let mut lab = Lab::with(GroupConfig::default());
    let mut joins = Vec::new();
    for names in [
        &["only-here", "b", "a"][..],
        &["a", "b"],
        &["b", "a"],
        &["a", "b", "elsewhere"],
        &["b", "a"],
    ] {
        let request = JoinGroupRequest {
            protocols: protocols(names),
            ..joining("g", "")
        };
        joins.push(lab.join_version(3, request));
    }
    lab.advance(6_000);
    for id in joins {
        assert_eq!(lab.joined(id).protocol_name.as_deref(), Some("b"));
    }
}

#[test]
fn a_member_that_shares_no_protocol_is_refused() {
    let mut lab = Lab::new();
    lab.stable_group("g", 1);
    let other_protocol = JoinGroupRequest {
        protocols: protocols(&["roundrobin"]),
        ..joining("g", "")
    };
    let other_type = JoinGroupRequest {
        protocol_type: "connect".into(),
        ..joining("g", "")
    };
    for request in [other_protocol, other_type] {
        let id = lab.join(request);
        check(lab.joined(id).error_code, E::InconsistentGroupProtocol);
    }
    assert_eq!(lab.state("g"), "Stable");
}

#[test]
fn an_empty_group_takes_another_protocol_type() {
    let mut lab = Lab::new();
    let (members, _) = lab.stable_group("g", 1);
    lab.leave("g", &[(&members[0], None)]);
    let request = JoinGroupRequest {
        protocol_type: "connect".into(),
        ..joining("g", "")
    };
    let id = lab.join_version(3, request);
    let joined = lab.joined(id);
    check(joined.error_code, E::None);
    assert_eq!(joined.protocol_type.as_deref(), Some("connect"));
}

#[test]
fn a_full_group_takes_no_one_else() {
    let mut lab = Lab::with(GroupConfig {
        initial_rebalance_delay_ms: 0,
        group_max_size: 2,
        ..Default::default()
    });
    let (members, _) = lab.stable_group("g", 2);
    let id = lab.join(joining("g", ""));
    let response = lab.joined(id);
    check(response.error_code, E::GroupMaxSizeReached);
    assert_eq!(response.member_id, "");
    let id = lab.join(joining("g", &members[1]));
    check(lab.joined(id).error_code, E::None);
}

#[test]
fn a_session_ends_without_heartbeats() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 2);
    lab.advance(i64::from(SESSION_MS) - 1);
    lab.heartbeat("g", generation_id, &members[0]);
    assert_eq!(lab.state("g"), "Stable");
    lab.advance(1);
    assert_eq!(lab.state("g"), "PreparingRebalance");
    assert_eq!(
        lab.heartbeat("g", generation_id, &members[1]),
        E::UnknownMemberId
    );
    let id = lab.join(joining("g", &members[0]));
    assert_eq!(lab.joined(id).generation_id, generation_id + 1);
}

#[test]
fn a_group_whose_members_all_expire_is_empty_and_the_log_says_so() {
    let mut lab = Lab::new();
    let (_, generation_id) = lab.stable_group("g", 2);
    lab.advance(i64::from(SESSION_MS));
    assert_eq!(lab.state("g"), "Empty");
    lab.load_again();
    assert_eq!(lab.state("g"), "Empty");
    let (_, id) = lab.newcomer("g");
    assert_eq!(lab.joined(id).generation_id, generation_id + 2);
}

#[test]
fn a_parked_newcomer_whose_client_is_gone_is_dropped_after_five_minutes() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    let request = JoinGroupRequest {
        rebalance_timeout_ms: 3_600_000,
        ..joining("g", "")
    };
    let id = lab.join_version(3, request);
    for _ in 0..60 {
        assert!(lab.is_parked(id));
        lab.heartbeat("g", generation_id, &members[0]);
        lab.advance(5_000);
    }
    let response = lab.joined(id);
    check(response.error_code, E::UnknownMemberId);
    assert_eq!(response.member_id, "");
}

#[test]
fn heartbeats_are_checked() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    let member = members[0].as_str();
    for (group_id, generation_id, member_id, expected) in [
        ("g", generation_id, member, E::None),
        ("g", generation_id + 1, member, E::IllegalGeneration),
        ("g", generation_id, "nobody", E::UnknownMemberId),
        ("unknown", generation_id, member, E::UnknownMemberId),
        ("", generation_id, member, E::InvalidGroupId),
    ] {
        assert_eq!(lab.heartbeat(group_id, generation_id, member_id), expected);
    }
}

#[test]
fn an_illegible_subscription_is_the_members_own_affair() {
    let mut lab = Lab::new();
    let mut request = joining("g", "");
    request.protocols[0].metadata = Bytes::from_static(b"\0\0\x7f\xff\xff\xff");
    let id = lab.join_version(3, request);
    check(lab.joined(id).error_code, E::None);
    assert!(matches!(
        lab.ask(2, RequestBody::DeleteGroup("g".into())),
        id if lab.answer(id).is_some()
    ));
}
