//! The election after a start: no timeout need pass when a majority has just come up together.

use crate::{
    founding::Founding,
    leadership::{LeadershipWatch, voters_by_log},
    raft_types::{NodeId, Raft},
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::{collections::BTreeSet, time::Duration};
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
/// makes the first entry of a new cluster, if it is one of the founders, or stands for election
/// in one that was stopped as a whole; where somebody does lead, the others' leases turn it down.
pub(crate) async fn hold(raft: Raft, leadership: LeadershipWatch, founding: Founding) {
    let node_id = *raft.node_id();
    let by_log = voters_by_log(&raft).await;
    let voters = by_log.unwrap_or_else(|| founding.founders.keys().copied().collect());
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
            Some(by_log) if by_log.contains(&node_id) && founding.guard.is_whole() => {
                drop(raft.trigger().elect(true).await);
            }
            Some(_) => {}
            None => founding.run(&raft).await,
        }
    };
    tokio::select! {
        biased;
        () = somebody_leads => {}
        () = stand => {}
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
