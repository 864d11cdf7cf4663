//! Which bytes of a segment are known to be good, so that none is checked twice.
//!
//! ```text
//! 0 ─ checked ─ prefix ─ ? ─ [range] ─ ? ─ [range] ─ ? ─ tail ─ appended by this process ─
//! ```
//!
//! Reads are mostly sequential, so a prefix, the tail and a few ranges between them say nearly
//! everything. What is forgotten for want of room is checked again, no more.

use crate::segment::lock;
use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

/// Ranges kept between prefix and tail: more readers than this that start at different places of
/// one old segment check some bytes again.
const RANGES_MAX: usize = 32;

/// The known good bytes of a segment. Looking at the tail or at a checked prefix takes no lock.
#[derive(Debug)]
pub(crate) struct CheckedBytes {
    /// Everything before is good.
    prefix: AtomicU64,
    /// Everything from here on is good: this process appends good bytes only.
    tail: AtomicU64,
    /// Good (start, end), ascending, apart from each other, from the prefix and from the tail.
    ranges: Mutex<Vec<(u64, u64)>>,
}

impl CheckedBytes {
    /// Nothing before `tail` has been checked; what comes behind it is appended.
    pub(crate) fn new(tail: u64) -> CheckedBytes {
        CheckedBytes {
            prefix: AtomicU64::new(0),
            tail: AtomicU64::new(tail),
            ranges: Mutex::default(),
        }
    }

    /// Whether every byte from `start` to `end` is known to be good.
    pub(crate) fn covers(&self, start: u64, end: u64) -> bool {
        let tail = self.tail.load(Ordering::Acquire);
        let start = start.max(self.prefix.load(Ordering::Acquire));
        let end = end.min(tail);
        start >= end
            || lock(&self.ranges)
                .iter()
                .any(|&(from, to)| from <= start && end <= to)
    }

    /// The bytes from `start` to `end` were found good.
    pub(crate) fn add(&self, start: u64, end: u64) {
        let mut ranges = lock(&self.ranges);
        let (mut start, mut end) = (start, end);
        ranges.retain(|&(from, to)| {
            let apart = to < start || end < from;
            if !apart {
                (start, end) = (start.min(from), end.max(to));
            }
            apart
        });
        if start <= self.prefix.load(Ordering::Acquire) {
            self.prefix.fetch_max(end, Ordering::AcqRel);
        } else if end >= self.tail.load(Ordering::Acquire) {
            self.tail.fetch_min(start, Ordering::AcqRel);
        } else {
            let at = ranges.partition_point(|&(from, _)| from < start);
            ranges.insert(at, (start, end));
            if ranges.len() > RANGES_MAX {
                let shortest = (0..ranges.len()).min_by_key(|&i| ranges[i].1 - ranges[i].0);
                shortest.map(|index| ranges.remove(index));
            }
        }
    }

    /// The segment was cut: whatever comes behind `position` is appended by this process.
    pub(crate) fn cut(&self, position: u64) {
        self.tail.fetch_min(position, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_checked_is_remembered_and_nothing_else() {
        let checked = CheckedBytes::new(1_000);
        assert!(!checked.covers(0, 10));
        assert!(checked.covers(1_000, 5_000));
        assert!(!checked.covers(990, 1_010));
        checked.add(0, 100);
        checked.add(300, 400);
        checked.add(500, 600);
        for (start, end, expected) in [
            (0, 100, true),
            (0, 101, false),
            (300, 400, true),
            (299, 400, false),
            (350, 550, false),
            (500, 601, false),
        ] {
            assert_eq!(checked.covers(start, end), expected, "{start}..{end}");
        }
        checked.add(400, 500);
        assert!(checked.covers(310, 600));
        checked.add(100, 300);
        assert!(checked.covers(0, 600));
        checked.add(600, 1_000);
        assert!(checked.covers(0, u64::MAX));
    }

    #[test]
    fn a_range_that_meets_the_tail_moves_it() {
        let checked = CheckedBytes::new(1_000);
        checked.add(900, 1_000);
        assert!(checked.covers(900, 2_000));
        assert!(!checked.covers(899, 2_000));
        checked.cut(500);
        assert!(checked.covers(500, 2_000));
        assert!(!checked.covers(499, 2_000));
    }

    #[test]
    fn only_so_many_ranges_are_kept() {
        let checked = CheckedBytes::new(u64::MAX);
        for i in 1..=RANGES_MAX as u64 + 1 {
            checked.add(i * 1_000, i * 1_000 + 10 + i);
        }
        assert!(!checked.covers(1_000, 1_011));
        assert!(checked.covers(2_000, 2_012));
        assert!(lock(&checked.ranges).len() <= RANGES_MAX);
    }
}
