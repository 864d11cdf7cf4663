//! Rules that span several settings, as Kafka 4.3 enforces them when a server starts.

use crate::{
    error::{ConfigError, Warning},
    listener::{self, Listener},
    quorum_rules,
    server_config::{ProcessRoles, Values},
    server_settings::NetworkSettings,
};
use klamm_types::BrokerId;
use std::path::PathBuf;

/// Who a server is.
pub(crate) struct Identity {
    pub(crate) node_id: BrokerId,
    pub(crate) roles: ProcessRoles,
}

/// Reads `process.roles` and `node.id`, for which `broker.id` is an older name.
pub(crate) fn identity(values: &Values<'_>) -> Result<Identity, ConfigError> {
    let roles = ProcessRoles {
        broker: values.list("process.roles").any(|role| role == "broker"),
        controller: values
            .list("process.roles")
            .any(|role| role == "controller"),
    };
    if !roles.broker && !roles.controller {
        return Err(ConfigError::Missing {
            key: "process.roles",
            needed: "it must be broker, controller, or broker,controller".to_owned(),
        });
    }
    let node_id = match (values.given("node.id"), values.given("broker.id")) {
        (Some(node), Some(broker)) if node != broker => {
            return Err(ConfigError::Conflict {
                key: "broker.id",
                value: broker.to_owned(),
                other_key: "node.id",
                other_value: node.to_owned(),
                allowed: "both name the same id; leave broker.id out".to_owned(),
            });
        }
        (Some(_), _) => values.number("node.id")?,
        (None, Some(_)) => values.number("broker.id")?,
        (None, None) => -1,
    };
    if node_id < 0 {
        return Err(ConfigError::Missing {
            key: "node.id",
            needed: "it must be a whole number from 0 that no other node has".to_owned(),
        });
    }
    Ok(Identity {
        node_id: BrokerId(node_id),
        roles,
    })
}

/// Reads the listeners and sorts them into those of the broker and those of the quorum.
pub(crate) fn network(
    values: &Values<'_>,
    roles: ProcessRoles,
    warnings: &mut Vec<Warning>,
) -> Result<NetworkSettings, ConfigError> {
    let controller_listener_names: Vec<String> = values
        .list("controller.listener.names")
        .map(str::to_ascii_uppercase)
        .collect();
    if controller_listener_names.is_empty() {
        return Err(ConfigError::Missing {
            key: "controller.listener.names",
            needed: "it must name the listener of the controllers, such as CONTROLLER".to_owned(),
        });
    }
    let text = values.text("listeners").unwrap_or_default();
    let listeners = listener::parse_listeners("listeners", text)?;
    listener::refuse_shared_ports("listeners", text, &listeners)?;
    check_protocols(values, &listeners, &controller_listener_names)?;
    let (controller_listeners, broker_listeners): (Vec<_>, Vec<_>) = listeners
        .into_iter()
        .partition(|listener| controller_listener_names.contains(&listener.name));
    check_roles(
        roles,
        text,
        &broker_listeners,
        &controller_listeners,
        &controller_listener_names,
    )?;
    let advertised_controller_listener =
        quorum_rules::advertised_controller(values, &controller_listeners)?;
    let mut advertised_listeners = Vec::new();
    let mut inter_broker_listener_name = String::new();
    if roles.broker {
        advertised_listeners = advertised(values, &broker_listeners, &controller_listener_names)?;
        inter_broker_listener_name = inter_broker(values, &advertised_listeners)?;
        if !roles.controller && controller_listener_names.len() > 1 {
            warnings.push(Warning {
                key: "controller.listener.names".to_owned(),
                message: "a broker uses only the first name".to_owned(),
            });
        }
    }
    Ok(NetworkSettings {
        broker_listeners,
        advertised_listeners,
        inter_broker_listener_name,
        advertised_controller_listener,
        controller_listeners,
        controller_listener_names,
        socket_send_buffer_bytes: values.number("socket.send.buffer.bytes")?,
        socket_receive_buffer_bytes: values.number("socket.receive.buffer.bytes")?,
        socket_request_max_bytes: values.number("socket.request.max.bytes")?,
        socket_listen_backlog_size: values.number("socket.listen.backlog.size")?,
        max_connections: values.number("max.connections")?,
        max_connections_per_ip: values.number("max.connections.per.ip")?,
        connections_max_idle_ms: values.number("connections.max.idle.ms")?,
        queued_max_requests: values.number("queued.max.requests")?,
        queued_max_request_bytes: values.number("queued.max.request.bytes")?,
        request_timeout_ms: values.number("request.timeout.ms")?,
        fetch_max_bytes: values.number("fetch.max.bytes")?,
        fetch_session_cache_slots: values.number("max.incremental.fetch.session.cache.slots")?,
        max_request_partition_size_limit: values.number("max.request.partition.size.limit")?,
        controlled_shutdown_enable: values.flag("controlled.shutdown.enable"),
    })
}

/// Every listener needs a security protocol, and only PLAINTEXT is served so far.
fn check_protocols(
    values: &Values<'_>,
    listeners: &[Listener],
    controller_names: &[String],
) -> Result<(), ConfigError> {
    const KEY: &str = "listener.security.protocol.map";
    let given = values.given(KEY);
    let text = values.text(KEY).unwrap_or_default();
    let mut map = listener::parse_protocol_map(KEY, text)?;
    if given.is_none() {
        for name in controller_names {
            map.entry(name.clone())
                .or_insert_with(|| "PLAINTEXT".to_owned());
        }
    }
    for name in listeners.iter().map(|l| &l.name).chain(controller_names) {
        match map.get(name).map(String::as_str) {
            Some("PLAINTEXT") => {}
            Some(protocol) => {
                let allowed = format!(
                    "listener {name} has the security protocol {protocol}; only PLAINTEXT is served so far"
                );
                return Err(ConfigError::invalid(KEY, text, allowed));
            }
            None => {
                let allowed = format!(
                    "it must give the security protocol of listener {name}, such as {name}:PLAINTEXT"
                );
                return Err(ConfigError::invalid(KEY, text, allowed));
            }
        }
    }
    Ok(())
}

/// Which listeners a role needs and which it must not have.
fn check_roles(
    roles: ProcessRoles,
    listeners: &str,
    broker_listeners: &[Listener],
    controller_listeners: &[Listener],
    controller_names: &[String],
) -> Result<(), ConfigError> {
    let names = controller_names.join(",");
    let conflict = |allowed: &str| {
        Err(ConfigError::Conflict {
            key: "listeners",
            value: listeners.to_owned(),
            other_key: "controller.listener.names",
            other_value: names.clone(),
            allowed: allowed.to_owned(),
        })
    };
    if roles.controller && controller_listeners.len() != controller_names.len() {
        return conflict("a controller must listen on each of controller.listener.names");
    }
    if !roles.controller && !controller_listeners.is_empty() {
        return conflict(
            "a node with only the broker role must not listen on controller.listener.names",
        );
    }
    if !roles.broker && !broker_listeners.is_empty() {
        return conflict("a node with only the controller role must listen on nothing else");
    }
    if roles.broker && broker_listeners.is_empty() {
        return conflict("a broker needs a listener besides those of the controllers");
    }
    Ok(())
}

/// What brokers advertise: `advertised.listeners` without the controllers', or their listeners.
fn advertised(
    values: &Values<'_>,
    broker_listeners: &[Listener],
    controller_names: &[String],
) -> Result<Vec<Listener>, ConfigError> {
    const KEY: &str = "advertised.listeners";
    let given = values.given(KEY).filter(|text| !text.is_empty());
    let (key, text) = match given {
        Some(text) => (KEY, text),
        None => ("listeners", values.text("listeners").unwrap_or_default()),
    };
    let mut advertised = listener::parse_listeners(key, text)?;
    advertised.retain(|listener| !controller_names.contains(&listener.name));
    let known = |name: &String| {
        broker_listeners
            .iter()
            .any(|listener| listener.name == *name)
    };
    if let Some(stranger) = advertised.iter().find(|listener| !known(&listener.name)) {
        let names: Vec<&str> = broker_listeners.iter().map(|l| l.name.as_str()).collect();
        let allowed = format!(
            "{} is not one of the listeners: {}",
            stranger.name,
            names.join(", ")
        );
        return Err(ConfigError::invalid(key, text, allowed));
    }
    if advertised.is_empty() {
        return Err(ConfigError::invalid(
            key,
            text,
            "a broker must advertise at least one listener",
        ));
    }
    if advertised
        .iter()
        .any(|l| l.host == "0.0.0.0" || l.host == "::")
    {
        let allowed = "nobody can connect to 0.0.0.0; advertised.listeners must give a host that clients reach";
        return Err(ConfigError::invalid(key, text, allowed));
    }
    Ok(advertised)
}

/// The listener that brokers use among themselves.
fn inter_broker(values: &Values<'_>, advertised: &[Listener]) -> Result<String, ConfigError> {
    const KEY: &str = "inter.broker.listener.name";
    const PROTOCOL_KEY: &str = "security.inter.broker.protocol";
    let (key, name) = match (values.given(KEY), values.given(PROTOCOL_KEY)) {
        (Some(name), Some(protocol)) => {
            return Err(ConfigError::Conflict {
                key: KEY,
                value: name.to_owned(),
                other_key: PROTOCOL_KEY,
                other_value: protocol.to_owned(),
                allowed: "only one of them may be set".to_owned(),
            });
        }
        (Some(name), None) => (KEY, name),
        _ => (PROTOCOL_KEY, values.text(PROTOCOL_KEY).unwrap_or_default()),
    };
    let upper = name.to_ascii_uppercase();
    if advertised.iter().any(|listener| listener.name == upper) {
        return Ok(upper);
    }
    let names: Vec<&str> = advertised.iter().map(|l| l.name.as_str()).collect();
    let allowed = format!(
        "{KEY} must be one of the advertised listeners: {}",
        names.join(", ")
    );
    Err(ConfigError::invalid(key, name, allowed))
}

/// The heartbeat interval and the session timeout of brokers, in ms. A session outlives two
/// heartbeats at least; if only one of them is set, the other follows as far as it must.
pub(crate) fn liveness(values: &Values<'_>) -> Result<(i32, i32), ConfigError> {
    const KEY: &str = "broker.heartbeat.interval.ms";
    const SESSION_KEY: &str = "broker.session.timeout.ms";
    /// Heartbeats that a session outlives if the owner has set only one of the two.
    const HEARTBEATS: i32 = 4;
    let mut heartbeat_ms: i32 = values.number(KEY)?;
    let mut session_ms: i32 = values.number(SESSION_KEY)?;
    for (key, value) in [(KEY, heartbeat_ms), (SESSION_KEY, session_ms)] {
        if value < 1 {
            return Err(ConfigError::invalid(
                key,
                value.to_string(),
                "it must be at least 1",
            ));
        }
    }
    match (values.given(KEY), values.given(SESSION_KEY)) {
        (Some(_), None) => session_ms = session_ms.max(heartbeat_ms.saturating_mul(HEARTBEATS)),
        (None, Some(_)) => heartbeat_ms = heartbeat_ms.min((session_ms / HEARTBEATS).max(1)),
        _ => {}
    }
    if i64::from(heartbeat_ms) * 2 > i64::from(session_ms) {
        return Err(ConfigError::Conflict {
            key: KEY,
            value: heartbeat_ms.to_string(),
            other_key: SESSION_KEY,
            other_value: session_ms.to_string(),
            allowed: "the interval must be at most half of the session timeout".to_owned(),
        });
    }
    Ok((heartbeat_ms, session_ms))
}

/// The log directories and the directory of the metadata log.
pub(crate) fn directories(values: &Values<'_>) -> Result<(Vec<PathBuf>, PathBuf), ConfigError> {
    let key = if values.given("log.dirs").is_some() {
        "log.dirs"
    } else {
        "log.dir"
    };
    let mut dirs: Vec<PathBuf> = Vec::new();
    for dir in values.list(key).map(PathBuf::from) {
        if dirs.contains(&dir) {
            let text = values.text(key).unwrap_or_default();
            let allowed = format!("{} stands there twice", dir.display());
            return Err(ConfigError::invalid(key, text, allowed));
        }
        dirs.push(dir);
    }
    let Some(first) = dirs.first().cloned() else {
        return Err(ConfigError::Missing {
            key: "log.dirs",
            needed: "it must name at least one directory".to_owned(),
        });
    };
    let metadata_log_dir = values
        .given("metadata.log.dir")
        .filter(|dir| !dir.is_empty())
        .map_or(first, PathBuf::from);
    Ok((dirs, metadata_log_dir))
}

/// Numbers that bound each other.
pub(crate) fn check_numbers(values: &Values<'_>) -> Result<(), ConfigError> {
    let at_most = |key: &'static str, other_key: &'static str| {
        let (value, other): (i64, i64) = (values.number(key)?, values.number(other_key)?);
        if value <= other {
            return Ok(());
        }
        Err(ConfigError::Conflict {
            key,
            value: value.to_string(),
            other_key,
            other_value: other.to_string(),
            allowed: format!("{key} must be at most {other_key}"),
        })
    };
    at_most("replica.fetch.wait.max.ms", "replica.socket.timeout.ms")?;
    at_most("replica.fetch.wait.max.ms", "replica.lag.time.max.ms")?;
    at_most(
        "group.min.session.timeout.ms",
        "group.max.session.timeout.ms",
    )?;
    if values.number::<i64>("queued.max.request.bytes")? > 0 {
        at_most("socket.request.max.bytes", "queued.max.request.bytes")?;
    }
    if values.number::<i64>("connections.max.idle.ms")? >= 0 {
        at_most(
            "connection.failed.authentication.delay.ms",
            "connections.max.idle.ms",
        )?;
    }
    let overrides = values
        .text("max.connections.per.ip.overrides")
        .unwrap_or_default();
    if values.number::<i32>("max.connections.per.ip")? == 0 && overrides.is_empty() {
        let allowed = "it can be 0 only together with max.connections.per.ip.overrides";
        return Err(ConfigError::invalid("max.connections.per.ip", "0", allowed));
    }
    check_retention(values)?;
    check_cleaner_memory(values)?;
    check_at_least_one(values, "log.roll.ms")?;
    check_at_least_one(values, "default.replication.factor")
}

/// A retention of no time at all would lose everything; Kafka refuses it too.
fn check_retention(values: &Values<'_>) -> Result<(), ConfigError> {
    for key in [
        "log.retention.ms",
        "log.retention.minutes",
        "log.retention.hours",
    ] {
        if values.given(key) == Some("0") {
            return Err(ConfigError::invalid(
                key,
                "0",
                "it must be at least 1, or -1 for no limit",
            ));
        }
    }
    Ok(())
}

/// A thread with less memory would remember too few keys to get anywhere.
fn check_cleaner_memory(values: &Values<'_>) -> Result<(), ConfigError> {
    const BYTES_PER_THREAD_MIN: i64 = 1 << 20;
    let threads: i64 = values.number("log.cleaner.threads")?;
    let bytes: i64 = values.number("log.cleaner.dedupe.buffer.size")?;
    if threads.saturating_mul(BYTES_PER_THREAD_MIN) <= bytes {
        return Ok(());
    }
    Err(ConfigError::Conflict {
        key: "log.cleaner.dedupe.buffer.size",
        value: bytes.to_string(),
        other_key: "log.cleaner.threads",
        other_value: threads.to_string(),
        allowed: format!("each thread needs {BYTES_PER_THREAD_MIN} bytes"),
    })
}

fn check_at_least_one(values: &Values<'_>, key: &str) -> Result<(), ConfigError> {
    match values.given(key).map(str::parse::<i64>) {
        Some(Ok(number)) if number < 1 => Err(ConfigError::invalid(
            key,
            number.to_string(),
            "it must be at least 1",
        )),
        _ => Ok(()),
    }
}
