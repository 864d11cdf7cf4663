//! OffsetFetch (rule 105).

use crate::{OffsetAndMetadata, image::GroupImage};
use klamm_protocol::messages::{
    offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics},
    offset_fetch_response::{
        OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
    },
};
use klamm_types::{ErrorCode, Uuid};

/// The committed offsets that are asked for. An unknown group has none, which is no error.
pub(crate) fn fetch_offsets(
    image: &GroupImage,
    request: &OffsetFetchRequestGroup,
) -> OffsetFetchResponseGroup {
    let topics = match &request.topics {
        Some(topics) => topics
            .iter()
            .map(|topic| fetch_topic(image, &request.group_id, topic))
            .collect(),
        None => fetch_all(image, &request.group_id),
    };
    OffsetFetchResponseGroup {
        group_id: request.group_id.clone(),
        topics,
        ..Default::default()
    }
}

fn fetch_topic(
    image: &GroupImage,
    group_id: &str,
    topic: &OffsetFetchRequestTopics,
) -> OffsetFetchResponseTopics {
    let indexes = topic.partition_indexes.iter();
    OffsetFetchResponseTopics {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: indexes
            .map(|index| {
                let committed = image
                    .offset(group_id, &topic.name, *index)
                    .filter(|offset| is_same_topic(offset.topic_id, topic.topic_id));
                fetched(*index, committed)
            })
            .collect(),
    }
}

fn fetch_all(image: &GroupImage, group_id: &str) -> Vec<OffsetFetchResponseTopics> {
    let topics = image.offsets(group_id).into_iter().flatten();
    topics
        .map(|(name, partitions)| OffsetFetchResponseTopics {
            name: name.clone(),
            topic_id: partitions
                .values()
                .map(|offset| offset.topic_id)
                .find(|topic_id| !topic_id.is_zero())
                .unwrap_or_default(),
            partitions: partitions
                .iter()
                .map(|(index, offset)| fetched(*index, Some(offset)))
                .collect(),
        })
        .collect()
}

/// Offsets of an earlier topic of the same name are of no use. A zero id is any.
fn is_same_topic(committed: Uuid, asked: Uuid) -> bool {
    committed.is_zero() || asked.is_zero() || committed == asked
}

fn fetched(
    partition_index: i32,
    committed: Option<&OffsetAndMetadata>,
) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: committed.map_or(-1, |c| c.offset),
        committed_leader_epoch: committed.map_or(-1, |c| c.leader_epoch),
        metadata: Some(committed.map_or_else(String::new, |c| c.metadata.clone())),
        error_code: ErrorCode::None.code(),
    }
}
