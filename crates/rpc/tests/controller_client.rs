//! How the client finds the active controller and stays with it.
#![allow(clippy::unwrap_used)]

use klamm_rpc::{
    ActiveController, CallError, ControllerClient, ControllerClientConfig, ControllerEndpoint,
    controller::AllocateProducerIdsRequest,
    testing::{FakeController, Manner},
};
use std::time::{Duration, Instant};
use tokio::{net::TcpListener, sync::watch, time::timeout};

const LIMIT: Duration = Duration::from_secs(20);

/// Controllers 0, 1, … of those manners, and a client of them all.
struct Setup {
    endpoints: Vec<ControllerEndpoint>,
    fakes: Vec<FakeController>,
}

impl Setup {
    async fn of(manners: &[Manner]) -> Setup {
        let mut fakes = Vec::new();
        for (id, manner) in (0..).zip(manners) {
            fakes.push(FakeController::with_manner(id, *manner).await.unwrap().0);
        }
        let endpoints = fakes.iter().map(|fake| fake.endpoint().clone()).collect();
        Setup { endpoints, fakes }
    }

    fn active(&self, id: usize, controller_epoch: i32) -> ActiveController {
        self.fakes[id].as_active(controller_epoch)
    }

    /// Makes a controller believe that `id` is active.
    fn believe(&self, who: usize, id: usize, epoch: i32) {
        self.fakes[who].believe(self.active(id, epoch));
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
    client.observe_active(ActiveController {
        endpoint: setup.endpoints[0].address(),
        ..setup.active(0, 5)
    });
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
