//! Another replica, asked as a consumer asks for what is missing here.

use crate::{
    metadata::MetadataCache,
    partition::{FollowError, Partition},
};
use bytes::Bytes;
use klamm_client::{ClientError, Connection, ConnectionOptions};
use klamm_config::ServerConfig;
use klamm_protocol::messages::{
    fetch_request::{FetchPartition, FetchRequest, FetchTopic},
    fetch_response::FetchResponse,
};
use klamm_storage::{RepairError, StorageError};
use klamm_types::{BrokerId, ErrorCode};
use std::time::Duration;

const FETCH_VERSION: i16 = 17;

/// Bytes asked for at once; a larger batch comes all the same.
const FETCH_BYTES: i32 = 1 << 20;

/// How long a connection may take at most: there are other replicas to ask.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(2);

/// The largest response: one oversized batch.
const RESPONSE_BYTES_MAX: usize = 256 << 20;

/// Why a log was not healed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HealError {
    /// The peer could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The peer does not serve what is missing, or has not got it.
    #[error("the replica answers {0}")]
    Peer(ErrorCode),
    /// What the peer has cannot be put in place here.
    #[error("{0}")]
    Unfit(String),
    /// The segment could not be written anew.
    #[error(transparent)]
    Repair(RepairError),
    /// A start after a crash would take what was written anew for a torn end.
    #[error("how far the log is flushed cannot be recorded now")]
    Unrecorded,
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The log could not be cut.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// A thread panicked.
    #[error("{0}")]
    Panicked(String),
}

impl From<RepairError> for HealError {
    fn from(error: RepairError) -> Self {
        match error {
            RepairError::Unfit { .. } => HealError::Unfit(error.to_string()),
            error => HealError::Repair(error),
        }
    }
}

impl HealError {
    /// Whether the leader's answer will not change, or not soon: what it has does not fit here, or
    /// what is missing here is not committed, or deleted there.
    pub(super) fn calls_for_cut(&self) -> bool {
        matches!(
            self,
            HealError::Unfit(_)
                | HealError::Peer(ErrorCode::OffsetOutOfRange | ErrorCode::OffsetNotAvailable)
        )
    }
}

/// A connection to a replica.
pub(super) struct Peer {
    id: BrokerId,
    connection: Connection,
}

impl Peer {
    pub(super) async fn connect(
        metadata: &MetadataCache,
        config: &ServerConfig,
        id: BrokerId,
    ) -> Result<Peer, HealError> {
        let image = metadata.image();
        let name = &config.network.inter_broker_listener_name;
        let listener = image
            .listener(id, name)
            .ok_or(HealError::Peer(ErrorCode::BrokerNotAvailable))?;
        let patience =
            Duration::from_millis(u64::try_from(config.replication.socket_timeout_ms).unwrap_or(0));
        let options = ConnectionOptions {
            client_id: format!("broker-{}-healer", config.node_id).into(),
            connect_timeout: patience.min(CONNECT_TIMEOUT_MAX),
            request_timeout: patience,
            unacked_max: None,
            in_flight_max: 1,
            response_bytes_max: RESPONSE_BYTES_MAX,
        };
        let address = format!("{}:{}", listener.host, listener.port);
        let connection = Connection::connect(&address, options).await?;
        Ok(Peer { id, connection })
    }

    pub(super) fn id(&self) -> BrokerId {
        self.id
    }

    /// Committed batches from an offset on, at least one.
    pub(super) async fn fetch(
        &mut self,
        partition: &Partition,
        offset: i64,
    ) -> Result<Bytes, HealError> {
        let request = FetchRequest {
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: FETCH_BYTES,
            session_epoch: -1,
            topics: vec![FetchTopic {
                topic_id: partition.id.topic_id,
                partitions: vec![FetchPartition {
                    partition: partition.id.partition,
                    fetch_offset: offset,
                    partition_max_bytes: FETCH_BYTES,
                    ..FetchPartition::default()
                }],
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        };
        let response: FetchResponse = self.connection.request(&request, FETCH_VERSION).await?;
        let mut topics = response.responses.into_iter();
        let answer = topics
            .next()
            .and_then(|topic| topic.partitions.into_iter().next());
        let Some(answer) = answer else {
            return Err(HealError::Peer(ErrorCode::from(response.error_code)));
        };
        match ErrorCode::from(answer.error_code) {
            ErrorCode::None => {}
            error => return Err(HealError::Peer(error)),
        }
        match answer.records.filter(|records| !records.is_empty()) {
            Some(records) => Ok(records),
            None => Err(HealError::Peer(ErrorCode::OffsetNotAvailable)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_stays_calls_for_a_cut() {
        for (error, expected) in [
            (HealError::Unfit("reason".to_owned()), true),
            (HealError::Peer(ErrorCode::OffsetOutOfRange), true),
            (HealError::Peer(ErrorCode::OffsetNotAvailable), true),
            (HealError::Peer(ErrorCode::NotLeaderOrFollower), false),
            (HealError::Peer(ErrorCode::KafkaStorageError), false),
            (HealError::Peer(ErrorCode::BrokerNotAvailable), false),
            (HealError::Unrecorded, false),
            (HealError::Panicked("reason".to_owned()), false),
        ] {
            assert_eq!(error.calls_for_cut(), expected, "{error:?}");
        }
    }
}
