//! AlterPartitionReassignments (45), versions 0–1: moves partitions to other brokers (KIP-455).
//!
//! v1 lets clients forbid another number of replicas. Null replicas cancel what is under way (rule
//! 92). The active controller decides; the response waits until this broker knows.

use super::{
    Answer, Call, Refusal,
    forwarding::{Deadline, call_error, error_code, error_message},
};
use crate::context::Context;
use klamm_metadata::proto::BrokerIds;
use klamm_protocol::{
    Decoder,
    messages::{
        alter_partition_reassignments_request::{
            AlterPartitionReassignmentsRequest, ReassignableTopic,
        },
        alter_partition_reassignments_response::{
            AlterPartitionReassignmentsResponse, ReassignablePartitionResponse,
            ReassignableTopicResponse,
        },
    },
};
use klamm_rpc::controller as rpc;
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
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let deadline = Deadline::of(request.timeout_ms);
    let patience = deadline.patience();
    let ask = forwarded(&request);
    let (error, message, results) =
        match context.controller.alter_reassignments(ask, patience).await {
            Ok(altered) => {
                let offset = altered.metadata_offset;
                let known =
                    deadline.wait_until_known(&context.metadata, |image| image.offset() >= offset);
                known.await;
                let error = error_code(altered.error_code);
                (error, altered.error_message, altered.partitions)
            }
            Err(error) => {
                let (error, message) = call_error(&error);
                (error, message, Vec::new())
            }
        };
    AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: request.allow_replication_factor_change,
        error_code: error.code(),
        error_message: error_message(error, message),
        responses: responses(&request.topics, results),
        ..Default::default()
    }
}

fn forwarded(request: &AlterPartitionReassignmentsRequest) -> rpc::AlterReassignmentsRequest {
    let partitions = request.topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|partition| rpc::PartitionReassignment {
            topic: topic.name.clone(),
            partition: partition.partition_index,
            replicas: partition.replicas.clone().map(|ids| BrokerIds { ids }),
        })
    });
    rpc::AlterReassignmentsRequest {
        partitions: partitions.collect(),
        allow_replication_factor_change: request.allow_replication_factor_change,
    }
}

/// The results as the request has its partitions; none where it was refused as a whole.
fn responses(
    topics: &[ReassignableTopic],
    results: Vec<rpc::PartitionResult>,
) -> Vec<ReassignableTopicResponse> {
    if results.is_empty() {
        return Vec::new();
    }
    let mut results = results.into_iter();
    let topic = |topic: &ReassignableTopic| ReassignableTopicResponse {
        name: topic.name.clone(),
        partitions: (topic.partitions.iter().zip(results.by_ref()))
            .map(|(partition, result)| {
                let error = error_code(result.error_code);
                ReassignablePartitionResponse {
                    partition_index: partition.partition_index,
                    error_code: error.code(),
                    error_message: error_message(error, result.error_message),
                }
            })
            .collect(),
    };
    topics.iter().map(topic).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_protocol::messages::alter_partition_reassignments_request::ReassignablePartition;
    use klamm_types::ErrorCode;

    #[test]
    fn results_go_to_the_partitions_of_the_request() {
        let topic = |name: &str, partitions: &[i32]| ReassignableTopic {
            name: name.to_owned(),
            partitions: partitions
                .iter()
                .map(|partition_index| ReassignablePartition {
                    partition_index: *partition_index,
                    replicas: None,
                })
                .collect(),
        };
        let topics = [topic("a", &[3, 1]), topic("none", &[]), topic("b", &[7])];
        let codes = [ErrorCode::None, ErrorCode::InvalidRequest, ErrorCode::None];
        let results = codes.map(|code| rpc::PartitionResult {
            error_code: code.code().into(),
            error_message: String::new(),
        });
        let responses = responses(&topics, results.into());
        let told: Vec<_> = (responses.iter())
            .flat_map(|topic| topic.partitions.iter().map(|p| (&*topic.name, p)))
            .map(|(topic, p)| (topic, p.partition_index, ErrorCode::from(p.error_code)))
            .collect();
        assert_eq!(
            told,
            [("a", 3, codes[0]), ("a", 1, codes[1]), ("b", 7, codes[2])]
        );
    }
}
