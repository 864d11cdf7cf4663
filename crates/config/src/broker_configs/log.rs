//! Partition logs: segments, retention, flushing and compaction.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "num.partitions": Int = "1", AtLeast(1), ReadOnly, Medium,
        "";
    "log.dir": List = "/tmp/kafka-logs", Any, ReadOnly, High,
        "";
    "log.dirs": List = none, Any, ReadOnly, High,
        "";
    "cordoned.log.dirs": List = "", Any, PerBroker, Medium,
        "";
    "log.segment.bytes": Int = "1073741824", AtLeast(1048576), ClusterWide, High,
        "";
    "log.roll.ms": Long = none, Any, ClusterWide, High,
        "";
    "log.roll.hours": Int = "168", AtLeast(1), ReadOnly, High,
        "";
    "log.roll.jitter.ms": Long = none, Any, ClusterWide, High,
        "";
    "log.roll.jitter.hours": Int = "0", AtLeast(0), ReadOnly, High,
        "";
    "log.retention.ms": Long = none, Any, ClusterWide, High,
        "";
    "log.retention.minutes": Int = none, Any, ReadOnly, High,
        "";
    "log.retention.hours": Int = "168", Any, ReadOnly, High,
        "";
    "log.retention.bytes": Long = "-1", Any, ClusterWide, High,
        "";
    "log.retention.check.interval.ms": Long = "300000", AtLeast(1), ReadOnly, Medium,
        "";
    "log.cleanup.policy": List = "delete", ListOf(&["compact", "delete"]), ClusterWide, Medium,
        "";
    "log.index.size.max.bytes": Int = "10485760", AtLeast(4), ClusterWide, Medium,
        "";
    "log.index.interval.bytes": Int = "4096", AtLeast(0), ClusterWide, Medium,
        "";
    // Kafka's default never flushes. Here an acknowledged record is on disk.
    "log.flush.interval.messages": Long = "1", AtLeast(1), ClusterWide, High,
        "";
    "log.segment.delete.delay.ms": Long = "60000", AtLeast(0), ClusterWide, High,
        "";
    "log.flush.scheduler.interval.ms": Long = "9223372036854775807", Any, ReadOnly, High,
        "";
    "log.flush.interval.ms": Long = none, Any, ClusterWide, High,
        "";
    "log.flush.offset.checkpoint.interval.ms": Int = "60000", AtLeast(0), ReadOnly, High,
        "";
    "log.flush.start.offset.checkpoint.interval.ms": Int = "60000", AtLeast(0), ReadOnly, High,
        "";
    "log.preallocate": Boolean = "false", Any, ClusterWide, Medium,
        "";
    "num.recovery.threads.per.data.dir": Int = "2", AtLeast(1), ClusterWide, High,
        "";
    "auto.create.topics.enable": Boolean = "true", Any, ReadOnly, High,
        "";
    "min.insync.replicas": Int = "1", AtLeast(1), ClusterWide, High,
        "";
    "log.message.timestamp.type": String = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), ClusterWide, Medium,
        "";
    "log.message.timestamp.before.max.ms": Long = "9223372036854775807", AtLeast(0), ClusterWide, Medium,
        "";
    "log.message.timestamp.after.max.ms": Long = "3600000", AtLeast(0), ClusterWide, Medium,
        "";
    "create.topic.policy.class.name": Class = none, Any, ReadOnly, Low,
        "";
    "alter.config.policy.class.name": Class = none, Any, ReadOnly, Low,
        "";
    "log.dir.failure.timeout.ms": Long = "30000", AtLeast(1), ReadOnly, Low,
        "";
    "log.initial.task.delay.ms": Long = "30000", AtLeast(0), ReadOnly, Low internal,
        "";
    "log.cleaner.threads": Int = "1", AtLeast(0), ClusterWide, Medium,
        "";
    "log.cleaner.io.max.bytes.per.second": Double = "1.7976931348623157E308", Any, ClusterWide, Medium,
        "";
    "log.cleaner.dedupe.buffer.size": Long = "134217728", Any, ClusterWide, Medium,
        "";
    "log.cleaner.io.buffer.size": Int = "524288", AtLeast(0), ClusterWide, Medium,
        "";
    "log.cleaner.io.buffer.load.factor": Double = "0.9", Any, ClusterWide, Medium,
        "";
    "log.cleaner.backoff.ms": Long = "15000", AtLeast(0), ClusterWide, Medium,
        "";
    "log.cleaner.min.cleanable.ratio": Double = "0.5", BetweenFractions(0.0, 1.0), ClusterWide, Medium,
        "";
    "log.cleaner.enable": Boolean = "true", Any, ReadOnly, Medium,
        "";
    "log.cleaner.delete.retention.ms": Long = "86400000", AtLeast(0), ClusterWide, Medium,
        "";
    "log.cleaner.min.compaction.lag.ms": Long = "0", AtLeast(0), ClusterWide, Medium,
        "";
    "log.cleaner.max.compaction.lag.ms": Long = "9223372036854775807", AtLeast(1), ClusterWide, Medium,
        "";
};
