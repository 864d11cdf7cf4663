//! A controller that says who it is and takes no entries: it never catches up.

use klamm_rpc::{
    RaftServer, RaftService,
    raft::{
        PresenceReply, PresenceRequest, RaftMessage, SnapshotChunk, StandingReply, StandingRequest,
    },
};
use klamm_types::Uuid;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::Empty;
use tonic::{Request, Response, Status, Streaming, transport::server::TcpIncoming};

/// Listens until `tasks` is dropped.
pub(crate) fn spawn(tasks: &mut JoinSet<()>, listener: TcpListener, id: i32, directory_id: Uuid) {
    let serving = klamm_rpc::server()
        .add_service(RaftServer::new(SlowJoiner { id, directory_id }))
        .serve_with_incoming(TcpIncoming::from(listener));
    tasks.spawn(async move { serving.await.unwrap() });
}

struct SlowJoiner {
    id: i32,
    directory_id: Uuid,
}

type Answer = Result<Response<RaftMessage>, Status>;

fn busy<T>() -> Result<T, Status> {
    Err(Status::unavailable("busy"))
}

#[tonic::async_trait]
impl RaftService for SlowJoiner {
    type StreamAppendStream = Empty<Result<RaftMessage, Status>>;
    type PresenceStream = Empty<Result<PresenceReply, Status>>;

    async fn vote(&self, _: Request<RaftMessage>) -> Answer {
        busy()
    }

    async fn pre_vote(&self, _: Request<RaftMessage>) -> Answer {
        busy()
    }

    async fn append_entries(&self, _: Request<RaftMessage>) -> Answer {
        busy()
    }

    async fn stream_append(
        &self,
        _: Request<Streaming<RaftMessage>>,
    ) -> Result<Response<Self::StreamAppendStream>, Status> {
        busy()
    }

    async fn install_snapshot(&self, _: Request<Streaming<SnapshotChunk>>) -> Answer {
        busy()
    }

    async fn transfer_leader(&self, _: Request<RaftMessage>) -> Answer {
        busy()
    }

    async fn presence(
        &self,
        _: Request<PresenceRequest>,
    ) -> Result<Response<Self::PresenceStream>, Status> {
        busy()
    }

    async fn standing(
        &self,
        _: Request<StandingRequest>,
    ) -> Result<Response<StandingReply>, Status> {
        Ok(Response::new(StandingReply {
            has_log: false,
            controller_id: self.id,
            directory_id: self.directory_id.as_bytes().to_vec().into(),
            cluster_id: String::new(),
        }))
    }
}
