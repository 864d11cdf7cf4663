//! A client of a whole cluster: connections to its brokers, its metadata, repeated attempts.

use crate::{
    cluster_view::{ClusterView, PartitionView},
    connection::{Connection, ConnectionOptions},
    error::ClientError,
};
use klamm_protocol::{
    ApiKey, Request,
    messages::{
        metadata_request::{MetadataRequest, MetadataRequestTopic},
        metadata_response::MetadataResponseTopic,
    },
};
use klamm_types::ErrorCode;
use std::{
    collections::HashMap,
    future::Future,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout_at};

/// The first pause between attempts; it doubles each time.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// The longest pause between attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Limits and names of its connections.
    pub connection: ConnectionOptions,
    /// How long an operation is tried again before its last error is reported.
    pub deadline: Duration,
    /// Whether asking for a topic that does not exist may make brokers create it.
    pub allow_auto_topic_creation: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            connection: ConnectionOptions::default(),
            deadline: Duration::from_secs(60),
            allow_auto_topic_creation: false,
        }
    }
}

/// A client of one cluster. Cheap to clone; connects when it needs to.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

/// The place of the one connection to an address; the lock is held while connecting, so that all who need it
/// wait for the same attempt.
type Slot = Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>;

#[derive(Debug)]
struct Inner {
    bootstrap: Vec<String>,
    options: ClientOptions,
    slots: Mutex<HashMap<String, Slot>>,
    view: Mutex<Arc<ClusterView>>,
    /// Spreads requests that any broker may answer.
    turn: AtomicUsize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// A client that finds its cluster at `bootstrap` (`host:port` each).
    pub fn new(
        bootstrap: impl IntoIterator<Item = impl Into<String>>,
        options: ClientOptions,
    ) -> Client {
        Client {
            inner: Arc::new(Inner {
                bootstrap: bootstrap.into_iter().map(Into::into).collect(),
                options,
                slots: Mutex::default(),
                view: Mutex::default(),
                turn: AtomicUsize::new(0),
            }),
        }
    }

    /// A client from a comma-separated list, as `--bootstrap-server` takes it.
    pub fn from_list(bootstrap: &str, options: ClientOptions) -> Client {
        let addresses = bootstrap
            .split(',')
            .map(str::trim)
            .filter(|a| !a.is_empty());
        Client::new(addresses, options)
    }

    /// How it behaves.
    pub fn options(&self) -> &ClientOptions {
        &self.inner.options
    }

    /// What is known of the cluster; may be out of date.
    pub fn view(&self) -> Arc<ClusterView> {
        lock(&self.inner.view).clone()
    }

    /// Repeats `attempt` while it fails with errors worth repeating, until the deadline of the options.
    ///
    /// # Errors
    /// The last error.
    pub async fn retry<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        attempt: impl FnMut() -> F,
    ) -> Result<T, ClientError> {
        self.retry_within(self.inner.options.deadline, attempt)
            .await
    }

    /// Like [`Client::retry`] with a deadline of its own.
    ///
    /// # Errors
    /// The last error; a timeout if the first attempt does not end in time.
    pub async fn retry_within<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        patience: Duration,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, ClientError> {
        let deadline = Instant::now() + patience;
        let mut pause = BACKOFF_MIN;
        let mut last = ClientError::Timeout {
            what: "the operation",
            after: patience,
        };
        loop {
            match timeout_at(deadline, attempt()).await {
                Err(_) => return Err(last),
                Ok(Err(error)) if error.is_retriable() => last = error,
                Ok(result) => return result,
            }
            if Instant::now() + pause >= deadline {
                return Err(last);
            }
            sleep(pause).await;
            pause = (pause * 2).min(BACKOFF_MAX);
        }
    }

    /// A connection to an address.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn connection(&self, address: &str) -> Result<Arc<Connection>, ClientError> {
        let slot = lock(&self.inner.slots)
            .entry(address.to_owned())
            .or_default()
            .clone();
        let mut slot = slot.lock().await;
        if let Some(connection) = slot.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let options = self.inner.options.connection.clone();
        let connection = Arc::new(Connection::connect(address, options).await?);
        *slot = Some(connection.clone());
        Ok(connection)
    }

    /// A connection to a broker.
    ///
    /// # Errors
    /// It is not part of the cluster as far as is known, or cannot be reached.
    pub async fn broker(&self, id: i32) -> Result<Arc<Connection>, ClientError> {
        let address = self
            .view()
            .brokers
            .get(&id)
            .map(|broker| broker.address.clone());
        let Some(address) = address else {
            return Err(ClientError::Broker {
                what: format!("broker {id}").into(),
                code: ErrorCode::LeaderNotAvailable,
                message: Some("not part of the cluster now".into()),
            });
        };
        self.connection(&address).await
    }

    /// A connection to whatever broker can be reached: those known to be alive first, then the bootstrap list.
    ///
    /// # Errors
    /// None can be reached; the last error.
    pub async fn any_broker(&self) -> Result<Arc<Connection>, ClientError> {
        self.any_broker_but(None).await
    }

    /// The same; a broker that is better not asked is asked only if there is no other.
    async fn any_broker_but(&self, avoided: Option<i32>) -> Result<Arc<Connection>, ClientError> {
        let view = self.view();
        let known = view.brokers.values().map(|broker| broker.address.clone());
        let mut addresses: Vec<String> = known.collect();
        if !addresses.is_empty() {
            let turn = self.inner.turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
            addresses.rotate_left(turn);
        }
        addresses.extend(self.inner.bootstrap.iter().cloned());
        if let Some(avoided) = avoided.and_then(|id| view.brokers.get(&id)) {
            addresses.sort_by_key(|address| *address == avoided.address);
        }
        let mut last = ClientError::Usage("no bootstrap servers");
        for address in addresses {
            match self.connection(&address).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// A connection to the node that administrative requests should go to.
    ///
    /// # Errors
    /// No broker can be reached.
    pub async fn controller(&self) -> Result<Arc<Connection>, ClientError> {
        match self.broker(self.view().controller_id).await {
            Ok(connection) => Ok(connection),
            Err(_) => self.any_broker().await,
        }
    }

    /// Asks over a connection in the highest version of both sides that `versions` contains, and gives the
    /// connection up if no answer comes: whatever it still holds back is of no use.
    ///
    /// # Errors
    /// As [`Connection::request`].
    pub async fn ask<R: Request>(
        &self,
        connection: &Arc<Connection>,
        request: &R,
        versions: RangeInclusive<i16>,
        patience: Duration,
    ) -> Result<R::Response, ClientError> {
        let result = match connection.negotiate(R::KEY, versions).await {
            Ok(version) => connection.request_within(request, version, patience).await,
            Err(error) => Err(error),
        };
        if let Err(ClientError::Timeout { .. }) = result {
            self.forget(connection).await;
        }
        result
    }

    async fn forget(&self, connection: &Arc<Connection>) {
        let slot = lock(&self.inner.slots).get(connection.address()).cloned();
        if let Some(slot) = slot {
            let mut slot = slot.lock().await;
            if slot
                .as_ref()
                .is_some_and(|current| Arc::ptr_eq(current, connection))
            {
                *slot = None;
            }
        }
    }

    /// Asks any broker, once.
    ///
    /// # Errors
    /// As [`Connection::request`].
    pub async fn ask_any<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        let connection = self.any_broker().await?;
        let patience = self.inner.options.connection.request_timeout;
        self.ask(&connection, request, R::KEY.served(), patience)
            .await
    }

    /// Reads the metadata of topics (all if `None`) from any broker, once.
    ///
    /// # Errors
    /// No broker answers, or a topic that is asked for by name can never be, such as one with a space in its name.
    pub async fn refresh(&self, topics: Option<&[&str]>) -> Result<Arc<ClusterView>, ClientError> {
        self.refresh_without(topics, None).await
    }

    /// The same without asking one broker, which may be frozen or cut off.
    pub(crate) async fn refresh_without(
        &self,
        topics: Option<&[&str]>,
        avoided: Option<i32>,
    ) -> Result<Arc<ClusterView>, ClientError> {
        let named = |name: &&str| MetadataRequestTopic {
            name: Some((*name).to_owned()),
            ..MetadataRequestTopic::default()
        };
        let request = MetadataRequest {
            topics: topics.map(|topics| topics.iter().map(named).collect()),
            allow_auto_topic_creation: self.inner.options.allow_auto_topic_creation,
            ..MetadataRequest::default()
        };
        let connection = self.any_broker_but(avoided).await?;
        let patience = self.inner.options.connection.request_timeout;
        // Before version 4 a request cannot forbid the creation of topics.
        let versions = 4..=*ApiKey::Metadata.served().end();
        let response = self.ask(&connection, &request, versions, patience).await?;
        ClientError::check("Metadata", response.error_code, None)?;
        let impossible = response.topics.iter().find_map(impossible_topic);
        if let (Some(error), true) = (impossible, topics.is_some()) {
            return Err(error);
        }
        let mut view = lock(&self.inner.view);
        let mut next = ClusterView::clone(&view);
        if topics.is_none() {
            next.topics.clear();
        }
        next.update(response);
        *view = Arc::new(next);
        Ok(view.clone())
    }

    /// The partitions of a topic, from memory if they are known.
    ///
    /// # Errors
    /// The topic does not exist or no broker answers until the deadline.
    pub async fn partitions(&self, topic: &str) -> Result<Vec<PartitionView>, ClientError> {
        self.retry(|| async move {
            let known = |view: &ClusterView| view.topics.get(topic).map(|t| t.partitions.clone());
            if let Some(partitions) = known(&self.view()).filter(|found| !found.is_empty()) {
                return Ok(partitions);
            }
            let view = self.refresh(Some(&[topic])).await?;
            known(&view)
                .filter(|found| !found.is_empty())
                .ok_or_else(|| unknown_topic(topic))
        })
        .await
    }

    /// What is known of a partition that has a leader; asks for metadata, once, if no leader is known.
    ///
    /// # Errors
    /// There is no such topic, partition or leader, or no broker answers.
    pub async fn led(&self, topic: &str, partition: i32) -> Result<PartitionView, ClientError> {
        let led = |view: &ClusterView| {
            view.partition(topic, partition)
                .filter(|found| found.leader >= 0)
                .cloned()
        };
        if let Some(found) = led(&self.view()) {
            return Ok(found);
        }
        let view = self.refresh(Some(&[topic])).await?;
        led(&view).ok_or_else(|| no_leader(&view, topic, partition))
    }

    /// A connection to the leader of a partition, and what is known of the partition.
    ///
    /// # Errors
    /// As [`Client::led`], or the leader cannot be reached.
    pub async fn leader(
        &self,
        topic: &str,
        partition: i32,
    ) -> Result<(Arc<Connection>, PartitionView), ClientError> {
        let found = self.led(topic, partition).await?;
        let connection = self.broker(found.leader).await?;
        Ok((connection, found))
    }
}

/// An error of a topic that asking again does not cure.
fn impossible_topic(topic: &MetadataResponseTopic) -> Option<ClientError> {
    let code = ErrorCode::from(topic.error_code);
    let is_final = !code.is_none() && !code.is_retriable();
    is_final.then(|| ClientError::Broker {
        what: topic.name.as_deref().unwrap_or_default().into(),
        code,
        message: None,
    })
}

fn unknown_topic(topic: &str) -> ClientError {
    ClientError::Broker {
        what: topic.into(),
        code: ErrorCode::UnknownTopicOrPartition,
        message: None,
    }
}

fn no_leader(view: &ClusterView, topic: &str, partition: i32) -> ClientError {
    let Some(known) = view.topics.get(topic) else {
        return unknown_topic(topic);
    };
    if known
        .partitions
        .iter()
        .any(|other| other.index == partition)
    {
        return ClientError::Broker {
            what: format!("{topic}-{partition}").into(),
            code: ErrorCode::LeaderNotAvailable,
            message: None,
        };
    }
    ClientError::UnknownPartition {
        topic: topic.into(),
        partition,
    }
}
