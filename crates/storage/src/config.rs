//! What a log needs to know of its topic's configuration.

/// Configuration of one log, by Kafka's topic properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment is rolled before it grows beyond this.
    pub segment_bytes: u64,
    /// `segment.ms`, less the log's share of `segment.jitter.ms`: a segment is rolled when
    /// the timestamps in it would span more.
    pub segment_ms: i64,
    /// `segment.index.bytes`: a segment is rolled when one of its indexes reaches this.
    pub segment_index_bytes: u64,
    /// `index.interval.bytes`: distance of index entries.
    pub index_interval_bytes: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 60 * 60 * 1_000,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4 << 10,
        }
    }
}
