//! OffsetFetch (9), versions 1–10: how far groups have consumed.
//!
//! v2 added null for all topics and an error for the whole group, v3 the throttle time, v5
//! leader epochs, v7 waits for open transactions on request, v8 asks for several groups, v9
//! names the member, v10 names topics by their ids. Whether topics exist does not matter before
//! v10; a group that nobody knows has no offsets, which is no error (rule 105).

use super::{
    Answer, Call, Refusal,
    group_request::{answer, ask},
};
use crate::{context::Context, groups::Asked};
use klamm_coordinator::RequestBody;
use klamm_metadata::Image;
use klamm_protocol::{
    Decoder,
    messages::{
        offset_fetch_request::{
            OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic,
            OffsetFetchRequestTopics,
        },
        offset_fetch_response::{
            OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
            OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
        },
    },
};
use klamm_types::ErrorCode;
use std::sync::Arc;

/// From this version on there is an error for a whole group.
const GROUP_ERROR_FROM: i16 = 2;

/// From this version on several groups are asked for at once.
const GROUPS_FROM: i16 = 8;

/// From this version on topics have no names.
const IDS_FROM: i16 = 10;

/// There is no committed offset.
const NO_OFFSET: i64 = -1;

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
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    if call.version >= GROUPS_FROM {
        return OffsetFetchResponse {
            groups: fetch(&context, &call, request.groups, request.require_stable).await,
            ..Default::default()
        };
    }
    let group = OffsetFetchRequestGroup {
        group_id: request.group_id,
        topics: request
            .topics
            .as_ref()
            .map(|topics| topics.iter().map(asked_topic).collect()),
        ..Default::default()
    };
    let mut fetched = fetch(&context, &call, vec![group], request.require_stable).await;
    let fetched = fetched.pop().unwrap_or_default();
    single(call.version, request.topics.unwrap_or_default(), fetched)
}

/// Asks for all groups at once.
async fn fetch(
    context: &Context,
    call: &Call,
    groups: Vec<OffsetFetchRequestGroup>,
    require_stable: bool,
) -> Vec<OffsetFetchResponseGroup> {
    let image = context.metadata.image();
    let mut all_asked: Vec<(String, Vec<OffsetFetchResponseTopics>, Asked)> = Vec::new();
    for mut group in groups {
        let group_id = group.group_id.clone();
        let refused = take_unknown(&image, call.version, &mut group);
        let body = RequestBody::OffsetFetch {
            group,
            require_stable,
        };
        let asked = ask(context, call, &group_id, body);
        all_asked.push((group_id, refused, asked));
    }
    let mut fetched = Vec::with_capacity(all_asked.len());
    for (group_id, refused, asked) in all_asked {
        let failed = OffsetFetchResponseGroup {
            group_id,
            error_code: ErrorCode::UnknownServerError.code(),
            ..Default::default()
        };
        let mut group = answer!(asked, OffsetFetch, failed);
        if call.version >= IDS_FROM {
            name_by_id(&image, &mut group.topics);
        }
        if group.error_code == ErrorCode::None.code() {
            group.topics.extend(refused);
        }
        fetched.push(group);
    }
    fetched
}

/// Takes topics out of the request whose ids nobody knows, and returns their answers. What stays
/// has names, and ids where there are any.
fn take_unknown(
    image: &Image,
    version: i16,
    group: &mut OffsetFetchRequestGroup,
) -> Vec<OffsetFetchResponseTopics> {
    let mut refused = Vec::new();
    let Some(topics) = &mut group.topics else {
        return refused;
    };
    topics.retain_mut(|topic| {
        if version < IDS_FROM {
            topic.topic_id = image.topic_id(&topic.name).unwrap_or_default();
            return true;
        }
        let Some(known) = image.topic(topic.topic_id) else {
            refused.push(unknown(topic));
            return false;
        };
        topic.name = known.name.to_string();
        true
    });
    refused
}

fn unknown(topic: &OffsetFetchRequestTopics) -> OffsetFetchResponseTopics {
    let partition = |index: &i32| OffsetFetchResponsePartitions {
        partition_index: *index,
        committed_offset: NO_OFFSET,
        metadata: Some(String::new()),
        error_code: ErrorCode::UnknownTopicId.code(),
        ..Default::default()
    };
    OffsetFetchResponseTopics {
        name: String::new(),
        topic_id: topic.topic_id,
        partitions: topic.partition_indexes.iter().map(partition).collect(),
    }
}

/// Gives every topic the id it has now. One that is gone cannot be named any more.
fn name_by_id(image: &Image, topics: &mut Vec<OffsetFetchResponseTopics>) {
    topics.retain_mut(|topic| match image.topic_id(&topic.name) {
        Some(topic_id) => {
            topic.topic_id = topic_id;
            true
        }
        None => false,
    });
}

fn asked_topic(topic: &OffsetFetchRequestTopic) -> OffsetFetchRequestTopics {
    OffsetFetchRequestTopics {
        name: topic.name.clone(),
        partition_indexes: topic.partition_indexes.clone(),
        ..Default::default()
    }
}

/// The response in the shape that knows one group.
fn single(
    version: i16,
    asked: Vec<OffsetFetchRequestTopic>,
    group: OffsetFetchResponseGroup,
) -> OffsetFetchResponse {
    if group.error_code == ErrorCode::None.code() {
        return OffsetFetchResponse {
            topics: group.topics.into_iter().map(single_topic).collect(),
            ..Default::default()
        };
    }
    if version >= GROUP_ERROR_FROM {
        return OffsetFetchResponse {
            error_code: group.error_code,
            ..Default::default()
        };
    }
    let failed = |topic: OffsetFetchRequestTopic| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic
            .partition_indexes
            .into_iter()
            .map(|partition_index| OffsetFetchResponsePartition {
                partition_index,
                committed_offset: NO_OFFSET,
                metadata: Some(String::new()),
                error_code: group.error_code,
                ..Default::default()
            })
            .collect(),
    };
    OffsetFetchResponse {
        topics: asked.into_iter().map(failed).collect(),
        ..Default::default()
    }
}

fn single_topic(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic {
    OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic
            .partitions
            .into_iter()
            .map(|partition| OffsetFetchResponsePartition {
                partition_index: partition.partition_index,
                committed_offset: partition.committed_offset,
                committed_leader_epoch: partition.committed_leader_epoch,
                metadata: partition.metadata,
                error_code: partition.error_code,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_group_are_told_as_each_version_can() {
        let asked = vec![OffsetFetchRequestTopic {
            name: "t".into(),
            partition_indexes: vec![0, 3],
        }];
        let group = OffsetFetchResponseGroup {
            error_code: ErrorCode::NotCoordinator.code(),
            ..Default::default()
        };
        let response = single(2, asked.clone(), group.clone());
        assert_eq!(response.error_code, ErrorCode::NotCoordinator.code());
        assert!(response.topics.is_empty());

        let response = single(1, asked, group);
        assert_eq!(response.error_code, 0);
        let partitions: Vec<_> = response.topics[0]
            .partitions
            .iter()
            .map(|p| (p.partition_index, p.committed_offset, p.error_code))
            .collect();
        let error = ErrorCode::NotCoordinator.code();
        assert_eq!(partitions, [(0, -1, error), (3, -1, error)]);
    }
}
