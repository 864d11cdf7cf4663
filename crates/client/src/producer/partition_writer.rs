//! The task that writes the records of one partition.

use super::{Acks, Delivered, ProducerOptions, ProducerRecord};
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
use klamm_records::BatchBuilder;
use klamm_types::{ErrorCode, ProducerEpoch, ProducerId};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::{Instant, timeout_at},
};

/// The last version that names topics instead of giving their ids.
const LAST_VERSION_WITH_NAMES: i16 = 12;

/// A record without an answer.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) record: ProducerRecord,
    pub(super) bytes: usize,
    pub(super) timestamp_ms: i64,
    pub(super) answer: oneshot::Sender<Result<Delivered, ClientError>>,
    pub(super) _memory: OwnedSemaphorePermit,
}

/// Who writes, towards brokers that recognize repeated batches.
#[derive(Clone, Copy, Debug)]
struct Identity {
    id: ProducerId,
    epoch: ProducerEpoch,
    next_sequence: i32,
}

pub(super) struct PartitionWriter {
    client: Client,
    options: ProducerOptions,
    topic: Arc<str>,
    partition: i32,
    identity: Option<Identity>,
    /// A record that did not fit into the last batch.
    left_over: Option<Pending>,
}

impl PartitionWriter {
    pub(super) fn new(
        client: Client,
        options: ProducerOptions,
        topic: &str,
        partition: i32,
    ) -> PartitionWriter {
        let topic = topic.into();
        PartitionWriter {
            client,
            options,
            topic,
            partition,
            identity: None,
            left_over: None,
        }
    }

    /// Writes until the producer is dropped and the queue is empty.
    pub(super) async fn run(mut self, mut records: mpsc::UnboundedReceiver<Pending>) {
        while let Some(batch) = self.collect(&mut records).await {
            let outcome = self.deliver(&batch).await;
            for (i, pending) in (0..).zip(batch) {
                let delivered = outcome.clone().map(|base_offset| Delivered {
                    partition: self.partition,
                    offset: if base_offset < 0 { -1 } else { base_offset + i },
                });
                // The sender may not be interested.
                let _ = pending.answer.send(delivered);
            }
        }
    }

    /// The records of the next batch, `None` at the end.
    async fn collect(
        &mut self,
        records: &mut mpsc::UnboundedReceiver<Pending>,
    ) -> Option<Vec<Pending>> {
        let first = match self.left_over.take() {
            Some(pending) => pending,
            None => records.recv().await?,
        };
        let deadline = Instant::now() + self.options.linger;
        let mut bytes = first.bytes;
        let mut batch = vec![first];
        while bytes < self.options.batch_bytes_max {
            let next = match records.try_recv() {
                Ok(pending) => Some(pending),
                Err(_) if self.options.linger.is_zero() => None,
                Err(_) => timeout_at(deadline, records.recv()).await.ok().flatten(),
            };
            let Some(pending) = next else {
                break;
            };
            if bytes + pending.bytes > self.options.batch_bytes_max {
                self.left_over = Some(pending);
                break;
            }
            bytes += pending.bytes;
            batch.push(pending);
        }
        Some(batch)
    }

    /// Writes a batch and returns the offset of its first record.
    async fn deliver(&mut self, batch: &[Pending]) -> Result<i64, ClientError> {
        let deadline = self.options.delivery_timeout;
        let identity = self.identify(deadline).await?;
        let bytes = self.build(batch, identity)?;
        let this = &*self;
        let outcome = this
            .client
            .retry_within(deadline, || this.write(bytes.clone()))
            .await;
        // After a failure nobody knows whether the batch was written, hence which sequence number comes next; a
        // new identity begins anew.
        self.identity = identity
            .filter(|_| outcome.is_ok())
            .map(|identity| Identity {
                next_sequence: sequence_after(identity.next_sequence, batch.len()),
                ..identity
            });
        outcome
    }

    async fn identify(&self, deadline: Duration) -> Result<Option<Identity>, ClientError> {
        if !self.options.idempotent || self.options.acks != Acks::All {
            return Ok(None);
        }
        if self.identity.is_some() {
            return Ok(self.identity);
        }
        let request = &InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: i32::MAX,
            ..InitProducerIdRequest::default()
        };
        let ask = || async move {
            let response = self.client.ask_any(request).await?;
            ClientError::check("InitProducerId", response.error_code, None)?;
            Ok(response)
        };
        let response = self.client.retry_within(deadline, ask).await?;
        Ok(Some(Identity {
            id: ProducerId(response.producer_id),
            epoch: ProducerEpoch(response.producer_epoch),
            next_sequence: 0,
        }))
    }

    fn build(&self, batch: &[Pending], identity: Option<Identity>) -> Result<Bytes, ClientError> {
        let mut builder = BatchBuilder::new(0).compression(self.options.compression);
        if let Some(Identity {
            id,
            epoch,
            next_sequence,
        }) = identity
        {
            builder = builder.producer(id, epoch, next_sequence);
        }
        for pending in batch {
            let record = &pending.record;
            let headers: Vec<(&[u8], Option<&[u8]>)> = record
                .headers
                .iter()
                .map(|(key, value)| (&key[..], value.as_deref()))
                .collect();
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            builder.append(pending.timestamp_ms, key, value, &headers);
        }
        builder.build().map_err(|error| ClientError::Records {
            topic: self.topic.clone(),
            partition: self.partition,
            reason: error.to_string().into(),
        })
    }

    /// Sends a batch to the leader, once; looks for the leader anew if that fails.
    async fn write(&self, batch: Bytes) -> Result<i64, ClientError> {
        let result = self.write_to_leader(batch).await;
        if result.as_ref().is_err_and(ClientError::is_retriable) {
            // If this fails as well, the next attempt fails for the same reason.
            let _ = self.client.refresh(Some(&[&self.topic])).await;
        }
        result
    }

    async fn write_to_leader(&self, batch: Bytes) -> Result<i64, ClientError> {
        let (connection, _) = self.client.leader(&self.topic, self.partition).await?;
        let patience = self.client.options().connection.request_timeout;
        let topic_id = self
            .client
            .view()
            .topics
            .get(&*self.topic)
            .map(|topic| topic.id)
            .unwrap_or_default();
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

/// The sequence number after `count` records from `base` on; they wrap around to zero.
fn sequence_after(base: i32, count: usize) -> i32 {
    ((i64::from(base) + count as i64) % (1 << 31)) as i32
}

#[cfg(test)]
mod tests {
    use super::sequence_after;

    #[test]
    fn sequence_numbers_wrap_to_zero() {
        assert_eq!(sequence_after(5, 3), 8);
        assert_eq!(sequence_after(i32::MAX, 1), 0);
        assert_eq!(sequence_after(i32::MAX - 1, 4), 2);
    }
}
