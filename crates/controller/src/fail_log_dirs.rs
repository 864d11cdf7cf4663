//! Log directories of a broker have failed (rule 93).

use crate::{
    BrokerRef, Context, Decision, Refusal,
    broker_state::{self, registered},
    election::change_partition,
    topic_settings,
};
use klamm_metadata::{Image, Partition, proto};
use klamm_types::Uuid;

/// What a broker says of directories that it cannot use any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailLogDirs {
    /// The broker.
    pub broker: BrokerRef,
    /// Those that have failed since it registered.
    pub log_dirs: Vec<Uuid>,
}

/// Replicas in the failed directories leave their ISRs, and others lead what they led. A broker
/// with no directory left is fenced: it is about to stop.
pub(crate) fn decide(
    image: &Image,
    request: &FailLogDirs,
    ctx: &Context,
) -> Decision<Result<(), Refusal>> {
    let id = request.broker.id;
    let broker = match registered(image, request.broker) {
        Ok(broker) => broker,
        Err(refusal) => return Decision::refused(refusal),
    };
    let (failed, left): (Vec<Uuid>, Vec<Uuid>) = (broker.log_dirs.iter().copied())
        .partition(|directory| request.log_dirs.contains(directory));
    if failed.is_empty() {
        return Decision::unchanged(Ok(()));
    }
    if left.is_empty() {
        return broker_state::fence(image, request.broker, ctx);
    }
    let change = proto::BrokerChangeRecord {
        broker_id: id.0,
        broker_epoch: broker.epoch.0,
        log_dirs: Some(left.as_slice().into()),
        ..Default::default()
    };
    let mut changes = Vec::new();
    let is_active = |other| image.is_active(other);
    let lives_there = |partition: &Partition| {
        let directory = partition.directory(id);
        directory.is_some_and(|directory| failed.contains(&directory))
    };
    for topic in image.topics() {
        let concerned = |p: &Partition| p.isr.contains(&id) && lives_there(p);
        let mut concerned = topic.partitions().filter(|(_, p)| concerned(p)).peekable();
        if concerned.peek().is_none() {
            continue;
        }
        let mut rules = topic_settings::rules(image, topic, ctx, &is_active);
        rules.log_dirs = rules.log_dirs.without(id, &failed);
        for (index, partition) in concerned {
            let tp = topic.topic_partition(index);
            let isr = broker_state::without(&partition.isr, id);
            changes.extend(change_partition(tp, partition, isr, None, &rules));
        }
    }
    Decision {
        records: broker_state::after(broker_state::leaders_first(changes), change.into()),
        response: Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Request,
        lab::{Lab, error},
    };
    use klamm_types::ErrorCode;

    #[test]
    fn what_lives_in_a_failed_directory_is_led_by_others() {
        Lab::with_two_dirs().story(
            "
            place 1 1         => 1 @0 isr 1,2,3
            fail 1 0          => 1 @0 isr 1,2,3
            place 2 0         => 1 @0 isr 1,2,3
            fail 2 1          => 1 @0 isr 1,2,3
            ",
        );
        Lab::with_two_dirs().story(
            "
            place 1 1         => 1 @0 isr 1,2,3
            fail 1 1          => 2 @1 isr 2,3
            fail 1 1          => 2 @1 isr 2,3
            fence 2           => 3 @2 isr 3
            fence 3           => - @3 isr  elr 3
            fence 1           => - @3 isr  elr 3
            unfence 1         => - @3 isr  elr 3
            unfence 3         => 3 @4 isr 3
            ",
        );
    }

    #[test]
    fn a_replica_without_a_directory_is_not_taken_into_the_isr() {
        let mut lab = Lab::with_two_dirs().story(
            "
            place 2 1         => 1 @0 isr 1,2,3
            fail 2 1          => 1 @0 isr 1,3
            ",
        );
        let proposal = lab.proposal(&[1, 3, 2]);
        let refused = lab.ask(&Request::AlterPartition(proposal));
        assert_eq!(error(&refused), ErrorCode::IneligibleReplica);
        lab.story(
            "
            restart 2 clean offline 1 => 1 @0 isr 1,3
            unfence 2         => 1 @0 isr 1,3
            restart 2 unclean => 1 @0 isr 1,3
            unfence 2         => 1 @0 isr 1,3
            isr 1,3,2         => 1 @0 isr 1,3,2
            ",
        );
    }

    #[test]
    fn the_last_replica_leads_again_when_its_directory_is_back() {
        Lab::with_two_dirs().story(
            "
            place 1 1         => 1 @0 isr 1,2,3
            fence 2           => 1 @0 isr 1,3
            fence 3           => 1 @0 isr 1
            fail 1 1          => - @1 isr  elr 1
            unfence 2         => - @1 isr  elr 1
            restart 1 unclean offline 1 => - @1 isr  elr 1
            unfence 1         => - @1 isr  elr 1
            restart 1 unclean => - @1 isr  elr 1
            unfence 1         => 1 @2 isr 1
            ",
        );
    }

    #[test]
    fn a_directory_that_is_replaced_is_lost() {
        Lab::with_two_dirs().story(
            "
            place 1 1         => 1 @0 isr 1,2,3
            isr 1             => 1 @0 isr 1
            fail 1 1          => - @1 isr  elr 1
            restart 1 unclean replaced 1 => - @1 isr  known 1
            unfence 1         => - @1 isr  known 1
            ",
        );
        // The other directory is still there, and so is what lives in it.
        Lab::with_two_dirs().story(
            "
            place 1 0         => 1 @0 isr 1,2,3
            isr 1             => 1 @0 isr 1
            restart 1 unclean replaced 1 => - @1 isr  elr 1
            unfence 1         => 1 @2 isr 1
            ",
        );
    }

    #[test]
    fn an_unclean_election_takes_nobody_without_a_directory() {
        Lab::with_two_dirs().story(
            "
            place 2 1         => 1 @0 isr 1,2,3
            isr 1             => 1 @0 isr 1
            set unclean.leader.election.enable true => 1 @0 isr 1
            fail 2 1          => 1 @0 isr 1
            fence 1           => 3 @1 isr 3 recovering
            ",
        );
    }

    #[test]
    fn a_broker_without_any_directory_is_fenced() {
        let lab = Lab::with_two_dirs().story(
            "
            fail 1 0          => 1 @0 isr 1,2,3
            fail 1 1          => 2 @1 isr 2,3
            ",
        );
        assert!(lab.image.broker(lab.broker(1).id).unwrap().fenced);
    }
}
