//! The active controller: the one task that decides, while this node leads.

use crate::{
    broker_probe,
    clock::Clock,
    config::ControllerConfig,
    leadership::LeadershipWatch,
    metadata_feed::MetadataFeed,
    proposer::{Lost, Proposer},
    raft_types::Raft,
};
use klamm_controller::{
    BrokerRef, Context, Draws, Heartbeat, HeartbeatAck, InitCluster, RegisterController, Request,
    Response, SessionConfig, Sessions, StreamId,
};
use klamm_metadata::Listener;
use klamm_types::{BrokerId, Uuid};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Commands that wait for the active controller; beyond that, whoever sends one waits.
const COMMANDS_MAX: usize = 1024;
/// Commands decided on before what they changed is proposed.
const GROUP_MAX: usize = 256;

/// What the active controller is told.
pub(crate) enum Command {
    /// Somebody asks. The sender is dropped if it cannot be said what became of the request.
    Request(Box<Request>, oneshot::Sender<Response>),
    /// A broker was heard from.
    Heartbeat(Heartbeat, oneshot::Sender<HeartbeatAck>),
    /// A broker's heartbeat stream ended.
    StreamClosed(BrokerRef, StreamId),
}

/// How others reach the active controller.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    commands: mpsc::Sender<Command>,
    /// The term in which this node serves as the active controller.
    pub(crate) serving: watch::Receiver<Option<u64>>,
}

impl Handle {
    /// Waits for room. Commands are dropped while this node does not lead.
    pub(crate) async fn send(&self, command: Command) {
        // Fails only when the controller stops, and then nobody waits for an answer.
        let _ = self.commands.send(command).await;
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
    pub(crate) voters: BTreeMap<BrokerId, Listener>,
    pub(crate) clock: Clock,
}

/// What a term in office has.
struct Office {
    proposer: Proposer,
    sessions: Sessions,
    probes: JoinSet<(BrokerRef, bool)>,
    probed: BTreeSet<BrokerId>,
}

impl ActiveController {
    /// Starts the task; it runs until `tasks` is dropped or every handle is.
    pub(crate) fn spawn(self, tasks: &mut JoinSet<()>) -> Handle {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let (serving, watch) = watch::channel(None);
        tasks.spawn(self.run(receiver, serving));
        Handle {
            commands,
            serving: watch,
        }
    }

    async fn run(self, mut commands: mpsc::Receiver<Command>, serving: watch::Sender<Option<u64>>) {
        let mut leadership = self.leadership.now.clone();
        loop {
            let now = *leadership.borrow_and_update();
            match now.led_term() {
                Some(term) => {
                    let served = tokio::select! {
                        served = self.hold_office(term, &mut commands, &serving) => served,
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
                    command = commands.recv() => if command.is_none() {
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
        commands: &mut mpsc::Receiver<Command>,
        serving: &watch::Sender<Option<u64>>,
    ) -> Result<(), Lost> {
        // The first entry of a term is the leader's own, so everything before is applied too.
        self.feed.wait_for_term(term).await;
        let image = self.feed.image();
        let mut office = Office {
            sessions: Sessions::new(self.session_config),
            proposer: Proposer::new(self.raft.clone(), term, image.clone()),
            probes: JoinSet::new(),
            probed: BTreeSet::new(),
        };
        office.sessions.on_activation(self.clock.now_ms(), &image);
        self.introduce(&mut office)?;
        office.proposer.propose(self.clock.now_ms()).await?;
        while !office.proposer.is_idle() {
            office.proposer.next_applied().await?;
        }
        tracing::info!(term, offset = image.offset(), "this controller is active");
        serving.send_replace(Some(term));
        loop {
            self.probe_suspects(&mut office);
            let Some(event) = office.next_event(&self.clock, commands).await? else {
                return Ok(());
            };
            self.on_event(&mut office, event)?;
            self.on_more_commands(&mut office, commands)?;
            office.proposer.propose(self.clock.now_ms()).await?;
        }
    }

    /// The first decisions: the cluster's id if it has none, and who the controllers are.
    fn introduce(&self, office: &mut Office) -> Result<(), Lost> {
        if office.proposer.scratch().cluster_id().is_none() {
            let drawn = || Uuid::random().map(|id| id.to_string());
            let cluster_id = match &self.cluster_id {
                Some(id) => id.clone(),
                None => drawn().map_err(no_randomness)?,
            };
            let features = self.config.features.clone();
            let init = InitCluster {
                cluster_id,
                features,
            };
            self.decide(office, &Request::InitCluster(init), None)?;
        }
        for (id, listener) in &self.voters {
            let register = RegisterController {
                controller_id: *id,
                listeners: vec![listener.clone()],
            };
            self.decide(office, &Request::RegisterController(register), None)?;
        }
        Ok(())
    }

    fn decide(
        &self,
        office: &mut Office,
        request: &Request,
        to: Option<oneshot::Sender<Response>>,
    ) -> Result<(), Lost> {
        let draws = draw(request)?;
        let ctx = Context {
            now_ms: self.clock.now_ms(),
            settings: &self.config.settings,
            sessions: &office.sessions,
            draws: &draws,
            validate_config: &*self.config.validate_config,
        };
        office.proposer.decide(request, &ctx, to)
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

    /// Takes what else waits, so that it shares the next batch.
    fn on_more_commands(
        &self,
        office: &mut Office,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Result<(), Lost> {
        for _ in 0..GROUP_MAX {
            if !office.proposer.has_room() {
                break;
            }
            let Ok(command) = commands.try_recv() else {
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
        commands: &mut mpsc::Receiver<Command>,
    ) -> Result<Option<Event>, Lost> {
        let deadline = self.sessions.next_deadline().map(|deadline_ms| {
            let wait_ms = u64::try_from(deadline_ms - clock.now_ms()).unwrap_or(0);
            Instant::now() + Duration::from_millis(wait_ms)
        });
        let at_deadline = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let has_room = self.proposer.has_room();
        tokio::select! {
            biased;
            applied = self.proposer.next_applied() => applied.map(|()| Some(Event::Applied)),
            Some(Ok((broker, refused))) = self.probes.join_next() => {
                Ok(Some(Event::Probed(broker, refused)))
            }
            () = at_deadline => Ok(Some(Event::Deadline)),
            command = commands.recv(), if has_room => Ok(command.map(Event::Command)),
        }
    }
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
