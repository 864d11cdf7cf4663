//! Retention and the removal of files.

use super::Model;
use super::content::{Batch, segment_starts};
use crate::fixture::*;
use klamm_storage::{Log, LogConfig};
use std::path::Path;

/// What a log may keep.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    Bytes(u64),
    Ms(i64),
}

/// Two batches, roughly.
const SPAN_MS: i64 = 50;

impl Model {
    pub(super) fn retain(&mut self, log: &mut Log, limit: Limit, hw_back: i64, dir: &Path) {
        let high_watermark = (self.end - hw_back).max(self.start);
        let now_ms = 10_000 + 10 * self.end + SPAN_MS;
        let expected = self.start_after(limit, high_watermark, now_ms, dir);
        let config = *log.config();
        log.set_config(match limit {
            Limit::Bytes(bytes) => LogConfig {
                retention_bytes: bytes as i64,
                ..config
            },
            Limit::Ms(ms) => LogConfig {
                retention_ms: ms,
                ..config
            },
        });
        log.retain(now_ms, high_watermark).unwrap();
        log.set_config(config);
        assert_eq!(log.log_start_offset(), expected, "{limit:?}");
        self.start = expected;
    }

    /// The start of the first segment that stays.
    fn start_after(&self, limit: Limit, high_watermark: i64, now_ms: i64, dir: &Path) -> i64 {
        let starts = segment_starts(dir);
        let ends = starts[1..].iter().copied().chain([self.end]);
        let segments = starts.iter().copied().zip(ends);
        let segments: Vec<_> = segments.filter(|(_, end)| *end > self.start).collect();
        let batches_of = |(from, to): (i64, i64)| {
            let batches = self.batches.iter();
            batches.filter(move |batch| from <= batch.base && batch.base < to)
        };
        let size_of = |segment| batches_of(segment).map(size).sum::<u64>();
        let mut left: u64 = segments.iter().map(|segment| size_of(*segment)).sum();
        let mut start = self.start;
        for segment in segments {
            left -= size_of(segment);
            let may_go = match limit {
                Limit::Bytes(bytes) => left >= bytes,
                Limit::Ms(ms) => batches_of(segment).all(|batch| now_ms - batch.max_timestamp > ms),
            };
            if !may_go || segment.1 > high_watermark || size_of(segment) == 0 {
                break;
            }
            start = segment.1;
        }
        start
    }

    /// Only what lies below the start that is known after a crash may be removed.
    pub(super) fn remove_old(&mut self, log: &mut Log, dir: &Path) {
        self.recorded_start = self.start;
        let before = segment_starts(dir);
        let removed = log.remove_old_segments().unwrap();
        let left = segment_starts(dir);
        assert_eq!(left, before[removed..]);
        assert!(left.get(1).is_none_or(|second| *second > self.start));
        assert!(removed == 0 || left[0] <= self.start);
    }

    pub(super) fn purge(&self, log: &Log, at_once: bool, dir: &Path) {
        let flusher = log.flusher();
        flusher.purge_removed(self.now_ms, at_once).unwrap();
        assert!(!at_once || files(dir, ".deleted").is_empty());
    }
}

fn size(batch: &Batch) -> u64 {
    batch.bytes.len() as u64
}
