//! OffsetCommit (rule 104).

use crate::{
    OffsetAndMetadata, Record, RequestId, Response,
    appends::Then,
    group::ClassicGroup,
    records::offset_record,
    turn::{NewAppend, Turn},
};
use klamm_protocol::{
    EncodeError,
    messages::{
        offset_commit_request::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
        },
        offset_commit_response::{
            OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
        },
    },
};
use klamm_types::ErrorCode;

/// Takes an OffsetCommit that the group has admitted. Answered once the offsets are committed.
pub(crate) fn commit_offsets(turn: &mut Turn<'_>, id: RequestId, request: &OffsetCommitRequest) {
    let metadata_max = turn.config.offset_metadata_max_bytes;
    let response = commit_response(request, |partition| check_metadata(partition, metadata_max));
    let records = commit_records(turn.wall_ms, request, metadata_max);
    let appended = turn.append(NewAppend {
        group_id: Some(&request.group_id),
        records,
        response: Some((id, Response::OffsetCommit(response))),
        then: Then::Nothing,
    });
    // The response tells, whichever way it went.
    let _: Result<(), ErrorCode> = appended;
}

/// An OffsetCommit that failed as a whole.
pub(crate) fn commit_error(
    request: &OffsetCommitRequest,
    error: ErrorCode,
) -> OffsetCommitResponse {
    commit_response(request, |_| error)
}

fn commit_records(
    wall_ms: i64,
    request: &OffsetCommitRequest,
    metadata_max: usize,
) -> Result<Vec<Record>, EncodeError> {
    let expire_timestamp_ms =
        (request.retention_time_ms >= 0).then(|| wall_ms.saturating_add(request.retention_time_ms));
    let mut records = Vec::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            if check_metadata(partition, metadata_max) != ErrorCode::None {
                continue;
            }
            let value = OffsetAndMetadata {
                offset: partition.committed_offset,
                leader_epoch: partition.committed_leader_epoch,
                metadata: partition.committed_metadata.clone().unwrap_or_default(),
                commit_timestamp_ms: wall_ms,
                expire_timestamp_ms,
                topic_id: topic.topic_id,
            };
            let index = partition.partition_index;
            records.push(offset_record(
                &request.group_id,
                &topic.name,
                index,
                &value,
            )?);
        }
    }
    Ok(records)
}

fn check_metadata(partition: &OffsetCommitRequestPartition, units_max: usize) -> ErrorCode {
    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
    // A string has at most as many UTF-16 units as bytes, so most need no count.
    match metadata.len() > units_max && metadata.encode_utf16().count() > units_max {
        true => ErrorCode::OffsetMetadataTooLarge,
        false => ErrorCode::None,
    }
}

fn commit_response(
    request: &OffsetCommitRequest,
    result: impl Fn(&OffsetCommitRequestPartition) -> ErrorCode,
) -> OffsetCommitResponse {
    let topic_response = |topic: &OffsetCommitRequestTopic| OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|partition| OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: result(partition).code(),
            })
            .collect(),
    };
    OffsetCommitResponse {
        topics: request.topics.iter().map(topic_response).collect(),
        ..Default::default()
    }
}

impl ClassicGroup {
    /// Whether a commit may be taken. A member that commits is alive.
    ///
    /// Who names neither generation nor member manages the group's offsets from outside, which
    /// is allowed while nobody else does.
    ///
    /// # Errors
    /// The member is unknown, fenced or of another generation, or has no assignment yet.
    pub(crate) fn admit_commit(
        &mut self,
        now_ms: i64,
        request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        let generation_id = request.generation_id_or_member_epoch;
        let instance_id = request.group_instance_id.as_deref();
        if generation_id < 0 && self.is_empty() {
            return Ok(());
        }
        if generation_id < 0 && request.member_id.is_empty() && instance_id.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.validate_generation(&request.member_id, instance_id, generation_id)?;
        if self.is_completing_rebalance() {
            return Err(ErrorCode::RebalanceInProgress);
        }
        self.touch_session(now_ms, &request.member_id);
        Ok(())
    }
}
