//! Listening sockets.

use super::{
    connection::{self, ConnectionInfo, NetLimits},
    open_connections::OpenConnections,
};
use crate::context::Context;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream, lookup_host},
    task::JoinSet,
    time::Instant,
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
    open: Arc<OpenConnections>,
    is_protected: bool,
}

impl Acceptor {
    /// Binds a listener; an empty host means all addresses.
    pub(crate) async fn bind(
        name: &str,
        host: &str,
        port: u16,
        backlog: i32,
        limits: NetLimits,
        open: Arc<OpenConnections>,
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
            open,
            is_protected: false,
        })
    }

    /// Lets the brokers in, whatever clients have taken up on other listeners.
    pub(crate) fn protected(mut self) -> Self {
        self.is_protected = true;
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
            let Some(guard) = self.open.admit(peer.ip(), self.is_protected) else {
                debug!(listener = %self.name, %peer, "too many connections");
                continue;
            };
            prepare(&socket);
            let info = Arc::new(ConnectionInfo {
                accepted: Instant::now(),
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
