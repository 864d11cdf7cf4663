//! Replication between brokers and the election of leaders.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "controller.socket.timeout.ms": Int = "30000", Any, ReadOnly, Medium,
        "";
    "default.replication.factor": Int = "1", Any, ReadOnly, Medium,
        "";
    "replica.lag.time.max.ms": Long = "30000", Any, ReadOnly, High,
        "";
    "replica.socket.timeout.ms": Int = "30000", Any, ReadOnly, High,
        "";
    "replica.socket.receive.buffer.bytes": Int = "65536", Any, ReadOnly, High,
        "";
    "replica.fetch.max.bytes": Int = "1048576", AtLeast(0), ReadOnly, Medium,
        "";
    "replica.fetch.wait.max.ms": Int = "500", Any, ReadOnly, High,
        "";
    "replica.fetch.backoff.ms": Int = "1000", AtLeast(0), ReadOnly, Medium,
        "";
    "replica.fetch.min.bytes": Int = "1", Any, ReadOnly, High,
        "";
    "replica.fetch.response.max.bytes": Int = "10485760", AtLeast(0), ReadOnly, Medium,
        "";
    "num.replica.fetchers": Int = "1", AtLeast(1), ClusterWide, High,
        "";
    "replica.high.watermark.checkpoint.interval.ms": Long = "5000", Any, ReadOnly, High,
        "";
    "fetch.purgatory.purge.interval.requests": Int = "1000", Any, ReadOnly, Medium,
        "";
    "producer.purgatory.purge.interval.requests": Int = "1000", Any, ReadOnly, Medium,
        "";
    "delete.records.purgatory.purge.interval.requests": Int = "1", Any, ReadOnly, Medium,
        "";
    "auto.leader.rebalance.enable": Boolean = "true", Any, ReadOnly, High,
        "";
    "leader.imbalance.check.interval.seconds": Long = "300", AtLeast(1), ReadOnly, High,
        "";
    "unclean.leader.election.interval.ms": Long = "300000", AtLeast(1), ReadOnly, Medium internal,
        "";
    "unclean.leader.election.enable": Boolean = "false", Any, ClusterWide, High,
        "";
    "security.inter.broker.protocol": String = "PLAINTEXT", OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), ReadOnly, Medium,
        "";
    "inter.broker.listener.name": String = none, Any, ReadOnly, Medium,
        "";
    "replica.selector.class": String = none, Any, ReadOnly, Medium,
        "";
    "follower.fetch.last.tiered.offset.enable": Boolean = "false", Any, ClusterWide, Medium,
        "";
};
