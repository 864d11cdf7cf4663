//! Which segments a log no longer keeps (rule 118).

use crate::config::LogConfig;
use std::io;

/// What retention needs to know of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFacts {
    /// Bytes of batches.
    pub(crate) size: u64,
    /// The base offset of the segment behind it; of the last one, the log end offset.
    pub(crate) next_offset: i64,
}

/// A log as retention sees it.
///
/// ```text
/// log start ≤ high watermark ≤ end of the last segment
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetentionInput<'a> {
    /// From the oldest to the active one.
    pub(crate) segments: &'a [SegmentFacts],
    pub(crate) log_start_offset: i64,
    pub(crate) high_watermark: i64,
    pub(crate) now_ms: i64,
}

/// What is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expired {
    /// Segments, from the oldest on.
    pub(crate) segments: usize,
    /// Whether the active one is among them, so that a new one must be begun first.
    pub(crate) roll_first: bool,
}

/// Finds what is beyond the log's retention: first what lies below the log start, whatever the
/// cleanup policy; then what is beyond the size; then what is too old.
///
/// `newest_ms` tells the largest timestamp of the segment of an index, and is only asked as far
/// as it matters, for it may have to read.
///
/// # Errors
/// Those of `newest_ms`.
pub(crate) fn expired(
    input: &RetentionInput<'_>,
    config: &LogConfig,
    newest_ms: impl FnMut(usize) -> io::Result<i64>,
) -> io::Result<Expired> {
    let mut count = below_start(input);
    if config.delete {
        count += beyond_size(input, count, config.retention_bytes);
        count += too_old(input, count, config.retention_ms, newest_ms)?;
    }
    Ok(Expired {
        segments: count,
        roll_first: count == input.segments.len(),
    })
}

fn below_start(input: &RetentionInput<'_>) -> usize {
    let sealed = input.segments.len().saturating_sub(1);
    let is_below = |s: &&SegmentFacts| s.next_offset <= input.log_start_offset;
    input.segments[..sealed].iter().take_while(is_below).count()
}

fn beyond_size(input: &RetentionInput<'_>, first: usize, retention_bytes: i64) -> usize {
    let Ok(retention_bytes) = u64::try_from(retention_bytes) else {
        return 0;
    };
    let left = &input.segments[first..];
    let total: u64 = left.iter().map(|segment| segment.size).sum();
    let mut excess = total.saturating_sub(retention_bytes);
    let mut count = 0;
    for segment in left {
        if total < retention_bytes || segment.size > excess || !may_go(input, segment) {
            break;
        }
        excess -= segment.size;
        count += 1;
    }
    count
}

fn too_old(
    input: &RetentionInput<'_>,
    first: usize,
    retention_ms: i64,
    mut newest_ms: impl FnMut(usize) -> io::Result<i64>,
) -> io::Result<usize> {
    if retention_ms < 0 {
        return Ok(0);
    }
    let mut count = 0;
    for (index, segment) in input.segments.iter().enumerate().skip(first) {
        if !may_go(input, segment) || input.now_ms.saturating_sub(newest_ms(index)?) <= retention_ms
        {
            break;
        }
        count += 1;
    }
    Ok(count)
}

/// What is not committed stays, and so does an empty segment: only the active one can be empty.
fn may_go(input: &RetentionInput<'_>, segment: &SegmentFacts) -> bool {
    segment.size > 0 && segment.next_offset <= input.high_watermark
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of 100 bytes and ten offsets each; the newest record of each is at its number in
    /// seconds.
    fn check(
        count: usize,
        change: impl FnOnce(&mut RetentionInput<'_>, &mut LogConfig),
    ) -> Expired {
        let segments: Vec<SegmentFacts> = (1..=count as i64)
            .map(|number| SegmentFacts {
                size: 100,
                next_offset: number * 10,
            })
            .collect();
        let mut input = RetentionInput {
            segments: &segments,
            log_start_offset: 0,
            high_watermark: count as i64 * 10,
            now_ms: 10_000,
        };
        let mut config = LogConfig {
            delete: true,
            ..LogConfig::DEFAULT
        };
        change(&mut input, &mut config);
        let newest_ms = |index: usize| Ok((index as i64 + 1) * 1_000);
        expired(&input, &config, newest_ms).unwrap()
    }

    fn gone(segments: usize) -> Expired {
        Expired {
            segments,
            roll_first: false,
        }
    }

    fn everything(segments: usize) -> Expired {
        Expired {
            segments,
            roll_first: true,
        }
    }

    #[test]
    fn nothing_goes_without_limits() {
        assert_eq!(check(5, |_, _| {}), gone(0));
    }

    #[test]
    fn segments_go_whose_newest_record_is_too_old() {
        let table = [
            (9_000, gone(0)),
            (8_999, gone(1)),
            (7_000, gone(2)),
            (5_001, gone(4)),
            (4_999, everything(5)),
            (0, everything(5)),
            (-1, gone(0)),
        ];
        for (retention_ms, wanted) in table {
            let found = check(5, |_, config| config.retention_ms = retention_ms);
            assert_eq!(found, wanted, "{retention_ms}");
        }
    }

    #[test]
    fn segments_go_as_long_as_enough_is_left() {
        let table = [
            (-1, gone(0)),
            (501, gone(0)),
            (500, gone(0)),
            (401, gone(0)),
            (400, gone(1)),
            (250, gone(2)),
            (1, gone(4)),
            (0, everything(5)),
        ];
        for (retention_bytes, wanted) in table {
            let found = check(5, |_, config| config.retention_bytes = retention_bytes);
            assert_eq!(found, wanted, "{retention_bytes}");
        }
    }

    #[test]
    fn what_is_not_committed_stays() {
        let table = [
            (9, gone(0)),
            (10, gone(1)),
            (49, gone(4)),
            (50, everything(5)),
        ];
        for (high_watermark, wanted) in table {
            for by_size in [true, false] {
                let found = check(5, |input, config| {
                    input.high_watermark = high_watermark;
                    match by_size {
                        true => config.retention_bytes = 0,
                        false => config.retention_ms = 0,
                    }
                });
                assert_eq!(found, wanted, "{high_watermark} {by_size}");
            }
        }
    }

    #[test]
    fn what_lies_below_the_log_start_goes_whatever_the_policy() {
        let table = [
            (0, gone(0)),
            (9, gone(0)),
            (10, gone(1)),
            (49, gone(4)),
            // The active one is not rolled for it.
            (50, gone(4)),
        ];
        for (log_start_offset, wanted) in table {
            for delete in [true, false] {
                let found = check(5, |input, config| {
                    input.log_start_offset = log_start_offset;
                    config.delete = delete;
                });
                assert_eq!(found, wanted, "{log_start_offset} {delete}");
            }
        }
    }

    #[test]
    fn only_the_delete_policy_looks_at_size_and_age() {
        let found = check(5, |_, config| {
            config.delete = false;
            config.retention_bytes = 0;
            config.retention_ms = 0;
        });
        assert_eq!(found, gone(0));
    }

    #[test]
    fn the_reasons_add_up() {
        // One below the start, one beyond the size of what is left, one too old.
        let found = check(5, |input, config| {
            input.log_start_offset = 10;
            config.retention_bytes = 300;
            config.retention_ms = 6_999;
        });
        assert_eq!(found, gone(3));
    }

    #[test]
    fn records_of_the_future_are_kept() {
        let found = check(5, |input, config| {
            input.now_ms = 500;
            config.retention_ms = 0;
        });
        assert_eq!(found, gone(0));
    }

    #[test]
    fn an_empty_log_stays_as_it_is() {
        let segments = [SegmentFacts {
            size: 0,
            next_offset: 7,
        }];
        let input = RetentionInput {
            segments: &segments,
            log_start_offset: 7,
            high_watermark: 7,
            now_ms: 10_000,
        };
        let config = LogConfig {
            delete: true,
            retention_bytes: 0,
            retention_ms: 0,
            ..LogConfig::DEFAULT
        };
        let found = expired(&input, &config, |_| Ok(0)).unwrap();
        assert_eq!(found, gone(0));
    }

    #[test]
    fn timestamps_are_asked_only_as_far_as_they_matter() {
        let segments = [SegmentFacts {
            size: 100,
            next_offset: 10,
        }; 3];
        let input = RetentionInput {
            segments: &segments,
            log_start_offset: 0,
            high_watermark: 10,
            now_ms: 10_000,
        };
        let config = LogConfig {
            delete: true,
            retention_ms: 1_000,
            ..LogConfig::DEFAULT
        };
        let mut asked = Vec::new();
        let newest_ms = |index| {
            asked.push(index);
            Ok(9_500)
        };
        assert_eq!(expired(&input, &config, newest_ms).unwrap(), gone(0));
        assert_eq!(asked, [0]);
    }
}
