//! OffsetForLeaderEpoch (23), versions 2–4: where an epoch ends, to find divergence.
//!
//! v3 added the replica id, v4 is flexible. Rules 67, 72.

use super::{Answer, Call, Refusal};
use crate::context::Context;
use klamm_protocol::{
    Decoder,
    messages::{
        offset_for_leader_epoch_request::{OffsetForLeaderEpochRequest, OffsetForLeaderPartition},
        offset_for_leader_epoch_response::{
            EpochEndOffset, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult,
        },
    },
};
use klamm_types::{ErrorCode, LeaderEpoch};
use std::sync::Arc;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::later(context, call, body, handle)
}

async fn handle(
    context: Arc<Context>,
    _call: Call,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request
        .topics
        .iter()
        .map(|topic| OffsetForLeaderTopicResult {
            topic: topic.topic.clone(),
            partitions: topic
                .partitions
                .iter()
                .map(|asked| look_up(&context, &topic.topic, asked))
                .collect(),
        });
    OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..Default::default()
    }
}

fn look_up(context: &Context, topic: &str, asked: &OffsetForLeaderPartition) -> EpochEndOffset {
    let image = context.metadata.image();
    let end = image
        .topic_by_name(topic)
        .ok_or(ErrorCode::UnknownTopicOrPartition)
        .and_then(|t| super::produce::find(context, &image, t.topic_partition(asked.partition)))
        .and_then(|partition| {
            partition.epoch_end(
                LeaderEpoch(asked.current_leader_epoch),
                LeaderEpoch(asked.leader_epoch),
            )
        });
    match end {
        Ok(end) => EpochEndOffset {
            partition: asked.partition,
            leader_epoch: end.epoch.get(),
            end_offset: end.end_offset,
            ..Default::default()
        },
        Err(error) => EpochEndOffset {
            partition: asked.partition,
            error_code: error.code(),
            ..Default::default()
        },
    }
}
