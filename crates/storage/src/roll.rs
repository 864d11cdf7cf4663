//! When a segment is full.

use crate::config::LogConfig;

/// What is known of the active segment and of the batch to be appended next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RollInput {
    /// Bytes in the segment.
    pub(crate) segment_size: u64,
    /// Base offset of the segment.
    pub(crate) base_offset: i64,
    /// Bytes in the larger one of its indexes, relative to its limit by entry size.
    pub(crate) index_bytes: u64,
    /// Max timestamp of the segment's first batch, in ms; negative if there is none.
    pub(crate) first_timestamp: i64,
    /// Bytes of the batch.
    pub(crate) batch_size: u64,
    /// Last offset of the batch.
    pub(crate) last_offset: i64,
    /// Max timestamp of the batch, in ms.
    pub(crate) max_timestamp: i64,
    /// How long the segment has been in use, in ms.
    pub(crate) age_ms: i64,
}

/// Largest entry of both indexes: a segment is rolled while one more still fits.
const INDEX_ENTRY_SIZE_MAX: u64 = 12;

/// Positions in an offset index are 31 bits.
const SEGMENT_BYTES_MAX: u64 = i32::MAX as u64;

/// Whether a batch must go to a new segment (rule 117).
pub(crate) fn should_roll(input: &RollInput, config: &LogConfig) -> bool {
    let offset_fits = input.last_offset - input.base_offset <= i64::from(i32::MAX);
    if input.segment_size == 0 {
        return !offset_fits;
    }
    let size_max = config.segment_bytes.min(SEGMENT_BYTES_MAX);
    let too_large = input.segment_size + input.batch_size > size_max;
    // Batches without timestamps age by the clock.
    let span_ms = match input.first_timestamp {
        ..0 => input.age_ms,
        first => input.max_timestamp.saturating_sub(first),
    };
    let too_old = span_ms > config.segment_ms;
    let index_full = input.index_bytes + INDEX_ENTRY_SIZE_MAX > config.segment_index_bytes;
    too_large || too_old || index_full || !offset_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: RollInput = RollInput {
        segment_size: 900,
        base_offset: 10,
        index_bytes: 0,
        first_timestamp: 1_000,
        batch_size: 100,
        last_offset: 20,
        max_timestamp: 2_000,
        age_ms: 1_001,
    };
    const CONFIG: LogConfig = LogConfig {
        segment_bytes: 1_000,
        segment_ms: 1_000,
        segment_index_bytes: 120,
        index_interval_bytes: 0,
        ..LogConfig::DEFAULT
    };

    #[test]
    fn every_limit_rolls_once_it_is_passed() {
        let far = 10 + i64::from(i32::MAX);
        let table = [
            (INPUT, false),
            (
                RollInput {
                    batch_size: 101,
                    ..INPUT
                },
                true,
            ),
            (
                RollInput {
                    max_timestamp: 2_001,
                    ..INPUT
                },
                true,
            ),
            (
                RollInput {
                    max_timestamp: 2_001,
                    first_timestamp: -1,
                    age_ms: 1_000,
                    ..INPUT
                },
                false,
            ),
            (
                RollInput {
                    max_timestamp: -1,
                    first_timestamp: -1,
                    ..INPUT
                },
                true,
            ),
            (
                RollInput {
                    index_bytes: 108,
                    ..INPUT
                },
                false,
            ),
            (
                RollInput {
                    index_bytes: 109,
                    ..INPUT
                },
                true,
            ),
            (
                RollInput {
                    last_offset: far,
                    ..INPUT
                },
                false,
            ),
            (
                RollInput {
                    last_offset: far + 1,
                    ..INPUT
                },
                true,
            ),
            (
                RollInput {
                    segment_size: 0,
                    batch_size: 5_000,
                    ..INPUT
                },
                false,
            ),
            (
                RollInput {
                    segment_size: 0,
                    last_offset: far + 1,
                    ..INPUT
                },
                true,
            ),
        ];
        for (input, expected) in table {
            assert_eq!(should_roll(&input, &CONFIG), expected, "{input:?}");
        }
    }
}
