//! A log's share of `segment.jitter.ms`: how much earlier than others its segments are rolled.
//!
//! Drawn from the partition's id, so that it is the same after every restart and no two logs of a
//! topic roll at the same time.

use crate::log_dirs::log_config;
use klamm_config::TopicConfig;
use klamm_storage::LogConfig;
use klamm_types::TopicPartition;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What the log of a partition needs to know of its topic's settings.
pub(crate) fn jittered_log_config(id: TopicPartition, config: &TopicConfig) -> LogConfig {
    LogConfig {
        segment_ms: config.segment_ms - jitter_ms(id, config),
        ..log_config(config)
    }
}

/// From 0 to below the jitter that the topic allows, and always less than the age itself.
fn jitter_ms(id: TopicPartition, config: &TopicConfig) -> i64 {
    let jitter_max = config.segment_jitter_ms.min(config.segment_ms);
    let mut hasher = DefaultHasher::new();
    (id.topic_id.0, id.partition).hash(&mut hasher);
    // Half of the hash is a number that is not negative.
    let drawn = (hasher.finish() >> 1).cast_signed();
    drawn.checked_rem(jitter_max).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_types::Uuid;
    use std::collections::BTreeSet;

    fn ages(segment_ms: i64, segment_jitter_ms: i64) -> Vec<i64> {
        let config = TopicConfig {
            segment_ms,
            segment_jitter_ms,
            ..TopicConfig::default()
        };
        let age = |partition| {
            let topic_id = Uuid([7; 16]);
            let id = TopicPartition {
                topic_id,
                partition,
            };
            jittered_log_config(id, &config).segment_ms
        };
        (0..100).map(age).collect()
    }

    #[test]
    fn logs_roll_at_different_ages() {
        assert!(ages(10_000, 0).iter().all(|age| *age == 10_000));
        let spread = ages(10_000, 4_000);
        assert!(spread.iter().all(|age| (6_001..=10_000).contains(age)));
        assert!(spread.iter().collect::<BTreeSet<_>>().len() > 80);
        assert_eq!(spread, ages(10_000, 4_000), "the same every time");
        assert!(ages(10, i64::MAX).iter().all(|age| (1..=10).contains(age)));
    }
}
