//! Every topic setting of Kafka 4.3, with the broker setting that is its default.

use crate::config_key::{
    ConfigKey, ConfigType, Importance, UpdateMode,
    Validator::{self, *},
    config_default, is_internal,
};

/// A topic setting.
#[derive(Clone, Copy, Debug)]
pub struct TopicConfigKey {
    /// Its name, type, default, rule and meaning. Topic settings can change at any time.
    pub key: ConfigKey,
    /// The broker setting that gives the default of topics without their own.
    pub server_synonym: Option<&'static str>,
}

/// Two lines a row: `name (broker setting): Type = default, validator, Importance [internal],`
/// and its meaning.
macro_rules! topic_config_keys {
    ($($name:literal ($synonym:tt): $type:ident = $default:tt, $validator:expr, $importance:ident $($internal:ident)?, $doc:literal;)*) => {
        &[$(TopicConfigKey {
            key: ConfigKey {
                name: $name,
                config_type: ConfigType::$type,
                default: config_default!($default),
                validator: { const V: Validator = $validator; V },
                update_mode: UpdateMode::ClusterWide,
                importance: Importance::$importance,
                internal: is_internal(&[$(stringify!($internal))?]),
                doc: $doc,
            },
            server_synonym: config_default!($synonym),
        }),*]
    };
}

/// All topic settings, by name.
pub const KEYS: &[TopicConfigKey] = topic_config_keys! {
    "cleanup.policy" ("log.cleanup.policy"): List = "delete", ListOf(&["compact", "delete"]), Medium,
        "What happens to old records: delete, compact, or both; empty keeps everything.";
    "compression.gzip.level" ("compression.gzip.level"): Int = "-1", GzipLevel, Medium,
        "gzip level where the broker compresses; -1 is gzip's own default.";
    "compression.lz4.level" ("compression.lz4.level"): Int = "9", Between(1, 17), Medium,
        "lz4 level where the broker compresses; 9 is the quick one, all others search harder.";
    "compression.type" ("compression.type"): String = "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), Medium,
        "How batches are stored: as the producer sent them, or recompressed.";
    "compression.zstd.level" ("compression.zstd.level"): Int = "3", Between(-131072, 22), Medium,
        "zstd level where the broker compresses.";
    "delete.retention.ms" ("log.cleaner.delete.retention.ms"): Long = "86400000", AtLeast(0), Medium,
        "How long the mark of a deleted key stays in a compacted log.";
    "file.delete.delay.ms" ("log.segment.delete.delay.ms"): Long = "60000", AtLeast(0), Medium,
        "Pause before the file of a deleted segment is unlinked.";
    "flush.messages" ("log.flush.interval.messages"): Long = "1", AtLeast(1), Medium,
        "Records after which the log is flushed; with 1, an acknowledged record is on disk.";
    "flush.ms" ("log.flush.interval.ms"): Long = "9223372036854775807", AtLeast(0), Medium,
        "Longest time that a record stays unflushed.";
    "follower.replication.throttled.replicas" (none): List = "", ThrottledReplicas, Medium,
        "Replicas whose fetching is throttled: partition:broker pairs, or *.";
    "index.interval.bytes" ("log.index.interval.bytes"): Int = "4096", AtLeast(0), Medium,
        "Bytes of log between two index entries.";
    "internal.segment.bytes" (none): Int = none, Any, Medium internal,
        "Segment size below the usual minimum, for tests.";
    "leader.replication.throttled.replicas" (none): List = "", ThrottledReplicas, Medium,
        "Replicas that are served with throttling: partition:broker pairs, or *.";
    "local.retention.bytes" ("log.local.retention.bytes"): Long = "-2", AtLeast(-2), Medium,
        "Size beyond which uploaded segments leave the disk; -2 takes retention.bytes.";
    "local.retention.ms" ("log.local.retention.ms"): Long = "-2", AtLeast(-2), Medium,
        "Age beyond which uploaded segments leave the disk; -2 takes retention.ms.";
    "max.compaction.lag.ms" ("log.cleaner.max.compaction.lag.ms"): Long = "9223372036854775807", AtLeast(1), Medium,
        "Records older than this are compacted whatever the ratio.";
    "max.message.bytes" ("message.max.bytes"): Int = "1048588", AtLeast(0), Medium,
        "Largest record batch that the topic takes, after compression.";
    "message.timestamp.after.max.ms" ("log.message.timestamp.after.max.ms"): Long = "3600000", AtLeast(0), Medium,
        "How far a producer's timestamp may lie in the future.";
    "message.timestamp.before.max.ms" ("log.message.timestamp.before.max.ms"): Long = "9223372036854775807", AtLeast(0), Medium,
        "How far a producer's timestamp may lie in the past.";
    "message.timestamp.type" ("log.message.timestamp.type"): String = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), Medium,
        "Whose clock stamps records: CreateTime is the producer's, LogAppendTime the broker's.";
    "min.cleanable.dirty.ratio" ("log.cleaner.min.cleanable.ratio"): Double = "0.5", BetweenFractions(0.0, 1.0), Medium,
        "Share of a log that must be new before it is compacted.";
    "min.compaction.lag.ms" ("log.cleaner.min.compaction.lag.ms"): Long = "0", AtLeast(0), Medium,
        "Records younger than this are not compacted.";
    "min.insync.replicas" ("min.insync.replicas"): Int = "1", AtLeast(1), Medium,
        "Replicas that must be in sync for acks=all to succeed.";
    "preallocate" ("log.preallocate"): Boolean = "false", Any, Medium,
        "Whether segment files get their full size at once.";
    "remote.log.copy.disable" (none): Boolean = "false", Any, Medium,
        "Whether uploads stop while remote data stays readable.";
    "remote.log.delete.on.disable" (none): Boolean = "false", Any, Medium,
        "Whether remote data is deleted when tiered storage is turned off.";
    "remote.storage.enable" (none): Boolean = "false", Any, Medium,
        "Whether the topic uses tiered storage.";
    "retention.bytes" ("log.retention.bytes"): Long = "-1", Any, Medium,
        "Size of a partition beyond which its oldest segments are deleted; -1 is no limit.";
    "retention.ms" ("log.retention.ms"): Long = "604800000", AtLeast(-1), Medium,
        "Age beyond which segments are deleted; -1 keeps them.";
    "segment.bytes" ("log.segment.bytes"): Int = "1073741824", AtLeast(1048576), Medium,
        "Size at which a log begins a new segment.";
    "segment.index.bytes" ("log.index.size.max.bytes"): Int = "10485760", AtLeast(4), Medium,
        "Largest index of a segment.";
    "segment.jitter.ms" ("log.roll.jitter.ms"): Long = "0", AtLeast(0), Medium,
        "Random part of the age at which segments roll, so that not all roll at once.";
    "segment.ms" ("log.roll.ms"): Long = "604800000", AtLeast(1), Medium,
        "Age at which a log begins a new segment.";
    "unclean.leader.election.enable" ("unclean.leader.election.enable"): Boolean = "false", Any, Medium,
        "Whether a replica outside the ISR may lead as a last resort, losing records.";
};

/// The row of a setting.
pub fn find(name: &str) -> Option<&'static TopicConfigKey> {
    KEYS.binary_search_by(|row| row.key.name.cmp(name))
        .ok()
        .map(|index| &KEYS[index])
}
