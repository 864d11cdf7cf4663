//! OffsetDelete (47), version 0: removes committed offsets of topics that the group does not
//! consume (rule 108).

use super::{
    Answer, Call, Refusal,
    group_request::{answer, ask},
};
use crate::context::Context;
use klamm_coordinator::RequestBody;
use klamm_metadata::Image;
use klamm_protocol::{
    Decoder,
    messages::{
        offset_delete_request::{
            OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
        },
        offset_delete_response::{
            OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
        },
    },
};
use klamm_types::ErrorCode;
use std::{collections::BTreeMap, sync::Arc};

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::later(context, call, body, handle)
}

async fn handle(
    context: Arc<Context>,
    call: Call,
    mut request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    if request.group_id.is_empty() {
        return refuse(ErrorCode::InvalidGroupId);
    }
    let unknown = take_unknown(&context.metadata.image(), &mut request.topics);
    let group_id = request.group_id.clone();
    // Asked even if no topic is left: the group may be unknown.
    let asked = ask(
        &context,
        &call,
        &group_id,
        RequestBody::OffsetDelete(request),
    );
    let mut response = answer!(asked, OffsetDelete, refuse(ErrorCode::UnknownServerError));
    if response.error_code == ErrorCode::None.code() {
        merge(&mut response.topics, unknown);
    }
    response
}

fn refuse(error: ErrorCode) -> OffsetDeleteResponse {
    OffsetDeleteResponse {
        error_code: error.code(),
        ..Default::default()
    }
}

/// Takes partitions out of the request that do not exist, and returns their answers.
fn take_unknown(
    image: &Image,
    topics: &mut Vec<OffsetDeleteRequestTopic>,
) -> Vec<OffsetDeleteResponseTopic> {
    let mut unknown = Vec::new();
    for topic in topics.iter_mut() {
        let known = image.topic_by_name(&topic.name);
        let exists = |partition: &OffsetDeleteRequestPartition| {
            known.is_some_and(|topic| topic.partition(partition.partition_index).is_some())
        };
        let (kept, missing) = std::mem::take(&mut topic.partitions)
            .into_iter()
            .partition::<Vec<_>, _>(exists);
        topic.partitions = kept;
        if !missing.is_empty() {
            unknown.push(OffsetDeleteResponseTopic {
                name: topic.name.clone(),
                partitions: missing.iter().map(missing_partition).collect(),
            });
        }
    }
    topics.retain(|topic| !topic.partitions.is_empty());
    unknown
}

fn missing_partition(partition: &OffsetDeleteRequestPartition) -> OffsetDeleteResponsePartition {
    OffsetDeleteResponsePartition {
        partition_index: partition.partition_index,
        error_code: ErrorCode::UnknownTopicOrPartition.code(),
    }
}

/// A topic comes once in the response, whoever answered for its partitions.
fn merge(topics: &mut Vec<OffsetDeleteResponseTopic>, more: Vec<OffsetDeleteResponseTopic>) {
    let mut by_name: BTreeMap<String, usize> = topics
        .iter()
        .enumerate()
        .map(|(index, topic)| (topic.name.clone(), index))
        .collect();
    for topic in more {
        match by_name.get(&topic.name) {
            Some(index) => topics[*index].partitions.extend(topic.partitions),
            None => {
                by_name.insert(topic.name.clone(), topics.len());
                topics.push(topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_comes_once() {
        let topic = |name: &str, partition_index| OffsetDeleteResponseTopic {
            name: name.to_owned(),
            partitions: vec![OffsetDeleteResponsePartition {
                partition_index,
                error_code: 0,
            }],
        };
        let mut topics = vec![topic("a", 0), topic("b", 0)];
        merge(
            &mut topics,
            vec![topic("b", 1), topic("c", 0), topic("c", 1)],
        );
        let counts: Vec<_> = topics
            .iter()
            .map(|topic| (topic.name.as_str(), topic.partitions.len()))
            .collect();
        assert_eq!(counts, [("a", 1), ("b", 2), ("c", 2)]);
    }
}
