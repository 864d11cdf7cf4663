//! Partition logs: segments, retention, flushing and compaction.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "num.partitions": Int = "1", AtLeast(1), ReadOnly, Medium,
        "Partitions of topics created without a number.";
    "log.dir": List = "/tmp/kafka-logs", Any, ReadOnly, High,
        "Log directories, if log.dirs is not set.";
    "log.dirs": List = none, Any, ReadOnly, High,
        "Directories of the partition logs, by comma.";
    "klamm.log.dirs.free.bytes.min": Long = "-1", AtLeast(-1), ReadOnly, Medium,
        "Free bytes of a log directory's disk below which no records are written there; -1 is 2 % of the disk, 1 GiB at most.";
    "cordoned.log.dirs": List = "", Any, PerBroker, Medium,
        "Log directories that take no new replicas.";
    "log.segment.bytes": Int = "1073741824", AtLeast(1048576), ClusterWide, High,
        "Size at which a log begins a new segment.";
    "log.roll.ms": Long = none, Any, ClusterWide, High,
        "Age at which a log begins a new segment.";
    "log.roll.hours": Int = "168", AtLeast(1), ReadOnly, High,
        "Age in hours at which a log begins a new segment, if log.roll.ms is not set.";
    "log.roll.jitter.ms": Long = none, Any, ClusterWide, High,
        "Random part of the age at which segments roll, so that not all roll at once.";
    "log.roll.jitter.hours": Int = "0", AtLeast(0), ReadOnly, High,
        "Random part of that age in hours, if log.roll.jitter.ms is not set.";
    "log.retention.ms": Long = none, Any, ClusterWide, High,
        "Age beyond which segments are deleted; -1 keeps them.";
    "log.retention.minutes": Int = none, Any, ReadOnly, High,
        "Age in minutes beyond which segments are deleted, if log.retention.ms is not set.";
    "log.retention.hours": Int = "168", Any, ReadOnly, High,
        "Age in hours beyond which segments are deleted, if neither ms nor minutes are set.";
    "log.retention.bytes": Long = "-1", Any, ClusterWide, High,
        "Size of a partition beyond which its oldest segments are deleted; -1 is no limit.";
    "log.retention.check.interval.ms": Long = "300000", AtLeast(1), ReadOnly, Medium,
        "How often segments are looked at for deletion.";
    "log.cleanup.policy": List = "delete", ListOf(&["compact", "delete"]), ClusterWide, Medium,
        "What happens to old records: delete, compact, or both.";
    "log.index.size.max.bytes": Int = "10485760", AtLeast(4), ClusterWide, Medium,
        "Largest index of a segment.";
    "log.index.interval.bytes": Int = "4096", AtLeast(0), ClusterWide, Medium,
        "Bytes of log between two index entries.";
    // Kafka's default never flushes. Here an acknowledged record is on disk.
    "log.flush.interval.messages": Long = "1", AtLeast(1), ClusterWide, High,
        "Records after which a log is flushed; with 1, an acknowledged record is on disk.";
    "log.segment.delete.delay.ms": Long = "60000", AtLeast(0), ClusterWide, High,
        "Pause before the file of a deleted segment is unlinked.";
    "log.flush.scheduler.interval.ms": Long = "9223372036854775807", Any, ReadOnly, High,
        "How often logs are looked at for a flush that is due.";
    "log.flush.interval.ms": Long = none, Any, ClusterWide, High,
        "Longest time that a record stays unflushed.";
    // Kafka's default is a minute. What was flushed since is read again after a crash.
    "log.flush.offset.checkpoint.interval.ms": Int = "5000", AtLeast(0), ReadOnly, High,
        "How often recovery points are written to disk.";
    "log.flush.start.offset.checkpoint.interval.ms": Int = "60000", AtLeast(0), ReadOnly, High,
        "How often log start offsets are written to disk.";
    "log.preallocate": Boolean = "false", Any, ClusterWide, Medium,
        "Whether segment files get their full size at once.";
    "num.recovery.threads.per.data.dir": Int = "2", AtLeast(1), ClusterWide, High,
        "Threads that recover each log directory at start.";
    "auto.create.topics.enable": Boolean = "true", Any, ReadOnly, High,
        "Whether asking for an unknown topic creates it.";
    "min.insync.replicas": Int = "1", AtLeast(1), ClusterWide, High,
        "Replicas that must be in sync for acks=all to succeed.";
    "log.message.timestamp.type": String = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), ClusterWide, Medium,
        "Whose clock stamps records: CreateTime is the producer's, LogAppendTime the broker's.";
    "log.message.timestamp.before.max.ms": Long = "9223372036854775807", AtLeast(0), ClusterWide, Medium,
        "How far a producer's timestamp may lie in the past.";
    "log.message.timestamp.after.max.ms": Long = "3600000", AtLeast(0), ClusterWide, Medium,
        "How far a producer's timestamp may lie in the future.";
    "create.topic.policy.class.name": Class = none, Any, ReadOnly, Low,
        "Class that may refuse new topics.";
    "alter.config.policy.class.name": Class = none, Any, ReadOnly, Low,
        "Class that may refuse changes of configuration.";
    "log.dir.failure.timeout.ms": Long = "30000", AtLeast(1), ReadOnly, Low,
        "A broker that cannot report a failed log directory for so long stops.";
    "klamm.log.scrub.bytes.per.second": Long = "4194304", AtLeast(0), ReadOnly, Medium,
        "How fast logs are read in the background to find damaged records; 0: not at all.";
    "log.initial.task.delay.ms": Long = "30000", AtLeast(0), ReadOnly, Low internal,
        "Pause after start before the first retention and flush checks.";
    "log.cleaner.threads": Int = "1", AtLeast(0), ClusterWide, Medium,
        "Threads that compact logs.";
    "log.cleaner.io.max.bytes.per.second": Double = "1.7976931348623157E308", Any, ClusterWide, Medium,
        "Most bytes a second that compaction reads and writes.";
    "log.cleaner.dedupe.buffer.size": Long = "134217728", Any, ClusterWide, Medium,
        "Memory of all compaction threads for the keys they have seen.";
    "log.cleaner.io.buffer.size": Int = "524288", AtLeast(0), ClusterWide, Medium,
        "Memory of all compaction threads for reading and writing.";
    "log.cleaner.io.buffer.load.factor": Double = "0.9", Any, ClusterWide, Medium,
        "How full the table of keys may get.";
    "log.cleaner.backoff.ms": Long = "15000", AtLeast(0), ClusterWide, Medium,
        "Pause of compaction when there is nothing to do.";
    "log.cleaner.min.cleanable.ratio": Double = "0.5", BetweenFractions(0.0, 1.0), ClusterWide, Medium,
        "Share of a log that must be new before it is compacted.";
    "log.cleaner.enable": Boolean = "true", Any, ReadOnly, Medium,
        "Whether logs are compacted.";
    "log.cleaner.delete.retention.ms": Long = "86400000", AtLeast(0), ClusterWide, Medium,
        "How long the mark of a deleted key stays in a compacted log.";
    "log.cleaner.min.compaction.lag.ms": Long = "0", AtLeast(0), ClusterWide, Medium,
        "Records younger than this are not compacted.";
    "log.cleaner.max.compaction.lag.ms": Long = "9223372036854775807", AtLeast(1), ClusterWide, Medium,
        "Records older than this are compacted whatever the ratio.";
};
