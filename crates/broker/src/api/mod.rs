//! One file per API key, and the table that knows them all.
//!
//! ApiVersions is answered from the same table, so what is advertised is what is served.
//! A handler translates and decides; it does not reach into anybody's state.

mod add_raft_voter;
mod alter_configs;
mod alter_partition_reassignments;
mod alter_replica_log_dirs;
mod api_versions;
mod authorized_operations;
mod config_changes;
mod config_resource;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_quorum;
mod describe_topic_partitions;
mod elect_leaders;
mod fetch;
mod find_coordinator;
mod forwarding;
mod group_request;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod remove_raft_voter;
mod sync_group;
mod unregister_broker;
mod update_features;

pub(crate) use forwarding::error_code;

use crate::{context::Context, net::ConnectionInfo};
use bytes::Bytes;
use klamm_protocol::{ApiKey, DecodeError, Decoder, EncodeError, Message, frame};
use std::{future::Future, pin::Pin, sync::Arc};
use tracing::error;

/// An answer that takes time.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What becomes of a request.
pub(crate) enum Answer {
    /// The response, its size and header included.
    Now(Vec<Bytes>),
    /// The response comes later; what had to happen in order has happened.
    Later(Pending),
    /// The client asked for no response (acks=0).
    Silent,
    /// Nothing can be said any more: the connection is closed.
    Close,
}

/// Why a request closes its connection without a response (rule 2).
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the request cannot be decoded: {0}")]
    Decode(#[from] DecodeError),
    #[error("API key {key} version {version} is not served here")]
    NotServed { key: i16, version: i16 },
}

/// What a handler knows of a request besides its body.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) key: ApiKey,
    /// The version of the request and of its response.
    pub(crate) version: i16,
    correlation_id: i32,
    /// What the client calls itself, "" if it does not say.
    pub(crate) client_id: Arc<str>,
    /// Where the request came from.
    pub(crate) connection: Arc<ConnectionInfo>,
}

/// Starts a request: decodes it, does what must happen in order, and says what comes of it.
type Start = fn(&Arc<Context>, Call, &mut Decoder) -> Result<Answer, Refusal>;

/// Every API served, in the order of their keys.
const TABLE: &[(ApiKey, Start)] = &[
    (ApiKey::Produce, produce::start),
    (ApiKey::Fetch, fetch::start),
    (ApiKey::ListOffsets, list_offsets::start),
    (ApiKey::Metadata, metadata::start),
    (ApiKey::OffsetCommit, offset_commit::start),
    (ApiKey::OffsetFetch, offset_fetch::start),
    (ApiKey::FindCoordinator, find_coordinator::start),
    (ApiKey::JoinGroup, join_group::start),
    (ApiKey::Heartbeat, heartbeat::start),
    (ApiKey::LeaveGroup, leave_group::start),
    (ApiKey::SyncGroup, sync_group::start),
    (ApiKey::DescribeGroups, describe_groups::start),
    (ApiKey::ListGroups, list_groups::start),
    (ApiKey::ApiVersions, api_versions::start),
    (ApiKey::CreateTopics, create_topics::start),
    (ApiKey::DeleteTopics, delete_topics::start),
    (ApiKey::DeleteRecords, delete_records::start),
    (ApiKey::InitProducerId, init_producer_id::start),
    (ApiKey::OffsetForLeaderEpoch, offset_for_leader_epoch::start),
    (ApiKey::DescribeConfigs, describe_configs::start),
    (ApiKey::AlterConfigs, alter_configs::start),
    (ApiKey::AlterReplicaLogDirs, alter_replica_log_dirs::start),
    (ApiKey::DescribeLogDirs, describe_log_dirs::start),
    (ApiKey::CreatePartitions, create_partitions::start),
    (ApiKey::DeleteGroups, delete_groups::start),
    (ApiKey::ElectLeaders, elect_leaders::start),
    (
        ApiKey::IncrementalAlterConfigs,
        incremental_alter_configs::start,
    ),
    (
        ApiKey::AlterPartitionReassignments,
        alter_partition_reassignments::start,
    ),
    (
        ApiKey::ListPartitionReassignments,
        list_partition_reassignments::start,
    ),
    (ApiKey::OffsetDelete, offset_delete::start),
    (ApiKey::DescribeQuorum, describe_quorum::start),
    (ApiKey::UpdateFeatures, update_features::start),
    (ApiKey::DescribeCluster, describe_cluster::start),
    (ApiKey::UnregisterBroker, unregister_broker::start),
    (ApiKey::ListConfigResources, list_config_resources::start),
    (
        ApiKey::DescribeTopicPartitions,
        describe_topic_partitions::start,
    ),
    (ApiKey::AddRaftVoter, add_raft_voter::start),
    (ApiKey::RemoveRaftVoter, remove_raft_voter::start),
];

/// The APIs that are served, in the order of their keys.
pub(crate) fn served() -> impl Iterator<Item = ApiKey> {
    TABLE.iter().map(|(key, _)| *key)
}

/// Starts the request in `bytes` (a frame without its size).
pub(crate) fn dispatch(
    context: &Arc<Context>,
    bytes: Bytes,
    connection: &Arc<ConnectionInfo>,
) -> Result<Answer, Refusal> {
    let mut decoder = Decoder::new(bytes);
    let header = frame::decode_request_header(&mut decoder)?;
    let not_served = Refusal::NotServed {
        key: header.api_key,
        version: header.api_version,
    };
    let key = ApiKey::try_from(header.api_key)?;
    let call = Call {
        key,
        version: header.api_version,
        correlation_id: header.correlation_id,
        client_id: header.client_id.as_deref().unwrap_or_default().into(),
        connection: Arc::clone(connection),
    };
    if key == ApiKey::ApiVersions && !key.served().contains(&call.version) {
        return Ok(api_versions::unsupported(call));
    }
    let served = TABLE.iter().find(|(k, _)| *k == key);
    match served {
        Some((_, start)) if key.served().contains(&call.version) => {
            start(context, call, &mut decoder)
        }
        _ => Err(not_served),
    }
}

impl Call {
    /// Encodes the response. One that this version cannot carry is a bug of ours: the client
    /// is cut off rather than left waiting.
    pub(crate) fn respond<M: Message>(&self, response: &M) -> Answer {
        self.respond_as(self.version, response)
    }

    /// Encodes the response in another version than the request's (ApiVersions only).
    fn respond_as<M: Message>(&self, version: i16, response: &M) -> Answer {
        match frame::encode_response(self.correlation_id, self.key, version, response) {
            Ok(chunks) => Answer::Now(chunks),
            Err(error) => self.cannot_encode(&error),
        }
    }

    fn cannot_encode(&self, error: &EncodeError) -> Answer {
        error!(api = %self.key, version = self.version, %error, "cannot encode a response");
        Answer::Close
    }

    /// The client's address as groups and logs show it.
    pub(crate) fn client_host(&self) -> String {
        format!("/{}", self.connection.peer.ip())
    }
}

/// Starts a request whose handler is a future: it runs when the responses before it are sent.
pub(crate) fn later<Q, R, F, H>(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
    handle: H,
) -> Result<Answer, Refusal>
where
    Q: Message + Send + 'static,
    R: Message + Send,
    F: Future<Output = R> + Send + 'static,
    H: FnOnce(Arc<Context>, Call, Q) -> F + Send + 'static,
{
    let request = Q::decode(body, call.version)?;
    let context = Arc::clone(context);
    Ok(Answer::Later(Box::pin(async move {
        let response = handle(context, call.clone(), request).await;
        call.respond(&response)
    })))
}

/// Starts a request that is answered from memory at once.
pub(crate) fn now<Q, R, H>(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
    handle: H,
) -> Result<Answer, Refusal>
where
    Q: Message,
    R: Message,
    H: FnOnce(&Arc<Context>, &Call, Q) -> R,
{
    let request = Q::decode(body, call.version)?;
    let response = handle(context, &call, request);
    Ok(call.respond(&response))
}
