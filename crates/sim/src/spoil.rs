//! Mistakes that are planted in what the controller has decided.

use crate::{
    bug::Bug,
    reassign::{except, is_reassigned},
};
use klamm_controller::Request;
use klamm_metadata::{
    Image, Partition,
    proto::{BrokerIds, PartitionChangeRecord, Record, record::Kind},
};
use klamm_types::{BrokerId, TopicPartition, Uuid};

/// Spoils records that were decided on an image.
pub(crate) fn spoil(bug: Bug, image: &Image, request: &Request, records: &mut [Record]) {
    for record in records {
        let Some(Kind::PartitionChange(change)) = &mut record.kind else {
            continue;
        };
        if bug == Bug::SilentUncleanElection {
            hide_unclean_election(change);
        } else if let Some(before) = partition(image, change) {
            spoil_reassignment(bug, before, request, change);
        }
    }
}

fn partition<'a>(image: &'a Image, change: &PartitionChangeRecord) -> Option<&'a Partition> {
    let topic_id = Uuid(change.topic_id.clone().try_into().ok()?);
    let partition = change.partition;
    image.partition(TopicPartition {
        topic_id,
        partition,
    })
}

/// Nobody can tell an unclean election from a clean one.
fn hide_unclean_election(change: &mut PartitionChangeRecord) {
    if change.leader_recovery_state.is_some() {
        change.leader_recovery_state = None;
        change.high_watermark_floor = None;
    }
}

fn spoil_reassignment(
    bug: Bug,
    before: &Partition,
    request: &Request,
    change: &mut PartitionChangeRecord,
) {
    let Ok(after) = before.changed(change) else {
        return;
    };
    let asked = match request {
        Request::AlterReassignments(request) => request.partitions.first(),
        _ => None,
    };
    let is_cancelled = asked.is_some_and(|asked| asked.replicas.is_none());
    let ends = is_reassigned(before) && !is_reassigned(&after);
    let removes = before.replicas.iter().any(|id| !after.is_replica(*id));
    match bug {
        Bug::ReassignmentEndsEarly if asked.is_some() => end(&after, change),
        Bug::NewReplicasCountAtOnce if asked.is_some() && !after.isr.is_empty() => {
            let new = except(&after.adding_replicas, &after.isr);
            change.isr = Some(ids(&[&after.isr[..], &new].concat()));
        }
        Bug::CancelKeepsStranger if is_cancelled => change.isr = None,
        Bug::ReassignmentNeverEnds if ends && matches!(request, Request::AlterPartition(_)) => {
            let joined = except(&after.isr, &before.isr);
            go_on(change);
            change.isr = Some(ids(&[&before.isr[..], &joined].concat()));
        }
        Bug::LastCandidatesGo if asked.is_some() && !is_cancelled => {
            let target = except(&after.replicas, &after.removing_replicas);
            let unwanted = except(&before.adding_replicas, &target);
            take_out(&unwanted, &after, change);
        }
        Bug::RemovedWithoutEpoch if removes => change.bump_leader_epoch = false,
        _ => {}
    }
}

/// Those to be removed go, whoever of the others is in sync; if nobody is, the first counts as it.
fn end(after: &Partition, change: &mut PartitionChangeRecord) {
    let target = except(&after.replicas, &after.removing_replicas);
    let mut isr = except(&after.isr, &after.removing_replicas);
    if isr.is_empty() {
        isr.extend(target.first());
    }
    if !isr.contains(&after.leader) {
        change.leader = isr.first().map(|id| id.0);
    }
    change.isr = Some(ids(&isr));
    leave(&target, after, change);
    change.elr = Some(BrokerIds::default());
    change.adding_replicas = Some(BrokerIds::default());
    change.removing_replicas = Some(BrokerIds::default());
}

/// The reassignment is under way as before, and the leader leads on.
fn go_on(change: &mut PartitionChangeRecord) {
    (change.replicas, change.directories) = (None, None);
    (change.adding_replicas, change.removing_replicas) = (None, None);
    (change.leader, change.bump_leader_epoch) = (None, false);
}

/// Some replicas go at once, whoever else is in sync.
fn take_out(unwanted: &[BrokerId], after: &Partition, change: &mut PartitionChangeRecord) {
    let isr = except(&after.isr, unwanted);
    if !isr.contains(&after.leader) {
        change.leader = Some(isr.first().map_or(BrokerId::NONE.0, |id| id.0));
    }
    change.removing_replicas = Some(ids(&except(&after.removing_replicas, unwanted)));
    change.isr = Some(ids(&isr));
    leave(&except(&after.replicas, unwanted), after, change);
}

/// Only some of the replicas are left.
fn leave(replicas: &[BrokerId], after: &Partition, change: &mut PartitionChangeRecord) {
    let known = replicas.iter().map(|id| after.directory(*id));
    let directories: Vec<Uuid> = known.map(Option::unwrap_or_default).collect();
    change.replicas = Some(ids(replicas));
    change.directories = Some(directories.as_slice().into());
    change.bump_leader_epoch = true;
}

fn ids(list: &[BrokerId]) -> BrokerIds {
    list.into()
}
