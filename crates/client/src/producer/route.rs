//! The way from a batch to the leader of its partition, and of a producer to its id.

use super::{Acks, ProducerOptions, window::Identity};
use crate::{client::Client, error::ClientError};
use bytes::Bytes;
use klamm_protocol::{
    Request,
    messages::{
        init_producer_id_request::InitProducerIdRequest,
        produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
        produce_response::{PartitionProduceResponse, ProduceResponse},
    },
};
use klamm_types::{ErrorCode, ProducerEpoch, ProducerId};
use std::{sync::Arc, time::Duration};
use tokio::{sync::OnceCell, time::timeout};

/// The last version that names topics instead of giving their ids.
const LAST_VERSION_WITH_NAMES: i16 = 12;

/// How long a broker may take to tell who leads: there are others to ask.
const METADATA_PATIENCE: Duration = Duration::from_secs(1);

/// Where the batches of one partition go.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) client: Client,
    pub(super) options: ProducerOptions,
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    /// The id of the producer, which all its partitions share; each has an epoch of its own.
    pub(super) shared_identity: Arc<OnceCell<Identity>>,
}

impl Route {
    /// The epoch of the leader, as far as is known; −1 if unknown.
    pub(super) fn leader_epoch(&self) -> i32 {
        let view = self.client.view();
        let known = view.partition(&self.topic, self.partition);
        known.map_or(-1, |partition| partition.leader_epoch)
    }

    /// Asks some broker who leads, not the one that has led so far. If that fails the next attempt asks another one.
    pub(super) async fn look_up_leader(&self) {
        let topics = [&*self.topic];
        let view = self.client.view();
        let leader = view
            .partition(&self.topic, self.partition)
            .map(|known| known.leader);
        let refresh = self.client.refresh_without(Some(&topics), leader);
        let looked_up = timeout(METADATA_PATIENCE, refresh).await;
        if let Ok(Err(error)) = looked_up {
            tracing::debug!(topic = &*self.topic, %error, "cannot find the leader");
        }
    }

    /// An identity for a partition: at `first` that of the producer, which may have to be asked for, then one of its
    /// own.
    pub(super) async fn identity(&self, first: bool) -> Result<Identity, ClientError> {
        if !first {
            return self.ask_identity().await;
        }
        let ask = || self.ask_identity();
        self.shared_identity.get_or_try_init(ask).await.copied()
    }

    async fn ask_identity(&self) -> Result<Identity, ClientError> {
        let request = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: i32::MAX,
            ..InitProducerIdRequest::default()
        };
        let response = self.client.ask_any(&request).await?;
        ClientError::check("InitProducerId", response.error_code, None)?;
        Ok(Identity {
            id: ProducerId(response.producer_id),
            epoch: ProducerEpoch(response.producer_epoch),
        })
    }

    /// Sends a batch to the leader, once. Returns the offset of its first record, −1 if that is unknown.
    pub(super) async fn write(&self, batch: Bytes) -> Result<i64, ClientError> {
        let (connection, _) = self.client.leader(&self.topic, self.partition).await?;
        let patience = self.client.options().connection.request_timeout;
        let view = self.client.view();
        let topic = view.topics.get(&*self.topic);
        let topic_id = topic.map(|topic| topic.id).unwrap_or_default();
        let request = ProduceRequest {
            acks: self.options.acks.code(),
            timeout_ms: i32::try_from(patience.as_millis()).unwrap_or(i32::MAX),
            topic_data: vec![TopicProduceData {
                name: self.topic.to_string(),
                topic_id,
                partition_data: vec![PartitionProduceData {
                    index: self.partition,
                    records: Some(batch),
                }],
            }],
            ..ProduceRequest::default()
        };
        let served = ProduceRequest::KEY.served();
        let last = if topic_id.is_zero() {
            LAST_VERSION_WITH_NAMES
        } else {
            *served.end()
        };
        let versions = *served.start()..=last;
        if self.options.acks == Acks::None {
            let version = connection.negotiate(ProduceRequest::KEY, versions).await?;
            connection.send_unanswered(&request, version).await?;
            return Ok(-1);
        }
        // The broker waits for followers as long as we told it; the answer travels a little longer.
        let patience = patience + Duration::from_secs(2);
        let response = self
            .client
            .ask(&connection, &request, versions, patience)
            .await?;
        self.outcome(response)
    }

    fn outcome(&self, response: ProduceResponse) -> Result<i64, ClientError> {
        let partitions = response
            .responses
            .into_iter()
            .flat_map(|t| t.partition_responses);
        let mut ours = partitions.filter(|partition| partition.index == self.partition);
        let unmentioned = PartitionProduceResponse {
            error_code: ErrorCode::UnknownServerError.code(),
            ..PartitionProduceResponse::default()
        };
        let answer = ours.next().unwrap_or(unmentioned);
        if answer.error_code == ErrorCode::DuplicateSequenceNumber.code() {
            return Ok(-1);
        }
        let first_record_error = answer
            .record_errors
            .into_iter()
            .find_map(|e| e.batch_index_error_message);
        let message = answer.error_message.or(first_record_error);
        let what = format!("produce to {}-{}", self.topic, self.partition);
        ClientError::check(&what, answer.error_code, message.as_deref())?;
        Ok(answer.base_offset)
    }
}
