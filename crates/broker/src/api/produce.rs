//! Produce (0), versions 3–13: appends record batches.
//!
//! v7 allows zstd, v8 added record errors and messages, v9 is flexible, v10 names the current
//! leader after NOT_LEADER_OR_FOLLOWER (KIP-951), v12 implies the transaction's partitions
//! (KIP-890), v13 names topics by id. Rules 25, 28–38.
//!
//! Appends happen when the request is read, in the order of the connection; the response waits
//! for the acknowledgements.

use super::{Answer, Call, Refusal};
use crate::{
    context::Context,
    partition::{AckFuture, Acks, AppendError, AppendRequest, NO_ROOM},
    partitions::OFFSETS_TOPIC,
};
use klamm_metadata::Image;
use klamm_protocol::{
    Decoder, Message,
    messages::{
        produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
        produce_response::{
            BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse,
            ProduceResponse, TopicProduceResponse,
        },
    },
};
use klamm_types::{BrokerId, ErrorCode, TopicPartition};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// The client that Kafka's own tools use to write internal topics (rule 25).
const ADMIN_CLIENT_ID: &str = "__admin_client";

/// The first version that names topics by id.
const TOPIC_ID_VERSION: i16 = 13;

/// The first version that names the current leader.
const CURRENT_LEADER_VERSION: i16 = 10;

/// A partition's part of the response, and what it waits for.
struct Pending {
    response: PartitionProduceResponse,
    acked: Option<AckFuture>,
}

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    let request = ProduceRequest::decode(body, call.version)?;
    let acks = match request.acks {
        0 => Acks::None,
        1 => Acks::Leader,
        -1 => Acks::All,
        _ => return Ok(call.respond(&refuse_all(&request, ErrorCode::InvalidRequiredAcks))),
    };
    let deadline =
        Instant::now() + Duration::from_millis(request.timeout_ms.max(0).unsigned_abs().into());
    let image = context.metadata.image();
    let topics: Vec<(TopicProduceData, Vec<Pending>)> = request
        .topic_data
        .into_iter()
        .map(|mut topic| {
            let partitions = std::mem::take(&mut topic.partition_data);
            let pending = partitions
                .into_iter()
                .map(|data| append(context, &call, &image, &topic, data, acks))
                .collect();
            (topic, pending)
        })
        .collect();
    if acks == Acks::None {
        // The only way to tell a client that does not listen (rule 34).
        let failed = topics
            .iter()
            .flat_map(|(_, pending)| pending)
            .any(|p| p.response.error_code != ErrorCode::None.code());
        return Ok(if failed {
            Answer::Close
        } else {
            Answer::Silent
        });
    }
    let context = Arc::clone(context);
    Ok(Answer::Later(Box::pin(async move {
        let response = respond(&context, &call, topics, deadline).await;
        call.respond(&response)
    })))
}

fn append(
    context: &Context,
    call: &Call,
    image: &Image,
    topic: &TopicProduceData,
    data: PartitionProduceData,
    acks: Acks,
) -> Pending {
    let index = data.index;
    match try_append(context, call, image, topic, data, acks) {
        Ok(pending) => pending,
        Err(error) => Pending {
            response: failure(index, &error),
            acked: None,
        },
    }
}

fn try_append(
    context: &Context,
    call: &Call,
    image: &Image,
    topic: &TopicProduceData,
    data: PartitionProduceData,
    acks: Acks,
) -> Result<Pending, AppendError> {
    let by_id = call.version >= TOPIC_ID_VERSION;
    let known = if by_id {
        image
            .topic(topic.topic_id)
            .ok_or(ErrorCode::UnknownTopicId)?
    } else {
        image
            .topic_by_name(&topic.name)
            .ok_or(ErrorCode::UnknownTopicOrPartition)?
    };
    if &*known.name == OFFSETS_TOPIC && &*call.client_id != ADMIN_CLIENT_ID {
        return Err(ErrorCode::InvalidTopicException.into());
    }
    let partition = find(context, image, known.topic_partition(data.index))?;
    let appended = partition.append(AppendRequest {
        // No records at all are refused as an empty batch would be.
        records: data.records.unwrap_or_default(),
        acks,
        produce_version: call.version,
    })?;
    Ok(Pending {
        response: PartitionProduceResponse {
            index: data.index,
            base_offset: appended.base_offset,
            log_append_time_ms: appended.log_append_time_ms,
            log_start_offset: partition.log_start_offset(),
            ..Default::default()
        },
        acked: Some(appended.acked),
    })
}

/// The replica here, or why there is none (rule 38).
pub(super) fn find(
    context: &Context,
    image: &Image,
    id: TopicPartition,
) -> Result<Arc<crate::partition::Partition>, ErrorCode> {
    match context.partitions.get(id) {
        Some(partition) => Ok(partition),
        None if context.partitions.is_offline(id) => Err(ErrorCode::KafkaStorageError),
        None if image.partition(id).is_some() => Err(ErrorCode::NotLeaderOrFollower),
        None => Err(ErrorCode::UnknownTopicOrPartition),
    }
}

fn failure(index: i32, error: &AppendError) -> PartitionProduceResponse {
    let mut response = PartitionProduceResponse {
        index,
        base_offset: -1,
        log_start_offset: -1,
        ..Default::default()
    };
    match error {
        AppendError::Refused(error) => response.error_code = error.code(),
        AppendError::NoRoom => {
            response.error_code = NO_ROOM.code();
            response.error_message = Some("the disk of the log directory is full".to_owned());
        }
        AppendError::Invalid(invalid) => {
            response.error_code = invalid.error_code().code();
            response.error_message = Some(invalid.to_string());
            response.record_errors = invalid
                .invalid_records()
                .iter()
                .map(|record| BatchIndexAndErrorMessage {
                    batch_index: record.batch_index,
                    batch_index_error_message: Some(record.reason.to_string()),
                })
                .collect();
        }
    }
    response
}

/// Waits for the acknowledgements, all until the same deadline.
async fn respond(
    context: &Context,
    call: &Call,
    topics: Vec<(TopicProduceData, Vec<Pending>)>,
    deadline: Instant,
) -> ProduceResponse {
    let mut response = ProduceResponse::default();
    for (topic, pending) in topics {
        let mut partitions = Vec::with_capacity(pending.len());
        for mut waiting in pending {
            if let Some(acked) = waiting.acked {
                let acked = timeout_at(deadline, acked).await;
                if let Err(error) = acked.unwrap_or(Err(ErrorCode::RequestTimedOut)) {
                    waiting.response = failure(waiting.response.index, &error.into());
                }
            }
            partitions.push(waiting.response);
        }
        response.responses.push(TopicProduceResponse {
            name: topic.name,
            topic_id: topic.topic_id,
            partition_responses: partitions,
        });
    }
    if call.version >= CURRENT_LEADER_VERSION {
        name_leaders(context, call, &mut response);
    }
    response
}

/// Tells clients that asked the wrong broker where the leaders are (KIP-951, rule 37).
fn name_leaders(context: &Context, call: &Call, response: &mut ProduceResponse) {
    let image = context.metadata.image();
    let mut leaders = BTreeMap::new();
    for topic in &mut response.responses {
        let known = if call.version >= TOPIC_ID_VERSION {
            image.topic(topic.topic_id)
        } else {
            image.topic_by_name(&topic.name)
        };
        let Some(known) = known else {
            continue;
        };
        for partition in &mut topic.partition_responses {
            if partition.error_code != ErrorCode::NotLeaderOrFollower.code() {
                continue;
            }
            let Some(metadata) = known.partition(partition.index) else {
                continue;
            };
            partition.current_leader = LeaderIdAndEpoch {
                leader_id: metadata.leader.get(),
                leader_epoch: metadata.leader_epoch.get(),
            };
            if let Some(endpoint) = endpoint(&image, metadata.leader, &call.connection.listener) {
                leaders.insert(metadata.leader, endpoint);
            }
        }
    }
    response.node_endpoints = leaders.into_values().collect();
}

fn endpoint(image: &Image, broker: BrokerId, listener: &str) -> Option<NodeEndpoint> {
    let registered = image.broker(broker)?;
    let listener = registered.listener(listener)?;
    Some(NodeEndpoint {
        node_id: broker.get(),
        host: listener.host.clone(),
        port: listener.port.into(),
        rack: registered.rack.clone(),
    })
}

fn refuse_all(request: &ProduceRequest, error: ErrorCode) -> ProduceResponse {
    let responses = request.topic_data.iter().map(|topic| TopicProduceResponse {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partition_responses: topic
            .partition_data
            .iter()
            .map(|data| failure(data.index, &error.into()))
            .collect(),
    });
    ProduceResponse {
        responses: responses.collect(),
        ..Default::default()
    }
}
