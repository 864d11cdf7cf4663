//! What other controllers may ask of this one: openraft's messages over gRPC.

use crate::{
    cluster_id::ClusterId,
    leader_loss::LeaderProbe,
    leadership::{LeaderContact, LeadershipWatch, voters_by_log},
    network::directory_on_the_wire,
    raft_types::{NodeId, Raft, Snapshot, SnapshotMeta, TypeConfig, Vote, broker_id_of, term_of},
    stopping::Stopping,
    vote_guard::VoteGuard,
    wire,
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream::BoxStream};
use klamm_rpc::{
    RaftService,
    raft::{
        PresenceReply, PresenceRequest, RaftMessage, SnapshotChunk, StandingReply, StandingRequest,
    },
};
use klamm_types::Uuid;
use openraft::raft::{AppendEntriesRequest, TransferLeaderRequest, VoteRequest};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, pin::pin, sync::Arc};
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status, Streaming};

/// The largest snapshot that is taken from a leader.
const SNAPSHOT_BYTES_MAX: usize = 1 << 30;

/// Serves `raft.proto`.
#[derive(Clone)]
pub(crate) struct RaftServer {
    pub(crate) raft: Raft,
    pub(crate) cluster_id: ClusterId,
    pub(crate) leadership: LeadershipWatch,
    pub(crate) probe: LeaderProbe,
    pub(crate) stopping: Stopping,
    pub(crate) guard: Arc<VoteGuard>,
    pub(crate) contact: LeaderContact,
    /// Of the folder that this controller has.
    pub(crate) directory_id: Uuid,
}

type Answer = Result<Response<RaftMessage>, Status>;

impl RaftServer {
    fn request<T: DeserializeOwned>(&self, message: &RaftMessage) -> Result<T, Status> {
        self.check(
            &message.cluster_id,
            message.target_id,
            &message.directory_id,
        )?;
        wire::decode(&message.payload).map_err(invalid)
    }

    /// Refuses what is meant for another cluster, controller or folder. An address may be out of date,
    /// even one's own may be taken for another's: whoever is reached there must not answer for them.
    ///
    /// A controller that has lost
    /// its folder is not the one that promised votes and entries (KIP-853): it takes part again
    /// under the new folder's id, once the old one was removed from the voters.
    fn check(
        &self,
        cluster_id: &str,
        target_id: Option<NodeId>,
        directory_id: &[u8],
    ) -> Result<(), Status> {
        self.cluster_id
            .check(cluster_id)
            .map_err(|status| *status)?;
        let me = *self.raft.node_id();
        if let Some(other) = target_id.filter(|id| *id != me) {
            return Err(Status::failed_precondition(format!(
                "this is controller {me}, not {other}"
            )));
        }
        match directory_id.is_empty() || directory_id == self.directory_id.as_bytes() {
            true => Ok(()),
            false => {
                self.guard.hear_of_other_folder();
                Err(Status::failed_precondition(
                    "this controller has another folder than the one that was asked",
                ))
            }
        }
    }

    /// The same, where a leader is heard from.
    fn append_request(
        &self,
        message: &RaftMessage,
    ) -> Result<AppendEntriesRequest<TypeConfig>, Status> {
        let request: AppendEntriesRequest<TypeConfig> = self.request(message)?;
        if term_of(&request.vote) >= self.leadership.get().term {
            self.contact.note();
        }
        self.guard.hear_leader(&request);
        Ok(request)
    }

    fn vote_request(&self, message: &RaftMessage) -> Result<VoteRequest<TypeConfig>, Status> {
        let request: VoteRequest<TypeConfig> = self.request(message)?;
        let last_index = request.last_log_id.as_ref().map(|last| last.index);
        match self.guard.may_vote(last_index) {
            true => Ok(request),
            false => Err(Status::failed_precondition(
                "this controller may have lost its log, and has not caught up: it does not vote",
            )),
        }
    }
}

/// The answer goes back on the connection of the request: it needs no address.
fn answer<T: Serialize, E: fmt::Display>(
    cluster_id: &ClusterId,
    answer: Result<T, E>,
) -> Result<RaftMessage, Status> {
    let answer = answer.map_err(|error| Status::unavailable(error.to_string()))?;
    let payload = wire::encode(&answer).map_err(|error| Status::internal(error.to_string()))?;
    Ok(RaftMessage {
        cluster_id: cluster_id.on_the_wire(),
        payload: payload.into(),
        directory_id: Bytes::new(),
        target_id: None,
    })
}

fn invalid(error: impl fmt::Display) -> Status {
    Status::invalid_argument(error.to_string())
}

#[tonic::async_trait]
impl RaftService for RaftServer {
    type StreamAppendStream = BoxStream<'static, Result<RaftMessage, Status>>;
    type PresenceStream = BoxStream<'static, Result<PresenceReply, Status>>;

    async fn vote(&self, request: Request<RaftMessage>) -> Answer {
        let request = self.vote_request(request.get_ref())?;
        let voted = self.raft.vote(request).await;
        answer(&self.cluster_id, voted).map(Response::new)
    }

    async fn pre_vote(&self, request: Request<RaftMessage>) -> Answer {
        let request = self.vote_request(request.get_ref())?;
        // A candidate that asks this early has reason to believe that the leader died. This
        // controller's lease for the leader only ends early if it sees the same itself.
        self.probe.end_lease_if_leader_died(&self.raft).await;
        let voted = self.raft.pre_vote(request).await;
        answer(&self.cluster_id, voted).map(Response::new)
    }

    async fn append_entries(&self, request: Request<RaftMessage>) -> Answer {
        let request = self.append_request(request.get_ref())?;
        let appended = self.raft.append_entries(request).await;
        answer(&self.cluster_id, appended).map(Response::new)
    }

    async fn stream_append(
        &self,
        request: Request<Streaming<RaftMessage>>,
    ) -> Result<Response<Self::StreamAppendStream>, Status> {
        let this = self.clone();
        let requests = request.into_inner().scan((), move |(), message| {
            // A message that cannot be read ends the stream, and with it the answers; the
            // leader then tries again.
            let request = message.and_then(|message| this.append_request(&message));
            if let Err(status) = &request {
                tracing::debug!(%status, "append stream from a leader ends");
            }
            std::future::ready(request.ok())
        });
        let cluster_id = self.cluster_id.clone();
        let answers = self
            .raft
            .stream_append(requests)
            .map(move |appended| answer(&cluster_id, appended));
        let answers = self.stopping.clone().end(answers);
        Ok(Response::new(answers))
    }

    async fn install_snapshot(&self, request: Request<Streaming<SnapshotChunk>>) -> Answer {
        let mut chunks = pin!(request.into_inner());
        let mut meta: Option<(Vote, SnapshotMeta)> = None;
        let mut data = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            self.check(&chunk.cluster_id, chunk.target_id, &chunk.directory_id)?;
            if meta.is_none() {
                meta = Some(wire::decode(&chunk.meta).map_err(invalid)?);
            }
            if data.len() + chunk.data.len() > SNAPSHOT_BYTES_MAX {
                return Err(Status::resource_exhausted("the snapshot is too large"));
            }
            data.extend_from_slice(&chunk.data);
        }
        let (vote, meta) = meta.ok_or_else(|| Status::invalid_argument("an empty snapshot"))?;
        let snapshot: Bytes = data.freeze();
        crate::state_machine::decode_image(&snapshot).map_err(invalid)?;
        let snapshot = Snapshot { meta, snapshot };
        let installed = self.raft.install_full_snapshot(vote, snapshot).await;
        answer(&self.cluster_id, installed).map(Response::new)
    }

    async fn transfer_leader(&self, request: Request<RaftMessage>) -> Answer {
        let request: TransferLeaderRequest<TypeConfig> = self.request(request.get_ref())?;
        if !self.guard.is_whole() {
            return Err(Status::failed_precondition(
                "this controller has not caught up yet: it does not lead",
            ));
        }
        let transferred = self.raft.handle_transfer_leader(request).await;
        answer(&self.cluster_id, transferred).map(Response::new)
    }

    async fn presence(
        &self,
        request: Request<PresenceRequest>,
    ) -> Result<Response<Self::PresenceStream>, Status> {
        self.cluster_id
            .check(&request.get_ref().cluster_id)
            .map_err(|status| *status)?;
        let replies = WatchStream::new(self.leadership.now.clone()).map(|now| {
            let leads_term = now.led_term().unwrap_or(0);
            Ok(PresenceReply { leads_term })
        });
        let replies = self.stopping.clone().end(replies);
        Ok(Response::new(replies))
    }

    async fn standing(
        &self,
        _request: Request<StandingRequest>,
    ) -> Result<Response<StandingReply>, Status> {
        let has_log = voters_by_log(&self.raft).await.is_some();
        Ok(Response::new(StandingReply {
            has_log,
            controller_id: broker_id_of(*self.raft.node_id()).0,
            directory_id: directory_on_the_wire(self.directory_id),
            cluster_id: self.cluster_id.on_the_wire(),
        }))
    }
}
