//! Appends that fail or take too long: rule 96.

use super::lab::*;
use crate::{RequestBody, Response};
use klamm_types::ErrorCode as E;

#[test]
fn a_slow_append_costs_the_answer_but_not_the_shard() {
    let mut lab = Lab::new();
    lab.commits = false;
    let commit = lab.commit("g", -1, "", 42);
    lab.advance(2_000);
    let fetch = lab.ask(8, fetching("g", TOPIC_ID));
    lab.advance(2_999);
    assert!(lab.is_parked(commit));
    lab.advance(1);
    assert_eq!(lab.committed(commit), E::CoordinatorNotAvailable);
    assert!(lab.is_parked(fetch), "it has waited for three seconds only");
    lab.advance(2_000);
    match lab.answer(fetch) {
        Some(Response::OffsetFetch(r)) => check(r.error_code, E::NotCoordinator),
        other => panic!("{other:?}"),
    }
    let late = lab.ask(8, fetching("g", TOPIC_ID));
    lab.commit_outstanding();
    assert!(!lab.is_parked(late));
    assert_eq!(lab.fetch("g"), 42, "the record was in the log after all");
}

#[test]
fn a_slow_assignment_starts_the_rebalance_again() {
    let mut lab = Lab::new();
    let (leader, join) = lab.newcomer("g");
    let generation_id = lab.joined(join).generation_id;
    lab.commits = false;
    let sync = lab.sync("g", generation_id, &leader, &[(&leader, "x")]);
    lab.advance(5_000);
    check(lab.synced(sync).error_code, E::CoordinatorNotAvailable);
    assert_eq!(lab.state("g"), "PreparingRebalance");
    lab.commit_outstanding();
    let id = lab.join(joining("g", &leader));
    assert_eq!(lab.joined(id).generation_id, generation_id + 1);
}

#[test]
fn losing_leadership_answers_everything_and_asks_to_be_dropped() {
    let mut lab = Lab::new();
    lab.stable_group("g", 1);
    let (_, join) = lab.newcomer("g");
    let (leader, other_join) = lab.newcomer("h");
    let generation_id = lab.joined(other_join).generation_id;
    lab.commits = false;
    let sync = lab.sync("h", generation_id, &leader, &[]);
    let commit = lab.commit("simple", -1, "", 1);
    let id = lab.outstanding[0];
    let effects = lab
        .shard
        .on_append_result(lab.now_ms, id, Err(E::NotLeaderOrFollower));
    lab.absorb(effects);
    check(lab.joined(join).error_code, E::NotCoordinator);
    check(lab.synced(sync).error_code, E::NotCoordinator);
    assert_eq!(lab.committed(commit), E::NotCoordinator);
    assert_eq!(lab.reload, Some(E::NotLeaderOrFollower));
    assert_eq!(lab.answers.len(), lab.asked.len());

    let after = lab.commit("simple", -1, "", 1);
    assert_eq!(lab.committed(after), E::NotCoordinator);
    assert_eq!(lab.shard.next_deadline(), None);
    assert!(lab.shard.resign().is_empty());
}

#[test]
fn a_shard_that_resigns_answers_everything() {
    let mut lab = Lab::new();
    lab.stable_group("g", 1);
    let (_, join) = lab.newcomer("g");
    lab.commits = false;
    let commit = lab.commit("simple", -1, "", 1);
    let effects = lab.shard.resign();
    lab.absorb(effects);
    check(lab.joined(join).error_code, E::NotCoordinator);
    assert_eq!(lab.committed(commit), E::NotCoordinator);
    assert_eq!(lab.reload, None);
}

#[test]
fn a_refused_commit_is_as_if_it_had_never_been() {
    let mut lab = Lab::new();
    lab.commit("g", -1, "", 1);
    lab.commits = false;
    let second = lab.commit("g", -1, "", 2);
    let third = lab.commit("g", -1, "", 3);
    let fourth = lab.commit("h", -1, "", 4);
    let fetch = lab.ask(8, fetching("g", TOPIC_ID));
    lab.refuse_outstanding(E::NotEnoughReplicas);
    for id in [second, third, fourth] {
        assert_eq!(lab.committed(id), E::CoordinatorNotAvailable);
    }
    match lab.answer(fetch) {
        Some(Response::OffsetFetch(r)) => check(r.error_code, E::NotCoordinator),
        other => panic!("{other:?}"),
    }
    assert_eq!(lab.reload, None, "the shard goes on");
    lab.commits = true;
    assert_eq!(lab.fetch("g"), 1);
    assert_eq!(lab.state("h"), "Dead");
    let again = lab.commit("g", -1, "", 2);
    assert_eq!(lab.committed(again), E::None);
}

#[test]
fn a_deletion_that_is_not_certain_yet_is_not_told() {
    let mut lab = Lab::new();
    lab.commit("g", -1, "", 1);
    lab.commit("h", -1, "", 1);
    lab.commits = false;
    let topics = [(TOPIC.to_owned(), TOPIC_ID)].into();
    let effects = lab.shard.on_topics_deleted(lab.now_ms, &topics);
    lab.absorb(effects);
    let deletion = lab.outstanding[0];
    let fetch = lab.ask(8, fetching("g", TOPIC_ID));
    let other = lab.ask(8, fetching("unconcerned", TOPIC_ID));
    assert!(lab.is_parked(fetch) && !lab.is_parked(other));
    let commit = lab.commit("h", -1, "", 2);
    let late = lab.ask(8, fetching("h", TOPIC_ID));
    lab.refuse(deletion, E::NotEnoughReplicas);
    for id in [fetch, late] {
        match lab.answer(id) {
            Some(Response::OffsetFetch(r)) => check(r.error_code, E::NotCoordinator),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(lab.committed(commit), E::CoordinatorNotAvailable);
    lab.commit_outstanding();
    assert_eq!((lab.fetch("g"), lab.fetch("h")), (1, 2));
}

#[test]
fn a_commit_after_a_refused_one_stands() {
    let mut lab = Lab::new();
    lab.commit("g", -1, "", 1);
    lab.commits = false;
    lab.commit("g", -1, "", 2);
    lab.commit("g", -1, "", 3);
    let refused = lab.outstanding[0];
    lab.refuse(refused, E::NotEnoughReplicas);
    lab.commits = true;
    lab.commit_outstanding();
    assert_eq!(lab.fetch("g"), 3);
    lab.load_again();
    assert_eq!(lab.fetch("g"), 3);
}

#[test]
fn two_refused_commits_leave_what_was_before_both() {
    let mut lab = Lab::new();
    lab.commit("g", -1, "", 1);
    lab.commits = false;
    lab.commit("g", -1, "", 2);
    lab.commit("g", -1, "", 3);
    lab.refuse_outstanding(E::NotEnoughReplicas);
    lab.commits = true;
    assert_eq!(lab.fetch("g"), 1);
}

#[test]
fn a_refused_assignment_starts_the_rebalance_again() {
    let mut lab = Lab::new();
    let (leader, join) = lab.newcomer("g");
    let generation_id = lab.joined(join).generation_id;
    lab.commits = false;
    let sync = lab.sync("g", generation_id, &leader, &[(&leader, "x")]);
    lab.refuse_outstanding(E::NotEnoughReplicas);
    check(lab.synced(sync).error_code, E::CoordinatorNotAvailable);
    lab.commits = true;
    let id = lab.join(joining("g", &leader));
    let joined = lab.joined(id);
    assert_eq!(joined.generation_id, generation_id + 1);
    let sync = lab.sync("g", joined.generation_id, &leader, &[(&leader, "y")]);
    assert_eq!(&lab.synced(sync).assignment[..], b"y");
}

#[test]
fn a_group_whose_deletion_is_refused_is_still_there() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    lab.commit("g", generation_id, &members[0], 5);
    lab.leave("g", &[(&members[0], None)]);
    lab.commits = false;
    let id = lab.ask(2, RequestBody::DeleteGroup("g".into()));
    lab.refuse_outstanding(E::NotEnoughReplicas);
    match lab.answer(id) {
        Some(Response::DeleteGroup(r)) => check(r.error_code, E::CoordinatorNotAvailable),
        other => panic!("{other:?}"),
    }
    lab.commits = true;
    assert_eq!(lab.state("g"), "Empty");
    assert_eq!(lab.fetch("g"), 5);
    let (_, join) = lab.newcomer("g");
    assert_eq!(lab.joined(join).generation_id, generation_id + 2);
}

#[test]
fn too_many_outstanding_appends_are_refused() {
    let mut lab = Lab::new();
    lab.config.appends_in_flight_max = 2;
    lab.load_again();
    lab.commits = false;
    lab.commit("a", -1, "", 1);
    lab.commit("b", -1, "", 1);
    let third = lab.commit("c", -1, "", 1);
    assert_eq!(lab.committed(third), E::CoordinatorNotAvailable);
    lab.commits = true;
    lab.commit_outstanding();
    let third = lab.commit("c", -1, "", 1);
    assert_eq!(lab.committed(third), E::None);
}

#[test]
fn a_request_that_no_shard_takes_is_refused_in_its_own_terms() {
    let mut lab = Lab::new();
    let effects = lab.shard.resign();
    lab.absorb(effects);
    let join = lab.join(joining("g", "m"));
    check(lab.joined(join).error_code, E::NotCoordinator);
    assert_eq!(lab.joined(join).member_id, "m");
    assert_eq!(lab.heartbeat("g", 1, "m"), E::NotCoordinator);
    assert_eq!(lab.delete_group("g"), E::NotCoordinator);
    let id = lab.ask(5, RequestBody::DescribeGroup("g".into()));
    match lab.answer(id) {
        Some(Response::DescribeGroup(r)) => check(r.error_code, E::NotCoordinator),
        other => panic!("{other:?}"),
    }
}

#[test]
fn members_are_spared_the_error_of_a_shard_that_loads() {
    let refuse = |body| {
        let request = crate::Request {
            id: crate::RequestId(1),
            client_id: String::new(),
            client_host: String::new(),
            api_version: 4,
            body,
        };
        request.refuse(E::CoordinatorLoadInProgress)
    };
    match refuse(RequestBody::Heartbeat(Default::default())) {
        Response::Heartbeat(r) => check(r.error_code, E::None),
        other => panic!("{other:?}"),
    }
    // Consumers in Java take any error that they do not expect here for fatal.
    match refuse(RequestBody::SyncGroup(Default::default())) {
        Response::SyncGroup(r) => check(r.error_code, E::RebalanceInProgress),
        other => panic!("{other:?}"),
    }
}
