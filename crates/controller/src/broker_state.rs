//! A registered broker is fenced, unfenced, stops or goes for good (rules 84 to 86).

use crate::{
    BrokerRef, Context, Decision, Refusal,
    assign_directories::{moved, with_directories},
    election::change_partition,
    register_broker::Losses,
    topic_settings,
};
use klamm_metadata::{Broker, Image, Partition, proto};
use klamm_types::{BrokerId, ErrorCode};

type Done = Decision<Result<(), Refusal>>;

/// The broker if it is registered under that epoch.
///
/// # Errors
/// `STALE_BROKER_EPOCH`.
pub(crate) fn registered(image: &Image, broker: BrokerRef) -> Result<&Broker, Refusal> {
    let stale = |message| Refusal::new(ErrorCode::StaleBrokerEpoch, message);
    match image.broker(broker.id) {
        None => Err(stale(format!("broker {} is not registered", broker.id))),
        Some(found) if found.epoch != broker.epoch => Err(stale(format!(
            "broker {} has epoch {}, not {}",
            broker.id, found.epoch, broker.epoch
        ))),
        Some(found) => Ok(found),
    }
}

pub(crate) fn fence(image: &Image, broker: BrokerRef, ctx: &Context) -> Done {
    let change = proto::BrokerChangeRecord {
        fenced: Some(true),
        ..Default::default()
    };
    change_state(
        image,
        broker,
        change,
        |found| found.fenced,
        |record| after(leave_isrs(image, broker.id, ctx), record),
    )
}

pub(crate) fn unfence(image: &Image, broker: BrokerRef, ctx: &Context) -> Done {
    let change = proto::BrokerChangeRecord {
        fenced: Some(false),
        ..Default::default()
    };
    change_state(
        image,
        broker,
        change,
        |found| !found.fenced,
        |record| {
            let mut records = vec![record];
            records.extend(lead_again(image, broker.id, ctx));
            records
        },
    )
}

pub(crate) fn shut_down(image: &Image, broker: BrokerRef, ctx: &Context) -> Done {
    let change = proto::BrokerChangeRecord {
        in_controlled_shutdown: Some(true),
        ..Default::default()
    };
    let stops = |found: &Broker| found.fenced || found.in_controlled_shutdown;
    change_state(image, broker, change, stops, |record| {
        after(leave_isrs(image, broker.id, ctx), record)
    })
}

pub(crate) fn unregister(image: &Image, id: BrokerId, ctx: &Context) -> Done {
    let Some(found) = image.broker(id) else {
        let message = format!("broker {id} is not registered");
        return Decision::refused(Refusal::new(ErrorCode::BrokerIdNotRegistered, message));
    };
    let record = proto::UnregisterBrokerRecord {
        broker_id: id.0,
        broker_epoch: found.epoch.0,
    };
    Decision {
        records: after(leave_isrs(image, id, ctx), record.into()),
        response: Ok(()),
    }
}

/// What becomes of partitions comes before what becomes of the broker: should only a part of the
/// records be committed, whoever is active next finds the rest undone, and does it.
pub(crate) fn after(mut changes: Vec<proto::Record>, record: proto::Record) -> Vec<proto::Record> {
    changes.push(record);
    changes
}

/// Changes the broker's state unless it is in that state already.
fn change_state(
    image: &Image,
    broker: BrokerRef,
    change: proto::BrokerChangeRecord,
    is_done: impl Fn(&Broker) -> bool,
    with_partitions: impl FnOnce(proto::Record) -> Vec<proto::Record>,
) -> Done {
    match registered(image, broker) {
        Err(refusal) => Decision::refused(refusal),
        Ok(found) if is_done(found) => Decision::unchanged(Ok(())),
        Ok(_) => {
            let record = proto::BrokerChangeRecord {
                broker_id: broker.id.0,
                broker_epoch: broker.epoch.0,
                ..change
            };
            Decision {
                records: with_partitions(record.into()),
                response: Ok(()),
            }
        }
    }
}

/// The broker leaves every ISR; others lead what it led.
fn leave_isrs(image: &Image, id: BrokerId, ctx: &Context) -> Vec<proto::Record> {
    let is_active = |other| other != id && image.is_active(other);
    let concerned = |partition: &Partition| partition.isr.contains(&id);
    let isr = |partition: &Partition| without(&partition.isr, id);
    change_partitions(image, ctx, &is_active, concerned, isr)
}

/// The broker comes back: it leaves every ISR, and every ELR that it has lost something of (rule
/// 85). What lived in a directory that is gone begins anew in another.
pub(crate) fn come_back(
    image: &Image,
    id: BrokerId,
    losses: &Losses,
    ctx: &Context,
) -> Vec<proto::Record> {
    let mut changes = Vec::new();
    let is_active = |other| other != id && image.is_active(other);
    for topic in image.topics() {
        let rules = topic_settings::rules(image, topic, ctx, &is_active);
        let replicas = topic.partitions().filter(|(_, p)| p.is_replica(id));
        for (index, partition) in replicas {
            let tp = topic.topic_partition(index);
            let loss = losses.of(partition);
            let moved = losses
                .new_home(partition)
                .map(|new| moved(partition, id, new));
            let isr = without(&partition.isr, id);
            let is_candidate =
                partition.isr.contains(&id) || (loss.is_some() && partition.elr.contains(&id));
            let change = is_candidate
                .then(|| {
                    change_partition(tp, moved.as_ref().unwrap_or(partition), isr, loss, &rules)
                })
                .flatten();
            let change = match moved {
                Some(moved) => Some(with_directories(tp, &moved, change)),
                None => change,
            };
            changes.extend(change);
        }
    }
    leaders_first(changes)
}

/// The broker is active again: it may lead what nobody leads.
fn lead_again(image: &Image, id: BrokerId, ctx: &Context) -> Vec<proto::Record> {
    let stops = |id| image.broker(id).is_some_and(|b| b.in_controlled_shutdown);
    let is_active = |other| (other == id && !stops(id)) || image.is_active(other);
    let concerned =
        |partition: &Partition| !partition.has_leader() && partition.replicas.contains(&id);
    let isr = |partition: &Partition| partition.isr.clone();
    change_partitions(image, ctx, &is_active, concerned, isr)
}

/// Gives every partition that is concerned the ISR of `isr`.
fn change_partitions(
    image: &Image,
    ctx: &Context,
    is_active: &dyn Fn(BrokerId) -> bool,
    concerned: impl Fn(&Partition) -> bool,
    isr: impl Fn(&Partition) -> Vec<BrokerId>,
) -> Vec<proto::Record> {
    let mut changes = Vec::new();
    for topic in image.topics() {
        let mut concerned = topic.partitions().filter(|(_, p)| concerned(p)).peekable();
        if concerned.peek().is_none() {
            continue;
        }
        let rules = topic_settings::rules(image, topic, ctx, is_active);
        for (index, partition) in concerned {
            let id = topic.topic_partition(index);
            changes.extend(change_partition(
                id,
                partition,
                isr(partition),
                None,
                &rules,
            ));
        }
    }
    leaders_first(changes)
}

/// Partitions that get another leader come first: there may be thousands, and their clients wait.
pub(crate) fn leaders_first(changes: Vec<proto::PartitionChangeRecord>) -> Vec<proto::Record> {
    let (leaders, others): (Vec<_>, Vec<_>) = changes
        .into_iter()
        .partition(|change| change.leader.is_some());
    let in_order = leaders.into_iter().chain(others);
    in_order.map(proto::Record::from).collect()
}

pub(crate) fn without(isr: &[BrokerId], id: BrokerId) -> Vec<BrokerId> {
    isr.iter().copied().filter(|other| *other != id).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        BrokerRef, Request,
        lab::{Lab, error},
    };
    use klamm_types::{BrokerEpoch, BrokerId, ErrorCode};

    #[test]
    fn a_stopping_broker_gives_everything_away_and_may_not_come_back_by_itself() {
        let mut lab = Lab::with_topic().story(
            "
            stop 1            => 2 @1 isr 2,3
            stop 1            => 2 @1 isr 2,3
            fence 1           => 2 @1 isr 2,3
            fence 2           => 3 @2 isr 3
            fence 3           => - @3 isr  elr 3
            unfence 3         => 3 @4 isr 3
            ",
        );
        let refused = lab.ask(&Request::AlterPartition(lab.proposal(&[3, 1])));
        assert_eq!(error(&refused), ErrorCode::IneligibleReplica);
    }

    #[test]
    fn a_broker_that_is_gone_for_good_leaves_every_isr() {
        Lab::with_topic().story(
            "
            forget 1          => 2 @1 isr 2,3
            restart 1 unclean => 2 @1 isr 2,3
            unfence 1         => 2 @1 isr 2,3
            isr 2,3,1         => 2 @1 isr 2,3,1
            ",
        );
        let unknown = Lab::new(1).ask(&Request::UnregisterBroker(BrokerId(9)));
        assert_eq!(error(&unknown), ErrorCode::BrokerIdNotRegistered);
    }

    #[test]
    fn an_earlier_registration_changes_nothing() {
        let mut lab = Lab::with_topic();
        let stale = lab.broker(1);
        lab.restart(1, false);
        let before = lab.image.clone();
        let unknown = BrokerRef {
            id: BrokerId(9),
            epoch: BrokerEpoch(0),
        };
        for broker in [stale, unknown] {
            for request in [
                Request::FenceBroker,
                Request::UnfenceBroker,
                Request::ShutDownBroker,
                Request::AllocateProducerIds,
            ] {
                let response = lab.ask(&request(broker));
                assert_eq!(error(&response), ErrorCode::StaleBrokerEpoch);
            }
        }
        assert_eq!(lab.image, before);
    }

    #[test]
    fn what_is_so_already_takes_no_record() {
        let mut lab = Lab::with_topic();
        let before = lab.image.clone();
        lab.ask(&Request::UnfenceBroker(lab.broker(1)));
        assert_eq!(lab.image, before);
    }
}
