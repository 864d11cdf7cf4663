//! The cluster, its clients and the world around them: one event after the other.

use crate::{
    agenda::{Agenda, MS, Micros},
    broker::Broker,
    bug::Bug,
    client::Client,
    event::{Call, Delivery, Event, Message, Timer},
    ghost::Ghost,
    network::{Network, Node},
    quorum::Quorum,
    random::Random,
    reassign::Wish,
    scenario::Scenario,
    trace::Trace,
};
use klamm_types::TopicPartition;

/// The one topic.
pub(crate) const TOPIC: &str = "t";

/// What was found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: &'static str,
    /// What contradicts it.
    pub what: String,
    /// When, in milliseconds of the simulation.
    pub at_ms: u64,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Starting,
    Chaos,
    Healing,
    Over,
}

/// Everything.
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) bug: Option<Bug>,
    pub(crate) random: Random,
    pub(crate) agenda: Agenda,
    pub(crate) network: Network,
    pub(crate) quorum: Quorum,
    pub(crate) brokers: Vec<Broker>,
    pub(crate) clients: Vec<Client>,
    pub(crate) ghosts: Vec<Ghost>,
    /// Reassignments that were decided on, committed or not.
    pub(crate) wishes: Vec<Wish>,
    pub(crate) phase: Phase,
    pub(crate) phase_began: Micros,
    pub(crate) is_producing: bool,
    /// Values handed out.
    pub(crate) values: u32,
    calls: Call,
    pub(crate) topic: Option<klamm_types::Uuid>,
    /// Something changed that invariants look at.
    pub(crate) dirty: bool,
    pub(crate) violation: Option<Violation>,
    pub(crate) events: u64,
    /// Partitions of which everything promised was looked for in the end, and was there.
    pub(crate) survived: usize,
    trace: Trace,
}

impl World {
    pub(crate) fn new(seed: u64, bug: Option<Bug>, is_traced: bool) -> World {
        let mut random = Random::new(seed);
        let mut scenario = Scenario::of(&mut random);
        if let Some(bug) = bug {
            bug.provoke(&mut scenario);
        }
        let mut brokers: Vec<Broker> = (0..scenario.brokers)
            .map(|index| Broker::new(index, scenario.partitions, random.id()))
            .collect();
        for broker in &mut brokers {
            broker.clock_offset_ms = random.below(5_000) as i64;
        }
        let client = |index| Client::new(index < scenario.producers);
        World {
            bug,
            agenda: Agenda::default(),
            network: Network::of(&scenario),
            quorum: Quorum::new(scenario.controllers),
            brokers,
            clients: (0..scenario.producers + scenario.consumers)
                .map(client)
                .collect(),
            ghosts: (0..scenario.partitions)
                .map(|_| Ghost::new(scenario.min_isr))
                .collect(),
            wishes: Vec::new(),
            phase: Phase::Starting,
            phase_began: 0,
            is_producing: false,
            values: 0,
            calls: 0,
            topic: None,
            dirty: false,
            violation: None,
            events: 0,
            survived: 0,
            trace: Trace {
                is_wanted: is_traced,
                ..Trace::default()
            },
            random,
            scenario,
        }
    }

    /// Runs to the end, or to the first violation.
    pub(crate) fn run(&mut self) {
        let scenario = format!("{:?}", self.scenario);
        self.trace(|| scenario);
        self.start_quorum();
        for broker in 0..self.brokers.len() {
            self.start_broker(broker);
        }
        self.agenda.push(50 * MS, Event::Look);
        while self.violation.is_none() && self.phase != Phase::Over {
            let Some(event) = self.agenda.pop() else {
                self.fail("liveness", "nothing happens any more".to_owned());
                break;
            };
            self.events += 1;
            self.on_event(event);
            if std::mem::take(&mut self.dirty) {
                self.check_all();
            }
        }
    }

    pub(crate) fn into_trace(self) -> String {
        self.trace.text
    }

    /// Notes what happens, if anybody wants to know.
    pub(crate) fn trace(&mut self, line: impl FnOnce() -> String) {
        if self.trace.is_wanted {
            self.trace.line(self.agenda.now(), &line());
        }
    }

    /// An invariant does not hold. The first one counts.
    pub(crate) fn fail(&mut self, invariant: &'static str, what: String) {
        if self.violation.is_none() {
            self.trace(|| format!("VIOLATION of {invariant}: {what}"));
            let at_ms = self.agenda.now() / MS;
            self.violation = Some(Violation {
                invariant,
                what,
                at_ms,
            });
        }
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    pub(crate) fn next_call(&mut self) -> Call {
        self.calls += 1;
        self.calls
    }

    /// The clock of a node: off by a constant, and too fast or too slow.
    pub(crate) fn clock_ms(&self, node: Node) -> i64 {
        let now_ms = (self.agenda.now() / MS) as i64;
        let drift = self.scenario.clock_drift as i64;
        match node {
            Node::Broker(index) => {
                let drift = if index % 2 == 0 { drift } else { -drift };
                now_ms + now_ms * drift / 1000 + self.brokers[index].clock_offset_ms
            }
            Node::Controller(index) => now_ms + now_ms * drift * index as i64 / 2000,
            Node::Client(_) => now_ms,
        }
    }

    /// The id of a partition, once there is one.
    pub(crate) fn id_of(&self, partition: usize) -> Option<TopicPartition> {
        let topic_id = self.topic?;
        let partition = partition as i32;
        Some(TopicPartition {
            topic_id,
            partition,
        })
    }

    fn generation(&self, node: Node) -> u64 {
        match node {
            Node::Broker(index) => self.brokers[index].generation,
            Node::Controller(index) => self.quorum.controllers[index].generation,
            Node::Client(_) => 0,
        }
    }

    fn lives(&self, node: Node) -> bool {
        match node {
            Node::Broker(index) => self.brokers[index].process.is_some(),
            Node::Controller(index) => self.quorum.controllers[index].is_up,
            Node::Client(_) => true,
        }
    }

    fn paused_until(&self, node: Node) -> Micros {
        match node {
            Node::Broker(index) => self.brokers[index].paused_until,
            Node::Controller(index) => self.quorum.controllers[index].paused_until,
            Node::Client(_) => 0,
        }
    }

    /// Sends a message; it may be lost, late, or come more than once.
    pub(crate) fn send(&mut self, from: Node, to: Node, message: Message) {
        if !self.lives(to) {
            return;
        }
        let delivery = Delivery {
            from,
            to,
            generation: self.generation(to),
            message,
        };
        for delay in self.network.deliveries(from, to, &mut self.random) {
            self.agenda.push(delay, Event::Deliver(delivery.clone()));
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Deliver(delivery) => self.deliver(delivery),
            Event::Timer {
                node,
                generation,
                timer,
            } => self.ring(node, generation, timer),
            Event::Quorum(event) => self.on_quorum_event(event),
            Event::Fault => self.draw_fault(),
            Event::Repair(repair) => self.repair(repair),
            Event::Reassign => self.draw_reassignment(),
            Event::Heal => self.heal(),
            Event::Look => self.look(),
        }
    }

    /// For how long a node hears nothing, if it does not.
    fn pause_left(&self, node: Node) -> Option<Micros> {
        let until = self.paused_until(node);
        until
            .checked_sub(self.agenda.now())
            .filter(|left| *left > 0)
    }

    fn deliver(&mut self, delivery: Delivery) {
        let to = delivery.to;
        if self.generation(to) != delivery.generation {
            return;
        }
        if let Some(left) = self.pause_left(to) {
            return self.agenda.push(left, Event::Deliver(delivery));
        }
        let Delivery { from, message, .. } = delivery;
        match to {
            Node::Broker(index) => self.on_broker_message(index, from, message),
            Node::Controller(index) => self.on_controller_message(index, from, message),
            Node::Client(index) => self.on_client_message(index, message),
        }
    }

    fn ring(&mut self, node: Node, generation: u64, timer: Timer) {
        if self.generation(node) != generation {
            return;
        }
        if let Some(left) = self.pause_left(node) {
            let event = Event::Timer {
                node,
                generation,
                timer,
            };
            return self.agenda.push(left, event);
        }
        match node {
            Node::Broker(index) => self.on_broker_timer(index, timer),
            Node::Client(index) => self.on_client_timer(index, timer),
            Node::Controller(_) => {}
        }
    }

    /// Carries out what a replica has decided, and tells the observer what is seen of it.
    pub(crate) fn settle(&mut self, index: usize, partition: usize) {
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        let Some(replica) = &mut process.replicas[partition] else {
            return;
        };
        let outbox = std::mem::take(&mut replica.outbox);
        let high_watermark = replica.high_watermark;
        let (mut answers, mut waiting) = (Vec::new(), Vec::new());
        for one in replica.waiting.drain(..) {
            if outbox.role_changed {
                let error = klamm_types::ErrorCode::NotLeaderOrFollower;
                answers.push((one.client, Message::Produced(one.call, Err(error))));
            } else if one.offset < high_watermark {
                answers.push((one.client, Message::Produced(one.call, Ok(one.offset))));
            } else {
                waiting.push(one);
            }
        }
        replica.waiting = waiting;
        if let Some(proposal) = outbox.proposal {
            self.propose(index, partition, proposal);
        }
        self.check_replica(index, partition, outbox.cut_below);
        for (to, message) in answers {
            self.send(Node::Broker(index), to, message);
        }
        if outbox.role_changed {
            self.wake_followers(index, partition);
            self.dirty = true;
        }
    }

    fn propose(&mut self, index: usize, partition: usize, proposal: klamm_replica::IsrProposal) {
        let now_ms = self.clock_ms(Node::Broker(index));
        let hastens = self.has(Bug::ShrinkWithoutCommit);
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        if let Some(replica) = &mut process.replicas[partition] {
            if hastens {
                replica.take_for_granted(&proposal, now_ms);
            }
            self.dirty = true;
        }
        process.proposals.insert(partition, proposal);
        self.set(index, 100, Timer::SendProposals);
    }
}
