//! One connection to one broker.
//!
//! Any number of tasks may ask at the same time. One task writes, one reads; answers find their question by
//! correlation id. When the connection ends, everything that waits fails with the same reason, and so does
//! everything asked later: a connection is never repaired, only replaced.

use crate::{chunks::Chunks, error::ClientError, versions::Versions};
use bytes::{Buf, Bytes, BytesMut};
use klamm_protocol::{
    ApiKey, Decoder, Message, Request, frame,
    messages::{
        api_versions_request::ApiVersionsRequest, api_versions_response::ApiVersionsResponse,
    },
};
use klamm_types::ErrorCode;
use std::{
    collections::HashMap,
    io,
    ops::RangeInclusive,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    sync::{OnceCell, OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::AbortHandle,
    time::timeout,
};

/// How many queued frames one gathered write takes at most.
const FRAMES_PER_WRITE: usize = 32;
/// What the reader asks the socket for at least, in bytes.
const READ_BYTES_MIN: usize = 16 * 1024;
/// What the reader sets aside at once for a frame that only claims to be longer, in bytes.
const READ_BYTES_MAX: usize = 4 << 20;
/// How often a host is asked whether it is there: the least that the system allows.
#[cfg(target_os = "linux")]
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Limits and names of a connection.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// What brokers see in their logs and quotas.
    pub client_id: Arc<str>,
    /// How long connecting may take; looking up a name has the limits of the system.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub request_timeout: Duration,
    /// How long the other host may leave unacknowledged, or not take, what was sent, as one does that is cut off; whether its
    /// process answers does not matter. A host that is only waited for is asked each second whether it is there. Without it the system
    /// tries for a quarter of an hour, ever less often, and is late even if the host comes back. In steps of milliseconds; Linux
    /// only.
    pub unacked_max: Option<Duration>,
    /// Requests without an answer; more wait for their turn.
    pub in_flight_max: usize,
    /// The longest answer in bytes.
    pub response_bytes_max: usize,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        ConnectionOptions {
            client_id: "klamm".into(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            unacked_max: None,
            in_flight_max: 64,
            response_bytes_max: 128 << 20,
        }
    }
}

/// A connection; dropping it ends it.
#[derive(Debug)]
pub struct Connection {
    shared: Arc<Shared>,
    options: ConnectionOptions,
    queue: mpsc::Sender<Vec<Bytes>>,
    in_flight: Arc<Semaphore>,
    versions: OnceCell<Versions>,
    tasks: [AbortHandle; 2],
}

#[derive(Debug)]
struct Shared {
    address: Arc<str>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next_correlation_id: i32,
    /// Questions without an answer. Those whose asker gave up stay until the answer comes, so that it is
    /// recognized, and keep their place among the requests in flight.
    waiting: HashMap<i32, Waiting>,
    closed: Option<ClientError>,
}

#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, reason: &str) {
        let mut state = self.lock();
        if state.closed.is_none() {
            let address = self.address.clone();
            state.closed = Some(ClientError::Closed {
                address,
                reason: reason.into(),
            });
        }
        // Dropping the senders tells the askers to look at `closed`.
        state.waiting.clear();
    }

    fn closed(&self) -> ClientError {
        let address = self.address.clone();
        let unexplained = || ClientError::Closed {
            address,
            reason: "dropped".into(),
        };
        self.lock().closed.clone().unwrap_or_else(unexplained)
    }
}

/// Tells the system [`ConnectionOptions::unacked_max`] (TCP_USER_TIMEOUT, RFC 5482). It says the same of the probes of a
/// connection on which nothing is under way.
fn limit_unacked(stream: &TcpStream, unacked_max: Option<Duration>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(limit) = unacked_max {
        use rustix::net::sockopt;
        // Zero would be the system's own.
        let ms = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX).max(1);
        sockopt::set_tcp_user_timeout(stream, ms)?;
        sockopt::set_tcp_keepidle(stream, PROBE_INTERVAL)?;
        sockopt::set_tcp_keepintvl(stream, PROBE_INTERVAL)?;
        sockopt::set_socket_keepalive(stream, true)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, unacked_max);
    Ok(())
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.close("dropped");
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// The address cannot be resolved or reached in time.
    pub async fn connect(
        address: &str,
        options: ConnectionOptions,
    ) -> Result<Connection, ClientError> {
        let failed = |reason: String| ClientError::Connect {
            address: address.into(),
            reason: reason.into(),
        };
        let found: Vec<_> = (lookup_host(address).await)
            .map_err(|error| failed(error.to_string()))?
            .collect();
        let stream = timeout(options.connect_timeout, TcpStream::connect(&found[..]))
            .await
            .map_err(|_| failed(format!("no answer within {:?}", options.connect_timeout)))?
            .map_err(|error| failed(error.to_string()))?;
        stream
            .set_nodelay(true)
            .and_then(|()| limit_unacked(&stream, options.unacked_max))
            .map_err(|error| failed(error.to_string()))?;
        let (reader, writer) = stream.into_split();
        Ok(Connection::over(address, reader, writer, options))
    }

    /// A connection over halves that are connected already; what the options say of connecting and hosts is the caller's.
    pub fn over(
        address: &str,
        reader: impl AsyncRead + Unpin + Send + 'static,
        writer: impl AsyncWrite + Unpin + Send + 'static,
        options: ConnectionOptions,
    ) -> Connection {
        let shared = Arc::new(Shared {
            address: address.into(),
            state: Mutex::default(),
        });
        let (queue, frames) = mpsc::channel(options.in_flight_max.max(1));
        let reading = read(shared.clone(), reader, options.response_bytes_max);
        let writing = write(shared.clone(), writer, frames);
        Connection {
            in_flight: Arc::new(Semaphore::new(options.in_flight_max.max(1))),
            tasks: [
                tokio::spawn(reading).abort_handle(),
                tokio::spawn(writing).abort_handle(),
            ],
            versions: OnceCell::new(),
            shared,
            options,
            queue,
        }
    }

    /// Host and port it was made with.
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    /// Whether it ended.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().closed.is_some()
    }

    /// Asks in `version` and waits for the answer.
    ///
    /// # Errors
    /// The request cannot be encoded, the connection ended, no answer came in time, or it makes no sense.
    pub async fn request<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, ClientError> {
        self.request_within(request, version, self.options.request_timeout)
            .await
    }

    /// Like [`Connection::request`] with a time limit of its own, for requests that wait at the broker.
    ///
    /// # Errors
    /// As [`Connection::request`].
    pub async fn request_within<R: Request>(
        &self,
        request: &R,
        version: i16,
        patience: Duration,
    ) -> Result<R::Response, ClientError> {
        let frame = self.exchange(request, version, patience).await?;
        decode::<R>(frame, version)
    }

    /// Asks in the highest version that both sides know.
    ///
    /// # Errors
    /// As [`Connection::request`], or there is no such version.
    pub async fn ask<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        let version = self.negotiate(R::KEY, R::KEY.served()).await?;
        self.request(request, version).await
    }

    /// Sends a request that has no answer (a produce request with acks=0).
    ///
    /// # Errors
    /// The request cannot be encoded or the connection ended.
    pub async fn send_unanswered<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<(), ClientError> {
        let correlation_id = self.correlation_id();
        let frame = self.encode(correlation_id, request, version)?;
        if self.is_closed() {
            return Err(self.shared.closed());
        }
        self.queue
            .send(frame)
            .await
            .map_err(|_| self.shared.closed())
    }

    /// The highest version of an API that the broker speaks and `ours` contains.
    ///
    /// # Errors
    /// There is none, or the broker does not say.
    pub async fn negotiate(
        &self,
        key: ApiKey,
        ours: RangeInclusive<i16>,
    ) -> Result<i16, ClientError> {
        let versions = self.versions().await?;
        versions
            .highest(key, ours)
            .ok_or(ClientError::UnsupportedVersion { api: key })
    }

    /// What the broker speaks; asked once.
    ///
    /// # Errors
    /// The broker does not say.
    pub async fn versions(&self) -> Result<&Versions, ClientError> {
        self.versions.get_or_try_init(|| self.ask_versions()).await
    }

    async fn ask_versions(&self) -> Result<Versions, ClientError> {
        let request = ApiVersionsRequest {
            client_software_name: "klamm".to_owned(),
            client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..ApiVersionsRequest::default()
        };
        let version = *ApiKey::ApiVersions.served().end();
        let frame = self
            .exchange(&request, version, self.options.request_timeout)
            .await?;
        // A broker that does not know this version answers in version 0 (KIP-511), which begins with the error
        // code just as every other version does.
        let unsupported =
            frame.get(4..6) == Some(&ErrorCode::UnsupportedVersion.code().to_be_bytes());
        let response: ApiVersionsResponse = if unsupported {
            let oldest: ApiVersionsResponse = decode::<ApiVersionsRequest>(frame, 0)?;
            let known = oldest
                .api_keys
                .iter()
                .find(|api| api.api_key == ApiVersionsRequest::API_KEY);
            let version = known.map_or(0, |api| api.max_version.min(version));
            self.request(&request, version).await?
        } else {
            decode::<ApiVersionsRequest>(frame, version)?
        };
        ClientError::check("ApiVersions", response.error_code, None)?;
        Ok(Versions::new(&response))
    }

    /// Sends a request and waits for the frame of its answer.
    async fn exchange<R: Request>(
        &self,
        request: &R,
        version: i16,
        patience: Duration,
    ) -> Result<Bytes, ClientError> {
        let answer = async {
            let place = self.in_flight.clone().acquire_owned().await;
            let place = place.map_err(|_| self.shared.closed())?;
            let correlation_id = self.correlation_id();
            let frame = self.encode(correlation_id, request, version)?;
            // From the registration on nothing may be awaited before the frame is queued: an asker that gives
            // up in between would leave a question that is never asked.
            let slot = self
                .queue
                .reserve()
                .await
                .map_err(|_| self.shared.closed())?;
            let answer = self.register(correlation_id, place)?;
            slot.send(frame);
            answer.await.map_err(|_| self.shared.closed())
        };
        match timeout(patience, answer).await {
            Ok(result) => result,
            Err(_) => Err(ClientError::Timeout {
                what: R::NAME,
                after: patience,
            }),
        }
    }

    fn correlation_id(&self) -> i32 {
        let mut state = self.shared.lock();
        let id = state.next_correlation_id;
        state.next_correlation_id = id.wrapping_add(1).max(0);
        id
    }

    fn encode<R: Request>(
        &self,
        correlation_id: i32,
        request: &R,
        version: i16,
    ) -> Result<Vec<Bytes>, ClientError> {
        frame::encode_request(
            correlation_id,
            Some(&self.options.client_id),
            version,
            request,
        )
        .map_err(|error| ClientError::Encode { api: R::KEY, error })
    }

    fn register(
        &self,
        correlation_id: i32,
        place: OwnedSemaphorePermit,
    ) -> Result<oneshot::Receiver<Bytes>, ClientError> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.shared.lock();
        if let Some(closed) = &state.closed {
            return Err(closed.clone());
        }
        state.waiting.insert(
            correlation_id,
            Waiting {
                answer: sender,
                _place: place,
            },
        );
        Ok(receiver)
    }
}

fn decode<R: Request>(frame: Bytes, version: i16) -> Result<R::Response, ClientError> {
    let mut d = Decoder::new(frame);
    frame::decode_response_header(&mut d, R::KEY, version)
        .and_then(|_| R::Response::decode(&mut d, version))
        .and_then(|response| d.finish().map(|()| response))
        .map_err(|error| ClientError::Decode { api: R::KEY, error })
}

async fn write(
    shared: Arc<Shared>,
    mut writer: impl AsyncWrite + Unpin,
    mut frames: mpsc::Receiver<Vec<Bytes>>,
) {
    let mut chunks = Chunks::default();
    let mut batch = Vec::with_capacity(FRAMES_PER_WRITE);
    while frames.recv_many(&mut batch, FRAMES_PER_WRITE).await > 0 {
        batch.drain(..).for_each(|frame| chunks.push(frame));
        if let Err(error) = writer.write_all_buf(&mut chunks).await {
            return shared.close(&error.to_string());
        }
    }
}

async fn read(shared: Arc<Shared>, mut reader: impl AsyncRead + Unpin, bytes_max: usize) {
    let mut buffer = BytesMut::new();
    loop {
        match next_frame(&mut reader, &mut buffer, bytes_max).await {
            Ok(frame) => {
                if let Err(reason) = deliver(&shared, frame) {
                    return shared.close(reason);
                }
            }
            Err(reason) => return shared.close(&reason),
        }
    }
}

/// Hands a frame to whoever waits for it.
fn deliver(shared: &Shared, frame: Bytes) -> Result<(), &'static str> {
    let Some(id) = frame.first_chunk() else {
        return Err("a response without correlation id");
    };
    let id = i32::from_be_bytes(*id);
    let Some(waiting) = shared.lock().waiting.remove(&id) else {
        return Err("a response that nobody asked for");
    };
    // The asker may have given up meanwhile; then nobody needs the answer.
    let _ = waiting.answer.send(frame);
    Ok(())
}

async fn next_frame(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    bytes_max: usize,
) -> Result<Bytes, String> {
    fill(reader, buffer, 4).await?;
    let size = buffer.get_i32();
    let size = usize::try_from(size).map_err(|_| format!("a response of {size} bytes"))?;
    if size > bytes_max {
        return Err(format!(
            "a response of {size} bytes exceeds the limit of {bytes_max}"
        ));
    }
    fill(reader, buffer, size).await?;
    Ok(buffer.split_to(size).freeze())
}

/// Reads until `buffer` holds `size` bytes or more.
async fn fill(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    size: usize,
) -> Result<(), String> {
    while buffer.len() < size {
        let missing = size - buffer.len();
        buffer.reserve(missing.clamp(READ_BYTES_MIN, READ_BYTES_MAX));
        match reader.read_buf(buffer).await {
            Ok(0) => return Err("the broker closed it".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}
