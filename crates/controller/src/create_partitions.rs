//! Adds partitions to topics.

use crate::{
    Context, Decision, MAX_PARTITIONS_PER_REQUEST, Refusal, ReplicaAssignment,
    create_topics::duplicate_topic,
    new_partitions::{check_replicas, new_partition, number, place, too_many},
};
use klamm_metadata::{Image, Topic, proto};
use klamm_types::{BrokerId, ErrorCode};
use std::collections::BTreeMap;

/// Topics to grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePartitions {
    /// The topics.
    pub topics: Vec<TopicGrowth>,
    /// Only says what would happen.
    pub validate_only: bool,
}

/// A topic to grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicGrowth {
    /// Its name.
    pub name: String,
    /// How many partitions it is to have in all.
    pub count: i32,
    /// Who keeps the new partitions, in their order; `None`: the controller chooses. The
    /// partition numbers in it are not looked at.
    pub assignments: Option<Vec<ReplicaAssignment>>,
}

/// What became of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrownTopic {
    /// Its name.
    pub name: String,
    /// Whether it grew, or would have grown.
    pub result: Result<(), Refusal>,
}

pub(crate) fn decide(
    image: &Image,
    request: &CreatePartitions,
    ctx: &Context,
) -> Decision<Vec<GrownTopic>> {
    let mut mentions = BTreeMap::<&str, usize>::new();
    for topic in &request.topics {
        *mentions.entry(&topic.name).or_default() += 1;
    }
    let mut records = Vec::new();
    let mut grown = Vec::with_capacity(request.topics.len());
    for (index, topic) in request.topics.iter().enumerate() {
        let seed = ctx.draws.seed.wrapping_add(index as u64);
        let result = if mentions.get(topic.name.as_str()) > Some(&1) {
            Err(duplicate_topic(&topic.name))
        } else {
            grow(image, topic, seed).and_then(|new| {
                if records.len() + new.len() > MAX_PARTITIONS_PER_REQUEST {
                    return Err(too_many());
                }
                records.extend(new);
                Ok(())
            })
        };
        let name = topic.name.clone();
        grown.push(GrownTopic { name, result });
    }
    if request.validate_only {
        records.clear();
    }
    Decision {
        records,
        response: grown,
    }
}

fn grow(image: &Image, growth: &TopicGrowth, seed: u64) -> Result<Vec<proto::Record>, Refusal> {
    let Some(topic) = image.topic_by_name(&growth.name) else {
        let message = format!("there is no topic {:?}", growth.name);
        return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message));
    };
    let added = check_count(topic, growth.count)?;
    let replication_factor = topic.partition(0).map_or(1, |p| p.replicas.len());
    let replicas = match &growth.assignments {
        Some(assignments) => assigned(image, topic, assignments, added, replication_factor)?,
        None => place(image, added, replication_factor, seed)?,
    };
    let first = number(topic.partitions.len());
    let records = (first..)
        .zip(&replicas)
        .map(|(index, replicas)| new_partition(image, topic.id, index, replicas).into());
    Ok(records.collect())
}

/// How many partitions are new.
fn check_count(topic: &Topic, count: i32) -> Result<usize, Refusal> {
    let current = topic.partitions.len();
    let wanted = usize::try_from(count).unwrap_or(0);
    let invalid = |message| Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    match wanted.checked_sub(current) {
        Some(0) => invalid(format!("the topic already has {current} partition(s)")),
        None => invalid(format!(
            "the topic has {current} partition(s), {count} would be no increase"
        )),
        Some(added) if added > MAX_PARTITIONS_PER_REQUEST => Err(too_many()),
        Some(added) => Ok(added),
    }
}

fn assigned(
    image: &Image,
    topic: &Topic,
    assignments: &[ReplicaAssignment],
    added: usize,
    replication_factor: usize,
) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    if assignments.len() != added {
        let message = format!(
            "{added} partition(s) are to be added, {} are assigned",
            assignments.len()
        );
        return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
    }
    let first = number(topic.partitions.len());
    (first..)
        .zip(assignments)
        .map(|(index, assignment)| {
            let replicas = &assignment.broker_ids;
            check_replicas(image, index, replicas, Some(replication_factor))?;
            Ok(replicas.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Request,
        lab::{Lab, error},
    };
    use klamm_types::ErrorCode as E;

    fn growth(count: i32, assignments: Option<&[&[i32]]>) -> TopicGrowth {
        let assignment = |ids: &&[i32]| ReplicaAssignment {
            partition: 0,
            broker_ids: ids.iter().copied().map(BrokerId).collect(),
        };
        TopicGrowth {
            name: "t".into(),
            count,
            assignments: assignments.map(|list| list.iter().map(assignment).collect()),
        }
    }

    fn grow(lab: &mut Lab, topics: Vec<TopicGrowth>, validate_only: bool) -> E {
        let request = CreatePartitions {
            topics,
            validate_only,
        };
        error(&lab.ask(&Request::CreatePartitions(request)))
    }

    #[test]
    fn counts_and_assignments() {
        let assignment = E::InvalidReplicaAssignment;
        for (count, assignments, expected) in [
            (2, None, E::None),
            (1, None, E::InvalidPartitions),
            (0, None, E::InvalidPartitions),
            (-1, None, E::InvalidPartitions),
            (10_001, None, E::None),
            (10_002, None, E::PolicyViolation),
            (i32::MAX, None, E::PolicyViolation),
            (2, Some(&[&[3, 1, 2][..]][..]), E::None),
            (3, Some(&[&[3, 1, 2][..]][..]), assignment),
            (2, Some(&[&[3, 1][..]][..]), assignment),
            (2, Some(&[&[3, 1, 1][..]][..]), assignment),
            (2, Some(&[&[3, 1, 9][..]][..]), assignment),
            (2, Some(&[&[][..]][..]), assignment),
        ] {
            let mut lab = Lab::with_topic();
            let code = grow(&mut lab, vec![growth(count, assignments)], false);
            assert_eq!(code, expected, "{count} {assignments:?}");
            let partitions = lab.image.topic_by_name("t").unwrap().partitions.len();
            let expected = if code == E::None { count } else { 1 };
            assert_eq!(number(partitions), expected);
        }
    }

    #[test]
    fn new_partitions_have_as_many_replicas_as_the_old_ones() {
        let mut lab = Lab::new(3);
        lab.create("t", &[&[2, 3]]);
        assert_eq!(grow(&mut lab, vec![growth(4, None)], false), E::None);
        let topic = lab.image.topic_by_name("t").unwrap();
        assert!(topic.partitions().all(|(_, p)| p.replicas.len() == 2));
    }

    #[test]
    fn other_refusals() {
        let mut lab = Lab::with_topic();
        let twice = vec![growth(2, None), growth(3, None)];
        assert_eq!(grow(&mut lab, twice, false), E::InvalidRequest);
        let mut unknown = growth(2, None);
        unknown.name = "other".into();
        let code = grow(&mut lab, vec![unknown], false);
        assert_eq!(code, E::UnknownTopicOrPartition);
        let before = lab.image.clone();
        assert_eq!(grow(&mut lab, vec![growth(2, None)], true), E::None);
        assert_eq!(lab.image, before);
        for id in 1..=3 {
            lab.ask(&Request::FenceBroker(lab.broker(id)));
        }
        let code = grow(&mut lab, vec![growth(2, None)], false);
        assert_eq!(code, E::InvalidReplicationFactor);
    }
}
