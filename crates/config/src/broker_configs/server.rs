//! What a server does as a whole: requests, topics, compression, metrics, quotas.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "broker.id": Int = "-1", Any, ReadOnly, High,
        "Older name of node.id.";
    "message.max.bytes": Int = "1048588", AtLeast(0), ClusterWide, High,
        "Largest record batch that topics take, after compression.";
    "num.io.threads": Int = "8", AtLeast(1), ClusterWide, High,
        "Threads that work on requests.";
    "num.replica.alter.log.dirs.threads": Int = none, Any, ReadOnly, High,
        "Threads that move replicas between log directories; by default one a directory.";
    "background.threads": Int = "10", AtLeast(1), ClusterWide, High,
        "Threads for background work.";
    "request.timeout.ms": Int = "30000", Any, ReadOnly, High,
        "How long this server waits for the answer of another.";
    "socket.connection.setup.timeout.ms": Long = "10000", Any, ReadOnly, Medium,
        "How long this server waits for a connection to be made, at first.";
    "socket.connection.setup.timeout.max.ms": Long = "30000", Any, ReadOnly, Medium,
        "How long this server waits for a connection after repeated failures.";
    "config.providers": List = "", Any, ClusterWide, Low,
        "Names of plugins that supply configuration values.";
    "authorizer.class.name": String = "", Any, ReadOnly, Low,
        "Class that decides who may do what; empty allows everything.";
    "early.start.listeners": List = none, Any, ReadOnly, High,
        "Listeners that open before authorization is ready.";
    "broker.rack": String = none, Any, ReadOnly, Medium,
        "The rack or zone of this broker; replicas are spread over racks.";
    "controlled.shutdown.enable": Boolean = "true", Any, ReadOnly, Medium,
        "Whether a stopping broker first hands its leaderships to others.";
    "delete.topic.enable": Boolean = "true", Any, ReadOnly, High,
        "Whether topics can be deleted at all.";
    "compression.type": String = "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), ClusterWide, High,
        "How batches are stored: as the producer sent them, or recompressed.";
    "compression.gzip.level": Int = "-1", GzipLevel, ClusterWide, Medium,
        "gzip level where the broker compresses; -1 is gzip's own default.";
    "compression.lz4.level": Int = "9", Between(1, 17), ClusterWide, Medium,
        "lz4 level where the broker compresses; 9 is the quick one, all others search harder.";
    "compression.zstd.level": Int = "3", Between(-131072, 22), ClusterWide, Medium,
        "zstd level where the broker compresses.";
    "max.incremental.fetch.session.cache.slots": Int = "1000", AtLeast(0), ReadOnly, Medium,
        "How many fetch sessions a broker remembers.";
    "fetch.max.bytes": Int = "57671680", AtLeast(1024), ReadOnly, Medium,
        "Most bytes that a fetch response holds, whatever the client asks for.";
    "max.request.partition.size.limit": Int = "2000", AtLeast(1), ReadOnly, Medium,
        "Most partitions that one metadata page answers for.";
    "unstable.api.versions.enable": Boolean = "false", Any, ReadOnly, High internal,
        "Whether API versions that may still change are offered.";
    "unstable.feature.versions.enable": Boolean = "false", Any, ReadOnly, High internal,
        "Whether feature versions that may still change are offered.";
    "quota.window.num": Int = "11", AtLeast(1), ReadOnly, Low,
        "Samples kept for client quotas.";
    "replication.quota.window.num": Int = "11", AtLeast(1), ReadOnly, Low,
        "Samples kept for replication quotas.";
    "alter.log.dirs.replication.quota.window.num": Int = "11", AtLeast(1), ReadOnly, Low,
        "Samples kept for quotas on moves between log directories.";
    "controller.quota.window.num": Int = "11", AtLeast(1), ReadOnly, Low,
        "Samples kept for quotas on changes of metadata.";
    "quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly, Low,
        "Length of a sample for client quotas.";
    "replication.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly, Low,
        "Length of a sample for replication quotas.";
    "alter.log.dirs.replication.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly, Low,
        "Length of a sample for quotas on moves between log directories.";
    "controller.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly, Low,
        "Length of a sample for quotas on changes of metadata.";
    "client.quota.callback.class": Class = none, Any, ReadOnly, Low,
        "Class that computes the quota of a client.";
    "metrics.num.samples": Int = "2", AtLeast(1), ReadOnly, Low,
        "Samples from which metrics are computed.";
    "metrics.sample.window.ms": Long = "30000", AtLeast(1), ReadOnly, Low,
        "Length of a sample from which metrics are computed.";
    "metric.reporters": List = "org.apache.kafka.common.metrics.JmxReporter", Any, ClusterWide, Low,
        "Classes that report metrics.";
    "metrics.recording.level": String = "INFO", Any, ReadOnly, Low,
        "Most detailed level of metrics that is recorded.";
    "kafka.metrics.reporters": List = "", Any, ReadOnly, Low,
        "Classes that report the older kind of metrics.";
    "kafka.metrics.polling.interval.secs": Int = "10", AtLeast(1), ReadOnly, Low,
        "How often reporters of the older kind may ask for metrics.";
    "telemetry.max.bytes": Int = "1048576", AtLeast(1), ReadOnly, Low,
        "Most bytes of metrics that a client may push at a time.";
};
