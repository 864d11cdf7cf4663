//! A broker tells in which of its log directories its replicas live (KIP-858).

use crate::{
    BrokerRef, Context, Decision, Refusal,
    broker_state::{registered, without},
    election::change_partition,
    topic_settings,
};
use klamm_metadata::{Image, Partition, broker_ids, proto, uuid_bytes};
use klamm_types::{BrokerId, TopicPartition, Uuid};
use std::collections::BTreeMap;

/// What a broker tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignDirectories {
    /// The broker.
    pub broker: BrokerRef,
    /// Where its replicas live.
    pub replicas: Vec<ReplicaDirectory>,
}

/// Where a replica lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaDirectory {
    /// The partition.
    pub id: TopicPartition,
    /// The log directory, which may have failed by now.
    pub directory: Uuid,
}

/// Replicas that are not there any more are passed over. One that turns out to live in a directory
/// that is offline leaves the ISR; one that lives in another than was thought may lead again.
pub(crate) fn decide(
    image: &Image,
    request: &AssignDirectories,
    ctx: &Context,
) -> Decision<Result<(), Refusal>> {
    if let Err(refusal) = registered(image, request.broker) {
        return Decision::refused(refusal);
    }
    // The last word counts.
    let told: BTreeMap<TopicPartition, Uuid> = (request.replicas.iter())
        .map(|replica| (replica.id, replica.directory))
        .collect();
    let changes = told
        .into_iter()
        .filter_map(|(id, directory)| assign(image, request.broker.id, id, directory, ctx));
    Decision {
        records: changes.map(proto::Record::from).collect(),
        response: Ok(()),
    }
}

fn assign(
    image: &Image,
    broker: BrokerId,
    id: TopicPartition,
    directory: Uuid,
    ctx: &Context,
) -> Option<proto::PartitionChangeRecord> {
    let topic = image.topic(id.topic_id)?;
    let partition = topic.partition(id.partition)?;
    if !partition.is_replica(broker) || partition.directory(broker) == Some(directory) {
        return None;
    }
    let is_active = |id| image.is_active(id);
    let rules = topic_settings::rules(image, topic, ctx, &is_active);
    let moved = moved(partition, broker, directory);
    let isr = if rules.log_dirs.has(&moved, broker) {
        partition.isr.clone()
    } else {
        without(&partition.isr, broker)
    };
    let change = change_partition(id, &moved, isr, None, &rules);
    Some(with_directories(id, &moved, change))
}

/// The partition with the broker's replica in another directory.
pub(crate) fn moved(partition: &Partition, broker: BrokerId, directory: Uuid) -> Partition {
    Partition {
        directories: partition.directories_with(broker, directory),
        ..partition.clone()
    }
}

/// A change, if there is any, that also records the directories of the replicas.
pub(crate) fn with_directories(
    id: TopicPartition,
    moved: &Partition,
    change: Option<proto::PartitionChangeRecord>,
) -> proto::PartitionChangeRecord {
    let nothing_else = || proto::PartitionChangeRecord {
        topic_id: uuid_bytes(id.topic_id),
        partition: id.partition,
        ..Default::default()
    };
    let change = change.unwrap_or_else(nothing_else);
    // It may end a reassignment.
    let replicas = match &change.replicas {
        Some(replicas) => broker_ids(&replicas.ids),
        None => moved.replicas.clone(),
    };
    let known = replicas.iter().map(|id| moved.directory(*id));
    let directories: Vec<Uuid> = known.map(Option::unwrap_or_default).collect();
    proto::PartitionChangeRecord {
        directories: Some(directories.as_slice().into()),
        ..change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Request,
        lab::{Lab, error},
    };
    use klamm_types::{BrokerEpoch, ErrorCode};

    #[test]
    fn the_only_directory_of_a_broker_need_not_be_told() {
        let lab = Lab::with_topic();
        for id in lab.partition().replicas.clone() {
            let directory = lab.partition().directory(id);
            assert_eq!(
                directory,
                lab.image.broker(id).unwrap().log_dirs.first().copied()
            );
        }
        let lab = Lab::with_two_dirs();
        assert!(lab.partition().directories.is_empty());
    }

    #[test]
    fn what_is_told_stands_in_the_metadata_once() {
        let lab = Lab::with_two_dirs().story("place 2 1 => 1 @0 isr 1,2,3");
        let expected = [Uuid::ZERO, lab.dir(2, 1), Uuid::ZERO];
        assert_eq!(lab.partition().directories, expected);
        let epoch = lab.partition().partition_epoch;
        let lab = lab.story("place 2 1 => 1 @0 isr 1,2,3");
        assert_eq!(lab.partition().partition_epoch, epoch);
    }

    #[test]
    fn a_replica_in_a_directory_that_has_failed_by_now_leaves_the_isr() {
        Lab::with_two_dirs().story(
            "
            fail 1 1          => 1 @0 isr 1,2,3
            place 1 1         => 2 @1 isr 2,3
            place 1 0         => 2 @1 isr 2,3
            isr 2,3,1         => 2 @1 isr 2,3,1
            ",
        );
    }

    #[test]
    fn a_replica_that_was_found_elsewhere_leads_again() {
        Lab::with_two_dirs().story(
            "
            place 1 1         => 1 @0 isr 1,2,3
            isr 1             => 1 @0 isr 1
            fail 1 1          => - @1 isr  elr 1
            place 1 0         => 1 @2 isr 1
            ",
        );
    }

    #[test]
    fn what_does_not_fit_is_passed_over() {
        let mut lab = Lab::with_two_dirs();
        let before = lab.image.clone();
        let id = lab.id();
        let other = TopicPartition { partition: 9, ..id };
        let topic_id = Uuid([9; 16]);
        let unknown = TopicPartition { topic_id, ..id };
        let directory = lab.dir(1, 0);
        let replicas: Vec<_> = [other, unknown]
            .map(|id| ReplicaDirectory { id, directory })
            .into();
        let broker = lab.broker(1);
        let request = AssignDirectories { broker, replicas };
        let answered = lab.ask(&Request::AssignDirectories(request.clone()));
        assert_eq!(error(&answered), ErrorCode::None);
        assert_eq!(lab.image, before);
        let stale = BrokerRef {
            epoch: BrokerEpoch(broker.epoch.0 - 1),
            ..broker
        };
        let request = AssignDirectories {
            broker: stale,
            ..request
        };
        let refused = lab.ask(&Request::AssignDirectories(request));
        assert_eq!(error(&refused), ErrorCode::StaleBrokerEpoch);
    }
}
