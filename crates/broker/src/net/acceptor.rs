//! Listening sockets.

use super::connection::{self, ConnectionInfo, NetLimits};
use crate::context::Context;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream, lookup_host},
    task::JoinSet,
};
use tracing::{debug, warn};

/// Pause after a failed accept, which mostly means that file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The host does not name an address of this machine.
    #[error("listener {listener}: cannot resolve {host}: {source}")]
    Resolve {
        /// Its name.
        listener: String,
        /// As configured.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// The address cannot be listened on; mostly another process does.
    #[error("listener {listener}: cannot listen on {address}: {source}")]
    Bind {
        /// Its name.
        listener: String,
        /// As resolved.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A bound listener that does not accept yet.
pub(crate) struct Acceptor {
    name: Arc<str>,
    listener: TcpListener,
    limits: NetLimits,
    per_ip_max: usize,
    connections_max: usize,
}

impl Acceptor {
    /// Binds a listener; an empty host means all addresses.
    pub(crate) async fn bind(
        name: &str,
        host: &str,
        port: u16,
        backlog: i32,
        limits: NetLimits,
    ) -> Result<Acceptor, BindError> {
        let address = resolve(name, host, port).await?;
        let listener = listen(address, backlog).map_err(|source| BindError::Bind {
            listener: name.to_owned(),
            address,
            source,
        })?;
        Ok(Acceptor {
            name: name.into(),
            listener,
            limits,
            per_ip_max: usize::MAX,
            connections_max: usize::MAX,
        })
    }

    /// Limits open connections, of one address and of all (`max.connections.per.ip`,
    /// `max.connections`).
    pub(crate) fn with_connection_limits(
        mut self,
        per_ip_max: usize,
        connections_max: usize,
    ) -> Self {
        self.per_ip_max = per_ip_max;
        self.connections_max = connections_max;
        self
    }

    /// The listener's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The address it is bound to.
    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Accepts and serves connections until this future is dropped, which closes them all.
    pub(crate) async fn run(self, context: Arc<Context>) {
        let mut connections = JoinSet::new();
        let open = Arc::new(OpenConnections::default());
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let (socket, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(listener = %self.name, %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(guard) = open.admit(peer.ip(), self.per_ip_max, self.connections_max) else {
                debug!(listener = %self.name, %peer, "too many connections");
                continue;
            };
            prepare(&socket);
            let info = Arc::new(ConnectionInfo {
                listener: Arc::clone(&self.name),
                peer,
            });
            let serving =
                connection::serve(socket, info, self.limits.clone(), Arc::clone(&context));
            connections.spawn(async move {
                serving.await;
                drop(guard);
            });
        }
    }
}

/// Counts open connections by address.
#[derive(Default)]
struct OpenConnections(Mutex<HashMap<IpAddr, usize>>);

/// One open connection.
struct OpenGuard {
    all: Arc<OpenConnections>,
    ip: IpAddr,
}

impl OpenConnections {
    fn admit(self: &Arc<Self>, ip: IpAddr, per_ip_max: usize, max: usize) -> Option<OpenGuard> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_ip = open.get(&ip).copied().unwrap_or(0);
        if of_ip >= per_ip_max || (max != usize::MAX && open.values().sum::<usize>() >= max) {
            return None;
        }
        open.insert(ip, of_ip + 1);
        Some(OpenGuard {
            all: Arc::clone(self),
            ip,
        })
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        let mut open = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.ip);
            }
        }
    }
}

async fn resolve(listener: &str, host: &str, port: u16) -> Result<SocketAddr, BindError> {
    let fail = |source| BindError::Resolve {
        listener: listener.to_owned(),
        host: host.to_owned(),
        source,
    };
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let mut addresses = lookup_host((host, port)).await.map_err(fail)?;
    addresses
        .next()
        .ok_or_else(|| fail(io::ErrorKind::AddrNotAvailable.into()))
}

fn listen(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restarted broker must get its port back although old connections linger in TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}

fn prepare(socket: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60));
    let set = socket
        .set_nodelay(true)
        .and_then(|()| SockRef::from(socket).set_tcp_keepalive(&keepalive));
    if let Err(error) = set {
        // The connection works without, just less well.
        debug!(%error, "cannot set socket options");
    }
}
