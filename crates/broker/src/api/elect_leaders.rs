//! ElectLeaders (43), versions 0–2: preferred leaders, or any where nobody leads (KIP-460, rule 91).
//!
//! v0 knows preferred leaders only and has no error for the whole request. Without topics all
//! partitions are meant. The active controller decides; the response waits until this broker knows.

use super::{
    Answer, Call, Refusal,
    forwarding::{Deadline, call_error, error_code, error_message},
};
use crate::context::Context;
use klamm_protocol::{
    Decoder,
    messages::{
        elect_leaders_request::{ElectLeadersRequest, TopicPartitions},
        elect_leaders_response::{ElectLeadersResponse, PartitionResult, ReplicaElectionResult},
    },
};
use klamm_rpc::controller as rpc;
use klamm_types::ErrorCode;
use std::sync::Arc;

/// Kafka's numbers of the election types.
const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

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
    request: ElectLeadersRequest,
) -> ElectLeadersResponse {
    if !matches!(request.election_type, PREFERRED | UNCLEAN) {
        return refuse(call.version, &request, ErrorCode::InvalidRequest, None);
    }
    let deadline = Deadline::of(request.timeout_ms);
    let ask = forwarded(&request);
    let answer = context.controller.elect_leaders(ask, deadline.patience());
    let elected = match answer.await {
        Ok(elected) => elected,
        Err(error) => {
            let (error, message) = call_error(&error);
            return refuse(call.version, &request, error, Some(message));
        }
    };
    let error = error_code(elected.error_code);
    if !error.is_none() {
        return refuse(call.version, &request, error, Some(elected.error_message));
    }
    let offset = elected.metadata_offset;
    let known = deadline.wait_until_known(&context.metadata, |image| image.offset() >= offset);
    known.await;
    ElectLeadersResponse {
        replica_election_results: by_topic(elected.partitions),
        ..Default::default()
    }
}

fn forwarded(request: &ElectLeadersRequest) -> rpc::ElectLeadersRequest {
    let named = |topic: &TopicPartitions| {
        let topic = topic.clone();
        let partitions = topic.partitions.into_iter();
        partitions.map(move |partition| rpc::NamedPartition {
            topic: topic.topic.clone(),
            partition,
        })
    };
    let topics = request.topic_partitions.as_ref();
    rpc::ElectLeadersRequest {
        unclean: request.election_type == UNCLEAN,
        partitions: topics.map(|topics| rpc::NamedPartitions {
            partitions: topics.iter().flat_map(named).collect(),
        }),
    }
}

/// The results, those of a topic together as they came.
fn by_topic(results: Vec<rpc::NamedPartitionResult>) -> Vec<ReplicaElectionResult> {
    let mut topics: Vec<ReplicaElectionResult> = Vec::new();
    for one in results {
        let (partition, result) = (
            one.partition.unwrap_or_default(),
            one.result.unwrap_or_default(),
        );
        let error = error_code(result.error_code);
        let told = PartitionResult {
            partition_id: partition.partition,
            error_code: error.code(),
            error_message: error_message(error, result.error_message),
        };
        match topics.last_mut() {
            Some(last) if last.topic == partition.topic => last.partition_result.push(told),
            _ => topics.push(ReplicaElectionResult {
                topic: partition.topic,
                partition_result: vec![told],
            }),
        }
    }
    topics
}

/// An error for the whole request. Version 0 has no place for one: each partition has it.
fn refuse(
    version: i16,
    request: &ElectLeadersRequest,
    error: ErrorCode,
    message: Option<String>,
) -> ElectLeadersResponse {
    let message = error_message(error, message.unwrap_or_default());
    let of_partition = |partition_id: &i32| PartitionResult {
        partition_id: *partition_id,
        error_code: error.code(),
        error_message: message.clone(),
    };
    let topics = request.topic_partitions.as_deref().unwrap_or_default();
    ElectLeadersResponse {
        error_code: if version >= 1 { error.code() } else { 0 },
        replica_election_results: topics
            .iter()
            .map(|topic| ReplicaElectionResult {
                topic: topic.topic.clone(),
                partition_result: topic.partitions.iter().map(of_partition).collect(),
            })
            .collect(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(topic: &str, partition: i32, error: ErrorCode) -> rpc::NamedPartitionResult {
        rpc::NamedPartitionResult {
            partition: Some(rpc::NamedPartition {
                topic: topic.into(),
                partition,
            }),
            result: Some(rpc::PartitionResult {
                error_code: error.code().into(),
                error_message: String::new(),
            }),
        }
    }

    #[test]
    fn partitions_of_a_topic_stand_together() {
        let topics = by_topic(vec![
            result("a", 0, ErrorCode::None),
            result("a", 1, ErrorCode::PreferredLeaderNotAvailable),
            result("b", 0, ErrorCode::None),
        ]);
        let shape: Vec<_> = topics
            .iter()
            .map(|topic| (topic.topic.as_str(), topic.partition_result.len()))
            .collect();
        assert_eq!(shape, [("a", 2), ("b", 1)]);
        let refused = &topics[0].partition_result[1];
        assert!(refused.error_message.is_some());
    }

    #[test]
    fn a_refusal_stands_where_the_version_has_a_place() {
        let request = ElectLeadersRequest {
            topic_partitions: Some(vec![TopicPartitions {
                topic: "a".into(),
                partitions: vec![0, 1],
            }]),
            ..Default::default()
        };
        let code = ErrorCode::InvalidRequest.code();
        for (version, expected) in [(0, 0), (1, code)] {
            let refused = refuse(version, &request, ErrorCode::InvalidRequest, None);
            assert_eq!(refused.error_code, expected);
            let partitions = &refused.replica_election_results[0].partition_result;
            assert!(partitions.iter().all(|p| p.error_code == code));
        }
    }
}
