//! ListOffsets (2), versions 1–11: offsets by timestamp, and the ends of the log.
//!
//! v2 added the isolation level, v4 leader epochs, v5 OFFSET_NOT_AVAILABLE, v6 is flexible, v7
//! asks for the largest timestamp (−3), v8 for the earliest local offset (−4), v9 for the latest
//! tiered one (−5), v10 added a timeout, v11 the earliest pending upload (−6). Rules 70, 71.

use super::{Answer, Call, Refusal};
use crate::{context::Context, partition::Partition};
use klamm_protocol::{
    Decoder,
    messages::{
        list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest},
        list_offsets_response::{
            ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
        },
    },
};
use klamm_types::{ErrorCode, LeaderEpoch};
use std::{collections::BTreeMap, sync::Arc};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// Followers and tools that debug; both see the log end, and tools may ask any replica.
const DEBUGGING_REPLICA: i32 = -2;
const CONSUMER: i32 = -1;

/// The isolation level for which the log ends at the last stable offset (KIP-98).
const READ_COMMITTED: i8 = 1;

/// The first version whose answer carries a leader epoch.
const LEADER_EPOCH_VERSION: i16 = 4;

/// From here on clients know OFFSET_NOT_AVAILABLE.
const NOT_AVAILABLE_VERSION: i16 = 5;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::later(context, call, body, handle)
}

/// What was found: offset, timestamp and epoch, each −1 for "none".
struct Found {
    offset: i64,
    timestamp: i64,
    leader_epoch: LeaderEpoch,
}

impl Found {
    const NOTHING: Found = Found {
        offset: -1,
        timestamp: -1,
        leader_epoch: LeaderEpoch::NONE,
    };
}

async fn handle(
    context: Arc<Context>,
    call: Call,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let mut mentions = BTreeMap::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            *mentions
                .entry((topic.name.clone(), partition.partition_index))
                .or_insert(0) += 1;
        }
    }
    let image = context.metadata.image();
    let topics = request.topics.iter().map(|topic| ListOffsetsTopicResponse {
        name: topic.name.clone(),
        partitions: topic
            .partitions
            .iter()
            .map(|asked| {
                let index = asked.partition_index;
                let found = if mentions.get(&(topic.name.clone(), index)) != Some(&1) {
                    Err(ErrorCode::InvalidRequest)
                } else {
                    image
                        .topic_by_name(&topic.name)
                        .ok_or(ErrorCode::UnknownTopicOrPartition)
                        .and_then(|t| {
                            super::produce::find(&context, &image, t.topic_partition(index))
                        })
                        .and_then(|partition| look_up(&partition, &call, &request, asked))
                };
                response(&call, index, found)
            })
            .collect(),
    });
    ListOffsetsResponse {
        topics: topics.collect(),
        ..Default::default()
    }
}

fn look_up(
    partition: &Partition,
    call: &Call,
    request: &ListOffsetsRequest,
    asked: &ListOffsetsPartition,
) -> Result<Found, ErrorCode> {
    let is_debugging = request.replica_id == DEBUGGING_REPLICA;
    partition.may_read(LeaderEpoch(asked.current_leader_epoch), is_debugging)?;
    let is_consumer = request.replica_id == CONSUMER;
    let end_offset = match request.isolation_level {
        _ if !is_consumer => partition.log_end_offset(),
        READ_COMMITTED => partition.last_stable_offset(partition.high_watermark()),
        _ => partition.high_watermark(),
    };
    let needs_current_end = !matches!(asked.timestamp, EARLIEST | EARLIEST_LOCAL);
    if is_consumer && needs_current_end && !knows_its_end(partition) {
        return Err(if call.version >= NOT_AVAILABLE_VERSION {
            ErrorCode::OffsetNotAvailable
        } else {
            ErrorCode::LeaderNotAvailable
        });
    }
    match asked.timestamp {
        LATEST => Ok(Found {
            offset: end_offset,
            timestamp: -1,
            leader_epoch: partition
                .leader_epoch_if_leader()
                .unwrap_or(LeaderEpoch::NONE),
        }),
        EARLIEST | EARLIEST_LOCAL if supports(call, asked.timestamp) => Ok(Found {
            offset: partition.log_start_offset(),
            timestamp: -1,
            leader_epoch: partition.epoch_at(partition.log_start_offset()),
        }),
        MAX_TIMESTAMP if supports(call, MAX_TIMESTAMP) => by_timestamp(partition, None, end_offset),
        // Nothing is tiered.
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD if supports(call, asked.timestamp) => {
            Ok(Found::NOTHING)
        }
        timestamp if timestamp >= 0 => by_timestamp(partition, Some(timestamp), end_offset),
        _ => Err(ErrorCode::UnsupportedVersion),
    }
}

/// A new leader whose high watermark is behind the start of its epoch may not know of everything
/// that was committed before (rule 71).
fn knows_its_end(partition: &Partition) -> bool {
    partition
        .with_leader(|leader| leader.high_watermark() >= leader.epoch_start_offset())
        .unwrap_or(true)
}

fn supports(call: &Call, timestamp: i64) -> bool {
    let since = match timestamp {
        EARLIEST_PENDING_UPLOAD => 11,
        LATEST_TIERED => 9,
        EARLIEST_LOCAL => 8,
        MAX_TIMESTAMP => 7,
        _ => 1,
    };
    call.version >= since
}

/// The first record at or after `timestamp`, or that of the largest timestamp.
fn by_timestamp(
    partition: &Partition,
    timestamp: Option<i64>,
    end_offset: i64,
) -> Result<Found, ErrorCode> {
    let found = partition.read_with(|reader| match timestamp {
        Some(timestamp) => reader.offset_for_timestamp(timestamp),
        None => reader.offset_of_max_timestamp(),
    })?;
    Ok(found
        .filter(|found| found.offset < end_offset)
        .map_or(Found::NOTHING, |found| Found {
            offset: found.offset,
            timestamp: found.timestamp,
            leader_epoch: found.leader_epoch,
        }))
}

fn response(
    call: &Call,
    index: i32,
    found: Result<Found, ErrorCode>,
) -> ListOffsetsPartitionResponse {
    let error = found.as_ref().err().copied().unwrap_or(ErrorCode::None);
    let mut found = found.unwrap_or(Found::NOTHING);
    if call.version < LEADER_EPOCH_VERSION {
        found.leader_epoch = LeaderEpoch::NONE;
    }
    ListOffsetsPartitionResponse {
        partition_index: index,
        error_code: error.code(),
        timestamp: found.timestamp,
        offset: found.offset,
        leader_epoch: found.leader_epoch.get(),
    }
}
