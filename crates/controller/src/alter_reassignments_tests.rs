use super::*;
use crate::{
    Request, Response,
    lab::{Lab, error},
};
use klamm_types::ErrorCode as E;

/// Brokers 1 to 6; 1, 2 and 3 keep the partition.
fn lab() -> Lab {
    let mut lab = Lab::new(6);
    lab.create("t", &[&[1, 2, 3]]);
    lab
}

fn replicas(lab: &Lab) -> Vec<i32> {
    lab.partition().replicas.iter().map(|id| id.0).collect()
}

#[test]
fn a_partition_moves_to_other_brokers() {
    let lab = lab().story(
        "
        reassign 4,5,6      => 1 @0 isr 1,2,3 +4,5,6 -1,2,3
        isr 1,2,3,4         => 1 @0 isr 1,2,3,4 +4,5,6 -1,2,3
        isr 1,2,3,4,5       => 1 @0 isr 1,2,3,4,5 +4,5,6 -1,2,3
        ",
    );
    assert_eq!(replicas(&lab), [4, 5, 6, 1, 2, 3]);
    let mut lab = lab;
    let last = lab.proposal(&[1, 2, 3, 4, 5, 6]);
    let response = lab.ask(&Request::AlterPartition(last));
    assert_eq!(error(&response), E::NewLeaderElected, "1 is none any more");
    assert_eq!(lab.state(), "4 @1 isr 4,5,6");
    assert_eq!(replicas(&lab), [4, 5, 6]);
}

#[test]
fn a_leader_that_stays_begins_a_new_epoch_when_replicas_are_removed() {
    let lab = lab().story(
        "
        reassign 1,4        => 1 @0 isr 1,2,3 +4 -2,3
        isr 1,2,3,4         => 1 @1 isr 1,4
        reassign 1,4,5      => 1 @1 isr 1,4 +5
        isr 1,4,5           => 1 @1 isr 1,4,5
        reassign 5,1,4      => 1 @1 isr 1,4,5
        reassign 5,1        => 1 @2 isr 1,5
        ",
    );
    assert_eq!(replicas(&lab), [5, 1]);
}

#[test]
fn fewer_replicas_wait_until_all_who_stay_are_in_sync() {
    lab().story(
        "
        isr 1,3             => 1 @0 isr 1,3
        reassign 1,2        => 1 @0 isr 1,3 -3
        fence 1             => 3 @1 isr 3 -3
        fence 3             => - @2 isr  elr 3 -3
        unfence 3           => 3 @3 isr 3 -3
        isr 3,2             => 3 @3 isr 3,2 -3
        unfence 1           => 3 @3 isr 3,2 -3
        ",
    );
}

#[test]
fn whoever_is_eligible_may_end_it() {
    lab().story(
        "
        set min.insync.replicas 2 => 1 @0 isr 1,2,3
        isr 1,2             => 1 @0 isr 1,2
        fence 2             => 1 @0 isr 1 elr 2
        reassign 2          => 1 @0 isr 1 elr 2 -1,3
        unfence 2           => 1 @0 isr 1 elr 2 -1,3
        fence 1             => 2 @1 isr 2
        ",
    );
}

#[test]
fn an_election_may_come_before_the_end() {
    lab().story(
        "
        reassign 4,5        => 1 @0 isr 1,2,3 +4,5 -1,2,3
        isr 1,2,3,4         => 1 @0 isr 1,2,3,4 +4,5 -1,2,3
        fence 1             => 4 @1 isr 2,3,4 +4,5 -1,2,3
        isr 2,3,4,5         => 4 @2 isr 4,5
        ",
    );
}

#[test]
fn eligible_replicas_that_are_removed_are_not_eligible_any_more() {
    lab().story(
        "
        set min.insync.replicas 3 => 1 @0 isr 1,2,3
        reassign 1,2,3,4,5  => 1 @0 isr 1,2,3 +4,5
        isr 1,2,3,4         => 1 @0 isr 1,2,3,4 +4,5
        isr 1               => 1 @0 isr 1 elr 2,3,4 +4,5
        cancel              => 1 @1 isr 1 elr 2,3
        ",
    );
}

#[test]
fn what_was_acknowledged_stays_on_as_many_replicas_as_it_takes() {
    lab().story(
        "
        set min.insync.replicas 3 => 1 @0 isr 1,2,3
        reassign 4,5,3      => 1 @0 isr 1,2,3 +4,5 -1,2
        isr 1,2,3,4         => 1 @0 isr 1,2,3,4 +4,5 -1,2
        isr 1,2,4           => 1 @0 isr 1,2,4 +4,5 -1,2
        prefer              => 4 @1 isr 1,2,4 +4,5 -1,2
        isr 1,2,4,5         => 4 @1 isr 1,2,4,5 +4,5 -1,2
        isr 1,2,4,5,3       => 4 @2 isr 4,5,3
        ",
    );
    lab().story(
        "
        set min.insync.replicas 2 => 1 @0 isr 1,2,3
        reassign 4,5,3      => 1 @0 isr 1,2,3 +4,5 -1,2
        isr 1,2,3,4         => 1 @0 isr 1,2,3,4 +4,5 -1,2
        isr 1,4             => 1 @0 isr 1,4 +4,5 -1,2
        reassign 6,2,3      => 1 @1 isr 1,4 +6 -4,1
        isr 1,4,6           => 1 @1 isr 1,4,6 +6 -4,1
        prefer              => 6 @2 isr 1,4,6 +6 -4,1
        isr 1,4,6,2,3       => 6 @3 isr 6,2,3
        ",
    );
}

#[test]
fn cancelling_goes_back_to_those_who_were_there() {
    let lab = lab().story(
        "
        reassign 3,4,5      => 1 @0 isr 1,2,3 +4,5 -1,2
        isr 1,2,3,4         => 1 @0 isr 1,2,3,4 +4,5 -1,2
        cancel              => 1 @1 isr 1,2,3
        ",
    );
    assert_eq!(replicas(&lab), [3, 1, 2]);
    let mut lab = lab;
    let again = lab.reassign(&[None]);
    assert_eq!(error(&again), E::NoReassignmentInProgress);
}

#[test]
fn a_leader_that_was_new_hands_over_when_the_reassignment_is_cancelled() {
    lab().story(
        "
        reassign 4,5        => 1 @0 isr 1,2,3 +4,5 -1,2,3
        isr 1,2,3,4         => 1 @0 isr 1,2,3,4 +4,5 -1,2,3
        prefer              => 4 @1 isr 1,2,3,4 +4,5 -1,2,3
        cancel              => 1 @2 isr 1,2,3
        ",
    );
}

#[test]
fn cancelling_loses_nothing_that_was_committed() {
    // Only 4 has every committed record.
    let only_new = "
        reassign 4,5        => 1 @0 isr 1,2,3 +4,5 -1,2,3
        isr 1,4             => 1 @0 isr 1,4 +4,5 -1,2,3
        fence 1             => 4 @1 isr 4 +4,5 -1,2,3
        ";
    let mut lab = lab().story(only_new);
    let refused = lab.reassign(&[None]);
    assert_eq!(error(&refused), E::InvalidReplicaAssignment);
    assert_eq!(lab.state(), "4 @1 isr 4 +4,5 -1,2,3");
    let mut lab = lab.story(
        "
        set unclean.leader.election.enable true => 4 @1 isr 4 +4,5 -1,2,3
        cancel              => 2 @2 isr 2 recovering
        ",
    );
    let nothing = lab.reassign(&[None]);
    assert_eq!(error(&nothing), E::NoReassignmentInProgress);
}

#[test]
fn the_only_replica_is_not_gone_back_to_with_less_than_the_new_one_has() {
    let mut lab = Lab::new(3);
    lab.create("t", &[&[1]]);
    let mut lab = lab.story(
        "
        reassign 2,3        => 1 @0 isr 1 +2,3 -1
        isr 1,2             => 1 @0 isr 1,2 +2,3 -1
        fence 1             => 2 @1 isr 2 +2,3 -1
        unfence 1           => 2 @1 isr 2 +2,3 -1
        ",
    );
    let refused = lab.reassign(&[None]);
    assert_eq!(error(&refused), E::InvalidReplicaAssignment);
}

#[test]
fn cancelling_waits_for_whoever_is_eligible() {
    lab().story(
        "
        set min.insync.replicas 2 => 1 @0 isr 1,2,3
        reassign 4,5        => 1 @0 isr 1,2,3 +4,5 -1,2,3
        isr 1,4             => 1 @0 isr 1,4 +4,5 -1,2,3
        fence 1             => 4 @1 isr 4 elr 1 +4,5 -1,2,3
        cancel              => - @2 isr  elr 1
        unfence 1           => 1 @3 isr 1
        ",
    );
}

#[test]
fn another_target_takes_the_place_of_the_first() {
    let lab = lab().story(
        "
        reassign 4,5        => 1 @0 isr 1,2,3 +4,5 -1,2,3
        isr 1,2,3,4         => 1 @0 isr 1,2,3,4 +4,5 -1,2,3
        reassign 5,6        => 1 @1 isr 1,2,3 +5,6 -1,2,3
        cancel              => 1 @2 isr 1,2,3
        ",
    );
    assert_eq!(replicas(&lab), [1, 2, 3]);
}

#[test]
fn what_is_refused() {
    let bad = E::InvalidReplicaAssignment;
    let target = |ids: &[i32]| Some(ids.iter().copied().map(BrokerId).collect::<Vec<_>>());
    for (topic, partition, replicas, may_resize, expected) in [
        ("t", 0, target(&[4, 5, 6]), false, E::None),
        ("t", 0, target(&[1, 2, 3]), false, E::None),
        ("t", 0, target(&[4, 5]), true, E::None),
        ("t", 0, target(&[4, 5]), false, E::InvalidReplicationFactor),
        ("t", 0, target(&[]), true, bad),
        ("t", 0, target(&[4, 4]), true, bad),
        ("t", 0, target(&[4, 9]), true, bad),
        ("t", 0, target(&[4, -1]), true, bad),
        ("t", 1, target(&[4]), true, E::UnknownTopicOrPartition),
        ("t", -1, target(&[4]), true, E::UnknownTopicOrPartition),
        ("other", 0, target(&[4]), true, E::UnknownTopicOrPartition),
        ("t", 0, None, true, E::NoReassignmentInProgress),
        ("other", 0, None, true, E::UnknownTopicOrPartition),
    ] {
        let mut lab = lab();
        // Who is fenced may keep a partition: it may well come back.
        lab.ask(&Request::FenceBroker(lab.broker(6)));
        let before = lab.image.clone();
        let what = format!("{topic} {partition} {replicas:?}");
        let response = lab.ask(&Request::AlterReassignments(AlterReassignments {
            partitions: vec![Reassignment {
                topic: topic.into(),
                partition,
                replicas,
            }],
            allows_another_replication_factor: may_resize,
        }));
        assert_eq!(error(&response), expected, "{what}");
        assert!(expected == E::None || lab.image == before, "{what}");
    }
}

#[test]
fn a_request_has_a_limit_and_names_no_partition_twice() {
    let mut lab = lab();
    let one = Reassignment {
        topic: "t".into(),
        partition: 0,
        replicas: Some(vec![BrokerId(4)]),
    };
    let request = |count| {
        Request::AlterReassignments(AlterReassignments {
            partitions: vec![one.clone(); count],
            allows_another_replication_factor: true,
        })
    };
    let response = lab.ask(&request(MAX_PARTITIONS_PER_REQUEST + 1));
    assert_eq!(error(&response), E::PolicyViolation);
    let Response::AlterReassignments(Ok(altered)) = lab.ask(&request(2)) else {
        panic!("refused");
    };
    let codes: Vec<_> = altered.results.into_iter().map(Result::err).collect();
    assert!(codes[0].is_none());
    assert_eq!(codes[1].as_ref().unwrap().code, E::InvalidRequest);
    assert_eq!(altered.metadata_offset, lab.image.offset());
    assert_eq!(lab.state(), "1 @0 isr 1,2,3 +4 -1,2,3");
}

#[test]
fn the_number_of_replicas_is_that_of_the_target_that_is_under_way() {
    let mut lab = lab().story("reassign 4,5 => 1 @0 isr 1,2,3 +4,5 -1,2,3");
    let mut ask = |count: i32| {
        let request = AlterReassignments {
            partitions: vec![Reassignment {
                topic: "t".into(),
                partition: 0,
                replicas: Some((1..=count).map(BrokerId).collect()),
            }],
            allows_another_replication_factor: false,
        };
        error(&lab.ask(&Request::AlterReassignments(request)))
    };
    assert_eq!(ask(3), E::InvalidReplicationFactor);
    assert_eq!(ask(2), E::None);
}

#[test]
fn the_directories_of_new_replicas_are_known_where_there_is_no_choice() {
    let mut lab = lab();
    lab.reassign(&[Some(&[4, 1])]);
    let dir = |id| lab.image.broker(BrokerId(id)).unwrap().log_dirs[0];
    let of = |id| lab.partition().directory(BrokerId(id)).unwrap();
    assert!([1, 2, 3, 4].iter().all(|id| of(*id) == dir(*id)));
    let lab = lab.story("isr 1,2,3,4 => 1 @1 isr 1,4");
    assert_eq!(lab.partition().directories.len(), 2);
    let mut lab = Lab::with_two_dirs();
    lab.reassign(&[Some(&[3, 1])]);
    assert!(lab.partition().directories.is_empty());
}

#[test]
fn a_dead_replica_is_replaced() {
    lab().story(
        "
        fence 3             => 1 @0 isr 1,2
        forget 3            => 1 @0 isr 1,2
        reassign 1,2,4      => 1 @0 isr 1,2 +4 -3
        isr 1,2,4           => 1 @1 isr 1,2,4
        ",
    );
}
