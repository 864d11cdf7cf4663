//! The election after a start: no timeout need pass when a majority has just come up together.

use crate::{
    leadership::LeadershipWatch,
    raft_types::{NodeId, Raft},
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use openraft::{
    BasicNode,
    errors::{InitializeError, RaftError},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

/// Voters take turns this far apart, in the order of their ids, which spares them a split vote.
const TURN: Duration = Duration::from_millis(150);
/// How long a voter waits for a majority to come up; then the election timeouts rule.
const MAJORITY_TIMEOUT: Duration = Duration::from_secs(30);
/// How often others are dialled until they are up, and how long a dial may take.
const DIAL_PAUSE: Duration = Duration::from_millis(20);
const DIAL_TIMEOUT: Duration = Duration::from_millis(200);

/// Waits until a majority is up, and until it is this voter's turn. If nobody leads by then, it
/// makes the first entry of a new cluster, or stands for election in one that was stopped as a
/// whole; where somebody does lead, the others' leases turn it down.
pub(crate) async fn hold(raft: Raft, voters: LeadershipWatch, node_id: NodeId) {
    let mut leadership = voters.now.clone();
    let somebody_leads = async {
        // A closed channel means that the controller stops.
        let _ = leadership.wait_for(|now| now.leader.is_some()).await;
    };
    let my_turn = async {
        // The first entry may wait for others for as long as it takes.
        let _ = timeout(MAJORITY_TIMEOUT, majority_is_up(&voters, node_id)).await;
        let rank = voters.voters().take_while(|id| **id != node_id).count();
        sleep(TURN * u32::try_from(rank).unwrap_or(0)).await;
    };
    tokio::select! {
        biased;
        () = somebody_leads => return,
        () = my_turn => {}
    }
    match raft.is_initialized().await {
        Ok(true) => {
            // An error means that raft stopped, which is reported elsewhere.
            let _ = raft.trigger().elect(true).await;
        }
        Ok(false) => initialize(&raft, &voters).await,
        Err(_) => {}
    }
}

/// Makes the first entry: the voters, the same on every node, so it does not matter who does.
async fn initialize(raft: &Raft, voters: &LeadershipWatch) {
    let members: BTreeMap<NodeId, BasicNode> = voters
        .voters()
        .filter_map(|id| Some((*id, BasicNode::new(voters.endpoint(*id)?))))
        .collect();
    match raft.initialize(members).await {
        Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {}
        Err(error) => tracing::error!(%error, "the cluster could not be initialized"),
    }
}

async fn majority_is_up(voters: &LeadershipWatch, node_id: NodeId) {
    let others_needed = voters.voters().count() / 2;
    let dials: FuturesUnordered<_> = voters
        .voters()
        .filter(|id| **id != node_id)
        .filter_map(|id| voters.endpoint(*id))
        .map(until_it_listens)
        .collect();
    dials.take(others_needed).collect::<Vec<()>>().await;
}

async fn until_it_listens(endpoint: &str) {
    loop {
        let dialled = timeout(DIAL_TIMEOUT, TcpStream::connect(endpoint)).await;
        if matches!(dialled, Ok(Ok(_))) {
            return;
        }
        sleep(DIAL_PAUSE).await;
    }
}
