//! What this controller sends to the others: openraft's messages over gRPC.
//!
//! Every call ends in bounded time: a hung one would hold up replication to that controller.

use crate::{
    address_book::AddressBook,
    cluster_id::ClusterId,
    controller_node::ControllerNode,
    raft_types::{NodeId, Snapshot, TypeConfig, Vote},
    wire,
};
use bytes::Bytes;
use futures_util::{
    Stream, StreamExt,
    future::{self, BoxFuture},
    stream::{self, BoxStream},
};
use klamm_rpc::{
    ChannelConfig, MESSAGE_BYTES_MAX, RawRaftClient,
    raft::{RaftMessage, SnapshotChunk},
};
use klamm_types::Uuid;
use openraft::{
    OptionalSend, RaftNetworkFactory, RaftNetworkV2,
    errors::{RPCError, ReplicationClosed, StreamingError, Unreachable},
    network::RPCOption,
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendResult,
        VoteRequest, VoteResponse,
    },
    raft::{TransferLeaderRequest, TransferLeaderResponse},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    io,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;
use tonic::{Code, Response, Status, Streaming, transport::Channel};

/// How long the answer to an append may take. Longer than openraft's own limit for heartbeats:
/// the follower syncs its disk before it answers, and retrying too early only adds to its load.
const APPEND_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes of a snapshot in one message.
const SNAPSHOT_CHUNK_BYTES: usize = 1 << 20;

type Rpc<T> = Result<T, RPCError<TypeConfig>>;

/// Connections that are kept for elections: more than a cluster has controllers.
const ELECTION_CLIENTS_MAX: usize = 64;

/// Makes the connections to the other controllers.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) cluster_id: ClusterId,
    pub(crate) book: AddressBook,
    pub(crate) channel: ChannelConfig,
    /// By endpoint. openraft asks for a new client for every candidacy, and an answer counts for less
    /// than an election timeout: on a loaded machine dialling alone may take that long.
    election_clients: Arc<Mutex<BTreeMap<String, RawRaftClient<Channel>>>>,
}

/// A connection to one controller.
///
/// Where that is may change while the connection lives, so each call looks it up.
pub(crate) struct Peer {
    network: Network,
    target: NodeId,
    /// Where it is if nothing newer is known.
    node: ControllerNode,
    /// The endpoint of the last call and a client of it.
    client: Mutex<Option<(String, RawRaftClient<Channel>)>>,
}

impl Network {
    pub(crate) fn new(cluster_id: ClusterId, book: AddressBook, channel: ChannelConfig) -> Network {
        Network {
            cluster_id,
            book,
            channel,
            election_clients: Arc::default(),
        }
    }

    /// A client over the connection that all elections share; it reconnects by itself.
    fn election_client(&self, endpoint: &str) -> Rpc<RawRaftClient<Channel>> {
        let clients = self.election_clients.lock();
        let mut clients = clients.unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(endpoint) {
            return Ok(client.clone());
        }
        let client = self.client(endpoint).map_err(unreachable)?;
        if clients.len() >= ELECTION_CLIENTS_MAX {
            clients.clear();
        }
        clients.insert(endpoint.to_owned(), client.clone());
        Ok(client)
    }

    /// A client over a connection of its own.
    pub(crate) fn client(
        &self,
        endpoint: &str,
    ) -> Result<RawRaftClient<Channel>, klamm_rpc::InvalidEndpoint> {
        let channel = klamm_rpc::channel(endpoint, &self.channel)?;
        Ok(RawRaftClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX))
    }
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Peer;

    // Heartbeats and snapshots get connections of their own: openraft calls this for each.
    async fn new_client(&mut self, target: NodeId, node: &ControllerNode) -> Peer {
        Peer::new(self.clone(), target, node.clone())
    }
}

impl Peer {
    fn new(network: Network, target: NodeId, node: ControllerNode) -> Peer {
        Peer {
            network,
            target,
            node,
            client: Mutex::default(),
        }
    }

    fn endpoint(&self) -> String {
        let known = self.network.book.endpoint(self.target);
        known.unwrap_or_else(|| self.node.endpoint.clone())
    }

    /// The same for a call of an election.
    fn election_client(&self) -> Rpc<(String, RawRaftClient<Channel>)> {
        let endpoint = self.endpoint();
        let client = self.network.election_client(&endpoint)?;
        Ok((endpoint, client))
    }

    /// Where the call goes, and over what.
    fn client(&self) -> Rpc<(String, RawRaftClient<Channel>)> {
        let endpoint = self.endpoint();
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((same, client)) = client.as_ref().filter(|(at, _)| *at == endpoint) {
            return Ok((same.clone(), client.clone()));
        }
        let new = self.network.client(&endpoint).map_err(unreachable)?;
        *client = Some((endpoint.clone(), new.clone()));
        Ok((endpoint, new))
    }

    /// The call failed. If nobody answers there, the controller may be elsewhere.
    fn failed(&self, endpoint: &str, status: &Status) {
        if matches!(status.code(), Code::Unavailable | Code::FailedPrecondition) {
            self.network.book.failed(self.target, endpoint);
        }
    }

    fn message<T: Serialize>(&self, request: &T) -> Rpc<RaftMessage> {
        self.addressed().message(request).map_err(unreachable)
    }

    fn addressed(&self) -> Addressed {
        Addressed {
            cluster_id: self.network.cluster_id.clone(),
            directory_id: self.network.book.directory_id(self.target),
            target: self.target,
        }
    }

    async fn call<Q, A, F>(
        &self,
        to: (String, RawRaftClient<Channel>),
        request: &Q,
        limit: Duration,
        call: impl FnOnce(RawRaftClient<Channel>, RaftMessage) -> F,
    ) -> Rpc<A>
    where
        Q: Serialize,
        A: DeserializeOwned,
        F: Future<Output = Result<Response<RaftMessage>, Status>>,
    {
        let (endpoint, client) = to;
        let answer = call(client, self.message(request)?);
        match timeout(limit, answer).await {
            Ok(Ok(answer)) => wire::decode(&answer.into_inner().payload).map_err(unreachable),
            Ok(Err(status)) => {
                self.failed(&endpoint, &status);
                Err(unreachable(status))
            }
            Err(elapsed) => Err(unreachable(elapsed)),
        }
    }
}

/// Who a message is for: another cluster, controller or folder must not take it.
#[derive(Clone, Debug)]
struct Addressed {
    cluster_id: ClusterId,
    directory_id: Uuid,
    target: NodeId,
}

impl Addressed {
    fn message<T: Serialize>(&self, request: &T) -> io::Result<RaftMessage> {
        Ok(RaftMessage {
            cluster_id: self.cluster_id.on_the_wire(),
            payload: wire::encode(request)?.into(),
            directory_id: directory_on_the_wire(self.directory_id),
            target_id: Some(self.target),
        })
    }
}

/// Empty where it is not known.
pub(crate) fn directory_on_the_wire(id: Uuid) -> Bytes {
    match id.is_zero() {
        true => Bytes::new(),
        false => Bytes::copy_from_slice(id.as_bytes()),
    }
}

/// Every failure makes openraft back off (see [`Peer::stream_append`] for where): there is none
/// that an immediate retry would cure.
fn unreachable(error: impl fmt::Display) -> RPCError<TypeConfig> {
    RPCError::Unreachable(Unreachable::new(&io::Error::other(error.to_string())))
}

impl RaftNetworkV2<TypeConfig> for Peer {
    type SnapshotData = Bytes;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Rpc<AppendEntriesResponse<TypeConfig>> {
        let to = self.client()?;
        self.call(
            to,
            &request,
            APPEND_TIMEOUT,
            |mut client, message| async move { client.append_entries(message).await },
        )
        .await
    }

    fn stream_append<'s, S>(
        &'s mut self,
        mut input: S,
        _option: RPCOption,
    ) -> BoxFuture<'s, Rpc<BoxStream<'s, Rpc<StreamAppendResult<TypeConfig>>>>>
    where
        S: Stream<Item = AppendEntriesRequest<TypeConfig>> + OptionalSend + Unpin + 'static,
    {
        Box::pin(async move {
            // openraft pauses after a failure where it makes the next request, nowhere else: without
            // asking for that first, a peer that is down would be dialled without end.
            let Some(first) = input.next().await else {
                return Ok(stream::empty().boxed());
            };
            let input = stream::once(future::ready(first)).chain(input);
            let (endpoint, mut client) = self.client()?;
            let addressed = self.addressed();
            let in_flight = Arc::new(AtomicUsize::new(0));
            let sent = in_flight.clone();
            let requests = input.scan((), move |(), request| {
                sent.fetch_add(1, Ordering::Relaxed);
                future::ready(addressed.message(&request).ok())
            });
            let answers = match timeout(APPEND_TIMEOUT, client.stream_append(requests)).await {
                Ok(Ok(answers)) => answers.into_inner(),
                Ok(Err(status)) => {
                    self.failed(&endpoint, &status);
                    return Err(unreachable(status));
                }
                Err(elapsed) => return Err(unreachable(elapsed)),
            };
            let answers = stream::unfold(Some((answers, in_flight)), next_answer);
            Ok(answers.boxed())
        })
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Rpc<VoteResponse<TypeConfig>> {
        self.call(
            self.election_client()?,
            &request,
            // openraft waits for an answer just as long.
            option.hard_ttl(),
            |mut client, message| async move { client.vote(message).await },
        )
        .await
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Rpc<VoteResponse<TypeConfig>> {
        self.call(
            self.election_client()?,
            &request,
            // openraft waits for an answer just as long.
            option.hard_ttl(),
            |mut client, message| async move { client.pre_vote(message).await },
        )
        .await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let (_, mut client) = self.client()?;
        let meta = wire::encode(&(vote, &snapshot.meta)).map_err(unreachable)?;
        let chunks = chunks_of(self.addressed(), meta, snapshot.snapshot);
        let sending = client.install_snapshot(stream::iter(chunks));
        let answer = tokio::select! {
            answer = timeout(option.soft_ttl(), sending) => answer,
            closed = pin!(cancel) => return Err(StreamingError::Closed(closed)),
        };
        match answer {
            Ok(Ok(answer)) => Ok(wire::decode(&answer.into_inner().payload).map_err(unreachable)?),
            Ok(Err(status)) => Err(unreachable(status).into()),
            Err(elapsed) => Err(unreachable(elapsed).into()),
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Rpc<TransferLeaderResponse<TypeConfig>> {
        self.call(
            self.election_client()?,
            &request,
            // openraft waits for an answer just as long.
            option.hard_ttl(),
            |mut client, message| async move { client.transfer_leader(message).await },
        )
        .await
    }
}

type Answers = (Streaming<RaftMessage>, Arc<AtomicUsize>);

/// The next answer of an append stream, in the order of the requests. The stream may be idle for
/// as long as it likes, but not while a request waits.
async fn next_answer(
    state: Option<Answers>,
) -> Option<(Rpc<StreamAppendResult<TypeConfig>>, Option<Answers>)> {
    let (mut answers, in_flight) = state?;
    loop {
        let awaited = in_flight.load(Ordering::Relaxed) > 0;
        let answer = match timeout(APPEND_TIMEOUT, answers.message()).await {
            Ok(answer) => answer,
            Err(elapsed) if awaited && in_flight.load(Ordering::Relaxed) > 0 => {
                return Some((Err(unreachable(elapsed)), None));
            }
            Err(_) => continue,
        };
        let message = match answer {
            Ok(message) => message?,
            Err(status) => return Some((Err(unreachable(status)), None)),
        };
        in_flight.fetch_sub(1, Ordering::Relaxed);
        return Some(
            match wire::decode::<StreamAppendResult<TypeConfig>>(&message.payload) {
                Ok(Ok(matching)) => (Ok(Ok(matching)), Some((answers, in_flight))),
                Ok(Err(refused)) => (Ok(Err(refused)), None),
                Err(error) => (Err(unreachable(error)), None),
            },
        );
    }
}

/// A snapshot in messages; the first one carries vote and metadata, and there is always one.
fn chunks_of(
    addressed: Addressed,
    meta: Vec<u8>,
    mut data: Bytes,
) -> impl Iterator<Item = SnapshotChunk> + Send {
    let mut meta = Some(meta);
    std::iter::from_fn(move || {
        if data.is_empty() && meta.is_none() {
            return None;
        }
        Some(SnapshotChunk {
            cluster_id: addressed.cluster_id.on_the_wire(),
            directory_id: directory_on_the_wire(addressed.directory_id),
            target_id: Some(addressed.target),
            meta: meta.take().unwrap_or_default().into(),
            data: data.split_to(data.len().min(SNAPSHOT_CHUNK_BYTES)),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer that was down was dialled thousands of times a second.
    #[tokio::test]
    async fn a_peer_is_dialled_only_when_there_is_something_to_send() {
        let nobody_listens = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", nobody_listens.local_addr().unwrap());
        drop(nobody_listens);
        let channel = ChannelConfig::default();
        let network = Network::new(ClusterId::new(None), AddressBook::default(), channel);
        let mut peer = Peer::new(network, 2, ControllerNode::at(endpoint));
        let option = RPCOption::new(Duration::from_secs(1));
        {
            let after_a_pause = stream::pending::<AppendEntriesRequest<TypeConfig>>();
            let dialled = peer.stream_append(after_a_pause, option.clone());
            let dialled = timeout(Duration::from_millis(200), dialled).await;
            assert!(dialled.is_err(), "dialled without a request");
        }
        let nothing = stream::empty::<AppendEntriesRequest<TypeConfig>>();
        let mut answers = peer.stream_append(nothing, option).await.unwrap();
        assert!(answers.next().await.is_none());
    }

    /// Under load dialling took longer than an answer may take, each time anew: nobody was elected.
    #[tokio::test]
    async fn candidacies_share_a_connection() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let channel = ChannelConfig {
            // Nobody answers pings there.
            keepalive_interval: Duration::from_secs(600),
            ..ChannelConfig::default()
        };
        let mut network = Network::new(ClusterId::new(None), AddressBook::default(), channel);
        let request = VoteRequest::new(Vote::new(2, 1), None);
        for _ in 0..2 {
            let node = ControllerNode::at(&endpoint);
            let mut peer = network.new_client(2, &node).await;
            let option = RPCOption::new(Duration::from_millis(100));
            peer.pre_vote(request.clone(), option).await.unwrap_err();
        }
        let first = timeout(Duration::from_secs(20), listener.accept()).await;
        let _first = first.unwrap().unwrap();
        let second = timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(second.is_err(), "the second candidacy dialled again");
    }
}
