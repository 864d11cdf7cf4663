//! The listeners of a broker: opening them, and what is registered for others to connect to.

use crate::net::{Acceptor, BindError, MemoryBudget, NetLimits, OpenConnections};
use klamm_config::{Listener, NetworkSettings};
use klamm_metadata::Listener as RegisteredListener;
use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

/// Memory that requests may hold where `queued.max.request.bytes` sets no limit, unless the
/// largest request alone is larger.
const REQUEST_BYTES_MAX_DEFAULT: usize = 512 << 20;

/// Opens every listener.
///
/// # Errors
/// An address is not to be had.
pub(crate) async fn bind(network: &NetworkSettings) -> Result<Vec<Acceptor>, BindError> {
    let idle_ms = network.connections_max_idle_ms;
    let frame_bytes_max = usize::try_from(network.socket_request_max_bytes).unwrap_or(0);
    let budget = match usize::try_from(network.queued_max_request_bytes) {
        Ok(bytes) if bytes > 0 => bytes,
        _ => frame_bytes_max.max(REQUEST_BYTES_MAX_DEFAULT),
    };
    let limits = NetLimits {
        frame_bytes_max,
        idle_max: if idle_ms < 0 {
            Duration::MAX
        } else {
            Duration::from_millis(idle_ms.unsigned_abs())
        },
        budget: MemoryBudget::new(budget),
    };
    let open = Arc::new(OpenConnections::new(
        count(network.max_connections),
        count(network.max_connections_per_ip),
    ));
    let has_listeners = network.broker_listeners.len() > 1;
    let mut acceptors = Vec::new();
    for Listener { name, host, port } in &network.broker_listeners {
        let backlog = network.socket_listen_backlog_size;
        let (limits, open) = (limits.clone(), Arc::clone(&open));
        let acceptor = Acceptor::bind(name, host, *port, backlog, limits, open).await?;
        // Brokers come in by their own listener, if they have one.
        let is_protected = has_listeners && *name == network.inter_broker_listener_name;
        acceptors.push(match is_protected {
            true => acceptor.protected(),
            false => acceptor,
        });
    }
    Ok(acceptors)
}

/// The names of the listeners, and the addresses that they are bound to.
pub(crate) fn local_addresses(acceptors: &[Acceptor]) -> io::Result<Vec<(String, SocketAddr)>> {
    acceptors
        .iter()
        .map(|acceptor| {
            let address = acceptor.local_address()?;
            Ok((acceptor.name().to_owned(), address))
        })
        .collect()
}

/// What is registered for others to connect to: this machine's name and the bound port stand in
/// for what the configuration leaves open.
pub(crate) fn advertised(
    network: &NetworkSettings,
    bound: &[(String, SocketAddr)],
) -> Vec<RegisteredListener> {
    let port_of = |name: &str| {
        bound
            .iter()
            .find(|(n, _)| n == name)
            .map_or(0, |(_, a)| a.port())
    };
    network
        .advertised_listeners
        .iter()
        .map(|listener| RegisteredListener {
            name: listener.name.clone(),
            host: if listener.host.is_empty() {
                host_name()
            } else {
                listener.host.clone()
            },
            port: if listener.port == 0 {
                port_of(&listener.name)
            } else {
                listener.port
            },
            // PLAINTEXT: the only one that is served.
            security_protocol: 0,
        })
        .collect()
}

/// The name of this machine, or localhost if it has none.
fn host_name() -> String {
    let name = std::fs::read_to_string(Path::new("/proc/sys/kernel/hostname"));
    let name = name.unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name
    }
}

/// A limit on a count; Kafka's largest int stands for "none".
fn count(limit: i32) -> usize {
    match limit {
        i32::MAX => usize::MAX,
        limit => usize::try_from(limit).unwrap_or(0),
    }
}
