//! What goes wrong, and how it is made whole again.

use crate::{
    agenda::MS,
    event::{Event, Repair},
    metadata::MIN_ISR,
    network::Node,
    world::{Phase, TOPIC, World},
};
use klamm_controller::{AlterConfigs, ConfigOp, Request, ResourceChange};
use klamm_metadata::ConfigResource;

/// The usual longest flush.
const FLUSH_MAX: u64 = 2 * MS;

/// Records that are never deleted: producers may still ask whether they arrived.
const KEPT: i64 = 40;

/// Breaks something.
type Fault<'a> = &'a dyn Fn(&mut World);

impl World {
    pub(crate) fn plan_faults(&mut self) {
        self.agenda.push(100 * MS, Event::Fault);
        let chaos = self.scenario.chaos_ms * MS;
        self.agenda.push(chaos, Event::Heal);
        self.plan_reassignment();
    }

    pub(crate) fn draw_fault(&mut self) {
        if self.phase != Phase::Chaos {
            return;
        }
        let pause = self.random.between(20, self.scenario.fault_pause_ms) * MS;
        self.agenda.push(pause, Event::Fault);
        let weights = self.scenario.faults.clone();
        let broker = self.random.index(self.brokers.len());
        let controller = self.random.index(self.scenario.controllers);
        let faults: [(u64, Fault); 14] = [
            (weights.power_loss, &|world| world.lose_power(broker)),
            (weights.kill, &|world| world.kill(broker)),
            (weights.all_down, &|world| world.take_all_down()),
            (weights.empty_disk, &|world| world.empty_disk(broker)),
            (weights.stop, &|world| world.stop(broker)),
            (weights.pause, &|world| world.pause_broker(broker)),
            (weights.cut, &|world| world.cut_link(broker)),
            (weights.isolate, &|world| world.isolate(broker)),
            (weights.slow_disk, &|world| world.slow_disk(broker)),
            (weights.controller_crash, &|world| {
                world.kill_controller(controller)
            }),
            (weights.controller_pause, &|world| {
                world.pause_controller(controller)
            }),
            (weights.min_isr_change, &|world| world.change_min_isr()),
            (weights.delete_records, &|world| world.delete_records()),
            (weights.unclean_election, &|world| {
                world.allow_unclean_elections()
            }),
        ];
        let mut drawn = self
            .random
            .below(faults.iter().map(|(weight, _)| weight).sum());
        for (weight, fault) in faults {
            if drawn < weight {
                return fault(self);
            }
            drawn -= weight;
        }
    }

    fn later(&mut self, most_ms: u64, repair: Repair) {
        let delay = self.random.between(20, most_ms) * MS;
        self.agenda.push(delay, Event::Repair(repair));
    }

    pub(crate) fn repair(&mut self, repair: Repair) {
        match repair {
            Repair::StartBroker(broker) => self.start_broker(broker),
            Repair::StartController(controller) => self.start_controller(controller),
            Repair::Mend(from, to) => self.network.mend(from, to),
            Repair::QuickDisk(broker) => self.brokers[broker].flush_max = FLUSH_MAX,
        }
    }

    /// The host loses power: any part of what was not flushed is gone.
    fn lose_power(&mut self, index: usize) {
        if self.brokers[index].process.is_none() {
            return;
        }
        self.trace(|| format!("b{} loses power", index + 1));
        self.mark_unclean(index);
        let mut random = self.random.clone();
        self.end_process(index, |log| {
            let unflushed = (log.end() - log.flushed()) as u64;
            let kept = random.between(0, unflushed) as i64;
            log.crash(log.flushed() + kept);
        });
        self.random = random;
        self.later(900, Repair::StartBroker(index));
    }

    /// The process dies; the page cache stays.
    pub(crate) fn kill(&mut self, index: usize) {
        if self.brokers[index].process.is_none() {
            return;
        }
        self.trace(|| format!("b{} is killed", index + 1));
        self.mark_unclean(index);
        self.end_process(index, |log| {
            let end = log.end();
            log.crash(end);
        });
        self.later(900, Repair::StartBroker(index));
    }

    /// Where replicas acknowledge from the page cache, nobody knows what an unclean stop took.
    fn mark_unclean(&mut self, index: usize) {
        self.brokers[index].unclean_at = Some(self.agenda.now());
        if !self.scenario.flushes_before_ack {
            self.note_loss(index);
        }
    }

    /// What a broker keeps, or is to keep, may be lost.
    fn note_loss(&mut self, index: usize) {
        let id = self.brokers[index].id;
        for partition in 0..self.scenario.partitions {
            let known = self.id_of(partition);
            let known = known.and_then(|id| self.quorum.image.partition(id));
            let is_kept = self.brokers[index].log(partition).is_some();
            if is_kept || known.is_none_or(|known| known.is_replica(id)) {
                self.ghosts[partition].lose(index);
            }
        }
    }

    fn take_all_down(&mut self) {
        self.trace(|| "everything loses power".to_owned());
        for broker in 0..self.brokers.len() {
            self.lose_power(broker);
        }
        for controller in 0..self.scenario.controllers {
            self.kill_controller(controller);
        }
    }

    /// The host gets a new disk.
    fn empty_disk(&mut self, index: usize) {
        self.lose_power(index);
        self.trace(|| format!("b{} gets a new disk", index + 1));
        self.note_loss(index);
        let broker = &mut self.brokers[index];
        broker.disk.iter_mut().for_each(|log| *log = None);
        broker.emptied_at = Some(self.agenda.now());
        broker.log_dir = self.random.id();
    }

    fn stop(&mut self, index: usize) {
        self.ask_to_stop(index);
        // When it has not stopped by then it goes on.
        let delay = self.random.between(300, 2_000) * MS;
        let start = Event::Repair(Repair::StartBroker(index));
        self.agenda.push(delay, start);
    }

    fn pause_broker(&mut self, index: usize) {
        let until = self.agenda.now() + self.random.between(50, 1_500) * MS;
        self.trace(|| format!("b{} pauses", index + 1));
        self.brokers[index].paused_until = until;
    }

    fn pause_controller(&mut self, index: usize) {
        let until = self.agenda.now() + self.random.between(50, 1_200) * MS;
        self.trace(|| format!("c{} pauses", index + 1));
        self.quorum.controllers[index].paused_until = until;
    }

    fn kill_controller(&mut self, index: usize) {
        if self.quorum.controllers[index].is_up {
            self.crash_controller(index);
            self.later(700, Repair::StartController(index));
        }
    }

    fn any_node(&mut self) -> Node {
        let brokers = self.brokers.len();
        match self.random.index(brokers + self.scenario.controllers) {
            index if index < brokers => Node::Broker(index),
            index => Node::Controller(index - brokers),
        }
    }

    /// One way or both.
    fn cut_link(&mut self, broker: usize) {
        let (one, other) = (Node::Broker(broker), self.any_node());
        let ways = match self.random.index(3) {
            0 => vec![(one, other)],
            1 => vec![(other, one)],
            _ => vec![(one, other), (other, one)],
        };
        self.trace(|| format!("cut: {ways:?}"));
        self.cut_for_a_while(&ways);
    }

    fn cut_for_a_while(&mut self, ways: &[(Node, Node)]) {
        let delay = self.random.between(50, 1_500) * MS;
        for &(from, to) in ways {
            self.network.cut(from, to);
            let mend = Event::Repair(Repair::Mend(from, to));
            self.agenda.push(delay, mend);
        }
    }

    /// A node hears nobody, or is heard by nobody, or both. Clients may still reach it.
    fn isolate(&mut self, broker: usize) {
        let node = match self.random.permille(250) {
            true => self.any_node(),
            false => Node::Broker(broker),
        };
        let brokers = (0..self.brokers.len()).map(Node::Broker);
        let controllers = (0..self.scenario.controllers).map(Node::Controller);
        let others: Vec<_> = brokers.chain(controllers).filter(|n| *n != node).collect();
        let (hears, is_heard) = (self.random.permille(250), self.random.permille(250));
        let mut ways = Vec::new();
        for other in others {
            if !hears {
                ways.push((other, node));
            }
            if !is_heard {
                ways.push((node, other));
            }
        }
        self.trace(|| format!("{node} is cut off, hears: {hears}, is heard: {is_heard}"));
        self.cut_for_a_while(&ways);
    }

    fn slow_disk(&mut self, index: usize) {
        self.brokers[index].flush_max = self.random.between(20, 400) * MS;
        self.later(1_500, Repair::QuickDisk(index));
    }

    /// The controller that can decide now, if any.
    pub(crate) fn active_controller(&self) -> Option<usize> {
        let leader = self.quorum.leader?;
        let controller = &self.quorum.controllers[leader];
        (controller.is_up && controller.office.is_some()).then_some(leader)
    }

    fn alter_config(&mut self, resource: ConfigResource, name: &str, value: &str) {
        let Some(active) = self.active_controller() else {
            return;
        };
        self.trace(|| format!("{resource:?}: {name}={value}"));
        let change = ResourceChange {
            resource,
            ops: vec![(name.to_owned(), ConfigOp::Set(value.to_owned()))],
            replace: false,
        };
        let request = AlterConfigs {
            resources: vec![change],
            validate_only: false,
        };
        self.decide(active, &Request::AlterConfigs(request), None);
    }

    fn change_min_isr(&mut self) {
        let most = self.scenario.replication_factor as u64;
        let value = self.random.between(1, most);
        self.ghosts
            .iter_mut()
            .for_each(|ghost| ghost.losers_max = 1);
        let value = value.to_string();
        let resource = match self.random.permille(500) {
            true => ConfigResource::Topic(TOPIC.to_owned()),
            false => ConfigResource::Broker(None),
        };
        self.alter_config(resource, MIN_ISR, &value);
    }

    fn allow_unclean_elections(&mut self) {
        let value = if self.random.permille(500) {
            "true"
        } else {
            "false"
        };
        let resource = ConfigResource::Topic(TOPIC.to_owned());
        self.alter_config(resource, "unclean.leader.election.enable", value);
    }

    /// Retention takes some of the committed records of what a broker leads.
    fn delete_records(&mut self) {
        for index in 0..self.brokers.len() {
            let now_ms = self.clock_ms(Node::Broker(index));
            for partition in 0..self.scenario.partitions {
                let draw = self.random.next();
                let Some(replica) = self.brokers[index].replica_mut(partition) else {
                    continue;
                };
                let (start, end) = (replica.log.start(), replica.high_watermark - KEPT);
                if replica.leader().is_none() || end <= start {
                    continue;
                }
                let offset = start + (draw % (end - start + 1) as u64) as i64;
                replica.log.raise_start(offset);
                replica.advance(now_ms);
                self.trace(|| format!("b{} deletes p{partition} to {offset}", index + 1));
                self.settle(index, partition);
            }
        }
    }

    /// The faults end: everything works from now on.
    pub(crate) fn heal(&mut self) {
        self.trace(|| "the faults are over".to_owned());
        self.network.heal();
        self.scenario.apply_max = 3 * MS;
        (self.phase, self.phase_began) = (Phase::Healing, self.agenda.now());
        self.is_producing = false;
        let now = self.agenda.now();
        for index in 0..self.brokers.len() {
            let broker = &mut self.brokers[index];
            broker.paused_until = broker.paused_until.min(now);
            broker.flush_max = FLUSH_MAX;
            self.start_broker(index);
        }
        for index in 0..self.scenario.controllers {
            self.quorum.controllers[index].paused_until = 0;
            self.start_controller(index);
        }
    }
}
