//! Keeps a controller that may have lost its folder from voting.
//!
//! An empty folder is that of a new cluster, or one that was lost together with entries and votes
//! that others rely on. Only in a new cluster do candidates have nothing but the first entry.

use std::sync::atomic::{AtomicBool, Ordering};

/// Which candidates a controller without a log may vote for.
#[derive(Debug, Default)]
pub(crate) struct VoteGuard {
    /// A candidate with nothing but the first entry was seen: the cluster is being founded.
    is_founding: AtomicBool,
}

impl VoteGuard {
    /// Whether a candidate whose last entry is at `last_index` may be voted for.
    pub(crate) fn may_vote(&self, last_index: Option<u64>, has_log: bool) -> bool {
        if last_index.is_none_or(|last| last == 0) {
            self.is_founding.store(true, Ordering::Relaxed);
        }
        has_log || self.is_founding.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_only_founds() {
        let lost = VoteGuard::default();
        assert!(!lost.may_vote(Some(7), false));
        assert!(!lost.may_vote(Some(1), false));
        assert!(lost.may_vote(Some(7), true));

        let new = VoteGuard::default();
        assert!(new.may_vote(Some(0), false));
        // The one who founded it died at once; another one got further.
        assert!(new.may_vote(Some(3), false));
    }
}
