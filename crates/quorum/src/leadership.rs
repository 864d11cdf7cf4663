//! Who leads, as this controller knows.

use crate::{
    address_book::AddressBook,
    raft_types::{NodeId, Raft, TypeConfig, broker_id_of, epoch_of, term_of},
};
use klamm_rpc::ActiveController;
use openraft::{
    Instant as _, RaftMetrics, ServerState, async_runtime::watch::WatchReceiver,
    metrics::RaftServerMetrics,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// How often it is checked whether a leader is in touch, while it may be out of touch.
const CHECKS_IN_PATIENCE: u32 = 8;

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
    /// How long a leader may be out of touch, see [`follow`].
    pub(crate) patience: Duration,
    pub(crate) book: AddressBook,
}

/// When a follower last heard from a leader.
#[derive(Clone, Debug)]
pub(crate) struct LeaderContact(Arc<Mutex<Instant>>);

impl LeaderContact {
    /// As if a leader had just been heard from.
    pub(crate) fn start() -> LeaderContact {
        LeaderContact(Arc::new(Mutex::new(Instant::now())))
    }

    /// A leader was heard from.
    pub(crate) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeadershipWatch {
    pub(crate) fn get(&self) -> Leadership {
        *self.now.borrow()
    }

    /// As brokers are told; controller id −1 if nobody is known to lead.
    pub(crate) fn active(&self) -> ActiveController {
        let now = self.get();
        let leader = now
            .leader
            .and_then(|id| Some((id, self.book.endpoint(id)?)));
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
///
/// Raft keeps its leader until it hears of another one. Whoever is cut off would follow the old
/// one for ever, or lead on alone: so nobody leads, as far as this controller knows, when a
/// leader has heard from no majority, or a follower from no leader, for longer than `patience`.
pub(crate) async fn follow(
    raft: Raft,
    now: watch::Sender<Leadership>,
    contact: LeaderContact,
    patience: Duration,
    failed: watch::Sender<Option<String>>,
    book: AddressBook,
) {
    let mut server = raft.server_metrics();
    let metrics = raft.metrics();
    let mut known_raft = Leadership::default();
    let mut since = Instant::now();
    loop {
        // Whoever is told who leads must find out where.
        book.learn(&server.borrow_watched().membership_config);
        let by_raft = by_raft(&server.borrow_watched());
        if std::mem::replace(&mut known_raft, by_raft) != by_raft {
            since = Instant::now();
        }
        let silence = match by_raft.leads {
            true => silence_of_majority(&metrics.borrow_watched()),
            false => Some(contact.last().elapsed()),
        };
        // An election takes a majority too, and a new leader is about to be heard from.
        let silence = silence.map_or(since.elapsed(), |silence| silence.min(since.elapsed()));
        let is_in_touch = silence <= patience;
        let new = match is_in_touch {
            true => by_raft,
            false => Leadership {
                term: by_raft.term,
                ..Leadership::default()
            },
        };
        if now.send_if_modified(|known| std::mem::replace(known, new) != new) && !is_in_touch {
            tracing::warn!(term = new.term, "out of touch with the quorum");
        }
        if let Ok(Err(_)) = timeout(patience / CHECKS_IN_PATIENCE, server.changed()).await {
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

fn by_raft(metrics: &RaftServerMetrics<TypeConfig>) -> Leadership {
    let leader = metrics.current_leader.filter(|_| metrics.vote.committed);
    Leadership {
        term: term_of(&metrics.vote),
        leader,
        leads: metrics.state == ServerState::Leader && leader == Some(metrics.id),
    }
}

/// For how long this leader has not heard from a majority; `None` if it never has.
fn silence_of_majority(metrics: &RaftMetrics<TypeConfig>) -> Option<Duration> {
    match metrics.membership_config.voter_ids().count() {
        // It is one by itself.
        0 | 1 => Some(Duration::ZERO),
        _ => metrics
            .last_quorum_acked
            .map(|acked| acked.into_inner().elapsed()),
    }
}

/// A watch of what [`follow`] sends.
pub(crate) fn watch_of(
    now: watch::Receiver<Leadership>,
    book: AddressBook,
    patience: Duration,
) -> LeadershipWatch {
    LeadershipWatch {
        now,
        patience,
        book,
    }
}
