//! The client of the controllers: finds the active one and calls it, through changes of leader.

use crate::{
    ActiveController, ChannelConfig, InvalidEndpoint, MESSAGE_BYTES_MAX, NotActive,
    RawControllerClient,
    active::{ActiveKnown, is_somebody},
    channel,
    controller::*,
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use klamm_types::BrokerId;
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_stream::Stream;
use tonic::{Code, Response, Status, Streaming, transport::Channel};

/// A client over one channel.
type Raw = RawControllerClient<Channel>;

/// Channels kept to endpoints that were not configured but named by a controller.
const CHANNELS_MAX: usize = 64;

/// Where a controller listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerEndpoint {
    /// Its node id, −1 where only the address is known (bootstrap servers).
    pub id: BrokerId,
    /// A host name or an address; an IPv6 address in brackets.
    pub host: String,
    /// The port of its controller listener.
    pub port: u16,
}

impl ControllerEndpoint {
    /// `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// How the client behaves.
#[derive(Clone, Debug)]
pub struct ControllerClientConfig {
    /// The timings of its channels.
    pub channel: ChannelConfig,
    /// How long one try may take before another controller is asked.
    pub attempt_timeout: Duration,
    /// How long one controller may take to say who is active.
    pub find_active_timeout: Duration,
    /// The first pause between tries; it doubles.
    pub backoff_min: Duration,
    /// The longest pause between tries.
    pub backoff_max: Duration,
}

impl Default for ControllerClientConfig {
    fn default() -> Self {
        ControllerClientConfig {
            channel: ChannelConfig::default(),
            attempt_timeout: Duration::from_secs(3),
            find_active_timeout: Duration::from_millis(500),
            backoff_min: Duration::from_millis(20),
            backoff_max: Duration::from_millis(200),
        }
    }
}

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The deadline passed. What was asked may or may not have happened. Names the last reason.
    #[error("no answer from an active controller in time (last: {0})")]
    TimedOut(String),
    /// A controller answered with a status that trying again would not change.
    #[error("refused by the controller: {0}")]
    Refused(Box<Status>),
    /// The endpoint cannot be dialled.
    #[error(transparent)]
    InvalidEndpoint(#[from] InvalidEndpoint),
}

/// Knows the controllers, finds the active one and calls it.
///
/// Cheap to clone; clones share channels and what is known. A call goes to the controller that
/// is known to be active. When it turns out not to be, or does not answer, or somebody else
/// becomes known to be active while the call waits, the call is made again there, until its
/// deadline. So a call may be carried out twice: `CreateTopics` may answer
/// TOPIC_ALREADY_EXISTS for the topic that its own first try made.
#[derive(Clone, Debug)]
pub struct ControllerClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Those it was given, and behind them those it learned of.
    endpoints: Mutex<Vec<ControllerEndpoint>>,
    given: usize,
    config: ControllerClientConfig,
    active: ActiveKnown,
    channels: Mutex<BTreeMap<String, Channel>>,
}

/// What became of one try.
enum Attempt<T> {
    Done(T),
    /// Another controller is known now: try there at once.
    Moved,
    /// Try again after a pause.
    Failed(String),
    Refused(Status),
}

/// Declares the typed wrapper of each unary call.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($request:ty) -> $response:ty;)*) => {
        impl ControllerClient {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// The active controller was not found or did not answer within `timeout`, or
                /// refused the call itself. Kafka's error codes are inside the response.
                pub async fn $name(
                    &self,
                    request: $request,
                    timeout: Duration,
                ) -> Result<$response, CallError> {
                    self.call(timeout, self.0.config.attempt_timeout, |mut raw| {
                        let request = request.clone();
                        async move { raw.$name(request).await }
                    })
                    .await
                }
            )*
        }
    };
}

calls! {
    /// Introduces a broker; the answer carries its broker epoch.
    register_broker(RegisterBrokerRequest) -> RegisterBrokerResponse;
    /// Proposes ISR changes of partitions that this broker leads.
    alter_partition(AlterPartitionRequest) -> AlterPartitionResponse;
    /// Gives up partitions whose records this broker cannot vouch for.
    resign_leadership(ResignLeadershipRequest) -> ResignLeadershipResponse;
    /// Reports high watermarks of partitions that this broker leads.
    report_high_watermarks(ReportHighWatermarksRequest) -> ReportHighWatermarksResponse;
    /// Tells in which log directories replicas live.
    assign_directories(AssignDirectoriesRequest) -> AssignDirectoriesResponse;
    /// Creates topics.
    create_topics(CreateTopicsRequest) -> CreateTopicsResponse;
    /// Deletes topics.
    delete_topics(DeleteTopicsRequest) -> DeleteTopicsResponse;
    /// Adds partitions to topics.
    create_partitions(CreatePartitionsRequest) -> CreatePartitionsResponse;
    /// Sets and removes configs.
    alter_configs(AlterConfigsRequest) -> AlterConfigsResponse;
    /// Hands out a block of producer ids.
    allocate_producer_ids(AllocateProducerIdsRequest) -> AllocateProducerIdsResponse;
    /// Moves partitions to other brokers, or gives up doing so.
    alter_reassignments(AlterReassignmentsRequest) -> AlterReassignmentsResponse;
    /// Elects preferred leaders, or any where nobody leads.
    elect_leaders(ElectLeadersRequest) -> ElectLeadersResponse;
    /// Forgets a broker that will not come back.
    unregister_broker(UnregisterBrokerRequest) -> UnregisterBrokerResponse;
    /// Describes the controller quorum.
    describe_quorum(DescribeQuorumRequest) -> DescribeQuorumResponse;
    /// Tells where a controller is.
    register_controller(RegisterControllerRequest) -> RegisterControllerResponse;
    /// Changes levels of features.
    update_features(UpdateFeaturesRequest) -> UpdateFeaturesResponse;
}

impl ControllerClient {
    /// A client of the controllers at `endpoints`. Nothing is dialled before the first call.
    pub fn new(endpoints: Vec<ControllerEndpoint>) -> ControllerClient {
        ControllerClient::with_config(endpoints, ControllerClientConfig::default())
    }

    /// The same with other timings.
    pub fn with_config(
        endpoints: Vec<ControllerEndpoint>,
        config: ControllerClientConfig,
    ) -> ControllerClient {
        ControllerClient(Arc::new(Inner {
            given: endpoints.len(),
            endpoints: Mutex::new(endpoints),
            config,
            active: ActiveKnown::new(),
            channels: Mutex::default(),
        }))
    }

    /// The controllers it was given, and those it has learned of.
    pub fn endpoints(&self) -> Vec<ControllerEndpoint> {
        self.lock_endpoints().clone()
    }

    /// The metadata names these controllers: they are asked too from now on, in place of those
    /// that were learned of before.
    pub fn learn_endpoints(&self, named: impl IntoIterator<Item = ControllerEndpoint>) {
        let mut endpoints = self.lock_endpoints();
        endpoints.truncate(self.0.given);
        for endpoint in named.into_iter().take(CHANNELS_MAX) {
            let address = endpoint.address();
            let known = endpoints
                .iter_mut()
                .find(|known| known.address() == address);
            match known {
                Some(known) => known.id = endpoint.id,
                None => endpoints.push(endpoint),
            }
        }
    }

    fn lock_endpoints(&self) -> MutexGuard<'_, Vec<ControllerEndpoint>> {
        let endpoints = self.0.endpoints.lock();
        endpoints.unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is known to be active, now and from now on; controller id −1: nobody.
    pub fn active(&self) -> watch::Receiver<ActiveController> {
        self.0.active.watch()
    }

    /// Learns who is active, from the metadata stream for example. Older news are ignored.
    /// Calls that wait for another controller go to this one.
    pub fn observe_active(&self, active: ActiveController) {
        self.0.active.observe(active);
    }

    /// Whoever is active, it is not `failed` as far as this client could see: it is asked for anew.
    /// Does nothing if somebody else has become known meanwhile.
    pub fn forget_active(&self, failed: &ActiveController) {
        self.0.active.forget(failed);
    }

    /// Asks all controllers who is active, and learns what is news, as often as the active one has not been `heard` for as long as
    /// `patience`: a host that is cut off says nothing, nor does it end a stream. Ends when `heard` does.
    pub async fn doubt_active(&self, mut heard: watch::Receiver<Instant>, patience: Duration) {
        loop {
            let doubted_at = *heard.borrow_and_update() + patience;
            tokio::select! {
                changed = heard.changed() => if changed.is_err() { return },
                () = sleep_until(doubted_at) => {
                    self.look_for_active().await;
                    sleep(self.0.config.backoff_max).await;
                }
            }
        }
    }

    /// Asks all controllers once who is active.
    async fn look_for_active(&self) {
        if let Some(active) = self.ask_who_is_active().await {
            self.observe_active(active);
        }
    }

    /// Opens a heartbeat stream to the controller at `endpoint` (`host:port`); it must be the
    /// active one.
    ///
    /// # Errors
    /// The endpoint is not one, or answered with a status ([`NotActive`] is learned from).
    pub async fn heartbeat_stream(
        &self,
        endpoint: &str,
        heartbeats: impl Stream<Item = BrokerHeartbeat> + Send + 'static,
    ) -> Result<Streaming<HeartbeatAck>, CallError> {
        let mut raw = self.raw(endpoint)?;
        let answer = raw.heartbeat(heartbeats).await;
        self.stream_of(answer)
    }

    /// Opens a metadata stream from the controller at `endpoint` (`host:port`), whichever it is.
    ///
    /// # Errors
    /// The endpoint is not one, or answered with a status.
    pub async fn watch_metadata(
        &self,
        endpoint: &str,
        request: WatchMetadataRequest,
    ) -> Result<Streaming<MetadataUpdate>, CallError> {
        let mut raw = self.raw(endpoint)?;
        let answer = raw.watch_metadata(request).await;
        self.stream_of(answer)
    }

    /// Finds the active controller: what is known, or else what the controllers say, asked all
    /// at once and again until `timeout`.
    ///
    /// # Errors
    /// Nobody was active or nobody answered in time.
    pub async fn find_active(&self, timeout: Duration) -> Result<ActiveController, CallError> {
        let deadline = Instant::now() + timeout;
        let mut backoff = self.0.config.backoff_min;
        let mut known = self.active();
        loop {
            if let Some(active) = self.0.active.get() {
                return Ok(active);
            }
            known.mark_unchanged();
            let asked = async {
                self.look_for_active().await;
                sleep(backoff).await;
            };
            let told = async {
                // The sender lives in `self`: the channel cannot close.
                let _ = known.wait_for(is_somebody).await;
            };
            let step = async {
                tokio::select! {
                    () = asked => {}
                    () = told => {}
                }
            };
            if timeout_at(deadline, step).await.is_err() {
                return match self.0.active.get() {
                    Some(active) => Ok(active),
                    None => Err(CallError::TimedOut("no active controller is known".into())),
                };
            }
            backoff = self.next_backoff(backoff);
        }
    }

    /// Adds a voter. It may have to catch up first: a try takes as long as the call may.
    ///
    /// # Errors
    /// As the other calls.
    pub async fn add_raft_voter(
        &self,
        request: AddRaftVoterRequest,
        timeout: Duration,
    ) -> Result<RaftVoterResponse, CallError> {
        self.call(timeout, timeout, |mut raw| {
            let request = request.clone();
            async move { raw.add_raft_voter(request).await }
        })
        .await
    }

    /// Removes a voter. The others must agree first: a try takes as long as the call may.
    ///
    /// # Errors
    /// As the other calls.
    pub async fn remove_raft_voter(
        &self,
        request: RemoveRaftVoterRequest,
        timeout: Duration,
    ) -> Result<RaftVoterResponse, CallError> {
        self.call(timeout, timeout, |mut raw| {
            let request = request.clone();
            async move { raw.remove_raft_voter(request).await }
        })
        .await
    }

    /// A client of the controller at `endpoint` alone, over the shared channel to it.
    ///
    /// # Errors
    /// The text is not `host:port`.
    pub fn raw(&self, endpoint: &str) -> Result<Raw, InvalidEndpoint> {
        let mut channels = self
            .0
            .channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let channel = match channels.get(endpoint) {
            Some(channel) => channel.clone(),
            None => {
                if channels.len() >= CHANNELS_MAX {
                    channels.clear();
                }
                let channel = channel(endpoint, &self.0.config.channel)?;
                channels.insert(endpoint.to_owned(), channel.clone());
                channel
            }
        };
        Ok(RawControllerClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX))
    }

    /// Makes a call at the active controller, through changes of leader, until `timeout`.
    async fn call<T, F, Fut>(
        &self,
        timeout: Duration,
        attempt_timeout: Duration,
        call: F,
    ) -> Result<T, CallError>
    where
        F: Fn(Raw) -> Fut,
        Fut: Future<Output = Result<Response<T>, Status>>,
    {
        let deadline = Instant::now() + timeout;
        let mut backoff = self.0.config.backoff_min;
        let mut last = String::from("no active controller is known");
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            let Ok(active) = self.find_active(remaining).await else {
                return Err(CallError::TimedOut(last));
            };
            let until = deadline.min(Instant::now() + attempt_timeout);
            match self.attempt(&active, until, &call).await? {
                Attempt::Done(answer) => return Ok(answer),
                Attempt::Refused(status) => return Err(CallError::Refused(Box::new(status))),
                Attempt::Moved => continue,
                Attempt::Failed(reason) => last = reason,
            }
            if timeout_at(deadline, sleep(backoff)).await.is_err() {
                return Err(CallError::TimedOut(last));
            }
            backoff = self.next_backoff(backoff);
        }
    }

    /// One try at `active`, abandoned when somebody else becomes known to be active.
    async fn attempt<T, F, Fut>(
        &self,
        active: &ActiveController,
        until: Instant,
        call: &F,
    ) -> Result<Attempt<T>, CallError>
    where
        F: Fn(Raw) -> Fut,
        Fut: Future<Output = Result<Response<T>, Status>>,
    {
        let mut known = self.active();
        let answer = tokio::select! {
            biased;
            answer = timeout_at(until, call(self.raw(&active.endpoint)?)) => answer,
            _ = known.wait_for(|now| is_somebody(now) && now != active) => {
                return Ok(Attempt::Moved);
            }
        };
        Ok(match answer {
            Ok(Ok(answer)) => Attempt::Done(answer.into_inner()),
            Ok(Err(status)) => self.learn_from(active, status),
            Err(_) => {
                self.0.active.forget(active);
                Attempt::Failed(format!("no answer from {}", active.endpoint))
            }
        })
    }

    fn learn_from<T>(&self, active: &ActiveController, status: Status) -> Attempt<T> {
        if let Some(not_active) = NotActive::from_status(&status) {
            self.0.active.forget(active);
            if let Some(hint) = not_active.active.filter(|hint| hint != active) {
                self.observe_active(hint);
            }
            return match self.0.active.get() {
                Some(other) if other != *active => Attempt::Moved,
                _ => Attempt::Failed(format!("{} is not active", active.endpoint)),
            };
        }
        if is_retriable(&status) {
            self.0.active.forget(active);
            return Attempt::Failed(format!("{}: {status}", active.endpoint));
        }
        Attempt::Refused(status)
    }

    fn stream_of<T>(
        &self,
        answer: Result<Response<Streaming<T>>, Status>,
    ) -> Result<Streaming<T>, CallError> {
        answer.map(Response::into_inner).map_err(|status| {
            if let Some(active) = NotActive::from_status(&status).and_then(|not| not.active) {
                self.observe_active(active);
            }
            CallError::Refused(Box::new(status))
        })
    }

    /// Asks every controller at once. The first answer that is not older than what is known
    /// wins; a dead or frozen controller delays nobody.
    async fn ask_who_is_active(&self) -> Option<ActiveController> {
        let until = Instant::now() + self.0.config.find_active_timeout;
        let epoch_known = self.active().borrow().controller_epoch;
        let mut answers: FuturesUnordered<_> = self
            .endpoints()
            .iter()
            .filter_map(|endpoint| self.raw(&endpoint.address()).ok())
            .map(|mut raw| async move {
                let answer = timeout_at(until, raw.find_active(FindActiveRequest {})).await;
                Some(answer.ok()?.ok()?.into_inner())
            })
            .collect();
        while let Some(answer) = answers.next().await {
            if let Some(active) = answer
                .filter(|active| is_somebody(active) && active.controller_epoch >= epoch_known)
            {
                return Some(active);
            }
        }
        None
    }

    fn next_backoff(&self, backoff: Duration) -> Duration {
        (backoff * 2).min(self.0.config.backoff_max)
    }
}

/// Whether another try, perhaps elsewhere, may succeed.
fn is_retriable(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Internal
    )
}
