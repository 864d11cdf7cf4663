//! Which segments become one when they are compacted.

use crate::config::LogConfig;
use std::ops::Range;

/// A segment to be compacted, as it is before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentSize {
    pub(crate) base_offset: i64,
    /// The base offset of the next segment.
    pub(crate) next_base_offset: i64,
    pub(crate) log_bytes: u64,
    pub(crate) offset_index_bytes: u64,
    pub(crate) time_index_bytes: u64,
}

/// Runs of segments whose contents fit one segment, even if nothing of them goes. A segment
/// that is too large by itself stands alone.
pub(crate) fn group(segments: &[SegmentSize], config: &LogConfig) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut total: Option<SegmentSize> = None;
    for (i, segment) in segments.iter().enumerate() {
        let joined = total.map(|total| join(&total, segment));
        match (joined, groups.last_mut()) {
            (Some(joined), Some(group)) if fits(&joined, config) => {
                group.end = i + 1;
                total = Some(joined);
            }
            _ => {
                groups.push(i..i + 1);
                total = Some(*segment);
            }
        }
    }
    groups
}

fn join(a: &SegmentSize, b: &SegmentSize) -> SegmentSize {
    SegmentSize {
        base_offset: a.base_offset,
        next_base_offset: b.next_base_offset,
        log_bytes: a.log_bytes + b.log_bytes,
        offset_index_bytes: a.offset_index_bytes + b.offset_index_bytes,
        time_index_bytes: a.time_index_bytes + b.time_index_bytes,
    }
}

fn fits(joined: &SegmentSize, config: &LogConfig) -> bool {
    let last_offset = joined.next_base_offset - 1;
    joined.log_bytes <= config.segment_bytes
        && joined.offset_index_bytes <= config.segment_index_bytes
        && joined.time_index_bytes <= config.segment_index_bytes
        && last_offset - joined.base_offset <= i64::from(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(base_offset: i64, next_base_offset: i64, log_bytes: u64) -> SegmentSize {
        SegmentSize {
            base_offset,
            next_base_offset,
            log_bytes,
            offset_index_bytes: 80,
            time_index_bytes: 120,
        }
    }

    #[test]
    fn groups_fit_a_segment() {
        let far = i64::from(i32::MAX);
        let config = LogConfig {
            segment_bytes: 1_000,
            segment_index_bytes: 360,
            ..LogConfig::DEFAULT
        };
        type Case<'a> = (&'a [SegmentSize], &'a [(usize, usize)]);
        let table: [Case<'_>; 6] = [
            (&[], &[]),
            (
                &[
                    segment(0, 10, 400),
                    segment(10, 20, 600),
                    segment(20, 30, 1),
                ],
                &[(0, 2), (2, 3)],
            ),
            (
                &[segment(0, 10, 2_000), segment(10, 20, 1)],
                &[(0, 1), (1, 2)],
            ),
            // The time index would be full with four of them.
            (
                &[0, 10, 20, 30].map(|base| segment(base, base + 10, 1)),
                &[(0, 3), (3, 4)],
            ),
            (&[segment(0, 10, 1), segment(10, far + 1, 1)], &[(0, 2)]),
            (
                &[segment(0, 10, 1), segment(10, far + 2, 1)],
                &[(0, 1), (1, 2)],
            ),
        ];
        for (segments, expected) in table {
            let groups = group(segments, &config);
            let groups: Vec<_> = groups.iter().map(|g| (g.start, g.end)).collect();
            assert_eq!(groups, expected, "{segments:?}");
        }
    }
}
