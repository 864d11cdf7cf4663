//! Elections that somebody asks for, or that are due (KIP-460; rules 90 and 91).

use crate::{
    Context, Decision, MAX_PARTITIONS_PER_REQUEST, Refusal, Rules, alter_reassignments::find,
    election::change_partition, topic_settings,
};
use klamm_metadata::{Image, Partition, proto, uuid_bytes};
use klamm_types::{ErrorCode, TopicPartition};
use std::collections::BTreeSet;

/// How many elections without a request are held at a time: a batch is small enough for what
/// comes in between not to wait for long.
pub const ELECTIONS_PER_CHORE_MAX: usize = 1_000;

/// Which leaders are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionType {
    /// The first of the replicas.
    Preferred,
    /// Anybody, where nobody leads, whatever the topic's settings say.
    Unclean,
}

/// Elections that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectLeaders {
    /// Which leaders.
    pub election: ElectionType,
    /// Of which partitions, by name; `None`: of all that need it.
    pub partitions: Option<Vec<(String, i32)>>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectedLeaders {
    /// Each partition once, in the order of the request.
    pub partitions: Vec<ElectedLeader>,
    /// Images from this offset on hold the changes.
    pub metadata_offset: i64,
}

/// What became of one election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectedLeader {
    /// The topic's name.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Whether there is another leader now.
    pub result: Result<(), Refusal>,
}

pub(crate) fn decide(
    image: &Image,
    request: &ElectLeaders,
    ctx: &Context,
) -> Decision<Result<ElectedLeaders, Refusal>> {
    let mut records = Vec::new();
    let mut partitions = Vec::new();
    let mut hold = |topic: &str, partition: i32| {
        let result = elect(image, topic, partition, request.election, ctx);
        let result = result.map(|record| records.push(record));
        partitions.push(ElectedLeader {
            topic: topic.to_owned(),
            partition,
            result,
        });
    };
    match &request.partitions {
        Some(named) => {
            let mut seen = BTreeSet::new();
            for (topic, partition) in named {
                if seen.insert((topic, partition)) {
                    hold(topic, *partition);
                }
            }
        }
        None => {
            for topic in image.topics_by_name() {
                let partitions = topic.partitions();
                let needed = partitions.filter(|(_, p)| !has_leader(p, request.election));
                for (index, _) in needed {
                    hold(&topic.name, index);
                }
            }
        }
    }
    if records.len() > MAX_PARTITIONS_PER_REQUEST {
        let message = format!("a request may elect up to {MAX_PARTITIONS_PER_REQUEST} leaders");
        return Decision::refused(Refusal::new(ErrorCode::PolicyViolation, message));
    }
    let response = Ok(ElectedLeaders {
        partitions,
        metadata_offset: image.offset() + records.len() as i64,
    });
    Decision { records, response }
}

/// Whether the partition has a leader of the kind that is wanted.
fn has_leader(partition: &Partition, election: ElectionType) -> bool {
    match election {
        ElectionType::Preferred => partition.preferred_leader() == Some(partition.leader),
        ElectionType::Unclean => partition.has_leader(),
    }
}

fn elect(
    image: &Image,
    topic: &str,
    partition: i32,
    election: ElectionType,
    ctx: &Context,
) -> Result<proto::Record, Refusal> {
    let (topic, state) = find(image, topic, partition)?;
    if has_leader(state, election) {
        let message = "the partition has the leader that is wanted";
        return Err(Refusal::new(ErrorCode::ElectionNotNeeded, message));
    }
    let id = topic.topic_partition(partition);
    let is_active = |id| image.is_active(id);
    let rules = topic_settings::rules(image, topic, ctx, &is_active);
    let (change, code, message) = match election {
        ElectionType::Preferred => (
            prefer(id, state, &rules),
            ErrorCode::PreferredLeaderNotAvailable,
            "the preferred replica is not active or not in sync",
        ),
        ElectionType::Unclean => {
            let unclean = true;
            (
                lead(id, state, &Rules { unclean, ..rules }),
                ErrorCode::EligibleLeadersNotAvailable,
                "no replica is active",
            )
        }
    };
    let refusal = || Refusal::new(code, message);
    change.map(proto::Record::from).ok_or_else(refusal)
}

/// The preferred replica leads from now on, if it can; where nobody leads, anybody who may does as
/// well.
fn prefer(
    id: TopicPartition,
    partition: &Partition,
    rules: &Rules,
) -> Option<proto::PartitionChangeRecord> {
    let preferred = partition.preferred_leader()?;
    let can_lead = partition.isr.contains(&preferred)
        && (rules.is_active)(preferred)
        && rules.log_dirs.has(partition, preferred);
    if !can_lead {
        return lead(id, partition, rules);
    }
    Some(proto::PartitionChangeRecord {
        topic_id: uuid_bytes(id.topic_id),
        partition: id.partition,
        leader: Some(preferred.0),
        ..Default::default()
    })
}

/// Somebody leads from now on whom the rules allow, unless somebody does already.
fn lead(
    id: TopicPartition,
    partition: &Partition,
    rules: &Rules,
) -> Option<proto::PartitionChangeRecord> {
    if partition.has_leader() {
        return None;
    }
    change_partition(id, partition, partition.isr.clone(), None, rules)
        .filter(|change| change.leader.is_some())
}

/// Leadership goes back to preferred replicas, a limited number at a time.
pub(crate) fn balance(image: &Image, ctx: &Context) -> Decision<usize> {
    let is_imbalanced = |p: &Partition| p.has_leader() && !has_leader(p, ElectionType::Preferred);
    chore(image, ctx, is_imbalanced, prefer)
}

/// Partitions without a leader get one where the rules allow it by now, a limited number at a
/// time: unclean elections that were waited with, and what a controller before this one had left
/// to do.
pub(crate) fn elect_where_nobody_leads(image: &Image, ctx: &Context) -> Decision<usize> {
    chore(image, ctx, |p| !p.has_leader(), lead)
}

fn chore(
    image: &Image,
    ctx: &Context,
    is_concerned: impl Fn(&Partition) -> bool,
    elect: impl Fn(TopicPartition, &Partition, &Rules) -> Option<proto::PartitionChangeRecord>,
) -> Decision<usize> {
    let is_active = |id| image.is_active(id);
    let mut records = Vec::new();
    for topic in image.topics() {
        let concerned = topic.partitions().filter(|(_, p)| is_concerned(p));
        let mut concerned = concerned.peekable();
        if concerned.peek().is_none() {
            continue;
        }
        let rules = topic_settings::rules(image, topic, ctx, &is_active);
        let changes = concerned
            .filter_map(|(index, p)| elect(topic.topic_partition(index), p, &rules))
            .map(proto::Record::from);
        records.extend(changes.take(ELECTIONS_PER_CHORE_MAX - records.len()));
        if records.len() == ELECTIONS_PER_CHORE_MAX {
            break;
        }
    }
    let response = records.len();
    Decision { records, response }
}

#[cfg(test)]
#[path = "elect_leaders_tests.rs"]
mod tests;
