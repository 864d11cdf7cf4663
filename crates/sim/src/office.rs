//! A term in office of the active controller: it decides on a scratch image, and answers when
//! what its decisions rest on is committed.
//!
//! The decisions and the sessions are the product's own (`klamm-controller`).

use crate::{
    agenda::{MS, Micros},
    bug::Bug,
    event::{Event, Message, QuorumEvent},
    network::Node,
    quorum::Batch,
    reassign::Wish,
    spoil::spoil,
    world::World,
};
use klamm_controller::{
    BrokerRef, ConfigRules, Context, Draws, Heartbeat, InitCluster, ProposedConfigs, Refusal,
    Request, Response, SessionConfig, Sessions, Settings, StreamId, decide,
};
use klamm_metadata::{ConfigResource, Configs, Image, proto::Record};
use klamm_types::ErrorCode;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Gathered before it is proposed.
const GATHERING: Micros = 200;

/// Batches under way at once.
const UNDER_WAY_MAX: usize = 8;

/// A wake-up that is later than that found the process paused.
const LATE_MS: i64 = 100;

/// How long what brokers sent meanwhile takes.
const CATCH_UP_MS: i64 = 100;

/// What was answered, to be sent when it is committed.
type Answers = Vec<(Node, Message)>;

/// A term in office.
pub(crate) struct Office {
    pub(crate) term: u64,
    scratch: Image,
    sessions: Sessions,
    staged: Vec<Record>,
    answers: Answers,
    under_way: VecDeque<(Arc<Batch>, Answers)>,
    is_gathering: bool,
    is_committing: bool,
    /// Which broker holds which heartbeat stream.
    pub(crate) streams: BTreeMap<usize, (BrokerRef, StreamId)>,
    next_look: Option<i64>,
}

impl Office {
    pub(crate) fn batches_under_way(&self) -> impl Iterator<Item = Arc<Batch>> {
        self.under_way.iter().map(|(batch, _)| Arc::clone(batch))
    }

    pub(crate) fn take_oldest(&mut self) -> Option<(Arc<Batch>, Answers)> {
        self.is_committing = false;
        self.under_way.pop_front()
    }

    /// Whether there is something to commit that nobody sees to.
    pub(crate) fn begin_commit(&mut self) -> bool {
        let begins = !self.is_committing && !self.under_way.is_empty();
        self.is_committing |= begins;
        begins
    }
}

/// Everything may be set.
struct AnyConfig;

impl ConfigRules for AnyConfig {
    fn list_default(&self, _: &ConfigResource, _: &str, _: &Configs) -> Option<String> {
        None
    }

    fn check(&self, _: &ProposedConfigs) -> Result<(), Refusal> {
        Ok(())
    }
}

impl World {
    pub(crate) fn take_office(&mut self, index: usize, term: u64) {
        let session_timeout_ms = self.scenario.session_timeout_ms;
        let mut sessions = Sessions::new(SessionConfig {
            session_timeout_ms,
            broken_stream_grace_ms: self.scenario.broken_stream_grace_ms(),
            takeover_grace_ms: session_timeout_ms / 2,
        });
        let now_ms = self.clock_ms(Node::Controller(index));
        let scratch = self.quorum.controllers[index].image.clone();
        sessions.on_activation(now_ms, &scratch, None);
        self.quorum.controllers[index].office = Some(Office {
            term,
            scratch,
            sessions,
            staged: Vec::new(),
            answers: Vec::new(),
            under_way: VecDeque::new(),
            is_gathering: false,
            is_committing: false,
            streams: BTreeMap::new(),
            next_look: None,
        });
        let init = InitCluster {
            cluster_id: "sim".to_owned(),
            features: BTreeMap::new(),
        };
        self.decide(index, &Request::InitCluster(init), None);
        self.look_at_sessions_later(index);
    }

    fn settings(&self) -> Settings {
        Settings {
            min_insync_replicas: self.scenario.min_isr as i32,
            flush_messages: if self.scenario.flushes_before_ack {
                1
            } else {
                i64::MAX
            },
            unclean_leader_election_enable: self.has(Bug::SilentUncleanElection),
            ..Settings::default()
        }
    }

    /// Decides on a request; `answer` makes a message of the response.
    pub(crate) fn decide(
        &mut self,
        index: usize,
        request: &Request,
        answer: Option<(Node, &dyn Fn(Response) -> Message)>,
    ) {
        let draws = Draws {
            seed: self.random.next(),
            topic_ids: (0..request.topic_ids_needed())
                .map(|_| self.random.id())
                .collect(),
        };
        let settings = self.settings();
        let now_ms = self.clock_ms(Node::Controller(index));
        let bug = self.bug;
        let Some(office) = &mut self.quorum.controllers[index].office else {
            return;
        };
        let ctx = Context {
            now_ms,
            settings: &settings,
            sessions: &office.sessions,
            draws: &draws,
            config_rules: &AnyConfig,
        };
        let mut decision = decide(&office.scratch, request, &ctx);
        if let Some(bug) = bug {
            spoil(bug, &office.scratch, request, &mut decision.records);
        }
        let offset = office.scratch.offset();
        self.wishes
            .extend(Wish::of(request, offset, &decision.records));
        if let Err(error) = office.scratch.apply_records(offset, &decision.records) {
            return self.fail("decisions replay", format!("{error}: {request:?}"));
        }
        office.staged.extend(decision.records);
        if let Some((to, answer)) = answer {
            office.answers.push((to, answer(decision.response)));
        }
        if !office.is_gathering {
            office.is_gathering = true;
            let term = office.term;
            let event = Event::Quorum(QuorumEvent::Propose { term });
            self.agenda.push(GATHERING, event);
        }
    }

    /// The controller of that term, if it still believes to be in office and can act.
    fn officer(&self, term: u64) -> Option<usize> {
        let is_it = |c: &crate::quorum::Controller| {
            c.is_up && c.office.as_ref().is_some_and(|office| office.term == term)
        };
        self.quorum.controllers.iter().position(is_it)
    }

    pub(crate) fn propose_staged(&mut self, term: u64) {
        let Some(index) = self.officer(term) else {
            return;
        };
        let Some(office) = &mut self.quorum.controllers[index].office else {
            return;
        };
        if office.under_way.len() >= UNDER_WAY_MAX {
            let event = Event::Quorum(QuorumEvent::Propose { term });
            return self.agenda.push(10 * GATHERING, event);
        }
        office.is_gathering = false;
        let answers = std::mem::take(&mut office.answers);
        if office.staged.is_empty() {
            match office.under_way.back_mut() {
                Some((_, waiting)) => waiting.extend(answers),
                None => {
                    for (to, message) in answers {
                        self.send(Node::Controller(index), to, message);
                    }
                }
            }
            return;
        }
        let records = std::mem::take(&mut office.staged);
        let base_offset = office.scratch.offset() - records.len() as i64;
        let batch = Arc::new(Batch {
            base_offset,
            records,
        });
        office.under_way.push_back((batch, answers));
        self.schedule_commit(index, term);
    }

    /// What a broker asks of a controller.
    pub(crate) fn on_controller_message(&mut self, index: usize, from: Node, message: Message) {
        if let Message::Watch(call, offset) = message {
            return self.on_watch(index, from, call, offset);
        }
        self.notice_lateness(index);
        let is_active = self.quorum.controllers[index].office.is_some();
        match message {
            Message::Register(request) if is_active => {
                let incarnation = request.incarnation_id;
                let request = Request::RegisterBroker(*request);
                let answer = |response| Message::Registered(incarnation, registered(response));
                self.decide(index, &request, Some((from, &answer)));
            }
            Message::AlterPartition(call, request) if is_active => {
                let request = Request::AlterPartition(request);
                let answer = |response| Message::Altered(call, altered(response));
                self.decide(index, &request, Some((from, &answer)));
            }
            Message::ReportFloors(request) if is_active => {
                self.decide(index, &Request::ReportHighWatermarks(request), None);
            }
            Message::Resign(request) if is_active => {
                self.decide(index, &Request::ResignLeadership(request), None);
            }
            Message::Heartbeat(heartbeat) if is_active => self.on_heartbeat(index, from, heartbeat),
            Message::StreamClosed(broker, stream) => self.on_stream_closed(index, broker, stream),
            Message::AlterPartition(call, _) => {
                self.send(Node::Controller(index), from, Message::NotActive(call));
            }
            Message::Heartbeat(heartbeat) => {
                let call = heartbeat.stream.0;
                self.send(Node::Controller(index), from, Message::NotActive(call));
            }
            _ => {}
        }
        self.look_at_sessions_later(index);
    }

    fn on_heartbeat(&mut self, index: usize, from: Node, heartbeat: Heartbeat) {
        let now_ms = self.clock_ms(Node::Controller(index));
        let controller = &mut self.quorum.controllers[index];
        let Some(office) = &mut controller.office else {
            return;
        };
        if let Node::Broker(broker) = from {
            let held = (heartbeat.broker, heartbeat.stream);
            office.streams.insert(broker, held);
        }
        let sessions = &mut office.sessions;
        let (ack, request) = sessions.on_heartbeat(now_ms, &controller.image, heartbeat);
        let message = Message::HeartbeatAck(heartbeat.stream, ack);
        self.send(Node::Controller(index), from, message);
        if let Some(request) = request {
            self.decide(index, &request, None);
        }
    }

    fn on_stream_closed(&mut self, index: usize, broker: BrokerRef, stream: StreamId) {
        let now_ms = self.clock_ms(Node::Controller(index));
        if let Some(office) = &mut self.quorum.controllers[index].office {
            office.sessions.on_stream_closed(now_ms, broker, stream);
        }
    }

    /// A process that slept did not hear the brokers: that is not their fault.
    fn notice_lateness(&mut self, index: usize) {
        let now_ms = self.clock_ms(Node::Controller(index));
        if let Some(office) = &mut self.quorum.controllers[index].office
            && let Some(due_ms) = office.sessions.next_deadline()
            && now_ms - due_ms > LATE_MS
        {
            office.sessions.postpone(now_ms - due_ms + CATCH_UP_MS);
        }
    }

    /// Sets the clock for the next deadline of a session.
    pub(crate) fn look_at_sessions_later(&mut self, index: usize) {
        let now_ms = self.clock_ms(Node::Controller(index));
        let Some(office) = &mut self.quorum.controllers[index].office else {
            return;
        };
        let Some(due_ms) = office.sessions.next_deadline() else {
            return;
        };
        if office
            .next_look
            .is_some_and(|at| at <= due_ms && at > now_ms)
        {
            return;
        }
        office.next_look = Some(due_ms);
        let term = office.term;
        let delay = u64::try_from(due_ms - now_ms + 1).unwrap_or(1) * MS;
        let event = Event::Quorum(QuorumEvent::Sessions { term });
        self.agenda.push(delay, event);
    }

    pub(crate) fn look_at_sessions(&mut self, term: u64) {
        let Some(index) = self.officer(term) else {
            return;
        };
        let now = self.agenda.now();
        let paused_until = self.quorum.controllers[index].paused_until;
        if paused_until > now {
            let event = Event::Quorum(QuorumEvent::Sessions { term });
            return self.agenda.push(paused_until - now, event);
        }
        self.notice_lateness(index);
        let now_ms = self.clock_ms(Node::Controller(index));
        self.probe_suspects(index, now_ms);
        let Some(office) = &mut self.quorum.controllers[index].office else {
            return;
        };
        office.next_look = None;
        let expired = office.sessions.expired(now_ms, &office.scratch);
        for broker in expired {
            self.decide(index, &Request::FenceBroker(broker), None);
        }
        self.look_at_sessions_later(index);
    }

    /// A dead process refuses connections, if its host can be reached.
    fn probe_suspects(&mut self, index: usize, now_ms: i64) {
        let me = Node::Controller(index);
        let Some(office) = &mut self.quorum.controllers[index].office else {
            return;
        };
        let suspects: Vec<BrokerRef> = office.sessions.suspects().collect();
        for suspect in suspects {
            let broker = (suspect.id.0 - 1) as usize;
            let node = Node::Broker(broker);
            let is_cut = self.network.is_cut(me, node) || self.network.is_cut(node, me);
            if !is_cut && self.brokers[broker].process.is_none() {
                office.sessions.on_probe_refused(now_ms, suspect);
            }
        }
    }
}

fn registered(response: Response) -> Result<klamm_types::BrokerEpoch, ErrorCode> {
    match response {
        Response::RegisterBroker(Ok(registered)) => Ok(registered.epoch),
        Response::RegisterBroker(Err(refusal)) => Err(refusal.code),
        _ => Err(ErrorCode::UnknownServerError),
    }
}

fn altered(response: Response) -> Result<Vec<klamm_controller::AlteredPartition>, ErrorCode> {
    match response {
        Response::AlterPartition(Ok(altered)) => Ok(altered),
        Response::AlterPartition(Err(refusal)) => Err(refusal.code),
        _ => Err(ErrorCode::UnknownServerError),
    }
}
