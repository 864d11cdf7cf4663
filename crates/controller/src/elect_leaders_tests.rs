use super::*;
use crate::{
    Request, Response,
    lab::{Lab, creatable, error},
};
use klamm_types::{BrokerId, ErrorCode as E};

#[test]
fn the_preferred_replica_leads_again() {
    let lab = Lab::with_topic().story(
        "
        fence 1     => 2 @1 isr 2,3
        unfence 1   => 2 @1 isr 2,3
        isr 2,3,1   => 2 @1 isr 2,3,1
        prefer      => 1 @2 isr 2,3,1
        ",
    );
    let mut lab = lab;
    let again = lab.elect(ElectionType::Preferred);
    assert_eq!(error(&again), E::ElectionNotNeeded);
}

#[test]
fn the_preferred_replica_leads_only_from_the_isr_and_alive() {
    for story in [
        "fence 1 => 2 @1 isr 2,3",
        "
        fence 1     => 2 @1 isr 2,3
        unfence 1   => 2 @1 isr 2,3
        ",
        "stop 1     => 2 @1 isr 2,3",
    ] {
        let mut lab = Lab::with_topic().story(story);
        let refused = lab.elect(ElectionType::Preferred);
        assert_eq!(error(&refused), E::PreferredLeaderNotAvailable, "{story}");
        assert_eq!(lab.state(), "2 @1 isr 2,3");
    }
}

#[test]
fn an_unclean_election_is_held_where_nobody_leads_whatever_the_settings() {
    let mut lab = Lab::with_topic();
    let refused = lab.elect(ElectionType::Unclean);
    assert_eq!(error(&refused), E::ElectionNotNeeded);
    let mut lab = lab.story(
        "
        isr 1       => 1 @0 isr 1
        fence 1     => - @1 isr  elr 1
        force       => 2 @2 isr 2 recovering
        ",
    );
    lab.ask(&Request::FenceBroker(lab.broker(3)));
    let mut lab = lab.story("fence 2 => - @3 isr  elr 2 recovering");
    let refused = lab.elect(ElectionType::Unclean);
    assert_eq!(error(&refused), E::EligibleLeadersNotAvailable);
}

/// The topics a, b and t, each led by its second replica, 2; of t the preferred one is not in sync.
fn imbalanced() -> Lab {
    let mut lab = Lab::new(3);
    for name in ["a", "b", "t"] {
        lab.create(name, &[&[1, 2, 3]]);
    }
    for id in [1, 3] {
        lab.ask(&Request::FenceBroker(lab.broker(id)));
        lab.ask(&Request::UnfenceBroker(lab.broker(id)));
    }
    for name in ["a", "b"] {
        let mut proposal = lab.proposal(&[2, 1]);
        proposal.partitions[0].id = lab.image.topic_by_name(name).unwrap().topic_partition(0);
        assert_eq!(error(&lab.ask(&Request::AlterPartition(proposal))), E::None);
    }
    lab
}

fn leaders(lab: &Lab) -> Vec<i32> {
    let topics = lab.image.topics_by_name();
    topics.map(|t| t.partition(0).unwrap().leader.0).collect()
}

#[test]
fn without_a_list_all_that_need_it_are_elected() {
    let mut lab = imbalanced();
    assert_eq!(leaders(&lab), [2, 2, 2]);
    lab.create("led", &[&[3]]);
    let response = lab.ask(&Request::ElectLeaders(ElectLeaders {
        election: ElectionType::Preferred,
        partitions: None,
    }));
    let Response::ElectLeaders(Ok(elected)) = response else {
        panic!("{response:?}");
    };
    let results = elected.partitions.iter().map(|one| {
        let code = one.result.as_ref().err().map(|refusal| refusal.code);
        (one.topic.as_str(), one.partition, code)
    });
    let expected = [
        ("a", 0, None),
        ("b", 0, None),
        ("t", 0, Some(E::PreferredLeaderNotAvailable)),
    ];
    assert_eq!(results.collect::<Vec<_>>(), expected);
    assert_eq!(elected.metadata_offset, lab.image.offset());
}

#[test]
fn what_is_named_is_answered_once() {
    let mut lab = imbalanced();
    let named = [("a", 0), ("a", 0), ("a", 7), ("x", 0)];
    let response = lab.ask(&Request::ElectLeaders(ElectLeaders {
        election: ElectionType::Preferred,
        partitions: Some(named.map(|(topic, p)| (topic.to_owned(), p)).into()),
    }));
    let Response::ElectLeaders(Ok(elected)) = response else {
        panic!("{response:?}");
    };
    let codes = elected.partitions.iter().map(|one| {
        let refusal = one.result.as_ref().err();
        refusal.map(|refusal| refusal.code)
    });
    let unknown = Some(E::UnknownTopicOrPartition);
    assert_eq!(codes.collect::<Vec<_>>(), [None, unknown, unknown]);
}

#[test]
fn balancing_moves_what_can_be_moved() {
    let mut lab = imbalanced();
    assert_eq!(lab.ask(&Request::BalanceLeaders), Response::Elected(2));
    assert_eq!(leaders(&lab), [1, 1, 2]);
    assert_eq!(lab.ask(&Request::BalanceLeaders), Response::Elected(0));
}

#[test]
fn chores_elect_a_limited_number_at_a_time() {
    let mut lab = Lab::new(2);
    let count = ELECTIONS_PER_CHORE_MAX + 5;
    let request = crate::CreateTopics {
        topics: vec![crate::CreatableTopic {
            assignments: (0..count as i32)
                .map(|partition| crate::ReplicaAssignment {
                    partition,
                    broker_ids: vec![BrokerId(1), BrokerId(2)],
                })
                .collect(),
            ..creatable("t")
        }],
        validate_only: false,
    };
    assert_eq!(error(&lab.ask(&Request::CreateTopics(request))), E::None);
    // 1 leads none of them any more, and is in sync again.
    lab.ask(&Request::FenceBroker(lab.broker(1)));
    lab.ask(&Request::UnfenceBroker(lab.broker(1)));
    let topic = lab.image.topic_by_name("t").unwrap().clone();
    let mut proposal = lab.proposal(&[2, 1]);
    let one = proposal.partitions[0].clone();
    proposal.partitions = (0..count as i32)
        .map(|index| crate::PartitionIsr {
            id: topic.topic_partition(index),
            ..one.clone()
        })
        .collect();
    assert_eq!(error(&lab.ask(&Request::AlterPartition(proposal))), E::None);
    let mut balanced = || lab.ask(&Request::BalanceLeaders);
    assert_eq!(balanced(), Response::Elected(ELECTIONS_PER_CHORE_MAX));
    assert_eq!(balanced(), Response::Elected(5));
    assert_eq!(balanced(), Response::Elected(0));
}

#[test]
fn what_waited_for_an_unclean_election_gets_it_when_it_is_due() {
    let mut lab = Lab::with_topic().story(
        "
        isr 1       => 1 @0 isr 1
        fence 1     => - @1 isr  elr 1
        chore       => - @1 isr  elr 1
        ",
    );
    // The setting of another active controller.
    lab.settings.unclean_leader_election_enable = true;
    lab.story("chore => 2 @2 isr 2 recovering");
}
