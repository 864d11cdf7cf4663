//! A controller that does as a test tells it, at a real socket. Nothing of it is in a release: feature `testing`.

use crate::{
    ActiveController, ControllerEndpoint, ControllerServer, ControllerService, NotActive,
    controller::*,
};
use klamm_types::BrokerId;
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc, watch},
};
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{ReceiverStream, TcpListenerStream, UnboundedReceiverStream},
};
use tonic::{Request, Response, Status, Streaming};

/// Acks under way to a broker.
const ACKS_MAX: usize = 16;

/// What a fake controller does with `AllocateProducerIds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Gives the range that begins at its id times 1,000.
    Serves,
    /// Points to whom it believes to be active.
    SaysNotActive,
    /// Keeps the call.
    NeverAnswers,
    /// Answers with a status that no other controller would change.
    Refuses,
}

/// What a broker that follows the metadata is to be sent; its stream ends with this.
pub type Updates = mpsc::UnboundedSender<Result<MetadataUpdate, Status>>;

/// The controller.
#[derive(Clone, Debug)]
pub struct FakeController {
    endpoint: ControllerEndpoint,
    manner: Manner,
    believes: Arc<Mutex<ActiveController>>,
    heartbeats: Arc<watch::Sender<usize>>,
    answerable: Arc<Semaphore>,
    watchers: mpsc::UnboundedSender<Updates>,
}

impl FakeController {
    /// Serves until the runtime ends, at a port of its own; for each broker that asks for metadata something comes out of the receiver.
    ///
    /// # Errors
    /// The system has no port for it.
    pub async fn start(id: i32) -> io::Result<(FakeController, mpsc::UnboundedReceiver<Updates>)> {
        Self::with_manner(id, Manner::Serves).await
    }

    /// The same, which does that with `AllocateProducerIds`.
    ///
    /// # Errors
    /// As [`FakeController::start`].
    pub async fn with_manner(
        id: i32,
        manner: Manner,
    ) -> io::Result<(FakeController, mpsc::UnboundedReceiver<Updates>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (watchers, watching) = mpsc::unbounded_channel();
        let fake = FakeController {
            endpoint: ControllerEndpoint {
                id: BrokerId(id),
                host: "127.0.0.1".into(),
                port: listener.local_addr()?.port(),
            },
            manner,
            believes: Arc::new(Mutex::new(ActiveController {
                controller_id: -1,
                ..ActiveController::default()
            })),
            heartbeats: Arc::new(watch::Sender::new(0)),
            answerable: Arc::new(Semaphore::new(0)),
            watchers,
        };
        let serving = crate::server()
            .add_service(ControllerServer::new(fake.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(serving);
        Ok((fake, watching))
    }

    /// Where it is.
    pub fn endpoint(&self) -> &ControllerEndpoint {
        &self.endpoint
    }

    /// It as the active one.
    pub fn as_active(&self, controller_epoch: i32) -> ActiveController {
        ActiveController {
            controller_id: self.endpoint.id.get(),
            controller_epoch,
            endpoint: self.endpoint.address(),
        }
    }

    /// Makes it hold somebody to be active; nobody is until then.
    pub fn believe(&self, active: ActiveController) {
        *self.believes.lock().unwrap_or_else(PoisonError::into_inner) = active;
    }

    /// How many heartbeats have come.
    pub fn heartbeats(&self) -> watch::Receiver<usize> {
        self.heartbeats.subscribe()
    }

    /// Has it answer so many heartbeats more than it was told to before; none at first.
    pub fn answer(&self, heartbeats: usize) {
        self.answerable.add_permits(heartbeats);
    }

    fn believed(&self) -> ActiveController {
        let believes = self.believes.lock();
        believes.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Answer<T> = Result<Response<T>, Status>;

fn not_for_tests<T>() -> Answer<T> {
    Err(Status::unimplemented(
        "the fake controller does not do that",
    ))
}

#[tonic::async_trait]
impl ControllerService for FakeController {
    type HeartbeatStream = Answers<HeartbeatAck>;
    type WatchMetadataStream = Answers<MetadataUpdate>;

    async fn allocate_producer_ids(
        &self,
        _: Request<AllocateProducerIdsRequest>,
    ) -> Answer<AllocateProducerIdsResponse> {
        match self.manner {
            Manner::Serves => Ok(Response::new(AllocateProducerIdsResponse {
                error_code: 0,
                first_producer_id: i64::from(self.endpoint.id.get()) * 1000,
                count: 1000,
            })),
            Manner::SaysNotActive => {
                let active = Some(self.believed()).filter(|active| active.controller_id >= 0);
                Err(NotActive { active }.into_status())
            }
            Manner::NeverAnswers => std::future::pending().await,
            Manner::Refuses => Err(Status::invalid_argument("no")),
        }
    }

    async fn find_active(&self, _: Request<FindActiveRequest>) -> Answer<ActiveController> {
        Ok(Response::new(self.believed()))
    }

    async fn heartbeat(
        &self,
        request: Request<Streaming<BrokerHeartbeat>>,
    ) -> Answer<Self::HeartbeatStream> {
        let mut heartbeats = request.into_inner();
        let (acks, receiver) = mpsc::channel(ACKS_MAX);
        let (heard, answerable) = (Arc::clone(&self.heartbeats), Arc::clone(&self.answerable));
        tokio::spawn(async move {
            let (to_answer, mut unanswered) = mpsc::unbounded_channel();
            let hearing = async move {
                while let Some(Ok(_)) = heartbeats.next().await {
                    heard.send_modify(|heard| *heard += 1);
                    let _ = to_answer.send(());
                }
            };
            let answering = async {
                while unanswered.recv().await.is_some() {
                    let permit = tokio::select! {
                        // An answer that nobody awaits is left for others.
                        biased;
                        () = acks.closed() => return,
                        permit = answerable.acquire() => permit,
                    };
                    let Ok(permit) = permit else {
                        return;
                    };
                    permit.forget();
                    if acks.send(Ok(HeartbeatAck::default())).await.is_err() {
                        return;
                    }
                }
            };
            tokio::join!(hearing, answering)
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn watch_metadata(
        &self,
        _: Request<WatchMetadataRequest>,
    ) -> Answer<Self::WatchMetadataStream> {
        let (updates, receiver) = mpsc::unbounded_channel();
        // If nobody receives it, the stream ends here.
        let _ = self.watchers.send(updates);
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(
            receiver,
        ))))
    }

    async fn register_controller(
        &self,
        _: Request<RegisterControllerRequest>,
    ) -> Answer<RegisterControllerResponse> {
        not_for_tests()
    }

    async fn add_raft_voter(&self, _: Request<AddRaftVoterRequest>) -> Answer<RaftVoterResponse> {
        not_for_tests()
    }

    async fn remove_raft_voter(
        &self,
        _: Request<RemoveRaftVoterRequest>,
    ) -> Answer<RaftVoterResponse> {
        not_for_tests()
    }

    async fn update_features(
        &self,
        _: Request<UpdateFeaturesRequest>,
    ) -> Answer<UpdateFeaturesResponse> {
        not_for_tests()
    }

    async fn register_broker(
        &self,
        _: Request<RegisterBrokerRequest>,
    ) -> Answer<RegisterBrokerResponse> {
        not_for_tests()
    }

    async fn alter_partition(
        &self,
        _: Request<AlterPartitionRequest>,
    ) -> Answer<AlterPartitionResponse> {
        not_for_tests()
    }

    async fn resign_leadership(
        &self,
        _: Request<ResignLeadershipRequest>,
    ) -> Answer<ResignLeadershipResponse> {
        not_for_tests()
    }

    async fn report_high_watermarks(
        &self,
        _: Request<ReportHighWatermarksRequest>,
    ) -> Answer<ReportHighWatermarksResponse> {
        not_for_tests()
    }

    async fn assign_directories(
        &self,
        _: Request<AssignDirectoriesRequest>,
    ) -> Answer<AssignDirectoriesResponse> {
        not_for_tests()
    }

    async fn create_topics(&self, _: Request<CreateTopicsRequest>) -> Answer<CreateTopicsResponse> {
        not_for_tests()
    }

    async fn delete_topics(&self, _: Request<DeleteTopicsRequest>) -> Answer<DeleteTopicsResponse> {
        not_for_tests()
    }

    async fn create_partitions(
        &self,
        _: Request<CreatePartitionsRequest>,
    ) -> Answer<CreatePartitionsResponse> {
        not_for_tests()
    }

    async fn alter_configs(&self, _: Request<AlterConfigsRequest>) -> Answer<AlterConfigsResponse> {
        not_for_tests()
    }

    async fn alter_reassignments(
        &self,
        _: Request<AlterReassignmentsRequest>,
    ) -> Answer<AlterReassignmentsResponse> {
        not_for_tests()
    }

    async fn elect_leaders(&self, _: Request<ElectLeadersRequest>) -> Answer<ElectLeadersResponse> {
        not_for_tests()
    }

    async fn unregister_broker(
        &self,
        _: Request<UnregisterBrokerRequest>,
    ) -> Answer<UnregisterBrokerResponse> {
        not_for_tests()
    }

    async fn describe_quorum(
        &self,
        _: Request<DescribeQuorumRequest>,
    ) -> Answer<DescribeQuorumResponse> {
        not_for_tests()
    }
}
