//! OffsetCommit (8), versions 2–10: how far a group has consumed.
//!
//! v3 added the throttle time, v5 took the retention time away, v6 added leader epochs, v7
//! static members, v9 the new group protocol's errors, v10 names topics by their ids. Offsets are
//! only committed to partitions that exist (rule 104).

use super::{
    Answer, Call, Refusal,
    group_request::{answer, ask},
};
use crate::context::Context;
use klamm_coordinator::RequestBody;
use klamm_metadata::{Image, Topic};
use klamm_protocol::{
    Decoder,
    messages::{
        offset_commit_request::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
        },
        offset_commit_response::{
            OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
        },
    },
};
use klamm_types::{ErrorCode, Uuid};
use std::{collections::BTreeMap, sync::Arc};

/// From this version on topics have no names.
const IDS_FROM: i16 = 10;

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
    mut request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let refused = take_unknown(&context.metadata.image(), call.version, &mut request.topics);
    if request.topics.is_empty() {
        return OffsetCommitResponse {
            topics: refused,
            ..Default::default()
        };
    }
    let group_id = request.group_id.clone();
    let asked = ask(
        &context,
        &call,
        &group_id,
        RequestBody::OffsetCommit(request),
    );
    let mut response = answer!(asked, OffsetCommit, OffsetCommitResponse::default());
    merge(&mut response.topics, refused);
    response
}

/// Takes partitions out of the request that do not exist, and returns their answers. What stays
/// has names and ids.
fn take_unknown(
    image: &Image,
    version: i16,
    topics: &mut Vec<OffsetCommitRequestTopic>,
) -> Vec<OffsetCommitResponseTopic> {
    let by_id = version >= IDS_FROM;
    let mut refused = Vec::new();
    for topic in topics.iter_mut() {
        let known = if by_id {
            image.topic(topic.topic_id)
        } else {
            image.topic_by_name(&topic.name)
        };
        let error = match known {
            None if by_id => ErrorCode::UnknownTopicId,
            _ => ErrorCode::UnknownTopicOrPartition,
        };
        if let Some(known) = known {
            topic.name = known.name.to_string();
            topic.topic_id = known.id;
        }
        let missing = split(topic, known);
        if !missing.is_empty() {
            refused.push(OffsetCommitResponseTopic {
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                partitions: missing.iter().map(|p| answer_for(p, error)).collect(),
            });
        }
    }
    topics.retain(|topic| !topic.partitions.is_empty());
    refused
}

/// Leaves the partitions in `topic` that exist, and returns the others.
fn split(
    topic: &mut OffsetCommitRequestTopic,
    known: Option<&Arc<Topic>>,
) -> Vec<OffsetCommitRequestPartition> {
    let exists = |partition: &OffsetCommitRequestPartition| {
        known.is_some_and(|topic| topic.partition(partition.partition_index).is_some())
    };
    let (kept, missing) = std::mem::take(&mut topic.partitions)
        .into_iter()
        .partition(exists);
    topic.partitions = kept;
    missing
}

fn answer_for(
    partition: &OffsetCommitRequestPartition,
    error: ErrorCode,
) -> OffsetCommitResponsePartition {
    OffsetCommitResponsePartition {
        partition_index: partition.partition_index,
        error_code: error.code(),
    }
}

/// A topic comes once in the response, whoever answered for its partitions.
fn merge(topics: &mut Vec<OffsetCommitResponseTopic>, refused: Vec<OffsetCommitResponseTopic>) {
    if refused.is_empty() {
        return;
    }
    let key = |topic: &OffsetCommitResponseTopic| (topic.name.clone(), topic.topic_id);
    let mut by_key: BTreeMap<(String, Uuid), usize> = topics
        .iter()
        .enumerate()
        .map(|(index, topic)| (key(topic), index))
        .collect();
    for topic in refused {
        match by_key.get(&key(&topic)) {
            Some(index) => topics[*index].partitions.extend(topic.partitions),
            None => {
                by_key.insert(key(&topic), topics.len());
                topics.push(topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_metadata::proto;

    const ID: Uuid = Uuid([7; 16]);

    /// A topic `t` with two partitions.
    fn image() -> Image {
        let mut image = Image::new();
        let topic_id = ID.as_bytes().to_vec();
        let topic = proto::TopicRecord {
            topic_id: topic_id.clone(),
            name: "t".into(),
        };
        image.replay(&topic.into()).unwrap();
        for partition in 0..2 {
            let record = proto::PartitionRecord {
                topic_id: topic_id.clone(),
                partition,
                replicas: vec![1],
                isr: vec![1],
                leader: 1,
                ..Default::default()
            };
            image.replay(&record.into()).unwrap();
        }
        image
    }

    fn topic(name: &str, topic_id: Uuid, indexes: &[i32]) -> OffsetCommitRequestTopic {
        OffsetCommitRequestTopic {
            name: name.to_owned(),
            topic_id,
            partitions: indexes
                .iter()
                .map(|index| OffsetCommitRequestPartition {
                    partition_index: *index,
                    ..Default::default()
                })
                .collect(),
        }
    }

    #[test]
    fn only_partitions_that_exist_are_committed() {
        for (version, known, unknown, error) in [
            (
                9,
                topic("t", Uuid::ZERO, &[0, 1, 2, -1]),
                topic("u", Uuid::ZERO, &[0]),
                ErrorCode::UnknownTopicOrPartition,
            ),
            (
                10,
                topic("", ID, &[0, 1, 2, -1]),
                topic("", Uuid([8; 16]), &[0]),
                ErrorCode::UnknownTopicId,
            ),
        ] {
            let mut topics = vec![known, unknown];
            let refused = take_unknown(&image(), version, &mut topics);
            assert_eq!(topics, [topic("t", ID, &[0, 1])]);
            assert_eq!(refused.len(), 2);
            let missing = ErrorCode::UnknownTopicOrPartition.code();
            let errors: Vec<_> = refused[0].partitions.iter().map(|p| p.error_code).collect();
            assert_eq!(errors, [missing, missing]);
            assert_eq!(refused[1].partitions[0].error_code, error.code());

            let mut answered = vec![OffsetCommitResponseTopic {
                name: "t".into(),
                topic_id: ID,
                partitions: vec![OffsetCommitResponsePartition::default(); 2],
            }];
            merge(&mut answered, refused);
            let counts: Vec<_> = answered.iter().map(|t| t.partitions.len()).collect();
            assert_eq!(counts, [4, 1]);
        }
    }
}
