//! How channels and servers of the control plane are set up.
//!
//! A connection that a partition cut would hang for minutes without keepalive, and small
//! messages would wait for each other without `TCP_NODELAY`.

use std::time::Duration;
use tonic::transport::{Channel, Endpoint, Server};

/// The largest message that either side takes or sends: a snapshot of some 100,000 partitions.
pub const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// Bytes in flight for one connection; more than a stream may have, so that one slow snapshot
/// does not hold up heartbeats on the same connection.
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// Bytes in flight for one stream.
const STREAM_WINDOW_BYTES: u32 = 2 << 20;

/// The timings of one channel.
#[derive(Clone, Debug)]
pub struct ChannelConfig {
    /// How long a TCP connection may take to open.
    pub connect_timeout: Duration,
    /// How often a ping asks whether the other end is still there.
    pub keepalive_interval: Duration,
    /// How long its answer may take; then the connection is closed.
    pub keepalive_timeout: Duration,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        ChannelConfig {
            connect_timeout: Duration::from_secs(1),
            keepalive_interval: Duration::from_millis(500),
            keepalive_timeout: Duration::from_millis(1500),
        }
    }
}

/// The text is not `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not host:port")]
pub struct InvalidEndpoint(pub String);

/// A channel to `endpoint` (`host:port`). It connects at the first call and reconnects by itself.
///
/// # Errors
/// The text is not `host:port`.
pub fn channel(endpoint: &str, config: &ChannelConfig) -> Result<Channel, InvalidEndpoint> {
    let uri = format!("http://{endpoint}");
    let endpoint = Endpoint::from_shared(uri)
        .map_err(|_| InvalidEndpoint(endpoint.to_owned()))?
        .connect_timeout(config.connect_timeout)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(config.keepalive_interval)
        .keep_alive_timeout(config.keepalive_timeout)
        .keep_alive_while_idle(true)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES);
    Ok(endpoint.connect_lazy())
}

/// A server with the same care: pings that notice a dead peer, no delay, bounded windows.
pub fn server() -> Server {
    /// Streams of one connection: heartbeats, the metadata stream, and calls in flight.
    const CONCURRENT_STREAMS_MAX: u32 = 256;
    /// A peer that has not opened HTTP/2 by then is not one of ours; and pings of live peers.
    const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
    const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);
    Server::builder()
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(CONCURRENT_STREAMS_MAX)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
}
