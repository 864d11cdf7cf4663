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
        "";
    "compression.gzip.level" ("compression.gzip.level"): Int = "-1", GzipLevel, Medium,
        "";
    "compression.lz4.level" ("compression.lz4.level"): Int = "9", Between(1, 17), Medium,
        "";
    "compression.type" ("compression.type"): String = "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), Medium,
        "";
    "compression.zstd.level" ("compression.zstd.level"): Int = "3", Between(-131072, 22), Medium,
        "";
    "delete.retention.ms" ("log.cleaner.delete.retention.ms"): Long = "86400000", AtLeast(0), Medium,
        "";
    "file.delete.delay.ms" ("log.segment.delete.delay.ms"): Long = "60000", AtLeast(0), Medium,
        "";
    "flush.messages" ("log.flush.interval.messages"): Long = "1", AtLeast(1), Medium,
        "";
    "flush.ms" ("log.flush.interval.ms"): Long = "9223372036854775807", AtLeast(0), Medium,
        "";
    "follower.replication.throttled.replicas" (none): List = "", ThrottledReplicas, Medium,
        "";
    "index.interval.bytes" ("log.index.interval.bytes"): Int = "4096", AtLeast(0), Medium,
        "";
    "internal.segment.bytes" (none): Int = none, Any, Medium internal,
        "";
    "leader.replication.throttled.replicas" (none): List = "", ThrottledReplicas, Medium,
        "";
    "local.retention.bytes" ("log.local.retention.bytes"): Long = "-2", AtLeast(-2), Medium,
        "";
    "local.retention.ms" ("log.local.retention.ms"): Long = "-2", AtLeast(-2), Medium,
        "";
    "max.compaction.lag.ms" ("log.cleaner.max.compaction.lag.ms"): Long = "9223372036854775807", AtLeast(1), Medium,
        "";
    "max.message.bytes" ("message.max.bytes"): Int = "1048588", AtLeast(0), Medium,
        "";
    "message.timestamp.after.max.ms" ("log.message.timestamp.after.max.ms"): Long = "3600000", AtLeast(0), Medium,
        "";
    "message.timestamp.before.max.ms" ("log.message.timestamp.before.max.ms"): Long = "9223372036854775807", AtLeast(0), Medium,
        "";
    "message.timestamp.type" ("log.message.timestamp.type"): String = "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), Medium,
        "";
    "min.cleanable.dirty.ratio" ("log.cleaner.min.cleanable.ratio"): Double = "0.5", BetweenFractions(0.0, 1.0), Medium,
        "";
    "min.compaction.lag.ms" ("log.cleaner.min.compaction.lag.ms"): Long = "0", AtLeast(0), Medium,
        "";
    "min.insync.replicas" ("min.insync.replicas"): Int = "1", AtLeast(1), Medium,
        "";
    "preallocate" ("log.preallocate"): Boolean = "false", Any, Medium,
        "";
    "remote.log.copy.disable" (none): Boolean = "false", Any, Medium,
        "";
    "remote.log.delete.on.disable" (none): Boolean = "false", Any, Medium,
        "";
    "remote.storage.enable" (none): Boolean = "false", Any, Medium,
        "";
    "retention.bytes" ("log.retention.bytes"): Long = "-1", Any, Medium,
        "";
    "retention.ms" ("log.retention.ms"): Long = "604800000", AtLeast(-1), Medium,
        "";
    "segment.bytes" ("log.segment.bytes"): Int = "1073741824", AtLeast(1048576), Medium,
        "";
    "segment.index.bytes" ("log.index.size.max.bytes"): Int = "10485760", AtLeast(4), Medium,
        "";
    "segment.jitter.ms" ("log.roll.jitter.ms"): Long = "0", AtLeast(0), Medium,
        "";
    "segment.ms" ("log.roll.ms"): Long = "604800000", AtLeast(1), Medium,
        "";
    "unclean.leader.election.enable" ("unclean.leader.election.enable"): Boolean = "false", Any, Medium,
        "";
};

/// The row of a setting.
pub fn find(name: &str) -> Option<&'static TopicConfigKey> {
    KEYS.binary_search_by(|row| row.key.name.cmp(name))
        .ok()
        .map(|index| &KEYS[index])
}
