//! What brokers may ask of this controller, over gRPC.
//!
//! The handlers translate and wait; what the answer is, the active controller decides.

use crate::{
    active_controller::{Command, Handle},
    clock::Clock,
    cluster_id::ClusterId,
    describe_quorum,
    follower_progress::FollowerProgress,
    heartbeat_stream,
    leadership::LeadershipWatch,
    membership::Membership,
    metadata_feed::MetadataFeed,
    observers::Observers,
    raft_types::Raft,
    stopping::Stopping,
    translate, translate_features, translate_reassignments, watch_metadata,
};
use futures_util::stream::BoxStream;
use klamm_controller::{Request as Decide, Response as Decided};
use klamm_rpc::{ControllerService, NotActive, controller::*};
use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// How long a request may wait for its records to be committed. Clients set shorter deadlines;
/// this bounds what a quorum without a majority piles up.
const DECISION_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves `controller.proto`.
#[derive(Clone)]
pub(crate) struct ControllerServer {
    pub(crate) raft: Raft,
    pub(crate) active: Handle,
    pub(crate) leadership: LeadershipWatch,
    pub(crate) feed: Arc<MetadataFeed>,
    pub(crate) membership: Membership,
    pub(crate) progress: FollowerProgress,
    pub(crate) cluster_id: ClusterId,
    /// The name of the controller listener.
    pub(crate) listener_name: String,
    pub(crate) clock: Clock,
    pub(crate) streams: Arc<AtomicU64>,
    pub(crate) observers: Arc<Observers>,
    pub(crate) stopping: Stopping,
}

impl ControllerServer {
    /// Refuses unless this node leads; the refusal names who does.
    pub(crate) fn check_active(&self) -> Result<(), Status> {
        if self.leadership.get().leads {
            return Ok(());
        }
        Err(self.not_active())
    }

    pub(crate) fn not_active(&self) -> Status {
        let active = Some(self.leadership.active()).filter(|active| active.controller_id >= 0);
        NotActive { active }.into_status()
    }

    /// Lets the active controller decide, and waits until it is committed.
    pub(crate) async fn decide(&self, request: Decide) -> Result<Decided, Status> {
        self.check_active()?;
        let (to, answer) = oneshot::channel();
        let command = Command::Request(Box::new(request), to);
        let answered = async {
            self.active.send(command).await;
            answer.await
        };
        match timeout(DECISION_TIMEOUT, answered).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(_)) => {
                self.check_active()?;
                Err(Status::unavailable("not committed; try again"))
            }
            Err(_) => Err(Status::deadline_exceeded("not committed in time")),
        }
    }
}

/// A decision of another kind than the request's: a contradiction in this program.
fn mismatch() -> Status {
    Status::internal("the decision does not fit the request")
}

/// Declares a handler that translates, lets decide, and translates back.
macro_rules! decide {
    ($self:ident, $request:ident, $translate:expr, $decided:ident => $answer:expr) => {{
        let request = $request.into_inner();
        match $self.decide($translate(request)?).await? {
            Decided::$decided(result) => Ok(Response::new($answer(result))),
            _ => Err(mismatch()),
        }
    }};
}

#[tonic::async_trait]
impl ControllerService for ControllerServer {
    type HeartbeatStream = BoxStream<'static, Result<HeartbeatAck, Status>>;
    type WatchMetadataStream = ReceiverStream<Result<MetadataUpdate, Status>>;

    async fn register_broker(
        &self,
        request: Request<RegisterBrokerRequest>,
    ) -> Result<Response<RegisterBrokerResponse>, Status> {
        decide!(self, request, translate::register_broker, RegisterBroker => translate::registered_broker)
    }

    async fn heartbeat(
        &self,
        request: Request<Streaming<BrokerHeartbeat>>,
    ) -> Result<Response<Self::HeartbeatStream>, Status> {
        self.check_active()?;
        let acks = heartbeat_stream::serve(self.clone(), request.into_inner());
        Ok(Response::new(acks))
    }

    async fn alter_partition(
        &self,
        request: Request<AlterPartitionRequest>,
    ) -> Result<Response<AlterPartitionResponse>, Status> {
        decide!(self, request, translate::alter_partition, AlterPartition => translate::altered_partitions)
    }

    async fn resign_leadership(
        &self,
        request: Request<ResignLeadershipRequest>,
    ) -> Result<Response<ResignLeadershipResponse>, Status> {
        decide!(self, request, translate::resign_leadership, ResignLeadership => translate::resigned_leadership)
    }

    async fn report_high_watermarks(
        &self,
        request: Request<ReportHighWatermarksRequest>,
    ) -> Result<Response<ReportHighWatermarksResponse>, Status> {
        decide!(self, request, translate::report_high_watermarks, Done => translate::reported_high_watermarks)
    }

    async fn assign_directories(
        &self,
        request: Request<AssignDirectoriesRequest>,
    ) -> Result<Response<AssignDirectoriesResponse>, Status> {
        decide!(self, request, translate::assign_directories, Done => translate::assigned_directories)
    }

    async fn create_topics(
        &self,
        request: Request<CreateTopicsRequest>,
    ) -> Result<Response<CreateTopicsResponse>, Status> {
        decide!(self, request, translate::create_topics, CreateTopics => translate::created_topics)
    }

    async fn delete_topics(
        &self,
        request: Request<DeleteTopicsRequest>,
    ) -> Result<Response<DeleteTopicsResponse>, Status> {
        decide!(self, request, translate::delete_topics, DeleteTopics => translate::deleted_topics)
    }

    async fn create_partitions(
        &self,
        request: Request<CreatePartitionsRequest>,
    ) -> Result<Response<CreatePartitionsResponse>, Status> {
        decide!(self, request, translate::create_partitions, CreatePartitions => translate::grown_topics)
    }

    async fn alter_configs(
        &self,
        request: Request<AlterConfigsRequest>,
    ) -> Result<Response<AlterConfigsResponse>, Status> {
        decide!(self, request, translate::alter_configs, AlterConfigs => translate::altered_configs)
    }

    async fn allocate_producer_ids(
        &self,
        request: Request<AllocateProducerIdsRequest>,
    ) -> Result<Response<AllocateProducerIdsResponse>, Status> {
        decide!(self, request, translate::allocate_producer_ids, AllocateProducerIds => translate::allocated_producer_ids)
    }

    async fn alter_reassignments(
        &self,
        request: Request<AlterReassignmentsRequest>,
    ) -> Result<Response<AlterReassignmentsResponse>, Status> {
        decide!(self, request, translate_reassignments::alter_reassignments, AlterReassignments => translate_reassignments::altered_reassignments)
    }

    async fn elect_leaders(
        &self,
        request: Request<ElectLeadersRequest>,
    ) -> Result<Response<ElectLeadersResponse>, Status> {
        decide!(self, request, translate_reassignments::elect_leaders, ElectLeaders => translate_reassignments::elected_leaders)
    }

    async fn unregister_broker(
        &self,
        request: Request<UnregisterBrokerRequest>,
    ) -> Result<Response<UnregisterBrokerResponse>, Status> {
        decide!(self, request, translate_reassignments::unregister_broker, Done => translate_reassignments::unregistered_broker)
    }

    async fn describe_quorum(
        &self,
        _request: Request<DescribeQuorumRequest>,
    ) -> Result<Response<DescribeQuorumResponse>, Status> {
        self.check_active()?;
        let image = self.feed.image();
        self.observers.retain(|id| image.broker(id).is_some());
        let sources = describe_quorum::Sources {
            raft: &self.raft,
            members: &self.membership.agreed(),
            book: &self.leadership.book,
            progress: &self.progress,
            image: &image,
            observers: &self.observers,
            now_ms: self.clock.now_ms(),
        };
        Ok(Response::new(describe_quorum::describe(&sources)))
    }

    async fn watch_metadata(
        &self,
        request: Request<WatchMetadataRequest>,
    ) -> Result<Response<Self::WatchMetadataStream>, Status> {
        let updates = watch_metadata::watch(
            self.feed.clone(),
            self.leadership.clone(),
            self.stopping.clone(),
            request.into_inner().from_offset,
        );
        Ok(Response::new(ReceiverStream::new(updates)))
    }

    async fn find_active(
        &self,
        _request: Request<FindActiveRequest>,
    ) -> Result<Response<ActiveController>, Status> {
        Ok(Response::new(self.leadership.active()))
    }

    async fn register_controller(
        &self,
        request: Request<RegisterControllerRequest>,
    ) -> Result<Response<RegisterControllerResponse>, Status> {
        let answer = self.welcome_controller(request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn add_raft_voter(
        &self,
        request: Request<AddRaftVoterRequest>,
    ) -> Result<Response<RaftVoterResponse>, Status> {
        Ok(Response::new(self.add_voter(request.into_inner()).await?))
    }

    async fn remove_raft_voter(
        &self,
        request: Request<RemoveRaftVoterRequest>,
    ) -> Result<Response<RaftVoterResponse>, Status> {
        let answer = self.remove_voter(request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn update_features(
        &self,
        request: Request<UpdateFeaturesRequest>,
    ) -> Result<Response<UpdateFeaturesResponse>, Status> {
        decide!(self, request, translate_features::update, Done => translate_features::updated)
    }
}
