//! The replicas of new partitions, placed or assigned by hand, and their first state.

use crate::{Refusal, place_replicas, placement::PlacementError};
use klamm_metadata::{Image, broker_numbers, proto, uuid_bytes};
use klamm_types::{BrokerId, ErrorCode, Uuid};
use std::collections::BTreeSet;

/// How many partitions one request may create: they travel in one batch.
pub const MAX_PARTITIONS_PER_REQUEST: usize = 10_000;

/// Who keeps a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaAssignment {
    /// The partition.
    pub partition: i32,
    /// Its replicas, the preferred leader first.
    pub broker_ids: Vec<BrokerId>,
}

/// The refusal of a request for more than that.
pub(crate) fn too_many() -> Refusal {
    Refusal::new(
        ErrorCode::PolicyViolation,
        format!("a request may create up to {MAX_PARTITIONS_PER_REQUEST} partitions"),
    )
}

/// Places the replicas of new partitions on the image's brokers.
pub(crate) fn place(
    image: &Image,
    partitions: usize,
    replication_factor: usize,
    seed: u64,
) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    // Who is stopping is out of the question; who is fenced may well come back.
    let brokers = image
        .brokers()
        .filter(|(_, broker)| broker.fenced || !broker.in_controlled_shutdown)
        .map(|(id, broker)| (id, broker.rack.as_deref(), broker.is_active()));
    let refuse = |error: PlacementError| {
        let message =
            format!("unable to replicate the partition {replication_factor} time(s): {error}");
        Refusal::new(ErrorCode::InvalidReplicationFactor, message)
    };
    place_replicas(brokers, partitions, replication_factor, seed).map_err(refuse)
}

/// The first state of a partition: its active replicas are in sync, for there is nothing yet.
pub(crate) fn new_partition(
    image: &Image,
    topic_id: Uuid,
    partition: i32,
    replicas: &[BrokerId],
) -> proto::PartitionRecord {
    let active = replicas.iter().copied().filter(|id| image.is_active(*id));
    let isr: Vec<_> = active.collect();
    let directories: Vec<_> = replicas
        .iter()
        .map(|id| only_directory(image, *id))
        .collect();
    let is_assigned = directories.iter().any(|directory| !directory.is_zero());
    proto::PartitionRecord {
        topic_id: uuid_bytes(topic_id),
        partition,
        replicas: broker_numbers(replicas),
        leader: isr.first().copied().unwrap_or(BrokerId::NONE).0,
        isr: broker_numbers(&isr),
        directories: if is_assigned {
            directories.into_iter().map(uuid_bytes).collect()
        } else {
            Vec::new()
        },
        ..Default::default()
    }
}

/// Where a broker must put a replica, if it has no choice; else zero: it will tell.
pub(crate) fn only_directory(image: &Image, id: BrokerId) -> Uuid {
    image
        .broker(id)
        .map_or(Uuid::ZERO, |broker| sole(&broker.log_dirs))
}

/// The only one of a broker's directories that are online; zero if there are more.
pub(crate) fn sole(log_dirs: &[Uuid]) -> Uuid {
    match log_dirs {
        [directory] => *directory,
        _ => Uuid::ZERO,
    }
}

/// Whether a partition may be assigned to these brokers, in whatever state they are.
pub(crate) fn check_brokers(
    image: &Image,
    partition: i32,
    replicas: &[BrokerId],
) -> Result<(), Refusal> {
    if replicas.is_empty() {
        return Err(bad_assignment(partition, "names no broker"));
    }
    let mut seen = BTreeSet::new();
    for id in replicas {
        if image.broker(*id).is_none() {
            let message = format!("names broker {id}, which is not registered");
            return Err(bad_assignment(partition, &message));
        }
        if !seen.insert(id) {
            let message = format!("names broker {id} more than once");
            return Err(bad_assignment(partition, &message));
        }
    }
    Ok(())
}

fn bad_assignment(partition: i32, message: &str) -> Refusal {
    let message = format!("the assignment of partition {partition} {message}");
    Refusal::new(ErrorCode::InvalidReplicaAssignment, message)
}

/// Whether a new partition may have these replicas.
pub(crate) fn check_replicas(
    image: &Image,
    partition: i32,
    replicas: &[BrokerId],
    replication_factor: Option<usize>,
) -> Result<(), Refusal> {
    check_brokers(image, partition, replicas)?;
    let refuse = |message: &str| Err(bad_assignment(partition, message));
    if let Some(expected) = replication_factor.filter(|count| *count != replicas.len()) {
        let found = replicas.len();
        return refuse(&format!(
            "has {found} replicas, other partitions have {expected}"
        ));
    }
    if !replicas.iter().any(|id| image.is_active(*id)) {
        return refuse("names only brokers that are fenced or in controlled shutdown");
    }
    Ok(())
}

/// A count as it travels; counts here are bounded by what a request can hold.
pub(crate) fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
