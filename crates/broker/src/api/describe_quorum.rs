//! DescribeQuorum (55), versions 0–2: the controllers and who reads their log.
//!
//! v1 added the times of the last fetches, v2 messages, directory ids and the controllers'
//! endpoints. There is one partition to ask for, `__cluster_metadata-0`.

use super::{
    Answer, Call, Refusal,
    forwarding::{Deadline, call_error, error_code, uuid},
};
use crate::{context::Context, topic_name};
use klamm_protocol::{
    Decoder,
    messages::{
        describe_quorum_request::{self, DescribeQuorumRequest},
        describe_quorum_response::{
            DescribeQuorumResponse, Listener, Node, PartitionData, ReplicaState, TopicData,
        },
    },
};
use klamm_rpc::controller as rpc;
use klamm_types::{BrokerId, ErrorCode, LeaderEpoch, Uuid};
use std::sync::Arc;

/// How long the controllers may take: the request names no time.
const PATIENCE_MS: i32 = 10_000;

/// The listener's name where the configuration has none.
const LISTENER: &str = "CONTROLLER";

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
    request: DescribeQuorumRequest,
) -> DescribeQuorumResponse {
    if !is_about_the_metadata(&request.topics) {
        return unknown(&request.topics);
    }
    let patience = Deadline::of(PATIENCE_MS).patience();
    let ask = rpc::DescribeQuorumRequest {};
    match context.controller.describe_quorum(ask, patience).await {
        Ok(quorum) if quorum.error_code == 0 => {
            let names = &context.config.network.controller_listener_names;
            let listener = names.first().map_or(LISTENER, String::as_str);
            // The endpoints came with version 2.
            let nodes = if call.version >= 2 {
                nodes(&quorum, listener)
            } else {
                vec![]
            };
            DescribeQuorumResponse {
                topics: vec![metadata_topic(&quorum, call.version)],
                nodes,
                ..Default::default()
            }
        }
        Ok(quorum) => refuse(error_code(quorum.error_code), None),
        Err(error) => {
            let (error, message) = call_error(&error);
            refuse(error, Some(message))
        }
    }
}

fn is_about_the_metadata(topics: &[describe_quorum_request::TopicData]) -> bool {
    match topics {
        [topic] => {
            topic.topic_name == topic_name::CLUSTER_METADATA
                && matches!(topic.partitions.as_slice(), [p] if p.partition_index == 0)
        }
        _ => false,
    }
}

fn unknown(topics: &[describe_quorum_request::TopicData]) -> DescribeQuorumResponse {
    let partition = |partition: &describe_quorum_request::PartitionData| PartitionData {
        partition_index: partition.partition_index,
        error_code: ErrorCode::UnknownTopicOrPartition.code(),
        ..Default::default()
    };
    DescribeQuorumResponse {
        topics: topics
            .iter()
            .map(|topic| TopicData {
                topic_name: topic.topic_name.clone(),
                partitions: topic.partitions.iter().map(partition).collect(),
            })
            .collect(),
        ..Default::default()
    }
}

fn refuse(error: ErrorCode, message: Option<String>) -> DescribeQuorumResponse {
    DescribeQuorumResponse {
        error_code: error.code(),
        error_message: Some(message.unwrap_or_else(|| error.to_string())),
        ..Default::default()
    }
}

fn metadata_topic(quorum: &rpc::DescribeQuorumResponse, version: i16) -> TopicData {
    let replica = |replica: &rpc::QuorumReplica| replica_state(replica, version);
    TopicData {
        topic_name: topic_name::CLUSTER_METADATA.to_owned(),
        partitions: vec![PartitionData {
            partition_index: 0,
            leader_id: BrokerId(quorum.leader_id).get(),
            leader_epoch: LeaderEpoch(quorum.leader_epoch).get(),
            high_watermark: quorum.high_watermark,
            current_voters: quorum.voters.iter().map(replica).collect(),
            observers: quorum.observers.iter().map(replica).collect(),
            ..Default::default()
        }],
    }
}

fn replica_state(replica: &rpc::QuorumReplica, version: i16) -> ReplicaState {
    ReplicaState {
        replica_id: replica.replica_id,
        // The folders' ids came with version 2.
        replica_directory_id: match version {
            ..2 => Uuid::ZERO,
            _ => uuid(&replica.directory_id),
        },
        log_end_offset: replica.log_end_offset,
        last_fetch_timestamp: replica.last_fetch_timestamp_ms,
        last_caught_up_timestamp: replica.last_caught_up_timestamp_ms,
    }
}

fn nodes(quorum: &rpc::DescribeQuorumResponse, listener: &str) -> Vec<Node> {
    quorum
        .voters
        .iter()
        .filter(|voter| !voter.host.is_empty())
        .map(|voter| Node {
            node_id: voter.replica_id,
            listeners: vec![Listener {
                name: listener.to_owned(),
                host: voter.host.clone(),
                port: u16::try_from(voter.port).unwrap_or(0),
            }],
        })
        .collect()
}
