//! Moves partitions to other brokers, and gives up doing so (KIP-455; rule 92).

use crate::{
    Context, Decision, MAX_PARTITIONS_PER_REQUEST, Refusal,
    assignment::Assignment,
    election::change_assignment,
    new_partitions::{check_brokers, only_directory},
    topic_settings,
};
use klamm_metadata::{Image, Partition, Topic, proto};
use klamm_types::{BrokerId, ErrorCode, TopicPartition, Uuid};
use std::collections::BTreeSet;

/// Reassignments to begin and to cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterReassignments {
    /// In the order in which they are answered, each partition at most once.
    pub partitions: Vec<Reassignment>,
    /// Whether a partition may get more or fewer replicas than it has.
    pub allows_another_replication_factor: bool,
}

/// The reassignment of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassignment {
    /// The topic's name.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Who is to keep it, the preferred leader first; `None`: what is under way is cancelled.
    pub replicas: Option<Vec<BrokerId>>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredReassignments {
    /// In the order of the request.
    pub results: Vec<Result<(), Refusal>>,
    /// Images from this offset on hold the changes.
    pub metadata_offset: i64,
}

pub(crate) fn decide(
    image: &Image,
    request: &AlterReassignments,
    ctx: &Context,
) -> Decision<Result<AlteredReassignments, Refusal>> {
    if request.partitions.len() > MAX_PARTITIONS_PER_REQUEST {
        let message =
            format!("a request may reassign up to {MAX_PARTITIONS_PER_REQUEST} partitions");
        return Decision::refused(Refusal::new(ErrorCode::PolicyViolation, message));
    }
    let mut seen = BTreeSet::new();
    let mut records = Vec::new();
    let mut results = Vec::with_capacity(request.partitions.len());
    for reassignment in &request.partitions {
        let result = if seen.insert((&reassignment.topic, reassignment.partition)) {
            alter(image, request, reassignment, ctx)
                .map(|change| records.extend(change.map(proto::Record::from)))
        } else {
            let message = "the request names the partition more than once";
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        };
        results.push(result);
    }
    let response = Ok(AlteredReassignments {
        results,
        metadata_offset: image.offset() + records.len() as i64,
    });
    Decision { records, response }
}

fn alter(
    image: &Image,
    request: &AlterReassignments,
    reassignment: &Reassignment,
    ctx: &Context,
) -> Result<Option<proto::PartitionChangeRecord>, Refusal> {
    let (topic, partition) = find(image, &reassignment.topic, reassignment.partition)?;
    let id = topic.topic_partition(reassignment.partition);
    let Some(target) = &reassignment.replicas else {
        return cancel(image, topic, id, partition, ctx);
    };
    check_brokers(image, id.partition, target)?;
    if !request.allows_another_replication_factor {
        check_replication_factor(partition, target.len())?;
    }
    let is_active = |id| image.is_active(id);
    let rules = topic_settings::rules(image, topic, ctx, &is_active);
    let wanted = Assignment::toward(partition, target, rules.min_isr);
    let change = change_assignment(id, partition, wanted, None, &rules);
    Ok(change.map(|change| with_directories(image, partition, change)))
}

/// The partition that a client names.
pub(crate) fn find<'a>(
    image: &'a Image,
    topic: &str,
    partition: i32,
) -> Result<(&'a Topic, &'a Partition), Refusal> {
    let unknown = |what: String| {
        let message = format!("there is no {what}");
        Refusal::new(ErrorCode::UnknownTopicOrPartition, message)
    };
    let found = image
        .topic_by_name(topic)
        .ok_or_else(|| unknown(format!("topic {topic:?}")))?;
    let state = found
        .partition(partition)
        .ok_or_else(|| unknown(format!("partition {partition} of {topic:?}")))?;
    Ok((found, state))
}

fn check_replication_factor(partition: &Partition, wanted: usize) -> Result<(), Refusal> {
    let current = Assignment::of(partition).target().len();
    if current == wanted {
        return Ok(());
    }
    let message = format!("the partition has {current} replica(s), it would have {wanted}");
    Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message))
}

/// Back to where it began, unless nobody who has every committed record would be left.
fn cancel(
    image: &Image,
    topic: &Topic,
    id: TopicPartition,
    partition: &Partition,
    ctx: &Context,
) -> Result<Option<proto::PartitionChangeRecord>, Refusal> {
    if !Assignment::of(partition).is_changing() {
        let message = "no reassignment of the partition is under way";
        return Err(Refusal::new(ErrorCode::NoReassignmentInProgress, message));
    }
    let is_active = |id| image.is_active(id);
    let rules = topic_settings::rules(image, topic, ctx, &is_active);
    let cancelled = Assignment::cancelled(partition);
    let is_left = |id: &BrokerId| cancelled.assignment.replicas.contains(id);
    let has_candidate = partition.isr.iter().chain(&partition.elr).any(is_left);
    let change = change_assignment(id, partition, cancelled, None, &rules);
    let leads_to_nobody = change.as_ref().is_some_and(|change| {
        let after = partition.changed(change);
        after.is_ok_and(|after| after.isr.is_empty() && after.elr.is_empty())
    });
    if leads_to_nobody || !(has_candidate || rules.unclean) {
        let message = "only the new replicas have every committed record: going back to the others \
                       would take an unclean election";
        return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
    }
    Ok(change)
}

/// A change that names where new replicas live, as far as their brokers have no choice.
fn with_directories(
    image: &Image,
    partition: &Partition,
    mut change: proto::PartitionChangeRecord,
) -> proto::PartitionChangeRecord {
    if let Some(replicas) = &change.replicas {
        let directory = |id: &i32| {
            let id = BrokerId(*id);
            let known = partition.directory(id);
            known.unwrap_or_else(|| match partition.is_replica(id) {
                true => Uuid::ZERO,
                false => only_directory(image, id),
            })
        };
        let directories: Vec<Uuid> = replicas.ids.iter().map(directory).collect();
        if directories.iter().any(|directory| !directory.is_zero()) {
            change.directories = Some(directories.as_slice().into());
        }
    }
    change
}

#[cfg(test)]
#[path = "alter_reassignments_tests.rs"]
mod tests;
