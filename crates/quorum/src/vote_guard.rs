//! Keeps a controller that may have lost its folder from voting, leading and founding a cluster.
//!
//! A new folder is that of a new controller, or one that was lost together with entries and votes
//! that others rely on. While it is filled again, its log tells of voters of long ago: of one, maybe,
//! who founded the cluster alone, and would need nobody to lead again. So a controller takes part
//! in elections only with a folder that is *whole*:
//!
//! * it founds the cluster, or is there when that is done: only then do candidates have nothing but
//!   the first entry. What is heard first counts.
//! * or it has caught up with what was committed when it first heard from a leader. A leader knows
//!   that once an entry of its own term is committed.

use crate::{
    identity::Folder,
    raft_types::{Raft, TypeConfig, term_of},
};
use openraft::{async_runtime::watch::WatchReceiver, raft::AppendEntriesRequest};
use std::sync::Arc;
use tokio::sync::watch;

/// Decides whether this controller takes part in elections, and remembers that it may.
#[derive(Debug)]
pub(crate) struct VoteGuard {
    folder: Arc<Folder>,
    heard: watch::Sender<Heard>,
}

/// What a controller has heard since its folder was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    /// From somebody who has a log, or who knows this controller with another folder.
    Cluster,
    /// From a leader that has committed everything up to here.
    Leader(u64),
    /// Enough: its folder is whole.
    Whole,
}

impl Heard {
    /// A candidate's last entry is at `last_index`.
    fn with_candidate(self, last_index: Option<u64>) -> Heard {
        match self {
            Heard::Nothing if last_index.is_none_or(|last| last == 0) => Heard::Whole,
            Heard::Nothing => Heard::Cluster,
            heard => heard,
        }
    }

    /// A leader of `term` has committed the entry of that term and index.
    fn with_leader(self, term: u64, committed: Option<(u64, u64)>) -> Heard {
        match (self, committed) {
            (Heard::Nothing | Heard::Cluster, Some((of, index))) if of == term => {
                Heard::Leader(index)
            }
            (Heard::Nothing, _) => Heard::Cluster,
            (heard, _) => heard,
        }
    }

    fn with_applied(self, applied: Option<u64>) -> Heard {
        match self {
            Heard::Leader(committed) if applied >= Some(committed) => Heard::Whole,
            heard => heard,
        }
    }
}

impl VoteGuard {
    /// Guards the votes of the controller with that folder, which may have a log.
    pub(crate) fn new(folder: Arc<Folder>, has_log: bool) -> VoteGuard {
        let heard = match folder.is_whole(has_log) {
            true => Heard::Whole,
            false => Heard::Nothing,
        };
        VoteGuard {
            folder,
            heard: watch::Sender::new(heard),
        }
    }

    /// Whether this controller may vote, and stand for election.
    pub(crate) fn is_whole(&self) -> bool {
        *self.heard.borrow() == Heard::Whole
    }

    /// Whether there is a cluster which this controller has yet to catch up with.
    pub(crate) fn knows_of_cluster(&self) -> bool {
        matches!(*self.heard.borrow(), Heard::Cluster | Heard::Leader(_))
    }

    /// Whether a candidate whose last entry is at `last_index` may be voted for.
    pub(crate) fn may_vote(&self, last_index: Option<u64>) -> bool {
        self.hear(|heard| heard.with_candidate(last_index));
        self.is_whole()
    }

    /// A leader is heard from.
    pub(crate) fn hear_leader(&self, request: &AppendEntriesRequest<TypeConfig>) {
        let committed = request.leader_commit.as_ref();
        let committed = committed.map(|at| (at.leader_id.term, at.index));
        self.hear(|heard| heard.with_leader(term_of(&request.vote), committed));
    }

    /// Somebody knows this controller with another folder.
    pub(crate) fn hear_of_other_folder(&self) {
        self.hear(|heard| match heard {
            Heard::Nothing => Heard::Cluster,
            heard => heard,
        });
    }

    /// This controller founds the cluster. Returns whether that could be noted.
    pub(crate) fn found(&self) -> bool {
        self.hear(|_| Heard::Whole);
        self.is_whole()
    }

    /// Watches until this controller has caught up, and lets it stand for election from then on.
    pub(crate) async fn watch(self: Arc<VoteGuard>, raft: Raft) {
        let mut heard = self.heard.subscribe();
        let mut metrics = raft.metrics();
        while !self.is_whole() {
            heard.mark_unchanged();
            let applied = metrics.borrow_watched().last_applied;
            self.hear(|heard| heard.with_applied(applied.map(|at| at.index)));
            if self.is_whole() {
                break;
            }
            tokio::select! {
                // The sender lives in the guard.
                _ = heard.changed() => {}
                changed = metrics.changed() => if changed.is_err() {
                    return;
                },
            }
        }
        raft.runtime_config().elect(true);
    }

    /// Takes news. That the folder is whole counts only once it is noted there.
    fn hear(&self, news: impl FnOnce(Heard) -> Heard) {
        self.heard.send_if_modified(|heard| {
            let new = news(*heard);
            if new == *heard {
                return false;
            }
            if new == Heard::Whole
                && let Err(error) = self.folder.become_whole()
            {
                tracing::error!(%error, "cannot note that this controller may vote");
                return false;
            }
            *heard = new;
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(folder: &std::path::Path) -> VoteGuard {
        let (folder, _) = Folder::open(folder, 1, None, None).unwrap();
        VoteGuard::new(Arc::new(folder), false)
    }

    #[test]
    fn an_empty_folder_only_founds() {
        let temp = tempfile::tempdir().unwrap();
        let lost = guard(&temp.path().join("lost"));
        assert!(!lost.knows_of_cluster());
        assert!(!lost.may_vote(Some(7)));
        assert!(!lost.may_vote(Some(1)));
        // A candidate that lost its own folder does not make it a new cluster.
        assert!(!lost.may_vote(Some(0)));
        assert!(lost.knows_of_cluster());

        let new = guard(&temp.path().join("new"));
        assert!(new.may_vote(Some(0)));
        // The one who founded it died at once; another one got further.
        assert!(new.may_vote(Some(3)));
        new.hear_of_other_folder();
        assert!(new.may_vote(Some(3)) && !new.knows_of_cluster());
        drop(new);
        assert!(guard(&temp.path().join("new")).may_vote(Some(7)));

        let replaced = guard(&temp.path().join("replaced"));
        replaced.hear_of_other_folder();
        assert!(!replaced.may_vote(Some(0)) && replaced.knows_of_cluster());
    }

    /// It had one entry again, and voted for who lacked those that it had lost.
    #[test]
    fn a_folder_that_was_lost_is_whole_once_it_has_caught_up() {
        let heard = Heard::Nothing.with_leader(5, None);
        assert_eq!(heard, Heard::Cluster);
        // The leader may not know yet what its predecessors have committed.
        assert_eq!(heard.with_leader(5, Some((4, 80))), Heard::Cluster);
        let heard = heard.with_leader(5, Some((5, 101)));
        assert_eq!(heard, Heard::Leader(101));
        assert_eq!(heard.with_leader(5, Some((5, 200))), heard);
        assert_eq!(heard.with_candidate(Some(90)), heard);
        assert_eq!(heard.with_applied(None), heard);
        assert_eq!(heard.with_applied(Some(100)), heard);
        assert_eq!(heard.with_applied(Some(101)), Heard::Whole);
    }
}
