//! Whether compacting a log is possible, and worth it (rule 119).
//!
//! ```text
//! log start ≤ first dirty ≤ end ≤ first undecided ≤ log end
//!     │           │          │          └ high watermark, or the start of an open transaction
//!     │           │          └ the segment that starts here is not to be compacted yet
//!     │           └ what follows has never been compacted: the cleaner's checkpoint
//!     └ what was compacted before is compacted again, with what follows
//! ```

use crate::config::LogConfig;

/// What is known of a segment without reading its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFacts {
    pub(crate) base_offset: i64,
    pub(crate) size_bytes: u64,
    /// Of all its records, in ms; −1 if none has one.
    pub(crate) largest_timestamp: i64,
    /// Of its first batch, in ms; −1 if there is none, or if nobody asks.
    pub(crate) first_timestamp: i64,
}

/// A log, as far as it matters to compaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CleanableInput<'a> {
    /// All segments; the last one is active.
    pub(crate) segments: &'a [SegmentFacts],
    pub(crate) log_start_offset: i64,
    pub(crate) log_end_offset: i64,
    /// Where the last compaction ended, if there was one.
    pub(crate) checkpoint: Option<i64>,
    /// What is not committed, or belongs to an open transaction, begins here at the earliest.
    pub(crate) first_undecided_offset: i64,
    pub(crate) now_ms: i64,
}

/// What of a log can be compacted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cleanable {
    /// What lies before was compacted before.
    pub first_dirty_offset: i64,
    /// What lies at or behind is not to be compacted yet.
    pub end_offset: i64,
    /// Bytes that can be compacted and never were.
    pub dirty_bytes: u64,
    /// Their share of all bytes that can be compacted, 0 to 1.
    pub dirty_ratio: f64,
    /// Whether the oldest of them are older than `max.compaction.lag.ms`.
    pub is_due: bool,
}

impl Cleanable {
    /// Whether a compaction is worth its I/O.
    pub fn is_worth_it(&self, min_dirty_ratio: f64) -> bool {
        self.dirty_bytes > 0 && (self.is_due || self.dirty_ratio > min_dirty_ratio)
    }
}

/// What of a log can be compacted; `None` if there is nothing new.
pub(crate) fn cleanable(input: &CleanableInput<'_>, config: &LogConfig) -> Option<Cleanable> {
    let sealed = input.segments.split_last()?.1;
    let first_dirty_offset = first_dirty(input);
    let count = sealed.iter().enumerate().take_while(|(i, _)| {
        let next_base = input.segments[i + 1].base_offset;
        next_base <= input.first_undecided_offset
    });
    let decided = &sealed[..count.count()];
    let first_dirty = decided
        .iter()
        .enumerate()
        .position(|(i, _)| input.segments[i + 1].base_offset > first_dirty_offset)?;
    let (clean, dirty) = decided.split_at(first_dirty);
    let youngest = input.now_ms.saturating_sub(config.min_compaction_lag_ms);
    let old_enough = dirty
        .iter()
        .take_while(|s| config.min_compaction_lag_ms <= 0 || s.largest_timestamp <= youngest)
        .count();
    let dirty = &dirty[..old_enough];
    let end_offset = input.segments[first_dirty + old_enough].base_offset;
    let dirty_bytes = bytes(dirty);
    if dirty_bytes == 0 {
        return None;
    }
    Some(Cleanable {
        first_dirty_offset,
        end_offset,
        dirty_bytes,
        dirty_ratio: dirty_bytes as f64 / (bytes(clean) + dirty_bytes) as f64,
        is_due: is_due(dirty, input.now_ms, config),
    })
}

/// A checkpoint outside the log says nothing: then all of it counts as dirty.
fn first_dirty(input: &CleanableInput<'_>) -> i64 {
    let log = input.log_start_offset..=input.log_end_offset;
    input
        .checkpoint
        .filter(|checkpoint| log.contains(checkpoint))
        .unwrap_or(input.log_start_offset)
}

fn is_due(dirty: &[SegmentFacts], now_ms: i64, config: &LogConfig) -> bool {
    let oldest_allowed = now_ms.saturating_sub(config.max_compaction_lag_ms);
    dirty
        .iter()
        .map(|segment| segment.first_timestamp)
        .any(|timestamp| timestamp > 0 && timestamp < oldest_allowed)
}

fn bytes(segments: &[SegmentFacts]) -> u64 {
    segments.iter().map(|segment| segment.size_bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn segment(base_offset: i64, size_bytes: u64, from: i64, to: i64) -> SegmentFacts {
        SegmentFacts {
            base_offset,
            size_bytes,
            largest_timestamp: to,
            first_timestamp: from,
        }
    }

    const SEGMENTS: &[SegmentFacts] = &[
        segment(0, 100, 1_000, 1_900),
        segment(10, 200, 2_000, 2_900),
        segment(20, 300, 3_000, 3_900),
        segment(30, 400, 4_000, 4_900),
    ];
    const INPUT: CleanableInput<'_> = CleanableInput {
        segments: SEGMENTS,
        log_start_offset: 0,
        log_end_offset: 40,
        checkpoint: None,
        first_undecided_offset: 40,
        now_ms: 5_000,
    };
    const CONFIG: LogConfig = LogConfig {
        compact: true,
        ..LogConfig::DEFAULT
    };

    /// first dirty offset, end, dirty bytes, ratio, due
    type Outcome = Option<(i64, i64, u64, f64, bool)>;

    fn check(input: CleanableInput<'_>, config: LogConfig, expected: Outcome) {
        let found = cleanable(&input, &config).map(|c| {
            let Cleanable {
                first_dirty_offset,
                end_offset,
                dirty_bytes,
                dirty_ratio,
                is_due,
            } = c;
            (
                first_dirty_offset,
                end_offset,
                dirty_bytes,
                dirty_ratio,
                is_due,
            )
        });
        assert_eq!(found, expected, "{input:?} {config:?}");
    }

    #[test]
    fn what_is_sealed_committed_and_old_enough_can_be_compacted() {
        let checkpoint = |offset| CleanableInput {
            checkpoint: Some(offset),
            ..INPUT
        };
        let undecided = |offset| CleanableInput {
            first_undecided_offset: offset,
            ..INPUT
        };
        let table = [
            (INPUT, Some((0, 30, 600, 1.0, false))),
            (checkpoint(0), Some((0, 30, 600, 1.0, false))),
            (checkpoint(10), Some((10, 30, 500, 500.0 / 600.0, false))),
            (checkpoint(20), Some((20, 30, 300, 0.5, false))),
            // In the midst of a segment, where the table of keys was full.
            (checkpoint(25), Some((25, 30, 300, 0.5, false))),
            (checkpoint(30), None),
            (checkpoint(35), None),
            (checkpoint(40), None),
            (checkpoint(41), Some((0, 30, 600, 1.0, false))),
            (undecided(30), Some((0, 30, 600, 1.0, false))),
            (undecided(29), Some((0, 20, 300, 1.0, false))),
            (undecided(10), Some((0, 10, 100, 1.0, false))),
            (undecided(9), None),
            (
                CleanableInput {
                    log_start_offset: 12,
                    checkpoint: Some(5),
                    ..INPUT
                },
                Some((12, 30, 500, 500.0 / 600.0, false)),
            ),
            (
                CleanableInput {
                    segments: &SEGMENTS[3..],
                    ..INPUT
                },
                None,
            ),
            (
                CleanableInput {
                    segments: &[],
                    ..INPUT
                },
                None,
            ),
        ];
        for (input, expected) in table {
            check(input, CONFIG, expected);
        }
    }

    #[test]
    fn young_records_wait_and_old_ones_are_due() {
        let min_lag = |min_compaction_lag_ms| LogConfig {
            min_compaction_lag_ms,
            ..CONFIG
        };
        check(INPUT, min_lag(1_100), Some((0, 30, 600, 1.0, false)));
        check(INPUT, min_lag(1_101), Some((0, 20, 300, 1.0, false)));
        check(INPUT, min_lag(3_101), None);
        check(INPUT, min_lag(i64::MAX), None);
        let max_lag = |max_compaction_lag_ms| LogConfig {
            max_compaction_lag_ms,
            ..CONFIG
        };
        check(INPUT, max_lag(4_000), Some((0, 30, 600, 1.0, false)));
        check(INPUT, max_lag(3_999), Some((0, 30, 600, 1.0, true)));
        let input = CleanableInput {
            checkpoint: Some(10),
            ..INPUT
        };
        check(
            input,
            max_lag(3_999),
            Some((10, 30, 500, 500.0 / 600.0, false)),
        );
        check(
            input,
            max_lag(2_999),
            Some((10, 30, 500, 500.0 / 600.0, true)),
        );
    }

    #[test]
    fn a_compaction_must_be_worth_it() {
        let of = |dirty_bytes, dirty_ratio, is_due| Cleanable {
            first_dirty_offset: 0,
            end_offset: 1,
            dirty_bytes,
            dirty_ratio,
            is_due,
        };
        let table = [
            (of(1, 0.5, false), false),
            (of(1, 0.51, false), true),
            (of(1, 0.1, true), true),
            (of(0, 0.0, true), false),
        ];
        for (cleanable, expected) in table {
            assert_eq!(cleanable.is_worth_it(0.5), expected, "{cleanable:?}");
        }
    }
}
