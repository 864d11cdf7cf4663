//! What a server does as a whole: requests, topics, compression, metrics, quotas.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "broker.id": Int = "-1", Any, ReadOnly, High,
        "";
    "message.max.bytes": Int = "1048588", AtLeast(0), ClusterWide, High,
        "";
    "num.io.threads": Int = "8", AtLeast(1), ClusterWide, High,
        "";
    "num.replica.alter.log.dirs.threads": Int = none, Any, ReadOnly, High,
        "";
    "background.threads": Int = "10", AtLeast(1), ClusterWide, High,
        "";
    "request.timeout.ms": Int = "30000", Any, ReadOnly, High,
        "";
    "socket.connection.setup.timeout.ms": Long = "10000", Any, ReadOnly, Medium,
        "";
    "socket.connection.setup.timeout.max.ms": Long = "30000", Any, ReadOnly, Medium,
        "";
    "config.providers": List = "", Any, ClusterWide, Low,
        "";
    "authorizer.class.name": String = "", Any, ReadOnly, Low,
        "";
    "early.start.listeners": List = none, Any, ReadOnly, High,
        "";
    "broker.rack": String = none, Any, ReadOnly, Medium,
        "";
    "controlled.shutdown.enable": Boolean = "true", Any, ReadOnly, Medium,
        "";
    "delete.topic.enable": Boolean = "true", Any, ReadOnly, High,
        "";
    "compression.type": String = "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), ClusterWide, High,
        "";
    "compression.gzip.level": Int = "-1", GzipLevel, ClusterWide, Medium,
        "";
    "compression.lz4.level": Int = "9", Between(1, 17), ClusterWide, Medium,
        "";
    "compression.zstd.level": Int = "3", Between(-131072, 22), ClusterWide, Medium,
        "";
    "max.incremental.fetch.session.cache.slots": Int = "1000", AtLeast(0), ReadOnly, Medium,
        "";
    "fetch.max.bytes": Int = "57671680", AtLeast(1024), ReadOnly, Medium,
        "";
    "max.request.partition.size.limit": Int = "2000", AtLeast(1), ReadOnly, Medium,
        "";
    "unstable.api.versions.enable": Boolean = "false", Any, ReadOnly, High internal,
        "";
    "unstable.feature.versions.enable": Boolean = "false", Any, ReadOnly, High internal,
        "";
    "quota.window.num": Int = "11", AtLeast(1), ReadOnly, Low,
        "";
    "replication.quota.window.num": Int = "11", AtLeast(1), ReadOnly, Low,
        "";
    "alter.log.dirs.replication.quota.window.num": Int = "11", AtLeast(1), ReadOnly, Low,
        "";
    "controller.quota.window.num": Int = "11", AtLeast(1), ReadOnly, Low,
        "";
    "quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly, Low,
        "";
    "replication.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly, Low,
        "";
    "alter.log.dirs.replication.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly, Low,
        "";
    "controller.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly, Low,
        "";
    "client.quota.callback.class": Class = none, Any, ReadOnly, Low,
        "";
    "metrics.num.samples": Int = "2", AtLeast(1), ReadOnly, Low,
        "";
    "metrics.sample.window.ms": Long = "30000", AtLeast(1), ReadOnly, Low,
        "";
    "metric.reporters": List = "org.apache.kafka.common.metrics.JmxReporter", Any, ClusterWide, Low,
        "";
    "metrics.recording.level": String = "INFO", Any, ReadOnly, Low,
        "";
    "kafka.metrics.reporters": List = "", Any, ReadOnly, Low,
        "";
    "kafka.metrics.polling.interval.secs": Int = "10", AtLeast(1), ReadOnly, Low,
        "";
    "telemetry.max.bytes": Int = "1048576", AtLeast(1), ReadOnly, Low,
        "";
};
