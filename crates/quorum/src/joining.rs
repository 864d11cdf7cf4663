//! How a controller makes itself known to the leader, whoever that is.
//!
//! It says where it listens and which folder it has, again for every leader and every now and
//! then. A controller that the cluster does not know becomes an observer by that. Where it is
//! configured to, it then asks for a vote; and a voter that has lost its folder asks for the old
//! folder's vote to be removed first.

use crate::{
    cluster_id::ClusterId,
    config::{QuorumConfig, Voter},
    identity::Folder,
    leadership::{Leadership, LeadershipWatch},
    network::directory_on_the_wire,
    raft_types::{broker_id_of, node_id_of},
};
use klamm_metadata::feature_level::LevelRange;
use klamm_rpc::{
    CallError, ControllerClient, ControllerEndpoint,
    controller::{
        AddRaftVoterRequest, RegisterControllerRequest, RegisterControllerResponse,
        RemoveRaftVoterRequest,
    },
    metadata::Listener,
};
use klamm_types::{BrokerId, ErrorCode, Uuid};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

/// The pause before the next try while something is missing.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// The pause before a controller that is what it wants to be says so again.
const REPEAT_PAUSE: Duration = Duration::from_secs(10);
/// How long one call may look for the leader and wait for its answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to catch up with the others.
const JOIN_TIMEOUT: Duration = Duration::from_secs(60);

/// Makes this controller known.
pub(crate) struct Joiner {
    pub(crate) me: Voter,
    pub(crate) folder: Arc<Folder>,
    pub(crate) listener: Listener,
    pub(crate) cluster_id: ClusterId,
    pub(crate) client: ControllerClient,
    /// Whom to ask by configuration.
    pub(crate) configured: Vec<ControllerEndpoint>,
    pub(crate) leadership: LeadershipWatch,
    /// The feature levels that it supports.
    pub(crate) levels: LevelRange,
    /// `controller.quorum.auto.join.enable`.
    pub(crate) auto_join: bool,
    /// The configuration counts it among the voters: it may take its own place with a new folder.
    pub(crate) is_configured: bool,
    pub(crate) failed: watch::Sender<Option<String>>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It is what it wants to be.
    Rest,
    /// Nothing is known to be wrong, and something is missing.
    Retry,
    /// The vote of its earlier folder is to go.
    ReplaceFolder(Uuid),
    /// It wants a vote.
    AskForVote,
    /// Somebody must decide: it has another folder than the voter of its id.
    TellOfFolder(Uuid),
}

impl Joiner {
    pub(crate) fn new(
        config: &QuorumConfig,
        folder: Arc<Folder>,
        cluster_id: ClusterId,
        leadership: LeadershipWatch,
        failed: watch::Sender<Option<String>>,
    ) -> Joiner {
        Joiner {
            me: config.advertised.clone(),
            folder,
            listener: listener_of(&config.advertised, &config.controller.listener_name),
            cluster_id,
            client: ControllerClient::new(config.known_controllers()),
            configured: config.known_controllers(),
            leadership,
            levels: config.controller.levels,
            auto_join: config.auto_join,
            is_configured: config.voters.iter().any(|voter| voter.id == config.node_id),
            failed,
        }
    }

    /// Runs until the controller stops.
    pub(crate) async fn run(mut self) {
        let mut is_told = false;
        loop {
            self.leadership.now.mark_unchanged();
            let next = self.announce().await;
            match next {
                Next::ReplaceFolder(old) => self.replace(old).await,
                Next::AskForVote => self.ask_for_vote().await,
                Next::TellOfFolder(old) if !is_told => {
                    is_told = true;
                    tracing::error!(
                        voter = self.me.id.0,
                        old_directory = %old,
                        new_directory = %self.folder.directory_id(),
                        "the voter of this id had another folder. If that is lost, remove it from \
                         the voters and add this one"
                    );
                }
                Next::Rest | Next::Retry | Next::TellOfFolder(_) => {}
            }
            let pause = match next {
                Next::Rest => REPEAT_PAUSE,
                _ => RETRY_PAUSE,
            };
            let leader = self.leadership.get().leader;
            let other_leader = |now: &Leadership| now.leader.is_some() && now.leader != leader;
            // Another leader may not know it yet.
            match timeout(pause, self.leadership.now.wait_for(other_leader)).await {
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(_)) => return,
            }
        }
    }

    async fn announce(&mut self) -> Next {
        if self.leadership.get().leader.is_some() {
            self.client.observe_active(self.leadership.active());
        }
        let book = &self.leadership.book;
        let known = book.everybody().into_iter().filter_map(|id| {
            let endpoint = book.endpoint(id)?;
            let (host, port) = endpoint.rsplit_once(':')?;
            Some(ControllerEndpoint {
                id: broker_id_of(id),
                host: host.to_owned(),
                port: port.parse().ok()?,
            })
        });
        self.client.learn_endpoints(known);
        let request = RegisterControllerRequest {
            cluster_id: self.cluster_id.on_the_wire(),
            controller_id: self.me.id.0,
            directory_id: directory_on_the_wire(self.folder.directory_id()).to_vec(),
            listeners: vec![self.listener.clone()],
            version: env!("CARGO_PKG_VERSION").to_owned(),
            levels: self.levels.into(),
        };
        match self.client.register_controller(request, CALL_TIMEOUT).await {
            Ok(response) if response.error_code == 0 => {
                if response.is_voter {
                    self.note_replacing(false);
                }
                let replaces = self.folder.replaces();
                next(&response, self.auto_join, self.is_configured, replaces)
            }
            Ok(response) => {
                self.on_refusal(response.error_code, &response.error_message)
                    .await;
                Next::Retry
            }
            Err(CallError::TimedOut(_)) => Next::Retry,
            Err(error) => {
                tracing::warn!(%error, "cannot tell the leader where this controller is");
                Next::Retry
            }
        }
    }

    async fn on_refusal(&mut self, error_code: i32, message: &str) {
        tracing::warn!(
            error_code,
            message,
            "the leader does not take this controller"
        );
        let has_cluster = !self.leadership.book.voters().is_empty();
        match verdict(error_code, has_cluster) {
            Verdict::Final => {
                self.failed.send_replace(Some(message.to_owned()));
                // The process is about to end.
                sleep(CALL_TIMEOUT).await;
            }
            // What it has learnt of who is active is that cluster's.
            Verdict::Elsewhere => self.client = ControllerClient::new(self.configured.clone()),
            Verdict::NotNow => {}
        }
    }

    /// Notes that this folder wants the vote of the old one, and has that removed. It may be without
    /// this controller hearing of it: then nothing but the note tells that a vote is missing.
    async fn replace(&self, old: Uuid) {
        if self.note_replacing(true) {
            self.remove(old).await;
        }
    }

    /// Whether it is noted now.
    fn note_replacing(&self, replaces: bool) -> bool {
        match self.folder.note_replacing(replaces) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "cannot note whose place this controller takes");
                false
            }
        }
    }

    async fn remove(&self, old: Uuid) {
        tracing::warn!(old_directory = %old, "this controller has lost its folder: replacing it");
        let request = RemoveRaftVoterRequest {
            cluster_id: self.cluster_id.on_the_wire(),
            voter_id: self.me.id.0,
            directory_id: directory_on_the_wire(old).to_vec(),
            only_if_silent: true,
        };
        match self.client.remove_raft_voter(request, CALL_TIMEOUT).await {
            Ok(response) if response.error_code == 0 => {}
            Ok(response) => {
                tracing::warn!(
                    message = response.error_message,
                    "its vote is not removed yet"
                );
            }
            Err(error) => tracing::warn!(%error, "its vote is not removed yet"),
        }
    }

    async fn ask_for_vote(&self) {
        let request = AddRaftVoterRequest {
            cluster_id: self.cluster_id.on_the_wire(),
            timeout_ms: i32::try_from(JOIN_TIMEOUT.as_millis()).unwrap_or(i32::MAX),
            voter_id: self.me.id.0,
            directory_id: directory_on_the_wire(self.folder.directory_id()).to_vec(),
            listeners: vec![self.listener.clone()],
            ack_when_committed: true,
        };
        let answer = self.client.add_raft_voter(request, JOIN_TIMEOUT).await;
        match answer {
            Ok(response) if response.error_code == 0 => {
                tracing::info!(
                    voter = node_id_of(self.me.id),
                    "this controller is a voter now"
                );
            }
            Ok(response) => {
                tracing::info!(message = response.error_message, "not a voter yet");
            }
            Err(error) => tracing::info!(%error, "not a voter yet"),
        }
    }
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// This controller cannot take part.
    Final,
    /// Another cluster was asked.
    Elsewhere,
    NotNow,
}

/// What a refusal means for a controller that has a cluster, by its log, or has none yet. One that
/// has may have met another cluster at an address that was one of its own once.
fn verdict(error_code: i32, has_cluster: bool) -> Verdict {
    let is = |code: ErrorCode| i32::from(code.code()) == error_code;
    if is(ErrorCode::InconsistentClusterId) && has_cluster {
        Verdict::Elsewhere
    } else if is(ErrorCode::InconsistentClusterId) || is(ErrorCode::UnsupportedVersion) {
        Verdict::Final
    } else {
        Verdict::NotNow
    }
}

/// What a controller does that was answered like this.
fn next(
    answer: &RegisterControllerResponse,
    auto_join: bool,
    is_configured: bool,
    replaces: bool,
) -> Next {
    if answer.is_voter {
        return Next::Rest;
    }
    match Uuid::from_slice(&answer.voter_directory_id) {
        Some(old) if auto_join || is_configured => Next::ReplaceFolder(old),
        Some(old) => Next::TellOfFolder(old),
        None if auto_join || replaces => Next::AskForVote,
        None => Next::Rest,
    }
}

/// As controllers register it.
pub(crate) fn listener_of(me: &Voter, name: &str) -> Listener {
    Listener {
        name: name.to_owned(),
        host: me.host.clone(),
        port: me.port.into(),
        security_protocol: 0,
    }
}

/// As it is found in a controller's registration: its endpoint by that name, or else its first.
pub(crate) fn endpoint_of(listeners: &[Listener], name: &str) -> Option<Voter> {
    let named = listeners.iter().find(|listener| listener.name == name);
    let listener = named.or_else(|| listeners.first())?;
    let host = match listener.host.as_str() {
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let port = u16::try_from(listener.port).ok()?;
    (!host.is_empty() && port != 0).then_some(Voter {
        id: BrokerId::NONE,
        host,
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{address_book::AddressBook, leadership::watch_of};

    #[test]
    fn only_who_wants_to_asks_for_a_vote() {
        let old = Uuid([1; 16]);
        let answer = |is_voter, directory: Option<Uuid>| RegisterControllerResponse {
            is_voter,
            voter_directory_id: directory.map_or(Vec::new(), |id| id.as_bytes().to_vec()),
            ..Default::default()
        };
        for (answer, auto_join, is_configured, replaces, expected) in [
            (answer(true, None), true, true, true, Next::Rest),
            (answer(false, None), false, false, false, Next::Rest),
            // Removed by somebody: it does not come back by itself.
            (answer(false, None), false, true, false, Next::Rest),
            (answer(false, None), true, false, false, Next::AskForVote),
            (answer(false, None), false, true, true, Next::AskForVote),
            (
                answer(false, Some(old)),
                false,
                true,
                false,
                Next::ReplaceFolder(old),
            ),
            (
                answer(false, Some(old)),
                true,
                false,
                false,
                Next::ReplaceFolder(old),
            ),
            (
                answer(false, Some(old)),
                false,
                false,
                false,
                Next::TellOfFolder(old),
            ),
        ] {
            assert_eq!(next(&answer, auto_join, is_configured, replaces), expected);
        }
    }

    /// The vote may go without this controller hearing of it: it never asked for another then.
    #[tokio::test(start_paused = true)]
    async fn whose_place_it_takes_is_noted_before_that_is_asked_for() {
        let temp = tempfile::tempdir().unwrap();
        let (folder, _) = Folder::open(temp.path(), 1, None, None).unwrap();
        let folder = Arc::new(folder);
        let me = Voter {
            id: BrokerId(1),
            host: "one".into(),
            port: 1,
        };
        let (_now, now) = watch::channel(Leadership::default());
        let joiner = Joiner {
            listener: listener_of(&me, "CONTROLLER"),
            me,
            folder: folder.clone(),
            cluster_id: ClusterId::new(None),
            client: ControllerClient::new(Vec::new()),
            configured: Vec::new(),
            leadership: watch_of(now, AddressBook::default(), CALL_TIMEOUT),
            levels: LevelRange::SUPPORTED,
            auto_join: false,
            is_configured: true,
            failed: watch::Sender::new(None),
        };
        // Nobody answers.
        joiner.replace(Uuid([1; 16])).await;
        assert!(folder.replaces());
        let answer = RegisterControllerResponse::default();
        assert_eq!(
            next(&answer, false, true, folder.replaces()),
            Next::AskForVote
        );
    }

    #[test]
    fn a_foreign_cluster_does_not_end_a_controller_that_has_one() {
        for (code, has_cluster, expected) in [
            (ErrorCode::InconsistentClusterId, false, Verdict::Final),
            (ErrorCode::InconsistentClusterId, true, Verdict::Elsewhere),
            (ErrorCode::UnsupportedVersion, false, Verdict::Final),
            (ErrorCode::UnsupportedVersion, true, Verdict::Final),
            (ErrorCode::RequestTimedOut, false, Verdict::NotNow),
        ] {
            let verdict = verdict(code.code().into(), has_cluster);
            assert_eq!(verdict, expected, "{code:?}");
        }
    }

    #[test]
    fn the_named_listener_counts() {
        let listener = |name: &str, host: &str, port| Listener {
            name: name.into(),
            host: host.into(),
            port,
            security_protocol: 0,
        };
        let listeners = [listener("OTHER", "a", 1), listener("CONTROLLER", "::1", 2)];
        let endpoint = |name| endpoint_of(&listeners, name).map(|voter| voter.endpoint());
        assert_eq!(endpoint("CONTROLLER").as_deref(), Some("[::1]:2"));
        assert_eq!(endpoint("ELSE").as_deref(), Some("a:1"));
        assert_eq!(endpoint_of(&[], "CONTROLLER"), None);
        assert_eq!(endpoint_of(&[listener("C", "a", 70_000)], "C"), None);
        assert_eq!(endpoint_of(&[listener("C", "a", 0)], "C"), None);
    }
}
