//! The settings of a topic as the broker uses them.

use crate::{
    config_value::{self, list_elements, parse_boolean},
    dynamic_configs::DynamicConfigs,
    server_config::{ServerConfig, server_value},
    suggestion,
    throttled_replicas::ThrottledReplicas,
    topic_configs,
};
use std::collections::BTreeMap;

/// The settings of tiered storage, and what they are without it.
const TIERED: [(&str, &str); 5] = [
    ("remote.storage.enable", "false"),
    ("remote.log.copy.disable", "false"),
    ("remote.log.delete.on.disable", "false"),
    ("local.retention.ms", "-2"),
    ("local.retention.bytes", "-2"),
];

/// What happens to old segments. Neither: they stay for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Segments beyond the retention are deleted.
    pub delete: bool,
    /// Only the last record of each key is kept.
    pub compact: bool,
}

/// How the broker stores batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    /// As the producer sent them.
    Producer,
    /// Not compressed.
    Uncompressed,
    /// gzip.
    Gzip,
    /// snappy.
    Snappy,
    /// lz4.
    Lz4,
    /// zstd.
    Zstd,
}

/// Whose clock stamps records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The broker's, on append.
    LogAppendTime,
}

/// The effective settings of a topic. Field names are Kafka's property names.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // `topic_configs` tells what each means
pub struct TopicConfig {
    pub cleanup_policy: CleanupPolicy,
    pub compression_gzip_level: i32,
    pub compression_lz4_level: i32,
    pub compression_type: CompressionType,
    pub compression_zstd_level: i32,
    pub delete_retention_ms: i64,
    pub file_delete_delay_ms: i64,
    /// Records that may be acknowledged before they are flushed; 1 flushes before every ack.
    pub flush_messages: i64,
    pub flush_ms: i64,
    pub follower_replication_throttled_replicas: ThrottledReplicas,
    pub index_interval_bytes: i32,
    pub leader_replication_throttled_replicas: ThrottledReplicas,
    pub max_compaction_lag_ms: i64,
    /// The largest record batch, in bytes.
    pub max_message_bytes: i32,
    pub message_timestamp_after_max_ms: i64,
    pub message_timestamp_before_max_ms: i64,
    pub message_timestamp_type: TimestampType,
    pub min_cleanable_dirty_ratio: f64,
    pub min_compaction_lag_ms: i64,
    pub min_insync_replicas: i32,
    pub preallocate: bool,
    /// Bytes a partition may hold; −1 is no limit.
    pub retention_bytes: i64,
    /// Age of the oldest segment; −1 is no limit.
    pub retention_ms: i64,
    pub segment_bytes: i32,
    pub segment_index_bytes: i32,
    pub segment_jitter_ms: i64,
    pub segment_ms: i64,
    pub unclean_leader_election_enable: bool,
}

impl Default for TopicConfig {
    /// The defaults of the table.
    fn default() -> Self {
        TopicConfig {
            cleanup_policy: CleanupPolicy {
                delete: true,
                compact: false,
            },
            compression_gzip_level: -1,
            compression_lz4_level: 9,
            compression_type: CompressionType::Producer,
            compression_zstd_level: 3,
            delete_retention_ms: 86_400_000,
            file_delete_delay_ms: 60_000,
            flush_messages: 1,
            flush_ms: i64::MAX,
            follower_replication_throttled_replicas: ThrottledReplicas::None,
            index_interval_bytes: 4096,
            leader_replication_throttled_replicas: ThrottledReplicas::None,
            max_compaction_lag_ms: i64::MAX,
            max_message_bytes: 1_048_588,
            message_timestamp_after_max_ms: 3_600_000,
            message_timestamp_before_max_ms: i64::MAX,
            message_timestamp_type: TimestampType::CreateTime,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            min_insync_replicas: 1,
            preallocate: false,
            retention_bytes: -1,
            retention_ms: 604_800_000,
            segment_bytes: 1 << 30,
            segment_index_bytes: 10 << 20,
            segment_jitter_ms: 0,
            segment_ms: 604_800_000,
            unclean_leader_election_enable: false,
        }
    }
}

impl TopicConfig {
    /// The settings of a topic: its overrides on top of `defaults`, the server's.
    ///
    /// Overrides are validated when they are set; one that is not valid all the same (written
    /// by another version) is passed over, so that a partition never fails to load by it.
    pub fn resolve(overrides: &BTreeMap<String, String>, defaults: &TopicConfig) -> TopicConfig {
        let mut config = defaults.clone();
        for (name, value) in overrides {
            if validate_topic_config(name, value).is_ok() {
                config.set(name, value.trim());
            }
        }
        // Stands above segment.bytes, whatever the order of their names.
        let internal = overrides.get("internal.segment.bytes");
        if let Some(bytes) = internal.and_then(|value| value.trim().parse().ok())
            && bytes > 0
        {
            config.segment_bytes = bytes;
        }
        config
    }

    /// Sets one field from its property; other names and texts change nothing.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        match name {
            "cleanup.policy" => self.cleanup_policy = CleanupPolicy::from_list(value),
            "compression.gzip.level" => set(&mut self.compression_gzip_level, value),
            "compression.lz4.level" => set(&mut self.compression_lz4_level, value),
            "compression.type" => self.compression_type = CompressionType::from_name(value),
            "compression.zstd.level" => set(&mut self.compression_zstd_level, value),
            "delete.retention.ms" => set(&mut self.delete_retention_ms, value),
            "file.delete.delay.ms" => set(&mut self.file_delete_delay_ms, value),
            "flush.messages" => set(&mut self.flush_messages, value),
            "flush.ms" => set(&mut self.flush_ms, value),
            "follower.replication.throttled.replicas" => {
                self.follower_replication_throttled_replicas = ThrottledReplicas::from_list(value);
            }
            "index.interval.bytes" => set(&mut self.index_interval_bytes, value),
            // Smaller segments than users may ask for, for tests.
            "internal.segment.bytes" => set(&mut self.segment_bytes, value),
            "leader.replication.throttled.replicas" => {
                self.leader_replication_throttled_replicas = ThrottledReplicas::from_list(value);
            }
            "max.compaction.lag.ms" => set(&mut self.max_compaction_lag_ms, value),
            "max.message.bytes" => set(&mut self.max_message_bytes, value),
            "message.timestamp.after.max.ms" => {
                set(&mut self.message_timestamp_after_max_ms, value);
            }
            "message.timestamp.before.max.ms" => {
                set(&mut self.message_timestamp_before_max_ms, value);
            }
            "message.timestamp.type" => {
                self.message_timestamp_type = TimestampType::from_name(value);
            }
            "min.cleanable.dirty.ratio" => set(&mut self.min_cleanable_dirty_ratio, value),
            "min.compaction.lag.ms" => set(&mut self.min_compaction_lag_ms, value),
            "min.insync.replicas" => set(&mut self.min_insync_replicas, value),
            "preallocate" => set_flag(&mut self.preallocate, value),
            "retention.bytes" => set(&mut self.retention_bytes, value),
            "retention.ms" => set(&mut self.retention_ms, value),
            "segment.bytes" => set(&mut self.segment_bytes, value),
            "segment.index.bytes" => set(&mut self.segment_index_bytes, value),
            "segment.jitter.ms" => set(&mut self.segment_jitter_ms, value),
            "segment.ms" => set(&mut self.segment_ms, value),
            "unclean.leader.election.enable" => {
                set_flag(&mut self.unclean_leader_election_enable, value);
            }
            _ => {}
        }
    }
}

fn set<T: std::str::FromStr>(field: &mut T, value: &str) {
    if let Ok(parsed) = value.parse() {
        *field = parsed;
    }
}

fn set_flag(field: &mut bool, value: &str) {
    if let Some(parsed) = parse_boolean(value) {
        *field = parsed;
    }
}

impl CleanupPolicy {
    fn from_list(value: &str) -> CleanupPolicy {
        CleanupPolicy {
            delete: list_elements(value).any(|policy| policy == "delete"),
            compact: list_elements(value).any(|policy| policy == "compact"),
        }
    }
}

impl CompressionType {
    fn from_name(name: &str) -> CompressionType {
        match name {
            "uncompressed" => CompressionType::Uncompressed,
            "gzip" => CompressionType::Gzip,
            "snappy" => CompressionType::Snappy,
            "lz4" => CompressionType::Lz4,
            "zstd" => CompressionType::Zstd,
            _ => CompressionType::Producer,
        }
    }
}

impl TimestampType {
    fn from_name(name: &str) -> TimestampType {
        match name {
            "LogAppendTime" => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        }
    }
}

/// Checks one topic setting; the message goes into an INVALID_CONFIG answer.
///
/// # Errors
/// The name is unknown or the value breaks its rule; the message names all of them.
pub fn validate_topic_config(name: &str, value: &str) -> Result<(), String> {
    let Some(row) = topic_configs::find(name) else {
        let names = topic_configs::KEYS.iter().map(|row| row.key.name);
        let hint = suggestion::nearest(name, names)
            .map_or_else(String::new, |nearest| format!(". Did you mean {nearest}?"));
        let name = config_value::shown(name);
        return Err(format!("Unknown topic config name: {name}{hint}"));
    };
    config_value::check(&row.key, value).map_err(config_value::in_answer)
}

/// The default of a topic's list setting; `None` if the setting is no list.
pub fn topic_list_default(
    name: &str,
    server: &ServerConfig,
    dynamic: DynamicConfigs,
) -> Option<String> {
    let row = topic_configs::find(name).filter(|row| row.key.is_list())?;
    let inherited = server_value(row, &dynamic.over(&server.properties));
    inherited.or_else(|| row.key.default.map(str::to_owned))
}

/// Checks all overrides of a topic, each for itself and together.
///
/// # Errors
/// A setting is unknown or wrong, contradicts another, or asks for tiered storage, which this
/// server does not have; the message goes into an INVALID_CONFIG answer.
pub fn validate_topic_configs(
    overrides: &BTreeMap<String, String>,
    defaults: &TopicConfig,
) -> Result<(), String> {
    for (name, value) in overrides {
        validate_topic_config(name, value)?;
    }
    let config = TopicConfig::resolve(overrides, defaults);
    if config.min_compaction_lag_ms > config.max_compaction_lag_ms {
        return Err(format!(
            "min.compaction.lag.ms={} must not be greater than max.compaction.lag.ms={}",
            config.min_compaction_lag_ms, config.max_compaction_lag_ms
        ));
    }
    let mut tiered = TIERED.iter().filter(|(name, default)| {
        let own = overrides.get(*name).map(|value| value.trim());
        own.is_some_and(|value| !value.eq_ignore_ascii_case(default))
    });
    match tiered.next() {
        Some((name, default)) => Err(format!(
            "{name} can only be {default}: this server has no tiered storage"
        )),
        None => Ok(()),
    }
}
