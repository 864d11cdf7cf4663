//! **Liveness.** A start completes. When the faults are over, brokers are unfenced, the metadata
//! converges, reassignments end, partitions have leaders, ISR changes complete, producers are
//! answered and every replica has everything, where it is known to live. Those that were removed
//! are gone. That a reassignment ends where it was to lead is looked at in `assignments.rs`.
//!
//! Source: the liveness properties of the TLA+ models of Kafka's replication.

use crate::{
    agenda::{MS, Micros},
    broker::Broker,
    bug::Bug,
    event::Event,
    reassign::is_reassigned,
    world::{Phase, TOPIC, World},
};
use klamm_controller::{CreatableTopic, CreateTopics, ReplicaAssignment, Request};
use klamm_metadata::Partition;
use klamm_types::BrokerId;

const NAME: &str = "liveness";

/// Between two looks.
const PERIOD: Micros = 50 * MS;

/// How long a start, and the return to order, may take.
const PATIENCE: Micros = 20_000 * MS;

/// How long a partition that may have lost something is waited for: mostly it has not, and settles.
const LOSSY_PATIENCE: Micros = 3_000 * MS;

impl World {
    /// Looks how far the run has come, and begins what comes next.
    pub(crate) fn look(&mut self) {
        let missing = match self.phase {
            Phase::Starting => self.missing_to_begin(),
            Phase::Healing => self.missing_to_end(),
            Phase::Chaos | Phase::Over => None,
        };
        match (self.phase, missing) {
            (_, Some(missing)) if self.agenda.now() > self.phase_began + PATIENCE => {
                self.fail(NAME, format!("{:?}: {missing}", self.phase));
            }
            (_, Some(_)) | (Phase::Chaos, None) => {}
            (Phase::Starting, None) => {
                (self.phase, self.phase_began) = (Phase::Chaos, self.agenda.now());
                self.is_producing = true;
                self.start_clients();
                self.plan_faults();
            }
            (Phase::Healing | Phase::Over, None) => self.end(),
        }
        self.look_at_logs();
        self.agenda.push(PERIOD, Event::Look);
    }

    fn look_at_logs(&mut self) {
        for partition in 0..self.scenario.partitions {
            self.check_logs_match(partition);
        }
    }

    fn end(&mut self) {
        for partition in 0..self.scenario.partitions {
            if self.has(Bug::RecordRots) {
                self.let_a_record_rot(partition);
            }
            self.check_survival(partition);
        }
        self.phase = Phase::Over;
    }

    fn let_a_record_rot(&mut self, partition: usize) {
        let newest = self.ghosts[partition].acknowledged.values().max().copied();
        let replicas = self
            .brokers
            .iter_mut()
            .filter_map(|b| b.replica_mut(partition));
        for (replica, offset) in replicas.zip(newest.into_iter().cycle()) {
            replica.log.rot(offset);
        }
    }

    fn missing_to_begin(&mut self) -> Option<String> {
        if let Some(fenced) = self.not_serving() {
            return Some(fenced);
        }
        if self.topic.is_some() {
            return None;
        }
        if let Some(active) = self.active_controller() {
            let request = self.topic_wanted();
            self.decide(active, &Request::CreateTopics(request), None);
        }
        Some("no topic".to_owned())
    }

    fn topic_wanted(&mut self) -> CreateTopics {
        let (brokers, copies) = (self.brokers.len(), self.scenario.replication_factor);
        let first = self.random.index(brokers);
        let assignments = (0..self.scenario.partitions).map(|partition| ReplicaAssignment {
            partition: partition as i32,
            broker_ids: (0..copies)
                .map(|copy| BrokerId(((first + partition + copy) % brokers) as i32 + 1))
                .collect(),
        });
        CreateTopics {
            topics: vec![CreatableTopic {
                name: TOPIC.to_owned(),
                num_partitions: -1,
                replication_factor: -1,
                assignments: assignments.collect(),
                configs: Vec::new(),
            }],
            validate_only: false,
        }
    }

    /// A broker that does not serve, if any.
    fn not_serving(&mut self) -> Option<String> {
        for index in 0..self.brokers.len() {
            if self.brokers[index].process.is_none() {
                self.start_broker(index);
            }
            let broker = &self.brokers[index];
            let known = self.quorum.image.broker(broker.id);
            if !known.is_some_and(klamm_metadata::Broker::is_active) {
                return Some(format!("b{} is known as {known:?}", index + 1));
            }
            let offset = broker
                .process
                .as_ref()
                .map(|process| process.image.offset());
            if offset != Some(self.quorum.image.offset()) {
                return Some(format!("b{} knows the metadata to {offset:?}", index + 1));
            }
        }
        None
    }

    fn missing_to_end(&mut self) -> Option<String> {
        if let Some(fenced) = self.not_serving() {
            return Some(fenced);
        }
        for partition in 0..self.scenario.partitions {
            let state = self
                .id_of(partition)
                .and_then(|id| self.quorum.image.partition(id));
            let Some(state) = state.cloned() else {
                return Some(format!("p{partition} is gone"));
            };
            if let Some(missing) = self.not_settled(partition, &state) {
                return Some(missing);
            }
        }
        let waiting = self
            .clients
            .iter()
            .flat_map(|client| client.outstanding.values());
        let mut waiting = waiting.filter(|request| !self.is_given_up(request.partition));
        waiting
            .next()
            .map(|request| format!("{request:?} has no answer"))
    }

    /// Whether nobody promises that a partition comes back.
    fn is_excused(&self, partition: usize) -> bool {
        let ghost = &self.ghosts[partition];
        ghost.is_any_excused(0, ghost.end())
    }

    /// Whether producers need not be answered: those that miss records of their own are refused.
    fn is_given_up(&self, partition: usize) -> bool {
        self.ghosts[partition].is_lossy || self.is_excused(partition)
    }

    /// What is missing until a partition is as it should be, where that is promised.
    fn not_settled(&mut self, partition: usize, state: &Partition) -> Option<String> {
        let missing = self.unsettled(partition, state)?;
        // Where all candidates have lost something, nobody is elected.
        let nobody = state.isr.is_empty() && state.elr.is_empty();
        let is_hopeless = self.ghosts[partition].is_hopeless();
        let is_given_up = self.is_excused(partition) || (nobody && is_hopeless);
        if is_given_up && self.agenda.now() > self.phase_began + LOSSY_PATIENCE {
            self.ghosts[partition].is_lossy = true;
            return None;
        }
        Some(missing)
    }

    fn unsettled(&self, partition: usize, state: &Partition) -> Option<String> {
        let is_settled = state.isr.len() == state.replicas.len() && state.has_leader();
        if !is_settled || is_reassigned(state) {
            return Some(format!("p{partition} is {state:?}"));
        }
        let leader = self.brokers[(state.leader.0 - 1) as usize].replica(partition);
        let Some((replica, leader)) = leader.and_then(|r| Some((r, r.leader()?))) else {
            return Some(format!("p{partition} is not led by b{}", state.leader));
        };
        let end = replica.log.end();
        if leader.isr().is_pending() || replica.high_watermark != end {
            let (isr, high_watermark) = (leader.isr(), replica.high_watermark);
            return Some(format!(
                "p{partition}: {isr:?}, high watermark {high_watermark} of {end}"
            ));
        }
        let behind = state.replicas.iter().find(|id| {
            let log = self.brokers[(id.0 - 1) as usize].log(partition);
            log.is_none_or(|log| log.end() != end)
        });
        if let Some(id) = behind {
            return Some(format!("b{id} p{partition} has not everything"));
        }
        self.misplaced(partition, state)
    }

    /// A replica that was removed and is still there, or one that lives elsewhere than is known.
    fn misplaced(&self, partition: usize, state: &Partition) -> Option<String> {
        let is_misplaced = |broker: &&Broker| match state.is_replica(broker.id) {
            true => state.directory(broker.id) != Some(broker.log_dir),
            false => broker.log(partition).is_some(),
        };
        let misplaced = self.brokers.iter().find(is_misplaced)?;
        Some(format!(
            "b{} has a log of p{partition}: {state:?}",
            misplaced.id
        ))
    }
}
