//! The election after a start: no timeout need pass when a majority has just come up together.

use crate::{
    controller_node::ControllerNode,
    leadership::{LeadershipWatch, voters_by_log},
    network::Network,
    raft_types::{NodeId, Raft},
};
use futures_util::{StreamExt, future, stream::FuturesUnordered};
use klamm_rpc::{RawRaftClient, raft::StandingRequest};
use openraft::errors::{InitializeError, RaftError};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tonic::transport::Channel;

/// Voters take turns this far apart, in the order of their ids, which spares them a split vote.
const TURN: Duration = Duration::from_millis(150);
/// How long a voter waits for a majority to come up; then the election timeouts rule.
const MAJORITY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the first entry waits for voters that do not answer.
const ABSENCE_MAX: Duration = Duration::from_secs(5);
/// How often others are asked for their standing, and how long an answer may take.
const ASK_PAUSE: Duration = Duration::from_millis(50);
const ASK_TIMEOUT: Duration = Duration::from_millis(500);
/// How often others are dialled until they are up, and how long a dial may take.
const DIAL_PAUSE: Duration = Duration::from_millis(20);
const DIAL_TIMEOUT: Duration = Duration::from_millis(200);

/// Waits until a majority is up, and until it is this voter's turn. If nobody leads by then, it
/// makes the first entry of a new cluster, if it is one of the `founders`, or stands for election
/// in one that was stopped as a whole; where somebody does lead, the others' leases turn it down.
pub(crate) async fn hold(
    raft: Raft,
    leadership: LeadershipWatch,
    network: Network,
    node_id: NodeId,
    founders: BTreeMap<NodeId, String>,
) {
    let by_log = voters_by_log(&raft).await;
    let voters = by_log.unwrap_or_else(|| founders.keys().copied().collect());
    if !voters.contains(&node_id) {
        return;
    }
    let mut now = leadership.now.clone();
    let somebody_leads = async {
        // A closed channel means that the controller stops.
        let _ = now.wait_for(|now| now.leader.is_some()).await;
    };
    let stand = async {
        // The first entry may wait for others for as long as it takes.
        let up = majority_is_up(&voters, &leadership, node_id);
        let _ = timeout(MAJORITY_TIMEOUT, up).await;
        let rank = voters.iter().take_while(|id| **id != node_id).count();
        sleep(TURN * u32::try_from(rank).unwrap_or(0)).await;
        match voters_by_log(&raft).await {
            // An error means that raft stopped, which is reported elsewhere.
            Some(by_log) if by_log.contains(&node_id) => drop(raft.trigger().elect(true).await),
            Some(_) => {}
            None => found(&raft, &founders, &network, node_id).await,
        }
    };
    tokio::select! {
        biased;
        () = somebody_leads => {}
        () = stand => {}
    }
}

/// Makes the first entry as soon as it is known that the others have none either. If one of them
/// has a log, there is a cluster already: its leader brings this voter up to date, if it belongs
/// to it at all.
async fn found(
    raft: &Raft,
    founders: &BTreeMap<NodeId, String>,
    network: &Network,
    node_id: NodeId,
) {
    let mut others: BTreeMap<NodeId, RawRaftClient<Channel>> = founders
        .iter()
        .filter(|(id, _)| **id != node_id)
        .filter_map(|(id, endpoint)| Some((*id, network.client(endpoint).ok()?)))
        .collect();
    let began = Instant::now();
    while voters_by_log(raft).await.is_none() {
        let standings = ask(&mut others).await;
        if may_found(&standings, founders.len(), began.elapsed()) {
            return initialize(raft, founders).await;
        }
        sleep(ASK_PAUSE).await;
    }
}

/// Nobody may have a log, and everybody should have said so: who does not answer may have one.
/// A new cluster must also come up without one of its voters, some time.
fn may_found(standings: &BTreeMap<NodeId, bool>, voters: usize, waited: Duration) -> bool {
    let (all, majority) = (voters, voters / 2 + 1);
    let needed = match waited < ABSENCE_MAX {
        true => all,
        false => majority,
    };
    standings.len() + 1 >= needed && standings.values().all(|has_log| !has_log)
}

/// Whether the others have a log, as far as they answer.
async fn ask(others: &mut BTreeMap<NodeId, RawRaftClient<Channel>>) -> BTreeMap<NodeId, bool> {
    let asked: FuturesUnordered<_> = others
        .iter_mut()
        .map(|(id, client)| async move {
            let answer = timeout(ASK_TIMEOUT, client.standing(StandingRequest {})).await;
            Some((*id, answer.ok()?.ok()?.into_inner().has_log))
        })
        .collect();
    asked.filter_map(future::ready).collect().await
}

/// Makes the first entry: the voters, the same on every node, so it does not matter who does.
/// Which folders they have is not known to all of them, and told later.
async fn initialize(raft: &Raft, founders: &BTreeMap<NodeId, String>) {
    let members: BTreeMap<NodeId, ControllerNode> = founders
        .iter()
        .map(|(id, endpoint)| (*id, ControllerNode::at(endpoint)))
        .collect();
    match raft.initialize(members).await {
        Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {}
        Err(error) => tracing::error!(%error, "the cluster could not be initialized"),
    }
}

async fn majority_is_up(voters: &BTreeSet<NodeId>, leadership: &LeadershipWatch, node_id: NodeId) {
    let others_needed = voters.len() / 2;
    let dials: FuturesUnordered<_> = voters
        .iter()
        .filter(|id| **id != node_id)
        .map(|id| until_it_listens(leadership, *id))
        .collect();
    dials.take(others_needed).collect::<Vec<()>>().await;
}

async fn until_it_listens(leadership: &LeadershipWatch, id: NodeId) {
    loop {
        for endpoint in leadership.book.endpoints(id) {
            let dialled = timeout(DIAL_TIMEOUT, TcpStream::connect(endpoint)).await;
            if matches!(dialled, Ok(Ok(_))) {
                return;
            }
        }
        sleep(DIAL_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_knows_of_no_log_makes_one() {
        let at_once = Duration::ZERO;
        let none = BTreeMap::new();
        assert!(may_found(&none, 1, at_once));
        assert!(!may_found(&none, 3, ABSENCE_MAX));
        let one = BTreeMap::from([(2, false)]);
        assert!(!may_found(&one, 3, at_once));
        assert!(may_found(&one, 3, ABSENCE_MAX));
        let all = BTreeMap::from([(2, false), (3, false)]);
        assert!(may_found(&all, 3, at_once));
        let with_log = BTreeMap::from([(1, true), (2, false)]);
        assert!(!may_found(&with_log, 3, at_once));
        assert!(!may_found(&with_log, 3, ABSENCE_MAX));
    }
}
