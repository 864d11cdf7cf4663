//! Listeners, connections and sockets.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "listeners": List = "PLAINTEXT://:9092", Any, PerBroker, High,
        "Where this server listens: name://host:port, by comma; no host is every address.";
    "advertised.listeners": List = none, Any, ReadOnly, High,
        "What clients and other brokers are told to connect to; by default the listeners.";
    "listener.security.protocol.map": String = "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL", Any, PerBroker, Low,
        "The security protocol of each listener name, as name:protocol, by comma.";
    "socket.send.buffer.bytes": Int = "102400", Any, ReadOnly, High,
        "SO_SNDBUF of server sockets; -1 leaves it to the operating system.";
    "socket.receive.buffer.bytes": Int = "102400", Any, ReadOnly, High,
        "SO_RCVBUF of server sockets; -1 leaves it to the operating system.";
    "socket.request.max.bytes": Int = "104857600", AtLeast(1), ReadOnly, High,
        "Largest request that is read.";
    "socket.listen.backlog.size": Int = "50", AtLeast(1), ReadOnly, Medium,
        "Connections that may wait to be accepted.";
    "max.connections.per.ip": Int = "2147483647", AtLeast(0), ClusterWide, Medium,
        "Most connections from one address.";
    "max.connections.per.ip.overrides": String = "", Any, ClusterWide, Medium,
        "Other limits for some addresses or hosts, as host:count, by comma.";
    "max.connections": Int = "2147483647", AtLeast(0), ClusterWide, Medium,
        "Most connections altogether.";
    "max.connection.creation.rate": Int = "2147483647", AtLeast(0), ClusterWide, Medium,
        "Most new connections a second.";
    "connections.max.idle.ms": Long = "600000", Any, ReadOnly, Medium,
        "Connections silent for so long are closed.";
    "connection.failed.authentication.delay.ms": Int = "100", AtLeast(0), ReadOnly, Low,
        "Pause before a connection is closed that failed to authenticate.";
    "queued.max.requests": Int = "500", AtLeast(1), ReadOnly, High,
        "Requests that may wait before no more are read.";
    "queued.max.request.bytes": Long = "-1", Any, ReadOnly, Medium,
        "Bytes of requests that may wait before no more are read; -1 is no limit.";
    "num.network.threads": Int = "3", AtLeast(1), ClusterWide, High,
        "Threads that read requests and write responses.";
};
