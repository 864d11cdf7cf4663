//! The few Kafka requests a harness needs, written and read by hand.
//!
//! Only fixed old versions, chosen because every broker of the last years serves them. Answers that do not parse are
//! errors, never panics: a node that is starting or dying may send anything.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long a question may take before its connection counts as broken: then another node is asked.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long creating a topic may take. Nobody else can be asked: the topic may be there by then.
const CREATE_TIMEOUT: Duration = Duration::from_secs(60);
/// No answer of a test cluster is longer.
const RESPONSE_BYTES_MAX: usize = 16 << 20;
/// Between two looks of [`wait_until`].
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The state of one partition as a broker tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionView {
    /// Topic name.
    pub topic: String,
    /// Partition index.
    pub partition: i32,
    /// Node id of the leader, -1 if there is none.
    pub leader: i32,
    /// All replicas, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Those in sync.
    pub isr: Vec<i32>,
}

/// The cluster as one broker tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterView {
    /// Node ids of the brokers that are alive (unfenced), in ascending order.
    pub brokers: Vec<i32>,
    /// Partitions of the topics asked for.
    pub partitions: Vec<PartitionView>,
}

/// One API's versions: key, lowest, highest.
pub type ApiRange = (i16, i16, i16);

/// Asks ApiVersions (version 0).
pub fn api_versions(address: SocketAddr) -> io::Result<Vec<ApiRange>> {
    let response = call(address, 18, 0, Header::V1, &[], REQUEST_TIMEOUT)?;
    let mut reader = Reader(&response);
    match reader.i16()? {
        0 => reader.array(|api| Ok((api.i16()?, api.i16()?, api.i16()?))),
        error => Err(invalid(format!("ApiVersions answers error {error}"))),
    }
}

/// Asks Metadata (version 4) about `topics`, without creating them; no names means no topic, only the brokers.
pub fn metadata(address: SocketAddr, topics: &[&str]) -> io::Result<ClusterView> {
    let mut request = Vec::new();
    put_length(&mut request, topics.len())?;
    for topic in topics {
        put_string(&mut request, topic)?;
    }
    request.push(0);
    let response = call(address, 3, 4, Header::V1, &request, REQUEST_TIMEOUT)?;
    let mut reader = Reader(&response);
    let _throttle_ms = reader.i32()?;
    let mut brokers = reader.array(read_broker)?;
    brokers.sort_unstable();
    let _cluster_id = reader.nullable_string()?;
    let _controller_id = reader.i32()?;
    let partitions = reader.array(read_topic)?.into_iter().flatten().collect();
    Ok(ClusterView {
        brokers,
        partitions,
    })
}

/// Asks CreateTopics (version 2); the answer's error code, 0 for a topic that is there now.
pub fn create_topic(
    address: SocketAddr,
    name: &str,
    partitions: i32,
    replicas: i16,
) -> io::Result<i16> {
    let (timeout_ms, no_assignments, no_configs, validate_only) = (30_000_i32, 0_i32, 0_i32, 0);
    let mut request = Vec::new();
    put_length(&mut request, 1)?;
    put_string(&mut request, name)?;
    request.extend_from_slice(&partitions.to_be_bytes());
    request.extend_from_slice(&replicas.to_be_bytes());
    request.extend_from_slice(&no_assignments.to_be_bytes());
    request.extend_from_slice(&no_configs.to_be_bytes());
    request.extend_from_slice(&timeout_ms.to_be_bytes());
    request.push(validate_only);
    let response = call(address, 19, 2, Header::V1, &request, CREATE_TIMEOUT)?;
    let mut reader = Reader(&response);
    let _throttle_ms = reader.i32()?;
    let results = reader.array(|topic| {
        let _name = topic.nullable_string()?;
        let error = topic.i16()?;
        let _message = topic.nullable_string()?;
        Ok(error)
    })?;
    results
        .first()
        .copied()
        .ok_or_else(|| invalid("CreateTopics answers nothing"))
}

/// Asks DescribeQuorum (version 0) for the node id of the active controller.
pub fn active_controller(address: SocketAddr) -> io::Result<i32> {
    let topic = "__cluster_metadata";
    let mut request = vec![2, 1 + u8::try_from(topic.len()).map_err(invalid)?];
    request.extend_from_slice(topic.as_bytes());
    request.extend_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0]);
    let response = call(address, 55, 0, Header::V2, &request, REQUEST_TIMEOUT)?;
    let mut reader = Reader(&response);
    let error = reader.i16()?;
    if error != 0 {
        return Err(invalid(format!("DescribeQuorum answers error {error}")));
    }
    let topics = reader.u8()?;
    let name_len = usize::from(reader.u8()?.saturating_sub(1));
    let _name = reader.take(name_len)?;
    let partitions = reader.u8()?;
    if (topics, partitions) != (2, 2) {
        return Err(invalid("DescribeQuorum answers another shape"));
    }
    let _partition = reader.i32()?;
    match (reader.i16()?, reader.i32()?) {
        (0, leader) if leader >= 0 => Ok(leader),
        (error, leader) => Err(invalid(format!("error {error}, controller {leader}"))),
    }
}

fn read_broker(reader: &mut Reader<'_>) -> io::Result<i32> {
    let id = reader.i32()?;
    let _host = reader.nullable_string()?;
    let _port = reader.i32()?;
    let _rack = reader.nullable_string()?;
    Ok(id)
}

fn read_topic(reader: &mut Reader<'_>) -> io::Result<Vec<PartitionView>> {
    let _error = reader.i16()?;
    let topic = reader.nullable_string()?.unwrap_or_default();
    let _internal = reader.u8()?;
    reader.array(|partition| {
        let _error = partition.i16()?;
        Ok(PartitionView {
            topic: topic.clone(),
            partition: partition.i32()?,
            leader: partition.i32()?,
            replicas: partition.array(Reader::i32)?,
            isr: partition.array(Reader::i32)?,
        })
    })
}

/// The two request headers in use: with and without tagged fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    V1,
    V2,
}

/// Sends one request over a connection of its own; returns the response's body.
fn call(
    address: SocketAddr,
    api: i16,
    version: i16,
    header: Header,
    body: &[u8],
    timeout: Duration,
) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let mut request = Vec::new();
    request.extend_from_slice(&api.to_be_bytes());
    request.extend_from_slice(&version.to_be_bytes());
    request.extend_from_slice(&7_i32.to_be_bytes());
    put_string(&mut request, "klamm-tests")?;
    if header == Header::V2 {
        request.push(0);
    }
    request.extend_from_slice(body);
    let mut frame = Vec::new();
    put_length(&mut frame, request.len())?;
    frame.extend_from_slice(&request);
    stream.write_all(&frame)?;

    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(i32::from_be_bytes(length)).map_err(invalid)?;
    if length > RESPONSE_BYTES_MAX {
        return Err(invalid(format!("a response of {length} bytes")));
    }
    let mut response = vec![0; length];
    stream.read_exact(&mut response)?;
    let header_bytes = if header == Header::V2 { 5 } else { 4 };
    match response.get(header_bytes..) {
        Some(body) => Ok(body.to_vec()),
        None => Err(invalid("a response without its header")),
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) -> io::Result<()> {
    out.extend_from_slice(&i32::try_from(length).map_err(invalid)?.to_be_bytes());
    Ok(())
}

fn put_string(out: &mut Vec<u8>, text: &str) -> io::Result<()> {
    out.extend_from_slice(&i16::try_from(text.len()).map_err(invalid)?.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn invalid(reason: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}

/// Reads big-endian fields off the front of a response.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> io::Result<&'a [u8]> {
        match self.0.split_at_checked(length) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => Err(invalid("a response that ends early")),
        }
    }

    fn fixed<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        self.take(N)?.try_into().map_err(invalid)
    }

    fn u8(&mut self) -> io::Result<u8> {
        Ok(u8::from_be_bytes(self.fixed()?))
    }

    fn i16(&mut self) -> io::Result<i16> {
        Ok(i16::from_be_bytes(self.fixed()?))
    }

    fn i32(&mut self) -> io::Result<i32> {
        Ok(i32::from_be_bytes(self.fixed()?))
    }

    fn nullable_string(&mut self) -> io::Result<Option<String>> {
        match self.i16()? {
            -1 => Ok(None),
            length => {
                let bytes = self.take(usize::try_from(length).map_err(invalid)?)?;
                Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
    }

    fn array<T>(&mut self, mut item: impl FnMut(&mut Self) -> io::Result<T>) -> io::Result<Vec<T>> {
        (0..self.i32()?).map(|_| item(self)).collect()
    }
}

/// Calls `look` until it returns something.
///
/// # Panics
/// After `timeout`, naming `what` was waited for and the last error.
pub fn wait_until<T>(
    what: &str,
    timeout: Duration,
    mut look: impl FnMut() -> io::Result<Option<T>>,
) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        let last = match look() {
            Ok(Some(found)) => return found,
            Ok(None) => "not yet".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(
            Instant::now() < deadline,
            "waited {timeout:?} in vain until {what}; at last: {last}"
        );
        std::thread::sleep(POLL_INTERVAL);
    }
}
