//! The first entry of a new cluster, made only where nothing speaks for an older one.
//!
//! A founder whose folder was lost looks like a new one. Three things give it away: controllers that
//! have a log, the founders or others that the configuration names; messages to its old folder
//! ([`VoteGuard`]); and other folders of its node, which are marked together with this one.

use crate::{
    controller_node::ControllerNode,
    leadership::voters_by_log,
    network::Network,
    raft_types::{NodeId, Raft, broker_id_of},
    vote_guard::VoteGuard,
};
use futures_util::{StreamExt, future, stream::FuturesUnordered};
use klamm_rpc::{
    RawRaftClient,
    raft::{StandingReply, StandingRequest},
};
use openraft::errors::{InitializeError, RaftError};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Channel;

/// How long the first entry waits for controllers that do not answer. Longer than voters of an
/// older cluster stay silent: they look for a leader, or it for them, in the meantime.
const ABSENCE_MAX: Duration = Duration::from_secs(5);
/// How often others are asked for their standing, and how long an answer may take.
const ASK_PAUSE: Duration = Duration::from_millis(50);
const ASK_TIMEOUT: Duration = Duration::from_millis(500);

/// What a founder needs to found a cluster.
pub(crate) struct Founding {
    /// Where the founders are, this one too; empty where this controller is none of them.
    pub(crate) founders: BTreeMap<NodeId, String>,
    /// Where other controllers may be.
    pub(crate) elsewhere: Vec<String>,
    /// Other folders of this node belong to a cluster.
    pub(crate) belongs_already: bool,
    pub(crate) network: Network,
    pub(crate) guard: Arc<VoteGuard>,
    /// How long voters may look for a leader before they are heard from.
    pub(crate) patience: Duration,
}

/// Those who are asked, with how many others there are of each kind.
struct Others {
    founders: Vec<(Option<NodeId>, RawRaftClient<Channel>)>,
    elsewhere: Vec<(Option<NodeId>, RawRaftClient<Channel>)>,
}

/// How many of the others said that they have no log, and how many were asked.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    founders: usize,
    elsewhere: usize,
    /// Somebody has one.
    has_log: bool,
}

impl Founding {
    /// Makes the first entry as soon as it is known that the others have none either. If there is a
    /// cluster already, its leader brings this controller up to date, if it belongs to it at all.
    pub(crate) async fn run(&self, raft: &Raft) {
        let me = *raft.node_id();
        let mut others = self.others(me);
        let asked = (others.founders.len(), others.elsewhere.len());
        let absence_max = ABSENCE_MAX.max(2 * self.patience);
        let began = Instant::now();
        let mut is_told = false;
        while voters_by_log(raft).await.is_none() {
            let answers = others.ask().await;
            let reason = self.against(answers);
            let waited_enough = began.elapsed() >= absence_max;
            match reason {
                Some(reason) if !is_told => {
                    is_told = true;
                    tracing::warn!(
                        reason,
                        "this controller has no log and founds no cluster: it waits for the \
                         leader of the one that is there, or for somebody to remove its old folder \
                         from the voters"
                    );
                }
                None if may_found(answers, asked, waited_enough) => {
                    return self.initialize(raft).await;
                }
                _ => {}
            }
            sleep(ASK_PAUSE).await;
        }
    }

    /// What speaks for an older cluster.
    fn against(&self, answers: Answers) -> Option<&'static str> {
        if self.belongs_already {
            Some("other folders of this node belong to a cluster, and its metadata folder is new")
        } else if self.guard.knows_of_cluster() {
            Some("others have written to an earlier folder of this controller, or have a log")
        } else if answers.has_log {
            Some("another controller has a log")
        } else {
            None
        }
    }

    fn others(&self, me: NodeId) -> Others {
        let client = |endpoint: &String| self.network.client(endpoint).ok();
        let founders = self.founders.iter().filter(|(id, _)| **id != me);
        let known: Vec<&String> = self.founders.values().collect();
        let elsewhere = self.elsewhere.iter().filter(|at| !known.contains(at));
        Others {
            founders: founders
                .filter_map(|(id, endpoint)| Some((Some(*id), client(endpoint)?)))
                .collect(),
            elsewhere: elsewhere
                .filter_map(|endpoint| Some((None, client(endpoint)?)))
                .collect(),
        }
    }

    /// Makes the first entry: the voters, the same on every node, so it does not matter who does.
    /// Which folders they have is not known to all of them, and told later.
    async fn initialize(&self, raft: &Raft) {
        let members: BTreeMap<NodeId, ControllerNode> = self
            .founders
            .iter()
            .map(|(id, endpoint)| (*id, ControllerNode::at(endpoint)))
            .collect();
        if !self.guard.found() {
            return;
        }
        match raft.initialize(members).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {}
            Err(error) => tracing::error!(%error, "the cluster could not be initialized"),
        }
    }
}

impl Others {
    async fn ask(&mut self) -> Answers {
        let (founders, elsewhere) =
            future::join(ask(&mut self.founders), ask(&mut self.elsewhere)).await;
        let mut all = founders.iter().chain(&elsewhere);
        Answers {
            founders: founders.len(),
            elsewhere: elsewhere.len(),
            has_log: all.any(|standing| standing.has_log),
        }
    }
}

/// Asks everybody at once. Who answers in somebody else's place counts as absent.
async fn ask(clients: &mut [(Option<NodeId>, RawRaftClient<Channel>)]) -> Vec<StandingReply> {
    let asked: FuturesUnordered<_> = clients
        .iter_mut()
        .map(|(id, client)| async move {
            let answer = timeout(ASK_TIMEOUT, client.standing(StandingRequest {})).await;
            let standing = answer.ok()?.ok()?.into_inner();
            let is_meant = id.is_none_or(|id| broker_id_of(id).0 == standing.controller_id);
            (is_meant || standing.has_log).then_some(standing)
        })
        .collect();
    asked.filter_map(future::ready).collect().await
}

/// Nobody may have a log, and everybody should have said so: who does not answer may have one.
/// A new cluster must also come up without one of its voters, some time.
fn may_found(answers: Answers, asked: (usize, usize), waited_enough: bool) -> bool {
    let (founders, elsewhere) = asked;
    let everybody = answers.founders == founders && answers.elsewhere == elsewhere;
    // This one is a founder too.
    let (voters, there) = (founders + 1, answers.founders + 1);
    let majority = there > voters / 2;
    !answers.has_log && (everybody || waited_enough && majority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(founders: usize, elsewhere: usize) -> Answers {
        Answers {
            founders,
            elsewhere,
            has_log: false,
        }
    }

    #[test]
    fn only_who_knows_of_no_log_makes_one() {
        assert!(may_found(answers(0, 0), (0, 0), false));
        assert!(!may_found(answers(0, 0), (2, 0), true));
        assert!(!may_found(answers(1, 0), (2, 0), false));
        assert!(may_found(answers(1, 0), (2, 0), true));
        assert!(may_found(answers(2, 0), (2, 0), false));
        assert!(!may_found(answers(1, 0), (3, 0), true));
        assert!(may_found(answers(2, 0), (3, 0), true));
        let with_log = Answers {
            has_log: true,
            ..answers(2, 0)
        };
        assert!(!may_found(with_log, (2, 0), true));
    }

    #[test]
    fn others_that_are_named_may_have_a_log_too() {
        assert!(!may_found(answers(0, 0), (0, 2), false));
        assert!(!may_found(answers(0, 1), (0, 2), false));
        assert!(may_found(answers(0, 2), (0, 2), false));
        assert!(may_found(answers(0, 0), (0, 2), true));
    }
}
