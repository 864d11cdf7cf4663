//! Listeners, connections and sockets.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "listeners": List = "PLAINTEXT://:9092", Any, PerBroker, High,
        "";
    "advertised.listeners": List = none, Any, ReadOnly, High,
        "";
    "listener.security.protocol.map": String = "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL", Any, PerBroker, Low,
        "";
    "socket.send.buffer.bytes": Int = "102400", Any, ReadOnly, High,
        "";
    "socket.receive.buffer.bytes": Int = "102400", Any, ReadOnly, High,
        "";
    "socket.request.max.bytes": Int = "104857600", AtLeast(1), ReadOnly, High,
        "";
    "socket.listen.backlog.size": Int = "50", AtLeast(1), ReadOnly, Medium,
        "";
    "max.connections.per.ip": Int = "2147483647", AtLeast(0), ClusterWide, Medium,
        "";
    "max.connections.per.ip.overrides": String = "", Any, ClusterWide, Medium,
        "";
    "max.connections": Int = "2147483647", AtLeast(0), ClusterWide, Medium,
        "";
    "max.connection.creation.rate": Int = "2147483647", AtLeast(0), ClusterWide, Medium,
        "";
    "connections.max.idle.ms": Long = "600000", Any, ReadOnly, Medium,
        "";
    "connection.failed.authentication.delay.ms": Int = "100", AtLeast(0), ReadOnly, Low,
        "";
    "queued.max.requests": Int = "500", AtLeast(1), ReadOnly, High,
        "";
    "queued.max.request.bytes": Long = "-1", Any, ReadOnly, Medium,
        "";
    "num.network.threads": Int = "3", AtLeast(1), ClusterWide, High,
        "";
};
