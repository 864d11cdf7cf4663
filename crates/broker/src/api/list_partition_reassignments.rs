//! ListPartitionReassignments (46), version 0: what is under way, as this broker's image has it.
//!
//! Partitions that are not being reassigned, or that do not exist, are left out.

use super::{Answer, Call, Refusal};
use crate::context::Context;
use klamm_metadata::{Image, Partition, Topic, broker_numbers};
use klamm_protocol::{
    Decoder,
    messages::{
        list_partition_reassignments_request::{
            ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
        },
        list_partition_reassignments_response::{
            ListPartitionReassignmentsResponse, OngoingPartitionReassignment,
            OngoingTopicReassignment,
        },
    },
};
use std::sync::Arc;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::now(context, call, body, handle)
}

fn handle(
    context: &Arc<Context>,
    _call: &Call,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let image = context.metadata.image();
    ListPartitionReassignmentsResponse {
        topics: under_way(&image, request.topics.as_deref()),
        ..Default::default()
    }
}

fn under_way(
    image: &Image,
    asked: Option<&[ListPartitionReassignmentsTopics]>,
) -> Vec<OngoingTopicReassignment> {
    let all = |topic: &Arc<Topic>| of_topic(topic, topic.partitions());
    let some = |asked: &ListPartitionReassignmentsTopics| {
        let topic = image.topic_by_name(&asked.name)?;
        let indexes = asked.partition_indexes.iter();
        of_topic(
            topic,
            indexes.filter_map(|index| Some((*index, topic.partition(*index)?))),
        )
    };
    match asked {
        None => image.topics_by_name().filter_map(all).collect(),
        Some(topics) => topics.iter().filter_map(some).collect(),
    }
}

fn of_topic<'a>(
    topic: &Topic,
    partitions: impl Iterator<Item = (i32, &'a Partition)>,
) -> Option<OngoingTopicReassignment> {
    let is_changing =
        |p: &Partition| !p.adding_replicas.is_empty() || !p.removing_replicas.is_empty();
    let partitions: Vec<_> = partitions
        .filter(|(_, partition)| is_changing(partition))
        .map(
            |(partition_index, partition)| OngoingPartitionReassignment {
                partition_index,
                replicas: broker_numbers(&partition.replicas),
                adding_replicas: broker_numbers(&partition.adding_replicas),
                removing_replicas: broker_numbers(&partition.removing_replicas),
            },
        )
        .collect();
    (!partitions.is_empty()).then(|| OngoingTopicReassignment {
        name: topic.name.to_string(),
        partitions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_metadata::proto;
    use klamm_types::Uuid;

    fn image() -> Image {
        let mut image = Image::new();
        for (id, name) in [(1, "moving"), (2, "still")] {
            let topic_id = Uuid([id; 16]).as_bytes().to_vec();
            let topic = proto::TopicRecord {
                name: name.into(),
                topic_id: topic_id.clone(),
            };
            image.replay(&topic.into()).unwrap();
            for partition in 0..2 {
                let is_moving = id == 1 && partition == 1;
                let record = proto::PartitionRecord {
                    topic_id: topic_id.clone(),
                    partition,
                    replicas: vec![3, 1, 2],
                    isr: vec![1],
                    leader: 1,
                    adding_replicas: if is_moving { vec![3] } else { vec![] },
                    removing_replicas: if is_moving { vec![2] } else { vec![] },
                    ..Default::default()
                };
                image.replay(&record.into()).unwrap();
            }
        }
        image
    }

    #[test]
    fn only_what_is_under_way_is_listed() {
        let image = image();
        let moving = [OngoingTopicReassignment {
            name: "moving".into(),
            partitions: vec![OngoingPartitionReassignment {
                partition_index: 1,
                replicas: vec![3, 1, 2],
                adding_replicas: vec![3],
                removing_replicas: vec![2],
            }],
        }];
        assert_eq!(under_way(&image, None), moving);
        let ask = |name: &str, indexes: &[i32]| ListPartitionReassignmentsTopics {
            name: name.into(),
            partition_indexes: indexes.into(),
        };
        let asked = [
            ask("moving", &[0, 1, 7, -1]),
            ask("still", &[0]),
            ask("x", &[0]),
        ];
        assert_eq!(under_way(&image, Some(&asked)), moving);
        assert_eq!(under_way(&image, Some(&[ask("moving", &[0])])), []);
    }
}
