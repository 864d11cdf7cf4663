//! Which log is compacted next.

use klamm_storage::Cleanable;

/// A log with something to compact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) cleanable: Cleanable,
    /// The topic's `min.cleanable.dirty.ratio`.
    pub(super) min_dirty_ratio: f64,
}

/// The indexes of those that are worth a compaction, in the order in which they get one: first
/// those that hold records older than `max.compaction.lag.ms`, then by their share of dirt.
pub(super) fn order(candidates: &[Candidate]) -> Vec<usize> {
    let is_worth_it = |&i: &usize| {
        let Candidate {
            cleanable,
            min_dirty_ratio,
        } = &candidates[i];
        cleanable.is_worth_it(*min_dirty_ratio)
    };
    let mut order: Vec<usize> = (0..candidates.len()).filter(is_worth_it).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&candidates[a].cleanable, &candidates[b].cleanable);
        let by_due = b.is_due.cmp(&a.is_due);
        by_due.then(b.dirty_ratio.total_cmp(&a.dirty_ratio))
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dirtiest_comes_first_unless_one_is_due() {
        let candidate = |dirty_ratio, is_due| Candidate {
            cleanable: Cleanable {
                first_dirty_offset: 0,
                end_offset: 10,
                dirty_bytes: 10,
                dirty_ratio,
                is_due,
            },
            min_dirty_ratio: 0.5,
        };
        let candidates = [
            candidate(0.6, false),
            candidate(0.9, false),
            candidate(0.4, false),
            candidate(0.1, true),
            candidate(0.2, true),
        ];
        assert_eq!(order(&candidates), [4, 3, 1, 0]);
        assert_eq!(order(&[]), Vec::<usize>::new());
    }
}
