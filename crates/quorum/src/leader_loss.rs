//! Notices within milliseconds that the leader's process died.
//!
//! Election timeouts must be long enough for a loaded machine, too long for a fast fail-over.
//! But a process that dies takes its connections with it: each follower keeps a *presence*
//! stream to the leader, and when it breaks, looks closer. Only if nobody listens there any more
//! (the dial is refused), or whoever listens does not lead that term, is the leader gone for
//! certain. Then the follower ends its lease for that leader and starts a pre-vote; the others
//! look for themselves before they grant it. A leader that is slow, frozen or cut off is left to
//! the election timeout.

use crate::{
    leadership::{Leadership, LeadershipWatch},
    network::Network,
    raft_types::{NodeId, Raft, Vote, broker_id_of},
    vote_guard::VoteGuard,
};
use klamm_rpc::raft::{PresenceReply, PresenceRequest};
use openraft::raft::TransferLeaderRequest;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tonic::{Status, Streaming};

/// How long a leader may take to be dialled and to say that it leads.
const PROBE_TIMEOUT: Duration = Duration::from_millis(150);
/// The pause before a broken presence stream is opened again while the leader seems alive.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// Followers start their elections this far apart, in the order of their ids, so that the
/// first one usually wins before the second one starts.
const STAGGER: Duration = Duration::from_millis(40);
/// How long an election may take before the next try; a random part is added.
const ELECTION_WAIT: Duration = Duration::from_millis(100);

/// What became of a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It says that it leads that term.
    Leads,
    /// Its process died, or runs but does not lead that term any more.
    Gone,
    /// Neither is certain.
    Unknown,
}

/// Looks whether the leader still is one.
#[derive(Clone, Debug)]
pub(crate) struct LeaderProbe {
    pub(crate) node_id: NodeId,
    pub(crate) network: Network,
    pub(crate) leadership: LeadershipWatch,
    pub(crate) guard: Arc<VoteGuard>,
}

impl LeaderProbe {
    /// Ends this controller's lease for a leader whose loss is certain, so that it votes for
    /// another one at once.
    pub(crate) async fn end_lease_if_leader_died(&self, raft: &Raft) -> bool {
        let now = self.leadership.get();
        let Some(leader) = now.other_leader() else {
            return false;
        };
        if self.fate_of(leader, now.term).await != Fate::Gone || self.leadership.get() != now {
            return false;
        }
        tracing::info!(leader, term = now.term, "the leader is gone");
        // openraft ends a lease early where the leader itself asks for it, before it hands its
        // leadership over; "to the leader" makes this end the lease and nothing else.
        let vote = Vote::new_committed(now.term, leader);
        let transfer = TransferLeaderRequest::new(vote, leader, None);
        matches!(raft.handle_transfer_leader(transfer).await, Ok(Ok(())))
    }

    async fn fate_of(&self, leader: NodeId, term: u64) -> Fate {
        let endpoints = self.leadership.book.endpoints(leader);
        let mut fate = Fate::Unknown;
        for endpoint in endpoints {
            // One that may be out of date proves nothing alone.
            match self.fate_at(&endpoint, term).await {
                Fate::Gone => fate = Fate::Gone,
                other => return other,
            }
        }
        fate
    }

    async fn fate_at(&self, endpoint: &str, term: u64) -> Fate {
        match timeout(PROBE_TIMEOUT, TcpStream::connect(endpoint)).await {
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Fate::Gone,
            Ok(Ok(_)) => match timeout(PROBE_TIMEOUT, self.open_presence(endpoint, term)).await {
                Ok(Ok(_)) => Fate::Leads,
                Ok(Err(NotPresent::LeadsNot)) => Fate::Gone,
                _ => Fate::Unknown,
            },
            _ => Fate::Unknown,
        }
    }

    /// A presence stream whose other end leads `term`.
    async fn open_presence(
        &self,
        endpoint: &str,
        term: u64,
    ) -> Result<Streaming<PresenceReply>, NotPresent> {
        let mut client = self
            .network
            .client(endpoint)
            .map_err(|_| NotPresent::Broken)?;
        let request = PresenceRequest {
            cluster_id: self.network.cluster_id.on_the_wire(),
            controller_id: broker_id_of(self.node_id).0,
        };
        let mut replies = client.presence(request).await?.into_inner();
        match replies.message().await? {
            Some(reply) if reply.leads_term == term => Ok(replies),
            Some(_) => Err(NotPresent::LeadsNot),
            None => Err(NotPresent::Broken),
        }
    }
}

/// Why there is no presence stream.
enum NotPresent {
    Broken,
    LeadsNot,
}

impl From<Status> for NotPresent {
    fn from(_: Status) -> NotPresent {
        NotPresent::Broken
    }
}

/// Watches every leader this controller follows, for as long as it runs.
pub(crate) async fn watch_leaders(probe: LeaderProbe, raft: Raft) {
    let mut leadership = probe.leadership.now.clone();
    loop {
        let now = *leadership.borrow_and_update();
        let follow = async {
            match now.other_leader() {
                Some(leader) => follow_leader(&probe, &raft, leader, now).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = follow => {}
            changed = leadership.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// Returns only by being dropped, when somebody else leads.
async fn follow_leader(probe: &LeaderProbe, raft: &Raft, leader: NodeId, now: Leadership) {
    loop {
        let Some(endpoint) = probe.leadership.book.endpoint(leader) else {
            sleep(RETRY_PAUSE).await;
            continue;
        };
        // The leader's own view may lag behind its first messages: what it says when the
        // stream opens only counts against it in a probe, after a stream has broken.
        let opened = timeout(PROBE_TIMEOUT, probe.open_presence(&endpoint, now.term)).await;
        if let Ok(Ok(mut replies)) = opened {
            while let Ok(Some(reply)) = replies.message().await {
                if reply.leads_term != now.term {
                    break;
                }
            }
            elect_another(probe, raft, leader, now.term).await;
        } else if !matches!(opened, Ok(Err(NotPresent::LeadsNot))) {
            probe.leadership.book.failed(leader, &endpoint);
            elect_another(probe, raft, leader, now.term).await;
        }
        sleep(RETRY_PAUSE).await;
    }
}

/// Stands for election as often as it takes, as long as the leader's loss is certain and this
/// controller has not voted for another one.
async fn elect_another(probe: &LeaderProbe, raft: &Raft, leader: NodeId, term: u64) {
    // Observers have no vote, and cannot be elected.
    let is_voter = probe.leadership.book.voters().contains(&probe.node_id);
    if !is_voter || !probe.guard.is_whole() {
        return;
    }
    let turn = STAGGER * rank_of(probe, leader);
    let mut wait = turn;
    while probe.end_lease_if_leader_died(raft).await {
        sleep(wait).await;
        // What is known of the leadership lags behind the vote while that is written to disk.
        let followed = Vote::new_committed(term, leader);
        let follows = raft
            .with_raft_state(move |state| *state.vote_ref() == followed)
            .await;
        if !matches!(follows, Ok(true)) || raft.trigger().elect(true).await.is_err() {
            return;
        }
        wait = ELECTION_WAIT + turn + random_part(ELECTION_WAIT);
    }
}

/// How many followers of `leader` come before this one.
fn rank_of(probe: &LeaderProbe, leader: NodeId) -> u32 {
    let voters = probe.leadership.book.voters();
    let before = |id: &&NodeId| **id < probe.node_id && **id != leader;
    let rank = voters.iter().filter(before).count();
    u32::try_from(rank).unwrap_or(u32::MAX).min(10)
}

/// Up to `bound`, so that two candidates do not meet again and again.
fn random_part(bound: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness the ranks still keep candidates apart.
    let _ = getrandom::fill(&mut byte);
    bound * u32::from(byte[0]) / 256
}
