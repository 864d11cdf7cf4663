//! Who takes part: observers and voters come and go by entries of the log.
//!
//! Raft makes such a change in two steps, through a membership in which both the old and the new
//! voters must agree. A change that has begun is carried through even if whoever asked has given
//! up; if its leader dies between the steps, the next one makes the second.

use crate::{
    address_book::AddressBook,
    controller_node::ControllerNode,
    network::Network,
    raft_types::{NodeId, Raft, RaftMetrics, StoredMembership},
    voter_changes::{Members, Welcome, in_turn},
};
use klamm_controller::Refusal;
use klamm_metadata::feature_level::VOTERS_LEVEL;
use klamm_rpc::raft::StandingRequest;
use klamm_types::{ErrorCode, Uuid};
use openraft::{
    ChangeMembers, Instant as _,
    async_runtime::watch::WatchReceiver,
    errors::{ChangeMembershipError, ClientWriteError, RaftError},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, MutexGuard, OwnedMutexGuard},
    time::{Instant, sleep, timeout, timeout_at},
};

/// How long one change waits for another that is under way.
const TURN_PATIENCE: Duration = Duration::from_secs(5);
/// How long a controller may take to say who it is.
const STANDING_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a change of observers may take.
const OBSERVER_PATIENCE: Duration = Duration::from_secs(5);
/// The pause before another look at a change that another leader began.
const SETTLE_PAUSE: Duration = Duration::from_millis(250);

type Changes = ChangeMembers<NodeId, ControllerNode>;

/// Why a change did not happen.
#[derive(Debug)]
pub(crate) enum ChangeError {
    /// It is refused.
    Refused(Refusal),
    /// This controller does not lead (any more).
    NotLeader,
}

impl From<Refusal> for ChangeError {
    fn from(refusal: Refusal) -> ChangeError {
        ChangeError::Refused(refusal)
    }
}

/// What a controller is told that has said where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has a vote.
    Voter,
    /// It follows without a vote.
    Observer,
    /// The voter of its id has this other folder.
    OtherFolder(Uuid),
}

/// Changes who takes part. Only the leader's changes have an effect.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    pub(crate) raft: Raft,
    pub(crate) book: AddressBook,
    pub(crate) network: Network,
    /// Held while a change is under way.
    pub(crate) turn: Arc<Mutex<()>>,
}

/// Who takes part by what is committed. While the voters change, whoever joins has no vote yet, and whoever leaves still
/// has one: the old voters are needed until the change is complete.
fn agreed_by(committed: &StoredMembership) -> Members {
    let joint = committed.get_joint_config();
    Members {
        is_settled: joint.len() == 1,
        // Of two the first is the older one.
        ..members_by(committed, |id| {
            joint.first().is_some_and(|voting| voting.contains(&id))
        })
    }
}

fn members_by(membership: &StoredMembership, votes: impl Fn(NodeId) -> bool) -> Members {
    let (voters, observers) = membership
        .nodes()
        .map(|(id, node)| (*id, node.clone()))
        .partition(|(id, _)| votes(*id));
    Members {
        voters,
        observers,
        is_settled: false,
    }
}

impl Membership {
    /// Who takes part as far as that is certain: see [`agreed_by`].
    pub(crate) fn agreed(&self) -> Members {
        let server = self.raft.server_metrics();
        let committed = server.borrow_watched().committed_membership_config.clone();
        match committed.voter_ids().next() {
            Some(_) => agreed_by(&committed),
            // Nothing is known to be committed yet.
            None => self.members(),
        }
    }

    /// Who takes part, by this controller's log.
    pub(crate) fn members(&self) -> Members {
        let metrics = self.raft.server_metrics();
        let metrics = metrics.borrow_watched();
        let effective = &metrics.membership_config;
        Members {
            is_settled: effective.get_joint_config().len() == 1
                && metrics.committed_membership_config.log_id() == effective.log_id(),
            ..members_by(effective, |id| {
                effective.voter_ids().any(|voter| voter == id)
            })
        }
    }

    /// A controller says where it is and which folder it has: it becomes an observer if it is
    /// none, and its new address is made known. The folder is noted from [`VOTERS_LEVEL`] on.
    ///
    /// # Errors
    /// This controller does not lead, or lacks a majority.
    pub(crate) async fn welcome(
        &self,
        id: NodeId,
        node: ControllerNode,
        level: i32,
    ) -> Result<Standing, ChangeError> {
        let noted = match level >= VOTERS_LEVEL {
            true => node.clone(),
            false => ControllerNode::at(&node.endpoint),
        };
        let turn = timeout(TURN_PATIENCE, self.turn.lock()).await;
        let members = self.members();
        let change = match members.welcome(id, &node, &noted) {
            Welcome::OtherFolder(other) => return Ok(Standing::OtherFolder(other)),
            Welcome::Known => None,
            Welcome::AddObserver => Some(Changes::AddNodes([(id, noted)].into())),
            Welcome::Update => Some(Changes::SetNodes([(id, noted)].into())),
        };
        let standing = match members.voters.contains_key(&id) {
            true => Standing::Voter,
            false => Standing::Observer,
        };
        // While another change is under way, it has to say so again later.
        if let (Ok(turn), Some(change)) = (turn, change) {
            self.change_nodes(&turn, change).await?;
        }
        self.book.heard(id, &node.endpoint);
        Ok(standing)
    }

    /// Makes a controller a voter, once it has caught up. With `wait`, returns when that is
    /// committed; otherwise as soon as it is under way.
    ///
    /// # Errors
    /// INVALID_VOTER_KEY: another controller or folder is there. REQUEST_TIMED_OUT: it cannot be
    /// reached, lags behind, or another change is under way. Else see [`Members::check_add`].
    pub(crate) async fn add_voter(
        &self,
        id: NodeId,
        node: ControllerNode,
        patience: Duration,
        wait: bool,
    ) -> Result<(), ChangeError> {
        let deadline = Instant::now() + patience;
        let turn = self.take_turn().await?;
        self.members().check_add(id)?;
        self.check_standing(id, &node).await?;
        self.observe(id, &node, deadline).await?;
        // That may take long, and others may want to change something in the meantime.
        drop(turn);
        timeout_at(deadline, self.until_caught_up(id))
            .await
            .map_err(|_| lags(id))??;
        let turn = self.take_turn().await?;
        let members = self.members();
        members.check_add(id)?;
        if members.observers.get(&id) != Some(&node) {
            return Err(in_turn().into());
        }
        let change = Changes::AddVoterIds([id].into());
        tracing::info!(id, endpoint = node.endpoint, directory = %node.directory_id, "adding a voter");
        self.carry_through(turn, change, deadline, wait).await
    }

    /// Makes a controller an observer that is none, or has another address or folder.
    async fn observe(
        &self,
        id: NodeId,
        node: &ControllerNode,
        deadline: Instant,
    ) -> Result<(), ChangeError> {
        let members = self.members();
        let change = match members.observers.get(&id) {
            Some(known) if known == node => return Ok(()),
            Some(_) => Changes::SetNodes([(id, node.clone())].into()),
            None => Changes::AddNodes([(id, node.clone())].into()),
        };
        timeout_at(deadline, self.change(change))
            .await
            .map_err(|_| lags(id))?
    }

    /// Takes a controller's vote. With `only_if_silent` not while it is heard from.
    ///
    /// # Errors
    /// See [`Members::check_remove`]; REQUEST_TIMED_OUT: not committed in time.
    pub(crate) async fn remove_voter(
        &self,
        id: NodeId,
        directory_id: Uuid,
        only_if_silent: Option<Duration>,
        patience: Duration,
    ) -> Result<(), ChangeError> {
        let deadline = Instant::now() + patience;
        let turn = self.take_turn().await?;
        self.members().check_remove(id, directory_id)?;
        if let Some(silence) = only_if_silent
            && !is_silent(&self.raft.metrics().borrow_watched(), id, silence)
        {
            let message = format!("controller {id} with the directory {directory_id} is alive");
            return Err(Refusal::new(ErrorCode::InvalidRequest, message).into());
        }
        tracing::info!(id, directory = %directory_id, "removing a voter");
        let change = Changes::RemoveVoters([id].into());
        self.carry_through(turn, change, deadline, true).await
    }

    /// Completes changes that a leader before this one began, for as long as this controller runs.
    pub(crate) async fn keep_settled(self) {
        let mut server = self.raft.server_metrics();
        loop {
            let half_done = {
                let metrics = server.borrow_watched();
                let effective = &metrics.membership_config;
                metrics.state.is_leader()
                    && effective.get_joint_config().len() > 1
                    && metrics.committed_membership_config.log_id() == effective.log_id()
            };
            if half_done && let Ok(_turn) = self.turn.try_lock() {
                tracing::info!("completing a change of the voters");
                let change = Changes::AddVoterIds([].into());
                if let Err(error) = self.change(change).await {
                    tracing::warn!(?error, "the voters' change is not complete yet");
                }
            }
            if half_done {
                sleep(SETTLE_PAUSE).await;
            } else if server.changed().await.is_err() {
                return;
            }
        }
    }

    async fn take_turn(&self) -> Result<OwnedMutexGuard<()>, Refusal> {
        let turn = self.turn.clone().lock_owned();
        timeout(TURN_PATIENCE, turn).await.map_err(|_| in_turn())
    }

    /// Asks whoever listens there who it is.
    async fn check_standing(&self, id: NodeId, node: &ControllerNode) -> Result<(), Refusal> {
        let at = &node.endpoint;
        let unreachable = |reason: String| {
            let message = format!("controller {id} cannot be asked at {at}: {reason}");
            Refusal::new(ErrorCode::RequestTimedOut, message)
        };
        let client = self.network.client(at);
        let mut client = client.map_err(|error| unreachable(error.to_string()))?;
        let standing = timeout(STANDING_TIMEOUT, client.standing(StandingRequest {}))
            .await
            .map_err(|elapsed| unreachable(elapsed.to_string()))?
            .map_err(|status| unreachable(status.message().to_owned()))?
            .into_inner();
        let directory = Uuid::from_slice(&standing.directory_id).unwrap_or(Uuid::ZERO);
        if NodeId::try_from(standing.controller_id) != Ok(id) || directory != node.directory_id {
            let message = format!(
                "at {at} is controller {} with the directory {directory}, not {id} with {}",
                standing.controller_id, node.directory_id
            );
            return Err(Refusal::new(ErrorCode::InvalidVoterKey, message));
        }
        let cluster = self.network.cluster_id.check(&standing.cluster_id);
        cluster.map_err(|_| {
            let message = format!("controller {id} belongs to cluster {}", standing.cluster_id);
            Refusal::new(ErrorCode::InconsistentClusterId, message)
        })
    }

    /// Waits until a controller has everything that is in the log now.
    async fn until_caught_up(&self, id: NodeId) -> Result<(), ChangeError> {
        let mut metrics = self.raft.metrics();
        let target = metrics.borrow_watched().last_log_index;
        loop {
            {
                let now = metrics.borrow_watched();
                let Some(replication) = &now.replication else {
                    return Err(ChangeError::NotLeader);
                };
                let matched = replication.get(&id).and_then(|at| at.as_ref());
                if matched.map(|at| at.index) >= target {
                    return Ok(());
                }
            }
            if metrics.changed().await.is_err() {
                return Err(ChangeError::NotLeader);
            }
        }
    }

    async fn change_nodes(
        &self,
        _turn: &MutexGuard<'_, ()>,
        change: Changes,
    ) -> Result<(), ChangeError> {
        match timeout(OBSERVER_PATIENCE, self.change(change)).await {
            Ok(changed) => changed,
            Err(_) => Err(not_in_time().into()),
        }
    }

    /// Makes a change in a task of its own: it must not end half-way.
    async fn carry_through(
        &self,
        turn: OwnedMutexGuard<()>,
        change: Changes,
        deadline: Instant,
        wait: bool,
    ) -> Result<(), ChangeError> {
        let this = self.clone();
        let changing = tokio::spawn(async move {
            let changed = this.change(change).await;
            // Nobody else's turn begins before this controller knows who votes now: it may have
            // lost its own vote.
            this.until_settled().await;
            drop(turn);
            changed
        });
        if !wait {
            return Ok(());
        }
        match timeout_at(deadline, changing).await {
            Ok(Ok(changed)) => changed,
            Ok(Err(_)) => Err(ChangeError::NotLeader),
            Err(_) => Err(not_in_time().into()),
        }
    }

    /// Waits, but not for long, until no change is under way as far as this controller is told.
    async fn until_settled(&self) {
        let mut server = self.raft.server_metrics();
        let settled = async {
            while !self.members().is_settled {
                if server.changed().await.is_err() {
                    return;
                }
            }
        };
        // Whoever comes next is refused if it is not.
        let _ = timeout(OBSERVER_PATIENCE, settled).await;
    }

    async fn change(&self, change: Changes) -> Result<(), ChangeError> {
        // A leader that has lost its vote is about to step down: raft takes no change from it.
        let me = *self.raft.node_id();
        if !self.members().voters.contains_key(&me) {
            return Err(ChangeError::NotLeader);
        }
        match self.raft.change_membership(change, false).await {
            Ok(_) => Ok(()),
            Err(RaftError::APIError(ClientWriteError::ChangeMembershipError(
                ChangeMembershipError::InProgress(_),
            ))) => Err(in_turn().into()),
            Err(RaftError::APIError(ClientWriteError::ChangeMembershipError(error))) => {
                Err(Refusal::new(ErrorCode::UnknownServerError, error.to_string()).into())
            }
            Err(_) => Err(ChangeError::NotLeader),
        }
    }
}

/// Whether a controller has not answered the leader for so long; the leader itself never is.
fn is_silent(metrics: &RaftMetrics, id: NodeId, silence: Duration) -> bool {
    let heard = metrics.heartbeat.as_ref().and_then(|all| all.get(&id));
    match heard {
        Some(Some(heard)) => heard.elapsed() >= silence,
        Some(None) => true,
        None => false,
    }
}

fn lags(id: NodeId) -> Refusal {
    let message = format!("controller {id} has not caught up in time");
    Refusal::new(ErrorCode::RequestTimedOut, message)
}

fn not_in_time() -> Refusal {
    let message = "the change was not committed in time, and may be later";
    Refusal::new(ErrorCode::RequestTimedOut, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openraft::Membership as Joint;
    use std::collections::{BTreeMap, BTreeSet};

    fn agreed(steps: &[&[NodeId]]) -> (Vec<NodeId>, Vec<NodeId>, bool) {
        let nodes: BTreeMap<_, _> = (1..=3)
            .map(|id| (id, ControllerNode::at(format!("controller-{id}:9093"))))
            .collect();
        let steps = steps.iter().map(|ids| ids.iter().copied().collect());
        let joint = Joint::new(steps.collect::<Vec<BTreeSet<_>>>(), nodes).unwrap();
        let agreed = agreed_by(&StoredMembership::new(None, joint));
        let ids = |of: BTreeMap<NodeId, _>| of.into_keys().collect();
        (ids(agreed.voters), ids(agreed.observers), agreed.is_settled)
    }

    #[test]
    fn old_voters_vote_until_a_change_is_complete() {
        assert_eq!(agreed(&[&[2, 3]]), (vec![2, 3], vec![1], true));
        let joining: &[&[NodeId]] = &[&[2, 3], &[1, 2, 3]];
        assert_eq!(agreed(joining), (vec![2, 3], vec![1], false));
        let leaving: &[&[NodeId]] = &[&[1, 2, 3], &[2, 3]];
        assert_eq!(agreed(leaving), (vec![1, 2, 3], vec![], false));
    }
}
