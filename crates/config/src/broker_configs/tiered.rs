//! Tiered storage.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "remote.log.storage.system.enable": Boolean = "false", Any, ReadOnly, Medium,
        "Whether this broker has tiered storage.";
    "remote.log.storage.manager.impl.prefix": String = "rsm.config.", NonEmpty, ReadOnly, Medium,
        "Prefix of the properties for the storage plugin.";
    "remote.log.metadata.manager.impl.prefix": String = "rlmm.config.", NonEmpty, ReadOnly, Medium,
        "Prefix of the properties for the metadata plugin.";
    "remote.log.storage.manager.class.name": String = none, NonEmpty, ReadOnly, Medium,
        "Class of the storage plugin.";
    "remote.log.storage.manager.class.path": String = none, Any, ReadOnly, Medium,
        "Where to find the class of the storage plugin.";
    "remote.log.metadata.manager.class.name": String = "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager", NonEmpty, ReadOnly, Medium,
        "Class of the metadata plugin.";
    "remote.log.metadata.manager.class.path": String = none, Any, ReadOnly, Medium,
        "Where to find the class of the metadata plugin.";
    "remote.log.metadata.manager.listener.name": String = none, NonEmpty, ReadOnly, Medium,
        "Listener of this broker that the metadata plugin connects to.";
    "remote.log.metadata.custom.metadata.max.bytes": Int = "128", AtLeast(0), ReadOnly, Low,
        "Most bytes that the storage plugin may attach to a segment.";
    "remote.log.index.file.cache.total.size.bytes": Long = "1073741824", AtLeast(1), ClusterWide, Low,
        "Local space for indexes of remote segments.";
    "remote.log.index.file.cache.ttl.ms": Long = "900000", AtLeast(-1), ReadOnly, Low internal,
        "How long an unused index of a remote segment stays on local disk.";
    "remote.log.manager.thread.pool.size": Int = "2", AtLeast(1), ReadOnly, Medium,
        "Threads that follow what leaders have uploaded.";
    "remote.log.manager.copier.thread.pool.size": Int = "10", AtLeast(1), ClusterWide, Medium,
        "Threads that upload segments.";
    "remote.log.manager.expiration.thread.pool.size": Int = "10", AtLeast(1), ClusterWide, Medium,
        "Threads that delete expired remote segments.";
    "remote.log.manager.follower.thread.pool.size": Int = "2", AtLeast(1), ClusterWide, Medium,
        "Threads of followers that look at remote segments.";
    "remote.log.manager.task.interval.ms": Long = "30000", AtLeast(1), ReadOnly, Low,
        "How often segments are looked at for upload and deletion.";
    "remote.log.manager.task.retry.backoff.ms": Long = "500", AtLeast(1), ReadOnly, Low internal,
        "First pause before a task of tiered storage is tried again.";
    "remote.log.manager.task.retry.backoff.max.ms": Long = "30000", AtLeast(1), ReadOnly, Low internal,
        "Longest pause before a task of tiered storage is tried again.";
    "remote.log.manager.task.retry.jitter": Double = "0.2", BetweenFractions(0.0, 0.5), ReadOnly, Low internal,
        "Random part of the pause before a task of tiered storage is tried again.";
    "remote.log.reader.threads": Int = "10", AtLeast(1), ClusterWide, Medium,
        "Threads that read remote segments.";
    "remote.log.reader.max.pending.tasks": Int = "100", AtLeast(1), ReadOnly, Medium,
        "Remote reads that may wait.";
    "log.local.retention.ms": Long = "-2", AtLeast(-2), ClusterWide, Medium,
        "Age beyond which uploaded segments leave the disk; -2 takes log.retention.ms.";
    "log.local.retention.bytes": Long = "-2", AtLeast(-2), ClusterWide, Medium,
        "Size beyond which uploaded segments leave the disk; -2 takes log.retention.bytes.";
    "remote.log.manager.copy.max.bytes.per.second": Long = "9223372036854775807", AtLeast(1), ClusterWide, Medium,
        "Most bytes a second that are uploaded.";
    "remote.log.manager.copy.quota.window.num": Int = "11", AtLeast(1), ReadOnly, Medium,
        "Samples kept for the limit on uploads.";
    "remote.log.manager.copy.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly, Medium,
        "Length of a sample for the limit on uploads.";
    "remote.log.manager.fetch.max.bytes.per.second": Long = "9223372036854775807", AtLeast(1), ClusterWide, Medium,
        "Most bytes a second that are read back.";
    "remote.log.manager.fetch.quota.window.num": Int = "11", AtLeast(1), ReadOnly, Medium,
        "Samples kept for the limit on remote reads.";
    "remote.log.manager.fetch.quota.window.size.seconds": Int = "1", AtLeast(1), ReadOnly, Medium,
        "Length of a sample for the limit on remote reads.";
    "remote.fetch.max.wait.ms": Int = "500", AtLeast(1), ClusterWide, Medium,
        "How long a fetch waits for remote data.";
    "remote.list.offsets.request.timeout.ms": Long = "30000", AtLeast(1), ClusterWide, Medium,
        "How long a search for offsets waits for remote data.";
};
