//! A broker that answers as a test says, over a real socket.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "shared by tests"
)]

use bytes::{Bytes, BytesMut};
use klamm_protocol::{
    ApiKey, Decoder, Encoder,
    frame::{self, RequestHeader},
    messages::{
        AnyRequest, AnyResponse,
        api_versions_response::{ApiVersion, ApiVersionsResponse},
        metadata_response::{
            MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
            MetadataResponseTopic,
        },
    },
};
use klamm_types::Uuid;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the broker does with a request.
pub(crate) enum Reply {
    /// Answers.
    Answer(AnyResponse),
    /// Sends bytes as they are, the size included.
    Raw(Vec<u8>),
    /// Never answers.
    Silence,
    /// Answers only after the next request was answered.
    AfterNext(AnyResponse),
    /// Closes the connection.
    Close,
}

impl From<AnyResponse> for Reply {
    fn from(response: AnyResponse) -> Reply {
        Reply::Answer(response)
    }
}

/// A request as the broker got it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) header: RequestHeader,
    pub(crate) request: AnyRequest,
}

pub(crate) type Script = dyn Fn(&Call) -> Reply + Send + Sync;

/// A running broker.
pub(crate) struct ScriptedBroker {
    pub(crate) address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    task: tokio::task::JoinHandle<()>,
}

impl ScriptedBroker {
    /// Answers ApiVersions by itself and everything else as `script` says.
    pub(crate) async fn start(
        script: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> ScriptedBroker {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        ScriptedBroker::over(listener, script)
    }

    pub(crate) fn over(
        listener: TcpListener,
        script: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> ScriptedBroker {
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (script, log): (Arc<Script>, _) = (Arc::new(script), calls.clone());
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, script.clone(), log.clone()));
            }
        });
        ScriptedBroker {
            address,
            calls,
            task,
        }
    }

    /// All requests of an API so far.
    pub(crate) fn calls(&self, key: ApiKey) -> Vec<Call> {
        let calls = self.calls.lock().unwrap();
        calls
            .iter()
            .filter(|call| call.request.key() == key)
            .cloned()
            .collect()
    }
}

impl Drop for ScriptedBroker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Script>, log: Arc<Mutex<Vec<Call>>>) {
    let mut held_back: Option<(RequestHeader, AnyResponse)> = None;
    while let Some(call) = read_call(&mut stream).await {
        log.lock().unwrap().push(call.clone());
        let reply = match script(&call) {
            Reply::Silence if call.request.key() == ApiKey::ApiVersions => {
                Reply::Answer(api_versions())
            }
            reply => reply,
        };
        match reply {
            Reply::Silence => {}
            Reply::Close => return,
            Reply::Raw(bytes) => stream.write_all(&bytes).await.unwrap(),
            Reply::AfterNext(response) => held_back = Some((call.header, response)),
            Reply::Answer(response) => {
                write_response(&mut stream, &call.header, &response).await;
                if let Some((header, response)) = held_back.take() {
                    write_response(&mut stream, &header, &response).await;
                }
            }
        }
    }
}

async fn read_call(stream: &mut TcpStream) -> Option<Call> {
    let size = stream.read_i32().await.ok()?;
    let mut frame = BytesMut::zeroed(size as usize);
    stream.read_exact(&mut frame).await.ok()?;
    let mut d = Decoder::new(frame.freeze());
    let header = frame::decode_request_header(&mut d).unwrap();
    let key = ApiKey::try_from(header.api_key).unwrap();
    let request = AnyRequest::decode(key, header.api_version, &mut d).unwrap();
    d.finish().unwrap();
    Some(Call { header, request })
}

pub(crate) fn encoded(header: &RequestHeader, response: &AnyResponse) -> Vec<Bytes> {
    let mut e = Encoder::framed();
    let (key, version) = (response.key(), header.api_version);
    frame::response_header(&mut e, header.correlation_id, key, version).unwrap();
    response
        .encode(&mut e, version)
        .expect("a response that the version can carry");
    e.finish_framed().unwrap()
}

async fn write_response(stream: &mut TcpStream, header: &RequestHeader, response: &AnyResponse) {
    for chunk in encoded(header, response) {
        // The client may have gone.
        let _ = stream.write_all(&chunk).await;
    }
}

/// Everything that Kafka 4.3 serves.
pub(crate) fn api_versions() -> AnyResponse {
    let api = |key: &ApiKey| ApiVersion {
        api_key: (*key).into(),
        min_version: *key.served().start(),
        max_version: *key.served().end(),
    };
    AnyResponse::ApiVersions(Box::new(ApiVersionsResponse {
        api_keys: ApiKey::ALL
            .iter()
            .filter(|key| !key.served().is_empty())
            .map(api)
            .collect(),
        ..ApiVersionsResponse::default()
    }))
}

/// A cluster with one topic `t`, whose partitions are led by the given brokers.
pub(crate) fn metadata(brokers: &[(i32, SocketAddr)], leaders: &[i32]) -> AnyResponse {
    metadata_in_epoch(brokers, leaders, 5)
}

/// The same, with the epoch of the leaders.
pub(crate) fn metadata_in_epoch(
    brokers: &[(i32, SocketAddr)],
    leaders: &[i32],
    leader_epoch: i32,
) -> AnyResponse {
    let broker = |(id, address): &(i32, SocketAddr)| MetadataResponseBroker {
        node_id: *id,
        host: address.ip().to_string(),
        port: i32::from(address.port()),
        rack: None,
    };
    let partition = |(index, leader): (i32, &i32)| MetadataResponsePartition {
        partition_index: index,
        leader_id: *leader,
        leader_epoch,
        replica_nodes: vec![1, 2],
        isr_nodes: vec![1, 2],
        ..MetadataResponsePartition::default()
    };
    AnyResponse::Metadata(Box::new(MetadataResponse {
        brokers: brokers.iter().map(broker).collect(),
        controller_id: brokers.first().map_or(-1, |(id, _)| *id),
        topics: vec![MetadataResponseTopic {
            name: Some("t".to_owned()),
            topic_id: TOPIC_ID,
            partitions: (0..).zip(leaders).map(partition).collect(),
            ..MetadataResponseTopic::default()
        }],
        ..MetadataResponse::default()
    }))
}

pub(crate) const TOPIC_ID: Uuid = Uuid([9; 16]);
