//! How the client finds the active controller and stays with it.
#![allow(clippy::unwrap_used)]

use klamm_rpc::{
    ActiveController, CallError, ControllerClient, ControllerClientConfig, ControllerEndpoint,
    ControllerServer, ControllerService, NotActive, controller::*,
};
use klamm_types::BrokerId;
use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::watch, time::timeout};
use tokio_stream::{Stream, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

const LIMIT: Duration = Duration::from_secs(20);

/// What a controller of these tests does with `AllocateProducerIds`.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Serves,
    SaysNotActive,
    NeverAnswers,
    Refuses,
}

#[derive(Clone)]
struct Fake {
    id: i32,
    manner: Manner,
    /// Whom it holds to be active.
    believes: Arc<Mutex<ActiveController>>,
}

type Stream_<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ControllerService for Fake {
    type HeartbeatStream = Stream_<HeartbeatAck>;
    type WatchMetadataStream = Stream_<MetadataUpdate>;

    async fn allocate_producer_ids(
        &self,
        _: Request<AllocateProducerIdsRequest>,
    ) -> Result<Response<AllocateProducerIdsResponse>, Status> {
        match self.manner {
            Manner::Serves => Ok(Response::new(AllocateProducerIdsResponse {
                error_code: 0,
                first_producer_id: i64::from(self.id) * 1000,
                count: 1000,
            })),
            Manner::SaysNotActive => {
                let active = self.believes.lock().unwrap().clone();
                let active = Some(active).filter(|active| active.controller_id >= 0);
                Err(NotActive { active }.into_status())
            }
            Manner::NeverAnswers => std::future::pending().await,
            Manner::Refuses => Err(Status::invalid_argument("no")),
        }
    }

    async fn find_active(
        &self,
        _: Request<FindActiveRequest>,
    ) -> Result<Response<ActiveController>, Status> {
        Ok(Response::new(self.believes.lock().unwrap().clone()))
    }

    async fn register_controller(
        &self,
        _: Request<RegisterControllerRequest>,
    ) -> Result<Response<RegisterControllerResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn add_raft_voter(
        &self,
        _: Request<AddRaftVoterRequest>,
    ) -> Result<Response<RaftVoterResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn remove_raft_voter(
        &self,
        _: Request<RemoveRaftVoterRequest>,
    ) -> Result<Response<RaftVoterResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn update_features(
        &self,
        _: Request<UpdateFeaturesRequest>,
    ) -> Result<Response<UpdateFeaturesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn register_broker(
        &self,
        _: Request<RegisterBrokerRequest>,
    ) -> Result<Response<RegisterBrokerResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn heartbeat(
        &self,
        _: Request<Streaming<BrokerHeartbeat>>,
    ) -> Result<Response<Self::HeartbeatStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn alter_partition(
        &self,
        _: Request<AlterPartitionRequest>,
    ) -> Result<Response<AlterPartitionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn resign_leadership(
        &self,
        _: Request<ResignLeadershipRequest>,
    ) -> Result<Response<ResignLeadershipResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn report_high_watermarks(
        &self,
        _: Request<ReportHighWatermarksRequest>,
    ) -> Result<Response<ReportHighWatermarksResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn assign_directories(
        &self,
        _: Request<AssignDirectoriesRequest>,
    ) -> Result<Response<AssignDirectoriesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn create_topics(
        &self,
        _: Request<CreateTopicsRequest>,
    ) -> Result<Response<CreateTopicsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn delete_topics(
        &self,
        _: Request<DeleteTopicsRequest>,
    ) -> Result<Response<DeleteTopicsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn create_partitions(
        &self,
        _: Request<CreatePartitionsRequest>,
    ) -> Result<Response<CreatePartitionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn alter_configs(
        &self,
        _: Request<AlterConfigsRequest>,
    ) -> Result<Response<AlterConfigsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn alter_reassignments(
        &self,
        _: Request<AlterReassignmentsRequest>,
    ) -> Result<Response<AlterReassignmentsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn elect_leaders(
        &self,
        _: Request<ElectLeadersRequest>,
    ) -> Result<Response<ElectLeadersResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn unregister_broker(
        &self,
        _: Request<UnregisterBrokerRequest>,
    ) -> Result<Response<UnregisterBrokerResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn describe_quorum(
        &self,
        _: Request<DescribeQuorumRequest>,
    ) -> Result<Response<DescribeQuorumResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn watch_metadata(
        &self,
        _: Request<WatchMetadataRequest>,
    ) -> Result<Response<Self::WatchMetadataStream>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// Controllers 0, 1, … of those manners, and a client of them all.
struct Setup {
    endpoints: Vec<ControllerEndpoint>,
    fakes: Vec<Fake>,
}

impl Setup {
    async fn of(manners: &[Manner]) -> Setup {
        let (mut endpoints, mut fakes) = (Vec::new(), Vec::new());
        for (id, manner) in (0..).zip(manners) {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            endpoints.push(ControllerEndpoint {
                id: BrokerId(id),
                host: "127.0.0.1".into(),
                port: listener.local_addr().unwrap().port(),
            });
            let fake = Fake {
                id,
                manner: *manner,
                believes: Arc::default(),
            };
            fakes.push(fake.clone());
            let serving = klamm_rpc::server()
                .add_service(ControllerServer::new(fake))
                .serve_with_incoming(TcpListenerStream::new(listener));
            tokio::spawn(serving);
        }
        let setup = Setup { endpoints, fakes };
        for fake in &setup.fakes {
            *fake.believes.lock().unwrap() = setup.active(-1, 0);
        }
        setup
    }

    fn active(&self, id: i32, controller_epoch: i32) -> ActiveController {
        let endpoint = self.endpoints.iter().find(|e| e.id.0 == id);
        ActiveController {
            controller_id: id,
            controller_epoch,
            endpoint: endpoint.map_or(String::new(), ControllerEndpoint::address),
        }
    }

    /// Makes a controller believe that `id` is active.
    fn believe(&self, who: usize, id: i32, epoch: i32) {
        *self.fakes[who].believes.lock().unwrap() = self.active(id, epoch);
    }

    fn client(&self) -> ControllerClient {
        ControllerClient::new(self.endpoints.clone())
    }
}

/// The controller that answered.
async fn call(client: &ControllerClient) -> i64 {
    let request = AllocateProducerIdsRequest {
        broker_id: 1,
        broker_epoch: 1,
    };
    let response = client.allocate_producer_ids(request, LIMIT).await.unwrap();
    response.first_producer_id / 1000
}

#[tokio::test]
async fn whoever_knows_is_believed() {
    let setup = Setup::of(&[Manner::SaysNotActive, Manner::Serves]).await;
    setup.believe(0, 1, 5);
    let client = setup.client();
    assert_eq!(call(&client).await, 1);
    assert_eq!(*client.active().borrow(), setup.active(1, 5));
}

#[tokio::test]
async fn a_deposed_controller_points_to_the_new_one() {
    let setup = Setup::of(&[Manner::SaysNotActive, Manner::Serves]).await;
    setup.believe(0, 1, 6);
    let client = setup.client();
    client.observe_active(setup.active(0, 5));
    assert_eq!(call(&client).await, 1);
}

#[tokio::test]
async fn a_call_that_hangs_moves_to_the_new_controller() {
    let setup = Setup::of(&[Manner::NeverAnswers, Manner::Serves]).await;
    let config = ControllerClientConfig {
        attempt_timeout: LIMIT,
        ..ControllerClientConfig::default()
    };
    let client = ControllerClient::with_config(setup.endpoints.clone(), config);
    client.observe_active(setup.active(0, 5));
    let calling = {
        let client = client.clone();
        tokio::spawn(async move { call(&client).await })
    };
    tokio::task::yield_now().await;
    client.observe_active(setup.active(1, 6));
    assert_eq!(calling.await.unwrap(), 1);
}

#[tokio::test]
async fn an_active_controller_that_is_not_heard_is_doubted() {
    let setup = Setup::of(&[Manner::NeverAnswers, Manner::Serves]).await;
    let client = setup.client();
    client.observe_active(setup.active(0, 5));
    setup.believe(1, 0, 5);
    let heard = watch::Sender::new(tokio::time::Instant::now());
    let receiver = heard.subscribe();
    let doubting = {
        let client = client.clone();
        tokio::spawn(async move { client.doubt_active(receiver, Duration::ZERO).await })
    };
    setup.believe(1, 1, 6);
    let mut active = client.active();
    let found = active.wait_for(|active| active.controller_id == 1);
    assert_eq!(
        *timeout(LIMIT, found).await.unwrap().unwrap(),
        setup.active(1, 6)
    );
    drop(heard);
    timeout(LIMIT, doubting).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_dead_controller_does_not_hold_up_the_search() {
    let mut setup = Setup::of(&[Manner::Serves, Manner::Serves]).await;
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    setup.endpoints[0].port = unused.local_addr().unwrap().port();
    drop(unused);
    setup.believe(1, 1, 6);
    let client = setup.client();
    client.observe_active(setup.active(0, 5));
    assert_eq!(call(&client).await, 1);
}

#[tokio::test]
async fn a_refusal_is_not_tried_again_and_a_deadline_is_kept() {
    let setup = Setup::of(&[Manner::Refuses]).await;
    setup.believe(0, 0, 1);
    let request = AllocateProducerIdsRequest::default();
    let refused = setup.client().allocate_producer_ids(request, LIMIT).await;
    assert!(matches!(refused, Err(CallError::Refused(_))), "{refused:?}");

    let setup = Setup::of(&[Manner::SaysNotActive]).await;
    let started = Instant::now();
    let timeout = Duration::from_millis(60);
    let timed_out = setup.client().allocate_producer_ids(request, timeout).await;
    assert!(matches!(timed_out, Err(CallError::TimedOut(_))));
    assert!(started.elapsed() >= timeout);
}
