//! A broker cannot vouch for its copy of some partitions any more.
//!
//! Its disk has damaged a batch, or its log ends before what was committed. Where somebody else of
//! the ISR or the ELR can lead, that one does, and the broker leaves ISR and ELR until it has
//! caught up again. Where nobody can, it stays what it is: a leader that lacks some records is
//! better than none.

use crate::{
    BrokerRef, Context, Decision, Loss, Refusal, broker_state::registered,
    election::change_partition, topic_settings,
};
use klamm_metadata::{Image, Partition, proto};
use klamm_types::{BrokerId, ErrorCode, LeaderEpoch, TopicPartition};
use std::collections::BTreeSet;

/// What a broker resigns from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResignLeadership {
    /// Who resigns.
    pub broker: BrokerRef,
    /// From what, each partition at most once.
    pub partitions: Vec<Resignation>,
}

/// One partition that a broker resigns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resignation {
    /// The partition.
    pub id: TopicPartition,
    /// The leader epoch that the broker knows.
    pub leader_epoch: LeaderEpoch,
}

/// What became of one resignation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resigned {
    /// The partition.
    pub id: TopicPartition,
    /// `Ok`: the broker is neither leader nor in the ISR.
    pub result: Result<(), ErrorCode>,
}

pub(crate) fn decide(
    image: &Image,
    request: &ResignLeadership,
    ctx: &Context,
) -> Decision<Result<Vec<Resigned>, Refusal>> {
    if let Err(refusal) = registered(image, request.broker) {
        return Decision::refused(refusal);
    }
    let mut records = Vec::new();
    let mut seen = BTreeSet::new();
    let mut resigned = Vec::with_capacity(request.partitions.len());
    for resignation in &request.partitions {
        let id = resignation.id;
        let result = if seen.insert(id) {
            resign(image, request.broker.id, resignation, ctx).map(|record| records.extend(record))
        } else {
            Err(ErrorCode::InvalidRequest)
        };
        resigned.push(Resigned { id, result });
    }
    Decision {
        records,
        response: Ok(resigned),
    }
}

fn resign(
    image: &Image,
    broker: BrokerId,
    resignation: &Resignation,
    ctx: &Context,
) -> Result<Option<proto::Record>, ErrorCode> {
    let id = resignation.id;
    let topic = image.topic(id.topic_id).ok_or(ErrorCode::UnknownTopicId)?;
    let partition = topic
        .partition(id.partition)
        .ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if !partition.is_replica(broker) {
        return Err(ErrorCode::ReplicaNotAvailable);
    }
    if resignation.leader_epoch != partition.leader_epoch {
        return Err(ErrorCode::FencedLeaderEpoch);
    }
    if is_in_no_list(partition, broker) {
        return Ok(None);
    }
    let is_active = |other| other != broker && image.is_active(other);
    let rules = topic_settings::rules(image, topic, ctx, &is_active);
    let isr = partition
        .isr
        .iter()
        .copied()
        .filter(|other| *other != broker);
    let loss = Some(Loss::Disks(broker));
    let change = change_partition(id, partition, isr.collect(), loss, &rules);
    match change {
        Some(change) if !others_lead(partition, &change) => {
            Err(ErrorCode::EligibleLeadersNotAvailable)
        }
        change => Ok(change.map(proto::Record::from)),
    }
}

/// Whether somebody leads after a change who has every committed record: only an unclean election
/// resets the floor of the high watermark.
fn others_lead(partition: &Partition, change: &proto::PartitionChangeRecord) -> bool {
    let leader = change.leader.map_or(partition.leader, BrokerId);
    leader != BrokerId::NONE && change.high_watermark_floor.is_none()
}

/// Whether nobody counts on the broker.
fn is_in_no_list(partition: &Partition, broker: BrokerId) -> bool {
    let lists = [&partition.isr, &partition.elr];
    partition.leader != broker && lists.iter().all(|list| !list.contains(&broker))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, Response, lab::Lab};

    fn resign(lab: &mut Lab, broker: i32, leader_epoch: i32) -> Result<(), ErrorCode> {
        let request = ResignLeadership {
            broker: lab.broker(broker),
            partitions: vec![Resignation {
                id: lab.id(),
                leader_epoch: LeaderEpoch(leader_epoch),
            }],
        };
        match lab.ask(&Request::ResignLeadership(request)) {
            Response::ResignLeadership(Ok(resigned)) => resigned[0].result,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_next_of_the_isr_leads_and_the_broker_comes_back_once_it_has_caught_up() {
        let mut lab = Lab::with_topic();
        assert_eq!(resign(&mut lab, 1, 0), Ok(()));
        assert_eq!(lab.state(), "2 @1 isr 2,3");
        let mut lab = lab.story("isr 2,3,1 => 2 @1 isr 2,3,1");
        // A follower leaves the ISR, no more.
        assert_eq!(resign(&mut lab, 1, 1), Ok(()));
        assert_eq!(lab.state(), "2 @1 isr 2,3");
        assert_eq!(resign(&mut lab, 1, 1), Ok(()));
    }

    #[test]
    fn the_last_of_the_isr_stays_unless_somebody_is_eligible() {
        let mut lab = Lab::with_topic().story("isr 1 => 1 @0 isr 1");
        let nobody = Err(ErrorCode::EligibleLeadersNotAvailable);
        assert_eq!(resign(&mut lab, 1, 0), nobody);
        assert_eq!(lab.state(), "1 @0 isr 1");
        let mut lab = Lab::with_topic().story(
            "
            set min.insync.replicas 2 => 1 @0 isr 1,2,3
            isr 1,2                   => 1 @0 isr 1,2
            isr 1                     => 1 @0 isr 1 elr 2
            ",
        );
        assert_eq!(resign(&mut lab, 1, 0), Ok(()));
        assert_eq!(lab.state(), "2 @1 isr 2 known 1");
    }

    #[test]
    fn without_a_clean_leader_nothing_changes() {
        let unclean = "set unclean.leader.election.enable true";
        for (story, expected) in [
            // 2 is eligible, but its directory has failed.
            (
                "
                set min.insync.replicas 2 => 1 @0 isr 1,2,3
                place 2 1         => 1 @0 isr 1,2,3
                isr 1,2           => 1 @0 isr 1,2
                isr 1             => 1 @0 isr 1 elr 2
                fail 2 1          => 1 @0 isr 1 elr 2
                "
                .to_owned(),
                "1 @0 isr 1 elr 2",
            ),
            // So it is, and 3 could lead uncleanly.
            (
                format!(
                    "
                    {unclean}         => 1 @0 isr 1,2,3
                    set min.insync.replicas 2 => 1 @0 isr 1,2,3
                    place 2 1         => 1 @0 isr 1,2,3
                    isr 1,2           => 1 @0 isr 1,2
                    isr 1             => 1 @0 isr 1 elr 2
                    fail 2 1          => 1 @0 isr 1 elr 2
                    "
                ),
                "1 @0 isr 1 elr 2",
            ),
            // Nobody is eligible, and 2 and 3 could lead uncleanly.
            (
                format!(
                    "
                    {unclean}         => 1 @0 isr 1,2,3
                    isr 1             => 1 @0 isr 1
                    "
                ),
                "1 @0 isr 1",
            ),
        ] {
            let mut lab = Lab::with_two_dirs().story(&story);
            let nobody = Err(ErrorCode::EligibleLeadersNotAvailable);
            assert_eq!(resign(&mut lab, 1, 0), nobody, "{story}");
            assert_eq!(lab.state(), expected, "{story}");
        }
    }

    #[test]
    fn whoever_resigned_is_not_eligible_below_the_minimum() {
        let mut lab = Lab::with_topic().story("set min.insync.replicas 3 => 1 @0 isr 1,2,3");
        assert_eq!(resign(&mut lab, 1, 0), Ok(()));
        assert_eq!(lab.state(), "2 @1 isr 2,3 known 1");
    }

    #[test]
    fn an_epoch_that_is_over_and_strangers_change_nothing() {
        let mut lab = Lab::new(4);
        lab.create("t", &[&[1, 2, 3]]);
        assert_eq!(resign(&mut lab, 1, 7), Err(ErrorCode::FencedLeaderEpoch));
        assert_eq!(resign(&mut lab, 4, 0), Err(ErrorCode::ReplicaNotAvailable));
        assert_eq!(lab.state(), "1 @0 isr 1,2,3");
    }
}
