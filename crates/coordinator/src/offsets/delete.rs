//! OffsetDelete, DeleteGroups, and what a deleted topic leaves behind (rules 107, 108).

use crate::{
    Record, RequestId, Response,
    appends::Then,
    group::ClassicGroup,
    image::GroupImage,
    offsets::group_tombstones,
    records::offset_tombstone,
    turn::{NewAppend, Turn},
};
use klamm_protocol::{
    EncodeError,
    messages::{
        delete_groups_response::DeletableGroupResult,
        offset_delete_request::OffsetDeleteRequest,
        offset_delete_response::{
            OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
        },
    },
};
use klamm_types::{ErrorCode, Uuid};
use std::collections::BTreeMap;

/// Takes an OffsetDelete. Topics that the group's members subscribe to are refused.
pub(crate) fn delete_offsets(
    turn: &mut Turn<'_>,
    id: RequestId,
    group: Option<&ClassicGroup>,
    request: &OffsetDeleteRequest,
) {
    let group = match group.ok_or(ErrorCode::GroupIdNotFound) {
        Ok(group) if group.is_empty() || group.uses_consumer_protocol() => group,
        Ok(_) => return turn.respond(id, delete_error(ErrorCode::NonEmptyGroup)),
        Err(error) => return turn.respond(id, delete_error(error)),
    };
    let records = deleted_offsets(turn.image, group, request);
    let response = Response::OffsetDelete(delete_response(group, request));
    let appended = turn.append(NewAppend {
        group_id: Some(&request.group_id),
        records,
        response: Some((id, response)),
        then: Then::Nothing,
    });
    // The response tells, whichever way it went.
    let _: Result<(), ErrorCode> = appended;
}

/// An OffsetDelete that failed as a whole.
pub(crate) fn delete_error(error: ErrorCode) -> Response {
    Response::OffsetDelete(OffsetDeleteResponse {
        error_code: error.code(),
        ..Default::default()
    })
}

fn deleted_offsets(
    image: &GroupImage,
    group: &ClassicGroup,
    request: &OffsetDeleteRequest,
) -> Result<Vec<Record>, EncodeError> {
    let group_id = request.group_id.as_str();
    let mut records = Vec::new();
    for topic in &request.topics {
        if group.is_subscribed_to(&topic.name) {
            continue;
        }
        for partition in &topic.partitions {
            let index = partition.partition_index;
            if image.offset(group_id, &topic.name, index).is_some() {
                records.push(offset_tombstone(group_id, &topic.name, index)?);
            }
        }
    }
    Ok(records)
}

fn delete_response(group: &ClassicGroup, request: &OffsetDeleteRequest) -> OffsetDeleteResponse {
    let topics = request.topics.iter();
    OffsetDeleteResponse {
        topics: topics
            .map(|topic| {
                let error = match group.is_subscribed_to(&topic.name) {
                    true => ErrorCode::GroupSubscribedToTopic,
                    false => ErrorCode::None,
                };
                let partitions = topic.partitions.iter();
                OffsetDeleteResponseTopic {
                    name: topic.name.clone(),
                    partitions: partitions
                        .map(|partition| OffsetDeleteResponsePartition {
                            partition_index: partition.partition_index,
                            error_code: error.code(),
                        })
                        .collect(),
                }
            })
            .collect(),
        ..Default::default()
    }
}

/// Deletes an empty group with all of its offsets. Returns whether the group is gone.
pub(crate) fn delete_group(
    turn: &mut Turn<'_>,
    id: RequestId,
    group_id: &str,
    group: Option<&ClassicGroup>,
) -> bool {
    let error = match group {
        None => ErrorCode::GroupIdNotFound,
        Some(group) if !group.is_empty() => ErrorCode::NonEmptyGroup,
        Some(_) => ErrorCode::None,
    };
    let response = Response::DeleteGroup(DeletableGroupResult {
        group_id: group_id.to_owned(),
        error_code: error.code(),
        ..Default::default()
    });
    if error != ErrorCode::None {
        turn.respond(id, response);
        return false;
    }
    let records = group_tombstones(turn.image, group_id);
    let appended = turn.append(NewAppend {
        group_id: Some(group_id),
        records,
        response: Some((id, response)),
        then: Then::Nothing,
    });
    appended.is_ok()
}

/// The tombstones of all offsets of deleted topics (name → id). An offset without a topic's id
/// belongs to the topic of that name.
pub(crate) fn deleted_topics(
    image: &GroupImage,
    topics: &BTreeMap<String, Uuid>,
) -> Result<Vec<Record>, EncodeError> {
    let mut records = Vec::new();
    for (group_id, offsets) in image.all_offsets() {
        for (name, topic_id) in topics {
            for (partition, offset) in offsets.get(name).into_iter().flatten() {
                if offset.topic_id.is_zero() || offset.topic_id == *topic_id {
                    records.push(offset_tombstone(group_id, name, *partition)?);
                }
            }
        }
    }
    Ok(records)
}
