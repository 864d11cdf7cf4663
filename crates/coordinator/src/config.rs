//! What the operator may set about groups.

/// Limits and delays of the group coordinator. The defaults are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms`: shorter session timeouts are refused.
    pub session_timeout_min_ms: i32,
    /// `group.max.session.timeout.ms`: longer session timeouts are refused.
    pub session_timeout_max_ms: i32,
    /// `group.initial.rebalance.delay.ms`: how long the first rebalance of an empty group waits
    /// for more members, extended by each newcomer up to the rebalance timeout.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`: members a group may have.
    pub group_max_size: usize,
    /// `offset.metadata.max.bytes`: UTF-16 code units (Kafka counts these, whatever the
    /// property's name says) that a committed offset may carry as metadata.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`: how often expired offsets are looked for.
    pub offsets_retention_check_interval_ms: i64,
    /// `offsets.commit.timeout.ms`: how long a response waits for its records to be committed.
    pub append_timeout_ms: i64,
    /// Records of one append add up to at most this many bytes, by an upper estimate: below
    /// `max.message.bytes` of `__consumer_offsets`. A larger request is split into several
    /// appends; a single record that is larger is refused.
    pub append_bytes_max: usize,
    /// Appends that may be outstanding; beyond it writes are refused until some are committed.
    pub appends_in_flight_max: usize,
}

impl Default for GroupConfig {
    fn default() -> Self {
        GroupConfig {
            session_timeout_min_ms: 6_000,
            session_timeout_max_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            group_max_size: i32::MAX as usize,
            offset_metadata_max_bytes: 4_096,
            offsets_retention_ms: 7 * 24 * 60 * 60 * 1_000,
            offsets_retention_check_interval_ms: 600_000,
            append_timeout_ms: 5_000,
            // Kafka's default of max.message.bytes (1 MiB + 12) less room for batch headers.
            append_bytes_max: 1_048_576 - 1_024,
            appends_in_flight_max: 10_000,
        }
    }
}
