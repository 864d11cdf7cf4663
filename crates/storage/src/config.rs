//! What a log needs to know of its topic's configuration.

/// Configuration of one log, by Kafka's topic properties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment is rolled before it grows beyond this.
    pub segment_bytes: u64,
    /// `segment.ms`, less the log's share of `segment.jitter.ms`: a segment is rolled when
    /// the timestamps in it would span more.
    pub segment_ms: i64,
    /// `preallocate`: room for a whole segment is reserved on disk before its first write.
    pub preallocate: bool,
    /// `segment.index.bytes`: a segment is rolled when one of its indexes reaches this.
    pub segment_index_bytes: u64,
    /// `index.interval.bytes`: distance of index entries.
    pub index_interval_bytes: u64,
    /// `cleanup.policy` has `delete`: segments beyond the retention are deleted.
    pub delete: bool,
    /// `cleanup.policy` has `compact`: only the last record of each key is kept.
    pub compact: bool,
    /// `retention.bytes`: bytes the log may hold; negative: no limit.
    pub retention_bytes: i64,
    /// `retention.ms`: age of the newest record of a segment that is kept; negative: no limit.
    pub retention_ms: i64,
    /// `file.delete.delay.ms`: how long a file that was removed from the log stays on disk.
    pub file_delete_delay_ms: i64,
    /// `delete.retention.ms`: how long a tombstone stays after it was first compacted.
    pub delete_retention_ms: i64,
    /// `min.cleanable.dirty.ratio`: share of uncompacted bytes that makes a compaction worth it.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`: younger records are not compacted.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: an older record that is not compacted makes a compaction due.
    pub max_compaction_lag_ms: i64,
}

impl LogConfig {
    /// Kafka's defaults, but nothing is ever deleted or compacted.
    pub const DEFAULT: LogConfig = LogConfig {
        segment_bytes: 1 << 30,
        segment_ms: 7 * 24 * 60 * 60 * 1_000,
        preallocate: false,
        segment_index_bytes: 10 << 20,
        index_interval_bytes: 4 << 10,
        delete: false,
        compact: false,
        retention_bytes: -1,
        retention_ms: -1,
        file_delete_delay_ms: 60_000,
        delete_retention_ms: 24 * 60 * 60 * 1_000,
        min_cleanable_dirty_ratio: 0.5,
        min_compaction_lag_ms: 0,
        max_compaction_lag_ms: i64::MAX,
    };
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig::DEFAULT
    }
}
