//! Partitions are given to other brokers while the faults go on: more of them, fewer, others,
//! altogether others; and on second thoughts to others again, or back.

use crate::{
    agenda::MS,
    event::Event,
    world::{Phase, TOPIC, World},
};
use klamm_controller::{AlterReassignments, Reassignment, Request};
use klamm_metadata::{Partition, proto::Record};
use klamm_types::BrokerId;

/// How soon somebody thinks again, at most.
const SECOND_THOUGHTS_MS: u64 = 60;

/// A reassignment that the controller has decided on. It counts once its record is committed.
pub(crate) struct Wish {
    offset: i64,
    record: Record,
    /// Who is to keep the partition; `None`: those who kept it before.
    pub(crate) target: Option<Vec<BrokerId>>,
}

impl Wish {
    /// What a request for one reassignment has led to, if anything.
    pub(crate) fn of(request: &Request, offset: i64, records: &[Record]) -> Option<Wish> {
        let Request::AlterReassignments(request) = request else {
            return None;
        };
        Some(Wish {
            offset,
            record: records.first()?.clone(),
            target: request.partitions.first()?.replicas.clone(),
        })
    }

    /// Whether a record that was committed at `offset` is the wish's.
    pub(crate) fn is_met_by(&self, offset: i64, record: &Record) -> bool {
        self.offset == offset && self.record == *record
    }
}

impl World {
    /// Sees to it that somebody asks for a reassignment, if anybody ever does.
    pub(crate) fn plan_reassignment(&mut self) {
        let pause_ms = self.scenario.reassign_pause_ms;
        if pause_ms == 0 {
            return;
        }
        let most_ms = match self.random.permille(350) {
            true => pause_ms.min(SECOND_THOUGHTS_MS),
            false => pause_ms,
        };
        let delay = self.random.between(1, most_ms) * MS;
        self.agenda.push(delay, Event::Reassign);
    }

    pub(crate) fn draw_reassignment(&mut self) {
        if self.phase != Phase::Chaos {
            return;
        }
        self.plan_reassignment();
        let partition = self.random.index(self.scenario.partitions);
        let state = self
            .id_of(partition)
            .and_then(|id| self.quorum.image.partition(id));
        let (Some(state), Some(active)) = (state.cloned(), self.active_controller()) else {
            return;
        };
        let replicas = self.draw_target(&state);
        self.trace(|| format!("p{partition} of {state:?} is to be kept by {replicas:?}"));
        let request = AlterReassignments {
            partitions: vec![Reassignment {
                topic: TOPIC.to_owned(),
                partition: partition as i32,
                replicas,
            }],
            allows_another_replication_factor: self.random.permille(900),
        };
        self.decide(active, &Request::AlterReassignments(request), None);
    }

    /// Who is to keep a partition; `None`: what is under way is cancelled.
    fn draw_target(&mut self, state: &Partition) -> Option<Vec<BrokerId>> {
        if self
            .random
            .permille(if is_reassigned(state) { 350 } else { 30 })
        {
            return None;
        }
        let mut target = except(&state.replicas, &state.removing_replicas);
        let all = self.drawn(self.brokers.iter().map(|broker| broker.id).collect());
        let others = except(&all, &target);
        let place = self.random.index(target.len());
        match self.random.index(7) {
            // More.
            0 | 1 => target.extend(others.first()),
            // Fewer.
            2 => {
                if target.len() > self.fewest() {
                    target.remove(place);
                }
            }
            // One for another.
            3 => {
                if let Some(other) = others.first() {
                    target[place] = *other;
                }
            }
            // Altogether others, as far as there are some.
            4 => {
                let wanted = target.len();
                target = [others, target].concat();
                target.truncate(wanted);
            }
            // Anybody.
            5 => {
                let fewest = self.fewest() as u64;
                let count = self.random.between(fewest, all.len() as u64);
                target = all;
                target.truncate(count as usize);
            }
            // The same in another order.
            _ => target = self.drawn(target),
        }
        Some(target)
    }

    /// The fewest replicas that are wanted: mostly so many that nothing is promised less than before.
    fn fewest(&mut self) -> usize {
        match self.random.permille(100) {
            true => 1,
            false => self.scenario.min_isr,
        }
    }

    /// The same brokers in any order.
    fn drawn(&mut self, mut brokers: Vec<BrokerId>) -> Vec<BrokerId> {
        for last in (1..brokers.len()).rev() {
            brokers.swap(last, self.random.index(last + 1));
        }
        brokers
    }
}

/// Whether a reassignment is under way.
pub(crate) fn is_reassigned(partition: &Partition) -> bool {
    !partition.adding_replicas.is_empty() || !partition.removing_replicas.is_empty()
}

/// The members of a list that are not in another, in their order.
pub(crate) fn except(list: &[BrokerId], others: &[BrokerId]) -> Vec<BrokerId> {
    let kept = list.iter().copied().filter(|id| !others.contains(id));
    kept.collect()
}
