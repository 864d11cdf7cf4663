//! The controllers: a model of what Raft guarantees, around the real decisions.
//!
//! One log is agreed on. What is committed stays; the leader of a term commits its batches in order
//! while it reaches a majority; of what a deposed leader had under way, some prefix is committed
//! before its successor's first batch, and some of it may turn up later, where its stamp no longer
//! fits. Each controller learns with a delay how far the log is committed.

use crate::{
    agenda::{MS, Micros},
    bug::Bug,
    event::{Event, Message, QuorumEvent},
    network::Node,
    office::Office,
    world::World,
};
use klamm_metadata::{ApplyError, Image, proto::Record};
use std::sync::Arc;

/// How often it is looked whether the leader leads.
const WATCH_PERIOD: Micros = 60 * MS;

/// How long a leader that reaches no majority is waited for.
const ELECTION_TIMEOUT: Micros = 150 * MS;

/// Until a majority has synced a batch.
const COMMIT_DELAY: Micros = 2 * MS;

/// Before another try to reach a majority.
const COMMIT_RETRY: Micros = 20 * MS;

/// One entry of the log that changed the image.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) base_offset: i64,
    pub(crate) records: Vec<Record>,
}

/// The agreed log and who keeps it.
pub(crate) struct Quorum {
    pub(crate) log: Vec<Arc<Batch>>,
    /// The image after all of the log.
    pub(crate) image: Image,
    /// The image after each batch.
    pub(crate) images: Vec<Image>,
    pub(crate) term: u64,
    pub(crate) leader: Option<usize>,
    leader_lost_at: Option<Micros>,
    pub(crate) controllers: Vec<Controller>,
    /// Batches of deposed leaders that may turn up later.
    late: Vec<Arc<Batch>>,
}

/// A controller's process and what it knows.
pub(crate) struct Controller {
    pub(crate) is_up: bool,
    pub(crate) generation: u64,
    pub(crate) paused_until: Micros,
    /// What it knows to be committed.
    pub(crate) log: Vec<Arc<Batch>>,
    pub(crate) image: Image,
    /// Brokers that wait for more metadata: who, which call, from where on.
    pub(crate) watchers: Vec<(Node, u64, i64)>,
    pub(crate) office: Option<Office>,
}

impl Quorum {
    pub(crate) fn new(count: usize) -> Quorum {
        let controller = || Controller {
            is_up: true,
            generation: 1,
            paused_until: 0,
            log: Vec::new(),
            image: Image::new(),
            watchers: Vec::new(),
            office: None,
        };
        Quorum {
            log: Vec::new(),
            image: Image::new(),
            images: Vec::new(),
            term: 0,
            leader: None,
            leader_lost_at: Some(0),
            controllers: (0..count).map(|_| controller()).collect(),
            late: Vec::new(),
        }
    }
}

impl Controller {
    /// Takes over what is committed.
    fn learn(&mut self, log: &[Arc<Batch>]) {
        for batch in log.iter().skip(self.log.len()) {
            // What fits the agreed image fits here as well.
            let _ = self.image.apply_records(batch.base_offset, &batch.records);
            self.log.push(Arc::clone(batch));
        }
    }
}

impl World {
    pub(crate) fn start_quorum(&mut self) {
        self.agenda.push(MS, Event::Quorum(QuorumEvent::Watch));
    }

    pub(crate) fn on_quorum_event(&mut self, event: QuorumEvent) {
        match event {
            QuorumEvent::Watch => self.watch_leader(),
            QuorumEvent::Commit { term } => self.try_commit(term),
            QuorumEvent::Propose { term } => self.propose_staged(term),
            QuorumEvent::Learn { controller, length } => self.learn(controller, length),
            QuorumEvent::Sessions { term } => self.look_at_sessions(term),
        }
    }

    /// Whether a controller and a majority hear each other.
    fn reaches_majority(&self, index: usize) -> bool {
        let now = self.agenda.now();
        let lives = |controller: &Controller| controller.is_up && controller.paused_until <= now;
        let me = Node::Controller(index);
        let heard = (self.quorum.controllers.iter().enumerate()).filter(|(other, controller)| {
            let link = Node::Controller(*other);
            let is_cut = self.network.is_cut(me, link) || self.network.is_cut(link, me);
            lives(controller) && (*other == index || !is_cut)
        });
        lives(&self.quorum.controllers[index]) && heard.count() * 2 > self.quorum.controllers.len()
    }

    fn watch_leader(&mut self) {
        self.agenda
            .push(WATCH_PERIOD, Event::Quorum(QuorumEvent::Watch));
        let now = self.agenda.now();
        if let Some(leader) = self.quorum.leader.filter(|l| self.reaches_majority(*l)) {
            self.quorum.leader_lost_at = None;
            // Its signs of life.
            for controller in 0..self.quorum.controllers.len() {
                self.tell_length(leader, controller);
            }
            return;
        }
        let since = *self.quorum.leader_lost_at.get_or_insert(now);
        if now >= since + ELECTION_TIMEOUT || self.quorum.term == 0 {
            self.elect();
        }
    }

    fn elect(&mut self) {
        let count = self.quorum.controllers.len();
        let first = self.random.index(count);
        let mut candidates = (0..count).map(|step| (first + step) % count);
        let Some(next) = candidates.find(|index| self.reaches_majority(*index)) else {
            return;
        };
        if let Some(deposed) = self.quorum.leader {
            self.bury(deposed);
        }
        self.quorum.term += 1;
        self.quorum.leader = Some(next);
        self.quorum.leader_lost_at = None;
        let term = self.quorum.term;
        self.trace(|| format!("c{} leads the quorum in term {term}", next + 1));
        let log = self.quorum.log.clone();
        self.quorum.controllers[next].learn(&log);
        self.take_office(next, term);
        for controller in 0..count {
            self.tell_length(next, controller);
        }
    }

    /// What a deposed leader had under way: some of it is committed, some of it turns up later.
    fn bury(&mut self, deposed: usize) {
        if self.has(Bug::QuorumLogNotPersisted) && !self.quorum.controllers[deposed].is_up {
            self.forget_end_of_log();
        }
        // It goes on in the belief that it leads until it hears of the other; nobody follows it.
        let Some(office) = &self.quorum.controllers[deposed].office else {
            return;
        };
        // One that was committed may come again as well, of a leader that did not hear of it.
        let last = self.quorum.log.last().cloned();
        let under_way: Vec<_> = office.batches_under_way().collect();
        let kept = self.random.index(under_way.len() + 1);
        for (index, batch) in under_way.into_iter().enumerate() {
            if index < kept {
                self.commit(Arc::clone(&batch));
            }
            if self.random.permille(300) {
                self.quorum.late.push(batch);
            }
        }
        if self.random.permille(500) {
            self.quorum.late.extend(last);
        }
    }

    /// The planted bug: the last batch was on no disk.
    fn forget_end_of_log(&mut self) {
        self.quorum.log.pop();
        self.quorum.images.pop();
        self.quorum.image = self.quorum.images.last().cloned().unwrap_or_default();
    }

    /// Appends a batch to the agreed log. Whether it was decided on the image as it is.
    pub(crate) fn commit(&mut self, batch: Arc<Batch>) -> bool {
        let base_offset = match self.has(Bug::StaleProposalApplied) {
            true => self.quorum.image.offset(),
            false => batch.base_offset,
        };
        let before = self.quorum.image.clone();
        let applied = (self.quorum.image).apply_records(base_offset, &batch.records);
        match applied {
            Ok(_) => {
                let batch = match base_offset == batch.base_offset {
                    true => batch,
                    false => Arc::new(Batch {
                        base_offset,
                        records: batch.records.clone(),
                    }),
                };
                self.trace(|| format!("committed {batch:?}"));
                self.quorum.log.push(batch);
                self.on_metadata_committed(before);
                true
            }
            Err(ApplyError::StaleBase { .. }) => {
                self.trace(|| "a batch fell away".to_owned());
                false
            }
            Err(error) => {
                self.trace(|| format!("a batch does not replay: {error}"));
                false
            }
        }
    }

    fn try_commit(&mut self, term: u64) {
        let Some(leader) = self.quorum.leader.filter(|_| self.quorum.term == term) else {
            return;
        };
        if !self.reaches_majority(leader) {
            let event = Event::Quorum(QuorumEvent::Commit { term });
            return self.agenda.push(COMMIT_RETRY, event);
        }
        let office = self.quorum.controllers[leader].office.as_mut();
        let Some((batch, answers)) = office.and_then(Office::take_oldest) else {
            return;
        };
        if !self.commit(batch) {
            self.trace(|| format!("c{} has lost its office", leader + 1));
            return self.leave_office(leader);
        }
        // The stamp does not fit any more. Where it does by accident, Raft refuses what was proposed
        // for a term that is over.
        let late = self.quorum.late.pop();
        if let Some(late) = late.filter(|l| l.base_offset != self.quorum.image.offset()) {
            self.commit(late);
        }
        let log = self.quorum.log.clone();
        self.quorum.controllers[leader].learn(&log);
        self.wake_watchers(leader);
        for (to, message) in answers {
            self.send(Node::Controller(leader), to, message);
        }
        for controller in 0..self.quorum.controllers.len() {
            self.tell_length(leader, controller);
        }
        self.schedule_commit(leader, term);
        self.look_at_sessions_later(leader);
    }

    /// Sees to it that the oldest batch under way is committed in a while.
    pub(crate) fn schedule_commit(&mut self, leader: usize, term: u64) {
        let Some(office) = &mut self.quorum.controllers[leader].office else {
            return;
        };
        if office.begin_commit() {
            let delay = COMMIT_DELAY / 2 + self.random.below(COMMIT_DELAY);
            self.agenda
                .push(delay, Event::Quorum(QuorumEvent::Commit { term }));
        }
    }

    fn tell_length(&mut self, leader: usize, controller: usize) {
        let (from, to) = (Node::Controller(leader), Node::Controller(controller));
        if from == to || self.network.is_cut(from, to) {
            return;
        }
        let length = self.quorum.log.len();
        let delay = self.network.delay(&mut self.random);
        let event = QuorumEvent::Learn { controller, length };
        self.agenda.push(delay, Event::Quorum(event));
    }

    fn learn(&mut self, index: usize, length: usize) {
        let now = self.agenda.now();
        let controller = &mut self.quorum.controllers[index];
        if !controller.is_up {
            return;
        }
        if controller.paused_until > now {
            let event = QuorumEvent::Learn {
                controller: index,
                length,
            };
            let delay = controller.paused_until - now;
            return self.agenda.push(delay, Event::Quorum(event));
        }
        let length = length.min(self.quorum.log.len());
        controller.learn(&self.quorum.log[..length]);
        if self.quorum.leader != Some(index) {
            self.leave_office(index);
        }
        self.wake_watchers(index);
    }

    /// The controller is not active any more; who waits for an answer waits in vain.
    pub(crate) fn leave_office(&mut self, index: usize) {
        let controller = &mut self.quorum.controllers[index];
        controller.office = None;
        if self.quorum.leader == Some(index) {
            // Raft leads on, with a new scratch image.
            let term = self.quorum.term;
            let log = self.quorum.log.clone();
            self.quorum.controllers[index].learn(&log);
            self.take_office(index, term);
        }
    }

    /// Sends more metadata to those who wait for it.
    pub(crate) fn wake_watchers(&mut self, index: usize) {
        let watchers = std::mem::take(&mut self.quorum.controllers[index].watchers);
        for (broker, call, offset) in watchers {
            self.on_watch(index, broker, call, offset);
        }
    }

    /// A broker asks for the metadata from an offset on.
    pub(crate) fn on_watch(&mut self, index: usize, from: Node, call: u64, offset: i64) {
        use crate::event::Updates;
        let batches_max = self.scenario.batches_max;
        let controller = &mut self.quorum.controllers[index];
        if controller.image.offset() <= offset {
            controller.watchers.push((from, call, offset));
            return;
        }
        let log = &controller.log;
        let first = log.partition_point(|batch| batch.base_offset < offset);
        let follows = log.get(first).is_some_and(|b| b.base_offset == offset);
        let is_far = log.len() - first > 3 * batches_max;
        let updates = if !follows || is_far && self.random.permille(500) {
            Updates::Snapshot(Box::new(controller.image.clone()), log.len())
        } else {
            let batches = log[first..].iter().take(batches_max).cloned();
            Updates::Batches(batches.collect())
        };
        let message = Message::Updates(call, updates);
        self.send(Node::Controller(index), from, message);
    }

    pub(crate) fn crash_controller(&mut self, index: usize) {
        let controller = &mut self.quorum.controllers[index];
        controller.is_up = false;
        controller.generation += 1;
        controller.watchers.clear();
        controller.paused_until = 0;
        self.trace(|| format!("c{} crashes", index + 1));
        if self.quorum.leader == Some(index) {
            self.quorum.leader_lost_at = Some(self.agenda.now());
        }
    }

    pub(crate) fn start_controller(&mut self, index: usize) {
        let controller = &mut self.quorum.controllers[index];
        if controller.is_up {
            return;
        }
        controller.is_up = true;
        controller.generation += 1;
        self.trace(|| format!("c{} starts", index + 1));
        match self.quorum.leader {
            Some(leader) if leader == index => {
                // It is a follower now; what it had under way may have reached a majority.
                self.bury(index);
                self.quorum.leader = None;
            }
            Some(leader) => self.tell_length(leader, index),
            None => {}
        }
        self.quorum.controllers[index].office = None;
    }
}
