//! Asks a broker exactly what a test wants to ask, in exactly one version, and reads the answer to its last byte.

use bytes::Bytes;
use klamm_protocol::{
    ApiKey, Decoder, Message, Request, frame,
    messages::{
        describe_groups_request::DescribeGroupsRequest,
        find_coordinator_request::FindCoordinatorRequest,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    },
};
use klamm_records::BatchBuilder;
use klamm_tests::{Cluster, wait_until};
use klamm_types::ErrorCode;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, SystemTime},
};

/// How long an answer may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// No answer of these tests is longer.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A connection to one broker, one request at a time.
pub(crate) struct Asking {
    stream: TcpStream,
    client_id: String,
    correlation_id: i32,
}

impl Asking {
    /// Connects.
    pub(crate) fn connect(address: SocketAddr) -> Asking {
        Asking::connect_as(address, "klamm-it")
    }

    /// Connects as a client that calls itself `client_id`.
    pub(crate) fn connect_as(address: SocketAddr, client_id: &str) -> Asking {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("connect");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Asking {
            stream,
            client_id: client_id.to_owned(),
            correlation_id: 0,
        }
    }

    /// Connects to the leader of a partition, once it knows that it leads.
    pub(crate) fn leader(cluster: &Cluster, topic: &str, partition: i32) -> Asking {
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: topic.to_owned(),
                partitions: vec![ListOffsetsPartition {
                    partition_index: partition,
                    timestamp: -1,
                    ..Default::default()
                }],
            }],
            ..Default::default()
        };
        wait_until(&format!("{topic}-{partition} is led"), PATIENCE, || {
            let id = cluster.leader(topic, partition);
            let mut asking = Asking::connect(cluster.broker_address(id));
            let answer = asking.try_ask(&request, 1)?;
            let leads = answer.topics[0].partitions[0].error_code == 0;
            Ok(leads.then_some(asking))
        })
    }

    /// Connects to the coordinator of a group, once it serves.
    pub(crate) fn coordinator(cluster: &Cluster, group: &str) -> Asking {
        let request = FindCoordinatorRequest {
            coordinator_keys: vec![group.to_owned()],
            ..Default::default()
        };
        let id = wait_until(&format!("{group} has a coordinator"), PATIENCE, || {
            let answer = Asking::any(cluster).ask(&request, 4);
            let found = &answer.coordinators[0];
            // It has been named; that it is the coordinator it may still have to hear itself.
            let serves = found.error_code == 0 && serves_group(cluster, found.node_id, group);
            Ok(serves.then_some(found.node_id))
        });
        Asking::connect(cluster.broker_address(id))
    }

    /// Connects to the first broker.
    pub(crate) fn any(cluster: &Cluster) -> Asking {
        Asking::connect(cluster.broker_address(cluster.broker_ids()[0]))
    }

    /// Asks in `version`.
    ///
    /// # Panics
    /// If the answer does not come, does not decode, or has bytes left over.
    pub(crate) fn ask<Q: Request>(&mut self, request: &Q, version: i16) -> Q::Response {
        self.try_ask(request, version)
            .unwrap_or_else(|error| panic!("{} v{version}: {error}", Q::KEY))
    }

    /// Asks in `version`; what [`Asking::ask`] panics of is an error here.
    pub(crate) fn try_ask<Q: Request>(
        &mut self,
        request: &Q,
        version: i16,
    ) -> io::Result<Q::Response> {
        self.send(request, version)?;
        self.answer::<Q>(version)
    }

    /// Sends a request and does not wait for its answer.
    pub(crate) fn send<Q: Request>(&mut self, request: &Q, version: i16) -> io::Result<()> {
        self.correlation_id += 1;
        let client_id = Some(self.client_id.as_str());
        let chunks = frame::encode_request(self.correlation_id, client_id, version, request)
            .map_err(io::Error::other)?;
        self.send_bytes(&chunks.concat())
    }

    /// Sends bytes as they are.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads the answer to the last request.
    pub(crate) fn answer<Q: Request>(&mut self, version: i16) -> io::Result<Q::Response> {
        let answer = self.read_frame()?;
        let mut decoder = Decoder::new(answer);
        let correlation_id = frame::decode_response_header(&mut decoder, Q::KEY, version)
            .map_err(io::Error::other)?;
        if correlation_id != self.correlation_id {
            let message = format!("an answer to {correlation_id}, not {}", self.correlation_id);
            return Err(io::Error::other(message));
        }
        let answer = Q::Response::decode(&mut decoder, version).map_err(io::Error::other)?;
        decoder.finish().map_err(io::Error::other)?;
        Ok(answer)
    }

    /// Reads one frame without its length.
    pub(crate) fn read_frame(&mut self) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length)).map_err(io::Error::other)?;
        if length > ANSWER_BYTES_MAX {
            return Err(io::Error::other(format!("an answer of {length} bytes")));
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok(answer.into())
    }

    /// Waits until the broker closes the connection.
    ///
    /// # Panics
    /// If it says something first.
    pub(crate) fn expect_close(&mut self) {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            other => panic!("the connection is not closed: {other:?}"),
        }
    }
}

fn serves_group(cluster: &Cluster, id: i32, group: &str) -> bool {
    let request = DescribeGroupsRequest {
        groups: vec![group.to_owned()],
        ..Default::default()
    };
    let answer = Asking::connect(cluster.broker_address(id)).ask(&request, 0);
    answer.groups[0].error_code == 0
}

/// The code of an answer, by name in messages of failing tests.
#[track_caller]
pub(crate) fn assert_code(what: &str, code: i16, expected: ErrorCode) {
    let name = ErrorCode::from_code(code).map_or("an unknown code", ErrorCode::name);
    assert_eq!(
        code,
        expected.code(),
        "{what}: {name}, not {}",
        expected.name()
    );
}

/// A batch of records without keys.
pub(crate) fn batch(values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new(0);
    for value in values {
        builder.append(now_ms(), None, Some(value.as_bytes()), &[]);
    }
    builder.build().unwrap()
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_millis()).unwrap()
}

/// A name that nobody else uses, also in a cluster that outlives the tests.
pub(crate) fn fresh(name: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{}-{count}", std::process::id())
}

/// The versions that are really served: Produce claims to begin at 0 and does not (KAFKA-18659).
pub(crate) fn served_from(key: ApiKey, advertised_min: i16) -> i16 {
    if key == ApiKey::Produce {
        3
    } else {
        advertised_min
    }
}
