//! Who leads, as this controller knows.

use crate::raft_types::{NodeId, Raft, broker_id_of, epoch_of, term_of};
use klamm_rpc::ActiveController;
use openraft::{ServerState, async_runtime::watch::WatchReceiver};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::watch;

/// Who leads which term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leadership {
    /// The newest term that this controller has voted in.
    pub(crate) term: u64,
    /// Who leads it, if anybody is known to.
    pub(crate) leader: Option<NodeId>,
    /// This controller does.
    pub(crate) leads: bool,
}

impl Leadership {
    /// The term that this controller leads.
    pub(crate) fn led_term(self) -> Option<u64> {
        self.leads.then_some(self.term)
    }

    /// The leader, if it is another controller.
    pub(crate) fn other_leader(self) -> Option<NodeId> {
        self.leader.filter(|_| !self.leads)
    }
}

/// Follows who leads.
#[derive(Clone, Debug)]
pub(crate) struct LeadershipWatch {
    pub(crate) now: watch::Receiver<Leadership>,
    endpoints: Arc<BTreeMap<NodeId, String>>,
}

impl LeadershipWatch {
    pub(crate) fn get(&self) -> Leadership {
        *self.now.borrow()
    }

    pub(crate) fn endpoint(&self, id: NodeId) -> Option<&str> {
        self.endpoints.get(&id).map(String::as_str)
    }

    /// Every voter, in the order of their ids.
    pub(crate) fn voters(&self) -> impl Iterator<Item = &NodeId> {
        self.endpoints.keys()
    }

    /// As brokers are told; controller id −1 if nobody is known to lead.
    pub(crate) fn active(&self) -> ActiveController {
        let now = self.get();
        let leader = now
            .leader
            .and_then(|id| Some((id, self.endpoint(id)?.to_owned())));
        let (controller_id, endpoint) = match leader {
            Some((id, endpoint)) => (broker_id_of(id).0, endpoint),
            None => (-1, String::new()),
        };
        ActiveController {
            controller_id,
            controller_epoch: epoch_of(now.term),
            endpoint,
        }
    }
}

/// The voters by this controller's log; `None` if it has no log yet, or stops.
pub(crate) async fn voters_by_log(raft: &Raft) -> Option<BTreeSet<NodeId>> {
    let voters = raft.with_raft_state(|state| {
        let effective = state.membership_state.effective();
        effective.log_id().map(|_| effective.voter_ids().collect())
    });
    // An error means that raft stopped, which is reported elsewhere.
    voters.await.ok().flatten()
}

/// Follows `raft` until it stops; then sends the reason to `failed`, unless it was told to stop.
pub(crate) async fn follow(
    raft: Raft,
    now: watch::Sender<Leadership>,
    failed: watch::Sender<Option<String>>,
) {
    let mut metrics = raft.server_metrics();
    loop {
        let new = {
            let metrics = metrics.borrow_watched();
            let leader = metrics.current_leader.filter(|_| metrics.vote.committed);
            Leadership {
                term: term_of(&metrics.vote),
                leader,
                leads: metrics.state == ServerState::Leader && leader == Some(metrics.id),
            }
        };
        now.send_if_modified(|known| std::mem::replace(known, new) != new);
        if metrics.changed().await.is_err() {
            break;
        }
    }
    now.send_modify(|known| {
        *known = Leadership {
            term: known.term,
            ..Leadership::default()
        }
    });
    let state = raft.metrics().borrow_watched().running_state.clone();
    if let Err(fatal) = state
        && !matches!(fatal, openraft::errors::Fatal::Stopped)
    {
        tracing::error!(%fatal, "the controller's raft stopped for good");
        failed.send_replace(Some(fatal.to_string()));
    }
}

/// A watch of what [`follow`] sends.
pub(crate) fn watch_of(
    now: watch::Receiver<Leadership>,
    endpoints: Arc<BTreeMap<NodeId, String>>,
) -> LeadershipWatch {
    LeadershipWatch { now, endpoints }
}
