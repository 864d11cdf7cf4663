//! Replication between brokers and the election of leaders.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "controller.socket.timeout.ms": Int = "30000", Any, ReadOnly, Medium,
        "Socket timeout between controller and brokers.";
    "default.replication.factor": Int = "1", Any, ReadOnly, Medium,
        "Replicas of topics created without a number.";
    "replica.lag.time.max.ms": Long = "30000", Any, ReadOnly, High,
        "A follower that has not caught up for so long leaves the ISR.";
    "replica.socket.timeout.ms": Int = "30000", Any, ReadOnly, High,
        "Socket timeout of followers.";
    "replica.socket.receive.buffer.bytes": Int = "65536", Any, ReadOnly, High,
        "Socket receive buffer of followers.";
    "replica.fetch.max.bytes": Int = "1048576", AtLeast(0), ReadOnly, Medium,
        "Bytes that a follower asks for of each partition.";
    "replica.fetch.wait.max.ms": Int = "500", Any, ReadOnly, High,
        "How long a leader may hold a follower's fetch back for more data.";
    "replica.fetch.backoff.ms": Int = "1000", AtLeast(0), ReadOnly, Medium,
        "Pause of a follower after a partition failed to fetch.";
    "replica.fetch.min.bytes": Int = "1", Any, ReadOnly, High,
        "Bytes that a leader should gather before it answers a follower.";
    "replica.fetch.response.max.bytes": Int = "10485760", AtLeast(0), ReadOnly, Medium,
        "Bytes that a follower asks for in one response.";
    "num.replica.fetchers": Int = "1", AtLeast(1), ClusterWide, High,
        "Parallel fetchers to each leader broker.";
    "replica.high.watermark.checkpoint.interval.ms": Long = "5000", Any, ReadOnly, High,
        "How often high watermarks are written to disk.";
    "fetch.purgatory.purge.interval.requests": Int = "1000", Any, ReadOnly, Medium,
        "Kept from Kafka: how often finished fetches are swept out.";
    "producer.purgatory.purge.interval.requests": Int = "1000", Any, ReadOnly, Medium,
        "Kept from Kafka: how often finished produces are swept out.";
    "delete.records.purgatory.purge.interval.requests": Int = "1", Any, ReadOnly, Medium,
        "Kept from Kafka: how often finished deletions are swept out.";
    "auto.leader.rebalance.enable": Boolean = "true", Any, ReadOnly, High,
        "Whether leadership goes back to preferred replicas by itself.";
    "leader.imbalance.check.interval.seconds": Long = "300", AtLeast(1), ReadOnly, High,
        "How often leaderships are compared with the preferred replicas.";
    "unclean.leader.election.interval.ms": Long = "300000", AtLeast(1), ReadOnly, Medium internal,
        "How often partitions without leader are checked for an unclean election.";
    "unclean.leader.election.enable": Boolean = "false", Any, ClusterWide, High,
        "Whether a replica outside the ISR may lead as a last resort, losing records.";
    "security.inter.broker.protocol": String = "PLAINTEXT", OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), ReadOnly, Medium,
        "Security protocol between brokers, if inter.broker.listener.name is not set.";
    "inter.broker.listener.name": String = none, Any, ReadOnly, Medium,
        "Name of the listener that brokers use among themselves.";
    "replica.selector.class": String = none, Any, ReadOnly, Medium,
        "Class that chooses the replica a consumer reads from.";
    "follower.fetch.last.tiered.offset.enable": Boolean = "false", Any, ClusterWide, Medium,
        "Whether an empty follower begins behind what tiered storage holds.";
};
