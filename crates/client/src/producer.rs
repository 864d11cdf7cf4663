//! Producing records.
//!
//! Each partition has a task of its own that collects records into batches and sends them. Idempotent producers have
//! several batches of a partition in flight, others one, so that records of a partition arrive in the order in which
//! they were sent. All records that were not answered yet share one memory limit.

mod backoff;
mod batch;
mod partition_writer;
mod partitioner;
mod route;
mod window;

pub use partitioner::{murmur2, partition_of_key};

use crate::{client::Client, error::ClientError};
use batch::Pending;
use bytes::Bytes;
use klamm_records::Compression;
use partition_writer::PartitionWriter;
use partitioner::Sticky;
use route::Route;
use std::{
    collections::HashMap,
    future::Future,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{OnceCell, Semaphore, mpsc, oneshot},
    time::Instant,
};
use window::Identity;

/// What a queued record costs beyond its own bytes.
const RECORD_OVERHEAD_BYTES: usize = 128;

/// Which replicas must have a record before it counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Acks {
    /// Nobody answers.
    None,
    /// The leader.
    Leader,
    /// All replicas in sync.
    #[default]
    All,
}

impl Acks {
    /// The number in produce requests.
    pub const fn code(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
}

/// How a producer behaves.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    /// Which replicas must have a record.
    pub acks: Acks,
    /// Whether brokers recognize repeated batches, so that attempts do not duplicate records. Only with
    /// [`Acks::All`].
    pub idempotent: bool,
    /// The codec of batches.
    pub compression: Compression,
    /// How long an incomplete batch waits for more records.
    pub linger: Duration,
    /// Bytes of a batch before compression; a longer record gets a batch of its own.
    pub batch_bytes_max: usize,
    /// Bytes of records without an answer; sending waits beyond.
    pub buffer_bytes_max: usize,
    /// How long a record is tried. One that is given up then may have been written all the same.
    pub delivery_timeout: Duration,
    /// Batches of a partition without an answer, 5 at most: so many are recognized by brokers. Always 1 if the
    /// producer is not idempotent.
    pub in_flight_max: usize,
    /// The first pause between attempts; it doubles each time, unless another broker leads by then, or the broker
    /// says that it does not lead yet: then it is asked every 100 ms for 2 s.
    pub retry_backoff: Duration,
    /// The longest pause between attempts.
    pub retry_backoff_max: Duration,
}

/// Batches of a producer that a broker remembers for each partition.
const RECOGNIZED_BATCHES: usize = 5;

impl ProducerOptions {
    fn is_idempotent(&self) -> bool {
        self.idempotent && self.acks == Acks::All
    }
}

impl Default for ProducerOptions {
    fn default() -> Self {
        ProducerOptions {
            acks: Acks::All,
            idempotent: true,
            compression: Compression::None,
            linger: Duration::ZERO,
            batch_bytes_max: 64 * 1024,
            buffer_bytes_max: 32 << 20,
            delivery_timeout: Duration::from_secs(120),
            in_flight_max: RECOGNIZED_BATCHES,
            retry_backoff: Duration::from_millis(50),
            retry_backoff_max: Duration::from_secs(1),
        }
    }
}

/// A record to be produced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerRecord {
    /// Its topic.
    pub topic: String,
    /// Its partition; chosen by key, or in turns without one, if `None`.
    pub partition: Option<i32>,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
    /// Milliseconds since 1970; now if `None`.
    pub timestamp_ms: Option<i64>,
}

impl ProducerRecord {
    /// A record with a key and a value.
    pub fn new(
        topic: impl Into<String>,
        key: Option<impl Into<Bytes>>,
        value: impl Into<Bytes>,
    ) -> ProducerRecord {
        ProducerRecord {
            topic: topic.into(),
            key: key.map(Into::into),
            value: Some(value.into()),
            ..ProducerRecord::default()
        }
    }

    fn bytes(&self) -> usize {
        let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let headers: usize = self.headers.iter().map(|(k, v)| k.len() + length(v)).sum();
        RECORD_OVERHEAD_BYTES + length(&self.key) + length(&self.value) + headers
    }
}

/// Where a record ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Its partition.
    pub partition: i32,
    /// Its offset, −1 if the broker did not tell (acks=0, or a repeated batch that it forgot meanwhile).
    pub offset: i64,
}

/// Resolves when a record was written or given up. Dropping it does not recall the record.
#[derive(Debug)]
pub struct Delivery(oneshot::Receiver<Result<Delivered, ClientError>>);

impl Future for Delivery {
    type Output = Result<Delivered, ClientError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| {
            answer.unwrap_or(Err(ClientError::Usage("the runtime of the producer ended")))
        })
    }
}

/// Writes records to the partitions of a cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Producer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    options: ProducerOptions,
    memory: Arc<Semaphore>,
    memory_bytes: u32,
    queues: Mutex<HashMap<(String, i32), mpsc::UnboundedSender<Pending>>>,
    sticky: Mutex<HashMap<String, Sticky>>,
    identity: Arc<OnceCell<Identity>>,
}

impl Producer {
    /// A producer for the client's cluster. It connects when the first record is sent.
    pub fn new(client: Client, mut options: ProducerOptions) -> Producer {
        options.in_flight_max = options.in_flight_max.clamp(1, RECOGNIZED_BATCHES);
        let limit = options.buffer_bytes_max.min(Semaphore::MAX_PERMITS);
        let memory_bytes = u32::try_from(limit).unwrap_or(u32::MAX).max(1);
        let memory = Arc::new(Semaphore::new(memory_bytes as usize));
        let (queues, sticky) = (Mutex::default(), Mutex::default());
        let inner = Inner {
            client,
            options,
            memory,
            memory_bytes,
            queues,
            sticky,
            identity: Arc::default(),
        };
        Producer {
            inner: Arc::new(inner),
        }
    }

    /// Queues a record; waits while too many bytes are without an answer. The result resolves when the record
    /// was written.
    ///
    /// # Errors
    /// The topic or the partition does not exist.
    pub async fn send(&self, record: ProducerRecord) -> Result<Delivery, ClientError> {
        let bytes = record.bytes();
        let partition = self.choose(&record, bytes).await?;
        let permits = u32::try_from(bytes)
            .unwrap_or(u32::MAX)
            .min(self.inner.memory_bytes);
        let memory = self.inner.memory.clone().acquire_many_owned(permits).await;
        let memory = memory.map_err(|_| ClientError::Usage("the producer is closed"))?;
        let (answer, delivery) = oneshot::channel();
        let timestamp_ms = record.timestamp_ms.unwrap_or_else(now_ms);
        let topic = record.topic.clone();
        let pending = Pending {
            record,
            bytes,
            timestamp_ms,
            since: Instant::now(),
            answer,
            _memory: memory,
        };
        self.queue(&topic, partition, pending)?;
        Ok(Delivery(delivery))
    }

    /// Waits until every record sent so far was written or given up. Records sent meanwhile wait behind it.
    pub async fn flush(&self) {
        // All memory is free exactly when no record is without an answer. The semaphore is never closed.
        let _ = self
            .inner
            .memory
            .acquire_many(self.inner.memory_bytes)
            .await;
    }

    async fn choose(&self, record: &ProducerRecord, bytes: usize) -> Result<i32, ClientError> {
        let partitions = self.inner.client.partitions(&record.topic).await?;
        let count = partitions.len();
        let place = match (record.partition, &record.key) {
            (Some(wanted), _) => {
                let place = partitions.iter().position(|known| known.index == wanted);
                place.ok_or_else(|| ClientError::UnknownPartition {
                    topic: record.topic.as_str().into(),
                    partition: wanted,
                })?
            }
            (None, Some(key)) => partition_of_key(key, count),
            (None, None) => self.stick(&record.topic, bytes, count),
        };
        Ok(partitions[place].index)
    }

    fn stick(&self, topic: &str, bytes: usize, count: usize) -> usize {
        let mut sticky = self
            .inner
            .sticky
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(sticky) = sticky.get_mut(topic) {
            return sticky.next(bytes, count);
        }
        let start = RandomState::new().hash_one(topic) as usize;
        let mut fresh = Sticky::new(start, self.inner.options.batch_bytes_max);
        let chosen = fresh.next(bytes, count);
        sticky.insert(topic.to_owned(), fresh);
        chosen
    }

    fn queue(&self, topic: &str, partition: i32, pending: Pending) -> Result<(), ClientError> {
        let mut queues = self
            .inner
            .queues
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let queue = queues
            .entry((topic.to_owned(), partition))
            .or_insert_with(|| {
                let (queue, records) = mpsc::unbounded_channel();
                let route = Route {
                    client: self.inner.client.clone(),
                    options: self.inner.options.clone(),
                    topic: topic.into(),
                    partition,
                    shared_identity: self.inner.identity.clone(),
                };
                tokio::spawn(PartitionWriter::new(route).run(records));
                queue
            });
        queue
            .send(pending)
            .map_err(|_| ClientError::Usage("the runtime of the producer ended"))
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
