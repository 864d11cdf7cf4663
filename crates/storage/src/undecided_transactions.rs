//! Which transactions a reader of committed records must not see yet.
//!
//! ```text
//! first undecided ≤ last stable offset ≤ high watermark
//! ```
//!
//! A transaction is undecided from its first record until its marker lies below the high
//! watermark (rule 54). The writer tells what begins and ends; readers ask for the first, beside
//! it. The lock is held for a few instructions, never while a file is touched.

use crate::segment::lock;
use std::{collections::BTreeMap, collections::BTreeSet, sync::Mutex};

/// Transactions with a marker that are remembered one by one. Further ones are taken together,
/// which may hold the last stable offset back but never moves it too far: a log whose high
/// watermark stands still must not fill the memory.
const ENDED_MAX: usize = 4_096;

/// The undecided transactions of a log, shared by its writer and its readers.
#[derive(Debug, Default)]
pub(crate) struct UndecidedTransactions(Mutex<Undecided>);

/// See [`UndecidedTransactions`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Undecided {
    /// First offsets of the transactions without a marker.
    open: BTreeSet<i64>,
    /// First offset → offset of the marker, which may be above the high watermark.
    ended: BTreeMap<i64, i64>,
}

impl UndecidedTransactions {
    /// A transaction began.
    pub(crate) fn begin(&self, first_offset: i64) {
        lock(&self.0).begin(first_offset);
    }

    /// The marker of a transaction was appended.
    pub(crate) fn end(&self, first_offset: i64, marker_offset: i64) {
        lock(&self.0).end(first_offset, marker_offset);
    }

    /// Starts over, after the log was cut.
    pub(crate) fn replace(&self, undecided: Undecided) {
        *lock(&self.0) = undecided;
    }

    /// Where the first transaction begins whose marker is not below the high watermark.
    pub(crate) fn first_offset(&self, high_watermark: i64) -> Option<i64> {
        let mut undecided = lock(&self.0);
        undecided.forget_below(high_watermark);
        undecided.first_offset()
    }
}

impl Undecided {
    pub(crate) fn begin(&mut self, first_offset: i64) {
        self.open.insert(first_offset);
    }

    pub(crate) fn end(&mut self, first_offset: i64, marker_offset: i64) {
        self.open.remove(&first_offset);
        self.ended.insert(first_offset, marker_offset);
        if self.ended.len() > ENDED_MAX {
            self.merge_latest();
        }
    }

    /// Takes the two transactions that began last together.
    fn merge_latest(&mut self) {
        let Some((_, marker_offset)) = self.ended.pop_last() else {
            return;
        };
        if let Some(mut latest) = self.ended.last_entry() {
            let merged = marker_offset.max(*latest.get());
            latest.insert(merged);
        }
    }

    fn forget_below(&mut self, high_watermark: i64) {
        if !self.ended.is_empty() {
            self.ended
                .retain(|_, marker_offset| *marker_offset >= high_watermark);
        }
    }

    fn first_offset(&self) -> Option<i64> {
        let open = self.open.first().copied();
        let ended = self.ended.first_key_value().map(|(&first, _)| first);
        open.into_iter().chain(ended).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_counts_until_its_marker_is_below_the_high_watermark() {
        let undecided = UndecidedTransactions::default();
        assert_eq!(undecided.first_offset(0), None);
        undecided.begin(10);
        undecided.begin(20);
        assert_eq!(undecided.first_offset(100), Some(10));
        undecided.end(10, 30);
        assert_eq!(undecided.first_offset(30), Some(10), "marker not committed");
        assert_eq!(undecided.first_offset(31), Some(20));
        undecided.end(20, 40);
        assert_eq!(undecided.first_offset(40), Some(20));
        assert_eq!(undecided.first_offset(41), None);
    }

    #[test]
    fn a_later_transaction_may_end_first() {
        let undecided = UndecidedTransactions::default();
        undecided.begin(10);
        undecided.begin(20);
        undecided.end(20, 25);
        assert_eq!(undecided.first_offset(26), Some(10));
        undecided.end(10, 30);
        assert_eq!(undecided.first_offset(30), Some(10));
        assert_eq!(undecided.first_offset(31), None);
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_decided_early() {
        let mut undecided = Undecided::default();
        let count = 2 * ENDED_MAX as i64;
        for i in 0..count {
            undecided.begin(2 * i);
            undecided.end(2 * i, 2 * i + 1);
        }
        assert_eq!(undecided.ended.len(), ENDED_MAX);
        for high_watermark in [0, 1, 2, 777, 2 * count - 2, 2 * count - 1] {
            let mut left = undecided.clone();
            left.forget_below(high_watermark);
            let exact = high_watermark / 2 * 2;
            let found = left.first_offset().unwrap();
            assert!(found <= exact, "{found} at {high_watermark}");
        }
        undecided.forget_below(2 * count);
        assert_eq!(undecided, Undecided::default());
    }
}
