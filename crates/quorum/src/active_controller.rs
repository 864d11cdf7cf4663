//! The active controller: the one task that decides, while this node leads.

use crate::{
    broker_probe,
    clock::Clock,
    config::ControllerConfig,
    leadership::LeadershipWatch,
    metadata_feed::MetadataFeed,
    proposer::{Lost, Proposer},
    raft_types::{NodeId, Raft, broker_id_of},
};
use klamm_controller::{
    BrokerRef, Chores, Context, Draws, Heartbeat, HeartbeatAck, InitCluster, RegisterController,
    Request, Response, SessionConfig, Sessions, StreamId,
};
use klamm_metadata::{
    Listener,
    feature_level::{KLAMM_VERSION, LevelRange, VOTERS_LEVEL},
};
use klamm_types::{BrokerId, Uuid};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Commands that wait for the active controller; beyond that, whoever sends one waits.
const COMMANDS_MAX: usize = 1024;
/// Commands decided on before what they changed is proposed.
const GROUP_MAX: usize = 256;
/// A wake-up that is later than that found this process paused, or its disk.
const LATE_MS: i64 = 100;
/// How long what brokers sent meanwhile takes from their sockets to here.
const CATCH_UP_MS: i64 = 500;

/// What the active controller is told.
pub(crate) enum Command {
    /// Somebody asks. The sender is dropped if it cannot be said what became of the request.
    Request(Box<Request>, oneshot::Sender<Response>),
    /// A broker was heard from.
    Heartbeat(Heartbeat, oneshot::Sender<HeartbeatAck>),
    /// A broker says in a heartbeat that log directories of it have failed.
    LogDirsFailed(Box<Request>),
    /// A broker's heartbeat stream ended.
    StreamClosed(BrokerRef, StreamId),
}

/// How others reach the active controller.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    requests: mpsc::Sender<Command>,
    signs: mpsc::Sender<Command>,
    /// The term in which this node serves as the active controller.
    pub(crate) serving: watch::Receiver<Option<u64>>,
}

impl Handle {
    /// Waits for room. Commands are dropped while this node does not lead.
    pub(crate) async fn send(&self, command: Command) {
        let to = match command {
            Command::Request(..) => &self.requests,
            Command::Heartbeat(..) | Command::LogDirsFailed(..) | Command::StreamClosed(..) => {
                &self.signs
            }
        };
        // Fails only when the controller stops, and then nobody waits for an answer.
        let _ = to.send(command).await;
    }
}

/// What waits for the active controller.
pub(crate) struct Inbox {
    /// Left alone while too much is under way.
    requests: mpsc::Receiver<Command>,
    /// Signs of brokers' life and death: always heard, before anybody's session expires.
    signs: mpsc::Receiver<Command>,
}

impl Inbox {
    async fn recv(&mut self) -> Option<Command> {
        tokio::select! {
            command = self.signs.recv() => command,
            command = self.requests.recv() => command,
        }
    }
}

/// What the active controller works with.
pub(crate) struct ActiveController {
    pub(crate) raft: Raft,
    pub(crate) leadership: LeadershipWatch,
    pub(crate) feed: Arc<MetadataFeed>,
    pub(crate) config: ControllerConfig,
    pub(crate) session_config: SessionConfig,
    /// The id for a cluster that has none yet; `None`: it is drawn.
    pub(crate) cluster_id: Option<String>,
    pub(crate) clock: Clock,
}

/// What a term in office has.
struct Office {
    proposer: Proposer,
    sessions: Sessions,
    chores: Chores,
    probes: JoinSet<(BrokerRef, bool)>,
    probed: BTreeSet<BrokerId>,
}

impl ActiveController {
    /// Starts the task; it runs until `tasks` is dropped or every handle is.
    pub(crate) fn spawn(self, tasks: &mut JoinSet<()>) -> Handle {
        let (requests, requests_receiver) = mpsc::channel(COMMANDS_MAX);
        let (signs, signs_receiver) = mpsc::channel(COMMANDS_MAX);
        let (serving, watch) = watch::channel(None);
        let inbox = Inbox {
            requests: requests_receiver,
            signs: signs_receiver,
        };
        tasks.spawn(self.run(inbox, serving));
        Handle {
            requests,
            signs,
            serving: watch,
        }
    }

    async fn run(self, mut inbox: Inbox, serving: watch::Sender<Option<u64>>) {
        let mut leadership = self.leadership.now.clone();
        let mut predecessor = None;
        loop {
            let now = *leadership.borrow_and_update();
            predecessor = now.other_leader().or(predecessor);
            match now.led_term() {
                Some(term) => {
                    let predecessor = predecessor.take().map(broker_id_of);
                    let served = tokio::select! {
                        served = self.hold_office(term, predecessor, &mut inbox, &serving) => served,
                        changed = leadership.changed() => match changed {
                            Ok(()) => Err(Lost::because("another controller leads, or none")),
                            Err(_) => return,
                        },
                    };
                    serving.send_replace(None);
                    if let Err(lost) = served {
                        tracing::info!(term, reason = %lost, "this controller is not active any more");
                    } else {
                        return;
                    }
                }
                None => tokio::select! {
                    changed = leadership.changed() => if changed.is_err() {
                        return;
                    },
                    // Dropping it tells the sender to look for another controller.
                    command = inbox.recv() => if command.is_none() {
                        return;
                    },
                },
            }
        }
    }

    /// Serves as the active controller of `term`, until it is lost or nobody is left to serve.
    async fn hold_office(
        &self,
        term: u64,
        predecessor: Option<BrokerId>,
        inbox: &mut Inbox,
        serving: &watch::Sender<Option<u64>>,
    ) -> Result<(), Lost> {
        // The first entry of a term is the leader's own, so everything before is applied too.
        self.feed.wait_for_term(term).await;
        let image = self.feed.image();
        let mut office = Office {
            sessions: Sessions::new(self.session_config),
            proposer: Proposer::new(self.raft.clone(), term, image.clone()),
            chores: Chores::new(self.clock.now_ms(), self.config.chores),
            probes: JoinSet::new(),
            probed: BTreeSet::new(),
        };
        let now_ms = self.clock.now_ms();
        office.sessions.on_activation(now_ms, &image, predecessor);
        self.introduce(&mut office)?;
        office.proposer.propose(self.clock.now_ms()).await?;
        while !office.proposer.is_idle() {
            office.proposer.next_applied().await?;
        }
        tracing::info!(term, offset = image.offset(), "this controller is active");
        serving.send_replace(Some(term));
        loop {
            self.probe_suspects(&mut office);
            let due_ms = office.sessions.next_deadline();
            let Some(event) = office.next_event(&self.clock, inbox).await? else {
                return Ok(());
            };
            if let Some(late_ms) = lateness(due_ms, self.clock.now_ms()) {
                tracing::warn!(late_ms, "brokers could not be heard for a while");
                office.sessions.postpone(late_ms + CATCH_UP_MS);
            }
            self.on_event(&mut office, event)?;
            self.on_signs(&mut office, inbox)?;
            self.fence_expired(&mut office)?;
            self.on_more_requests(&mut office, inbox)?;
            self.do_chore(&mut office)?;
            office.proposer.propose(self.clock.now_ms()).await?;
        }
    }

    /// The first decisions: what the cluster lacks to begin with, and who the controllers are.
    fn introduce(&self, office: &mut Office) -> Result<(), Lost> {
        let drawn = || Uuid::random().map(|id| id.to_string());
        let cluster_id = match &self.cluster_id {
            Some(id) => id.clone(),
            None => drawn().map_err(no_randomness)?,
        };
        let init = InitCluster {
            cluster_id,
            features: [(KLAMM_VERSION.to_owned(), self.config.levels.max)].into(),
        };
        self.decide(office, &Request::InitCluster(init), None)?;
        let level = office.proposer.scratch().level();
        for id in self.leadership.book.voters() {
            let controller_id = broker_id_of(id);
            // What they say themselves is newer than what is known of them here.
            if office
                .proposer
                .scratch()
                .controller(controller_id)
                .is_some()
            {
                continue;
            }
            if let Some(listener) = self.listener_of(id) {
                let register = RegisterController {
                    controller_id,
                    listeners: vec![listener],
                    // It tells itself if it supports more.
                    levels: LevelRange {
                        min: level,
                        max: level,
                    },
                };
                self.decide(office, &Request::RegisterController(register), None)?;
            }
        }
        self.forget_who_has_left(office)
    }

    /// Whoever has no vote and is there tells its new active controller so. The others would stand
    /// in the way of feature levels for ever.
    fn forget_who_has_left(&self, office: &mut Office) -> Result<(), Lost> {
        let image = office.proposer.scratch();
        if image.level() < VOTERS_LEVEL {
            return Ok(());
        }
        let voters = self.leadership.book.voters();
        let is_voter = |id: &BrokerId| voters.iter().any(|&voter| broker_id_of(voter) == *id);
        let known = image.controllers().map(|(id, _)| id);
        let left: Vec<BrokerId> = known.filter(|id| !is_voter(id)).collect();
        for id in left {
            self.decide(office, &Request::UnregisterController(id), None)?;
        }
        Ok(())
    }

    fn listener_of(&self, id: NodeId) -> Option<Listener> {
        let endpoint = self.leadership.book.endpoint(id)?;
        let (host, port) = endpoint.rsplit_once(':')?;
        Some(Listener {
            name: self.config.listener_name.clone(),
            host: host.to_owned(),
            port: port.parse().ok()?,
            security_protocol: 0,
        })
    }

    fn decide(
        &self,
        office: &mut Office,
        request: &Request,
        to: Option<oneshot::Sender<Response>>,
    ) -> Result<(), Lost> {
        let draws = draw(request)?;
        let ctx = self.context(&office.sessions, &draws);
        office.proposer.decide(request, &ctx, to);
        Ok(())
    }

    fn context<'a>(&'a self, sessions: &'a Sessions, draws: &'a Draws) -> Context<'a> {
        Context {
            now_ms: self.clock.now_ms(),
            settings: &self.config.settings,
            sessions,
            draws,
            config_rules: &*self.config.config_rules,
        }
    }

    fn on_event(&self, office: &mut Office, event: Event) -> Result<(), Lost> {
        match event {
            Event::Command(command) => self.on_command(office, command)?,
            Event::Applied => {}
            Event::Probed(broker, refused) => {
                office.probed.remove(&broker.id);
                if refused {
                    office
                        .sessions
                        .on_probe_refused(self.clock.now_ms(), broker);
                }
            }
            Event::Deadline => {}
        }
        Ok(())
    }

    /// Hears every broker that has said something.
    fn on_signs(&self, office: &mut Office, inbox: &mut Inbox) -> Result<(), Lost> {
        for _ in 0..COMMANDS_MAX {
            match inbox.signs.try_recv() {
                Ok(sign) => self.on_command(office, sign)?,
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn fence_expired(&self, office: &mut Office) -> Result<(), Lost> {
        let expired = office
            .sessions
            .expired(self.clock.now_ms(), office.proposer.scratch());
        for broker in expired {
            tracing::info!(
                broker = broker.id.0,
                epoch = broker.epoch.0,
                "a broker is lost"
            );
            self.decide(office, &Request::FenceBroker(broker), None)?;
        }
        Ok(())
    }

    /// Does what is due by the clock, one thing at a time: what brokers and clients ask comes first.
    fn do_chore(&self, office: &mut Office) -> Result<(), Lost> {
        let now_ms = self.clock.now_ms();
        let Some((chore, request)) = office.chores.due(now_ms) else {
            return Ok(());
        };
        if !office.proposer.has_room() {
            return Ok(());
        }
        let draws = draw(&request)?;
        let ctx = self.context(&office.sessions, &draws);
        let response = office.proposer.decide_alone(&request, &ctx);
        office.chores.done(now_ms, chore, response.as_ref());
        Ok(())
    }

    /// Takes what else waits, so that it shares the next batch.
    fn on_more_requests(&self, office: &mut Office, inbox: &mut Inbox) -> Result<(), Lost> {
        for _ in 0..GROUP_MAX {
            if !office.proposer.has_room() {
                break;
            }
            let Ok(command) = inbox.requests.try_recv() else {
                break;
            };
            self.on_command(office, command)?;
        }
        Ok(())
    }

    fn on_command(&self, office: &mut Office, command: Command) -> Result<(), Lost> {
        let now_ms = self.clock.now_ms();
        match command {
            Command::Request(request, to) => self.decide(office, &request, Some(to)),
            Command::Heartbeat(heartbeat, to) => {
                let image = self.feed.image();
                let (ack, request) = office.sessions.on_heartbeat(now_ms, &image, heartbeat);
                // The stream may have ended meanwhile.
                let _ = to.send(ack);
                match request {
                    Some(request) => self.decide(office, &request, None),
                    None => Ok(()),
                }
            }
            Command::LogDirsFailed(request) => self.decide(office, &request, None),
            Command::StreamClosed(broker, stream) => {
                tracing::info!(broker = broker.id.0, "a broker's heartbeat stream ended");
                office.sessions.on_stream_closed(now_ms, broker, stream);
                Ok(())
            }
        }
    }

    /// Looks whether brokers that are not heard from still listen.
    fn probe_suspects(&self, office: &mut Office) {
        let suspects: Vec<BrokerRef> = office.sessions.suspects().collect();
        if suspects.is_empty() {
            return;
        }
        let image = self.feed.image();
        for suspect in suspects {
            let broker = image
                .broker(suspect.id)
                .filter(|b| b.epoch == suspect.epoch);
            if let Some(broker) = broker
                && office.probed.insert(suspect.id)
            {
                let listeners = broker.listeners.clone();
                office
                    .probes
                    .spawn(async move { (suspect, broker_probe::is_refused(&listeners).await) });
            }
        }
    }
}

/// What the active controller wakes up for.
enum Event {
    Command(Command),
    Applied,
    Probed(BrokerRef, bool),
    Deadline,
}

impl Office {
    /// `None` when nobody is left to serve.
    async fn next_event(
        &mut self,
        clock: &Clock,
        inbox: &mut Inbox,
    ) -> Result<Option<Event>, Lost> {
        let has_room = self.proposer.has_room();
        // Without room chores wait for what is under way.
        let next_chore = self.chores.next_due().filter(|_| has_room);
        let next = self.sessions.next_deadline().into_iter().chain(next_chore);
        let deadline = next.min().map(|deadline_ms| {
            let wait_ms = u64::try_from(deadline_ms - clock.now_ms()).unwrap_or(0);
            Instant::now() + Duration::from_millis(wait_ms)
        });
        let at_deadline = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            applied = self.proposer.next_applied() => applied.map(|()| Some(Event::Applied)),
            sign = inbox.signs.recv() => Ok(sign.map(Event::Command)),
            Some(Ok((broker, refused))) = self.probes.join_next() => {
                Ok(Some(Event::Probed(broker, refused)))
            }
            () = at_deadline => Ok(Some(Event::Deadline)),
            command = inbox.requests.recv(), if has_room => Ok(command.map(Event::Command)),
        }
    }
}

/// By how much a wake-up that was due at `due_ms` is too late, if that matters.
fn lateness(due_ms: Option<i64>, now_ms: i64) -> Option<i64> {
    let late_ms = now_ms.saturating_sub(due_ms?);
    (late_ms > LATE_MS).then_some(late_ms)
}

fn draw(request: &Request) -> Result<Draws, Lost> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(no_randomness)?;
    let topic_ids = (0..request.topic_ids_needed())
        .map(|_| Uuid::random())
        .collect::<Result<_, _>>()
        .map_err(no_randomness)?;
    Ok(Draws {
        seed: u64::from_le_bytes(seed),
        topic_ids,
    })
}

fn no_randomness(error: getrandom::Error) -> Lost {
    Lost::because(format!("the system's random source failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pause_makes_a_wake_up_late() {
        assert_eq!(lateness(None, 5_000), None);
        assert_eq!(lateness(Some(9_000), 5_000), None);
        assert_eq!(lateness(Some(4_990), 5_000), None);
        assert_eq!(lateness(Some(3_000), 5_000), Some(2_000));
    }
}
