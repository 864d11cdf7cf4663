//! CreatePartitions (37), versions 0–3: makes topics larger. All versions mean the same.
//!
//! The active controller decides; the response waits until this broker knows the partitions.

use super::{
    Answer, Call, Refusal,
    forwarding::{Deadline, call_error, count, error_code, error_message},
};
use crate::context::Context;
use klamm_metadata::Image;
use klamm_protocol::{
    Decoder,
    messages::{
        create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic},
        create_partitions_response::{CreatePartitionsResponse, CreatePartitionsTopicResult},
    },
};
use klamm_rpc::controller as rpc;
use klamm_types::ErrorCode;
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
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let deadline = Deadline::of(request.timeout_ms);
    let counts = count(request.topics.iter().map(|topic| topic.name.as_str()));
    let twice = counts.iter().filter(|(_, count)| **count > 1);
    let mut results: Vec<_> = twice
        .map(|(name, _)| {
            let message = "the request names this topic more than once";
            refuse(name, ErrorCode::InvalidRequest, message)
        })
        .collect();
    let once = |topic: &&CreatePartitionsTopic| counts.get(topic.name.as_str()) == Some(&1);
    let forwarded: Vec<_> = request.topics.iter().filter(once).collect();
    if !forwarded.is_empty() {
        let ask = rpc::CreatePartitionsRequest {
            topics: forwarded.iter().map(|topic| growth(topic)).collect(),
            validate_only: request.validate_only,
        };
        match context
            .controller
            .create_partitions(ask, deadline.patience())
            .await
        {
            Ok(response) => results.extend(response.topics.iter().map(result)),
            Err(error) => {
                let (error, message) = call_error(&error);
                results.extend(forwarded.iter().map(|t| refuse(&t.name, error, &message)));
            }
        }
    }
    if !request.validate_only {
        let failed = |name: &str| {
            let result = results.iter().find(|result| result.name == name);
            result.is_none_or(|result| result.error_code != ErrorCode::None.code())
        };
        let known = |image: &Image| {
            let mut grown = forwarded.iter().filter(|topic| !failed(&topic.name));
            grown.all(|topic| has_partitions(image, topic))
        };
        deadline.wait_until_known(&context.metadata, known).await;
    }
    CreatePartitionsResponse {
        results,
        ..Default::default()
    }
}

fn has_partitions(image: &Image, wanted: &CreatePartitionsTopic) -> bool {
    let wanted_count = usize::try_from(wanted.count).unwrap_or(0);
    let topic = image.topic_by_name(&wanted.name);
    // A topic that is gone meanwhile is not waited for.
    topic.is_none_or(|topic| topic.partitions.len() >= wanted_count)
}

fn growth(topic: &CreatePartitionsTopic) -> rpc::TopicGrowth {
    let assignments = topic
        .assignments
        .as_ref()
        .map(|assignments| rpc::Assignments {
            partitions: (0..)
                .zip(assignments)
                .map(|(partition, assignment)| rpc::ReplicaAssignment {
                    partition,
                    broker_ids: assignment.broker_ids.clone(),
                })
                .collect(),
        });
    rpc::TopicGrowth {
        name: topic.name.clone(),
        count: topic.count,
        assignments,
    }
}

fn result(topic: &rpc::TopicResult) -> CreatePartitionsTopicResult {
    let error = error_code(topic.error_code);
    CreatePartitionsTopicResult {
        name: topic.name.clone(),
        error_code: error.code(),
        error_message: error_message(error, topic.error_message.clone()),
    }
}

fn refuse(name: &str, error: ErrorCode, message: &str) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult {
        name: name.to_owned(),
        error_code: error.code(),
        error_message: Some(message.to_owned()),
    }
}
