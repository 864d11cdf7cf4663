//! One connection: pipelining, limits, endings.

#![allow(clippy::unwrap_used, reason = "tests")]

mod scripted_broker;

use klamm_client::{ClientError, Connection, ConnectionOptions};
use klamm_protocol::{
    ApiKey,
    messages::{
        AnyRequest, AnyResponse,
        api_versions_response::{ApiVersion, ApiVersionsResponse},
        heartbeat_request::HeartbeatRequest,
        heartbeat_response::HeartbeatResponse,
    },
};
use klamm_types::ErrorCode;
use scripted_broker::{Call, Reply, ScriptedBroker, encoded};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// Answers a heartbeat with its generation as throttle time, so that answers can be told apart.
fn echo(call: &Call) -> AnyResponse {
    let AnyRequest::Heartbeat(request) = &call.request else {
        return scripted_broker::api_versions();
    };
    AnyResponse::Heartbeat(Box::new(HeartbeatResponse {
        throttle_time_ms: request.generation_id,
        error_code: 0,
    }))
}

fn heartbeat(generation_id: i32) -> HeartbeatRequest {
    HeartbeatRequest {
        generation_id,
        ..HeartbeatRequest::default()
    }
}

async fn connect(broker: &ScriptedBroker, options: ConnectionOptions) -> Connection {
    Connection::connect(&broker.address.to_string(), options)
        .await
        .unwrap()
}

fn impatient() -> ConnectionOptions {
    ConnectionOptions {
        request_timeout: Duration::from_millis(50),
        ..Default::default()
    }
}

fn generation(call: &Call) -> i32 {
    match &call.request {
        AnyRequest::Heartbeat(request) => request.generation_id,
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn answers_find_their_question_whatever_their_order() {
    let broker = ScriptedBroker::start(|call| match generation(call) % 2 {
        1 => Reply::AfterNext(echo(call)),
        _ => Reply::Answer(echo(call)),
    })
    .await;
    let connection = Arc::new(connect(&broker, ConnectionOptions::default()).await);
    let ask = |generation: i32| {
        let connection = connection.clone();
        tokio::spawn(async move { connection.request(&heartbeat(generation), 4).await })
    };
    let (late, early) = (ask(1), ask(2));
    assert_eq!(late.await.unwrap().unwrap().throttle_time_ms, 1);
    assert_eq!(early.await.unwrap().unwrap().throttle_time_ms, 2);
}

#[tokio::test]
async fn a_closed_connection_fails_all_who_wait_and_all_who_come() {
    let broker = ScriptedBroker::start(|call| match generation(call) {
        3 => Reply::Close,
        _ => Reply::Silence,
    })
    .await;
    let connection = Arc::new(connect(&broker, ConnectionOptions::default()).await);
    let asked: Vec<_> = [1, 2, 3]
        .map(|generation| {
            let connection = connection.clone();
            tokio::spawn(async move { connection.request(&heartbeat(generation), 4).await })
        })
        .into_iter()
        .collect();
    for answer in asked {
        let error = answer.await.unwrap().unwrap_err();
        assert!(matches!(&error, ClientError::Closed { .. }), "{error}");
        assert!(error.is_retriable());
    }
    assert!(connection.is_closed());
    let error = connection.request(&heartbeat(4), 4).await.unwrap_err();
    assert!(matches!(error, ClientError::Closed { .. }), "{error}");
    let error = connection
        .send_unanswered(&heartbeat(4), 4)
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Closed { .. }), "{error}");
}

#[tokio::test]
async fn silence_ends_in_a_timeout_and_a_late_answer_harms_nobody() {
    let broker = ScriptedBroker::start(|call| match generation(call) {
        1 => Reply::AfterNext(echo(call)),
        _ => Reply::Answer(echo(call)),
    })
    .await;
    let connection = connect(&broker, impatient()).await;
    let error = connection.request(&heartbeat(1), 4).await.unwrap_err();
    let expected = ClientError::Timeout {
        what: "HeartbeatRequest",
        after: Duration::from_millis(50),
    };
    assert_eq!(error, expected);
    let patience = Duration::from_secs(10);
    for generation in [2, 3] {
        let answer = connection
            .request_within(&heartbeat(generation), 4, patience)
            .await
            .unwrap();
        assert_eq!(answer.throttle_time_ms, generation);
    }
}

#[tokio::test]
async fn requests_in_flight_are_bounded() {
    let broker = ScriptedBroker::start(|_| Reply::Silence).await;
    let options = ConnectionOptions {
        in_flight_max: 1,
        ..impatient()
    };
    let connection = connect(&broker, options).await;
    for generation in [1, 2, 3] {
        let error = connection
            .request(&heartbeat(generation), 4)
            .await
            .unwrap_err();
        assert!(matches!(error, ClientError::Timeout { .. }), "{error}");
    }
    while broker.calls(ApiKey::Heartbeat).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        broker.calls(ApiKey::Heartbeat).len(),
        1,
        "the others never had their turn"
    );
}

#[tokio::test]
async fn answers_beyond_the_limit_end_the_connection() {
    for size in [1025i32, -1] {
        let broker = ScriptedBroker::start(move |_| Reply::Raw(size.to_be_bytes().to_vec())).await;
        let options = ConnectionOptions {
            response_bytes_max: 1024,
            ..Default::default()
        };
        let connection = connect(&broker, options).await;
        let error = connection.request(&heartbeat(1), 4).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("a response of {size} bytes")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_ends_the_connection() {
    let broker = ScriptedBroker::start(|_| Reply::Raw(vec![0, 0, 0, 4, 0, 0, 9, 9])).await;
    let connection = connect(&broker, ConnectionOptions::default()).await;
    let error = connection.request(&heartbeat(1), 4).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("a response that nobody asked for"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_an_error() {
    let broker = ScriptedBroker::start(|_| Reply::Raw(vec![0, 0, 0, 5, 0, 0, 0, 0, 0])).await;
    let connection = connect(&broker, ConnectionOptions::default()).await;
    let error = connection.request(&heartbeat(1), 4).await.unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::Decode {
                api: ApiKey::Heartbeat,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.is_retriable());
}

#[tokio::test]
async fn versions_are_negotiated_once() {
    let broker = ScriptedBroker::start(|call| match call.request {
        AnyRequest::ApiVersions(_) => Reply::Silence,
        _ => Reply::Answer(echo(call)),
    })
    .await;
    let connection = connect(&broker, ConnectionOptions::default()).await;
    for generation in 1..4 {
        let answer = connection.ask(&heartbeat(generation)).await.unwrap();
        assert_eq!(answer.throttle_time_ms, generation);
    }
    assert_eq!(broker.calls(ApiKey::ApiVersions).len(), 1);
    assert!(
        broker
            .calls(ApiKey::Heartbeat)
            .iter()
            .all(|call| call.header.api_version == 4)
    );
    assert_eq!(connection.negotiate(ApiKey::Heartbeat, 0..=2).await, Ok(2));
    let unsupported = ClientError::UnsupportedVersion {
        api: ApiKey::UnregisterController,
    };
    assert_eq!(
        connection
            .negotiate(ApiKey::UnregisterController, 0..=0)
            .await,
        Err(unsupported)
    );
}

#[tokio::test]
async fn old_brokers_answer_api_versions_in_version_0() {
    let api = |api_key: ApiKey, max_version| ApiVersion {
        api_key: api_key.into(),
        min_version: 0,
        max_version,
    };
    let broker = ScriptedBroker::start(move |call| {
        let mut response = ApiVersionsResponse {
            api_keys: vec![api(ApiKey::ApiVersions, 2)],
            ..ApiVersionsResponse::default()
        };
        if call.header.api_version > 2 {
            response.error_code = ErrorCode::UnsupportedVersion.code();
            let mut header = call.header.clone();
            header.api_version = 0;
            let chunks = encoded(&header, &AnyResponse::ApiVersions(Box::new(response)));
            return Reply::Raw(chunks.concat());
        }
        response.api_keys.push(api(ApiKey::Heartbeat, 1));
        Reply::Answer(AnyResponse::ApiVersions(Box::new(response)))
    })
    .await;
    let connection = connect(&broker, ConnectionOptions::default()).await;
    assert_eq!(connection.negotiate(ApiKey::Heartbeat, 0..=4).await, Ok(1));
    let asked: Vec<i16> = broker
        .calls(ApiKey::ApiVersions)
        .iter()
        .map(|call| call.header.api_version)
        .collect();
    assert_eq!(asked, [4, 2]);
}

#[tokio::test]
async fn nobody_listening_is_a_connect_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = Connection::connect(&address, ConnectionOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Connect { .. }), "{error}");
    assert!(error.is_retriable());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_takes_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let options = ConnectionOptions {
        unacked_max: Some(Duration::from_millis(100)),
        ..ConnectionOptions::default()
    };
    let connection = Connection::connect(&address, options).await.unwrap();
    let request = HeartbeatRequest {
        member_id: "m".repeat(30_000),
        ..HeartbeatRequest::default()
    };
    // Nobody reads: sooner or later the buffers of both sockets are full.
    let sending = async {
        loop {
            if let Err(error) = connection.send_unanswered(&request, 4).await {
                return error;
            }
        }
    };
    let sent = tokio::time::timeout(Duration::from_secs(60), sending);
    let error = sent.await.unwrap();
    assert!(matches!(error, ClientError::Closed { .. }), "{error}");
}
