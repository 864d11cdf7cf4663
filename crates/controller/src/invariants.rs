//! What must hold whatever happens: random histories of a cluster with replicas that write.
//!
//! The model's replicas have nothing but a log end. A leader's high watermark follows KIP-966;
//! it stands still while the ISR is below the minimum. [`Lab`] checks every decision by
//! itself; here it is checked that a clean election never loses what was committed.

use crate::{
    AlterPartition, CreatePartitions, DeleteTopics, ElectionType, Request, TopicGrowth, TopicRef,
    lab::{Lab, creatable},
};
use klamm_metadata::{Partition, RecoveryState};
use klamm_types::{BrokerId, ErrorCode};
use std::collections::BTreeMap;

const BROKERS: i32 = 5;

struct History {
    lab: Lab,
    seed: u64,
    random: u64,
    log_ends: BTreeMap<i32, i64>,
    high_watermark: i64,
    min_isr: usize,
    /// Whether replicas flush before they acknowledge.
    flushes: bool,
    has_two_dirs: bool,
}

impl History {
    fn new(seed: u64) -> History {
        let mut lab = match seed % 3 {
            0 => Lab::new(BROKERS),
            _ => Lab::of_two_dirs(BROKERS),
        };
        lab.create("t", &[&[1, 2, 3, 4]]);
        let min_isr = 1 + seed as usize % 3;
        lab.set("min.insync.replicas", Some(&min_isr.to_string()));
        let flushes = seed.is_multiple_of(2);
        lab.set("flush.messages", flushes.then_some("1"));
        History {
            flushes,
            has_two_dirs: !seed.is_multiple_of(3),
            lab,
            seed,
            random: seed,
            log_ends: (1..=BROKERS).map(|id| (id, 0)).collect(),
            high_watermark: 0,
            min_isr,
        }
    }

    /// A number below `bound`, by the seed (xorshift with a multiplier).
    fn draw(&mut self, bound: usize) -> usize {
        self.random = self
            .random
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e);
        ((self.random >> 33) % bound as u64) as usize
    }

    fn draw_broker(&mut self) -> i32 {
        1 + self.draw(BROKERS as usize) as i32
    }

    fn step(&mut self) {
        let id = self.draw_broker();
        let before = self.lab.partition().clone();
        match self.draw(19) {
            15 | 16 => self.reassign(),
            17 => drop(self.lab.reassign(&[None])),
            18 => self.elect(),
            0..4 => self.write(),
            4..6 => self.fetch(id),
            6..8 => self.propose(),
            8 => drop(self.lab.ask(&Request::FenceBroker(self.lab.broker(id)))),
            9 | 10 => drop(self.lab.ask(&Request::UnfenceBroker(self.lab.broker(id)))),
            11 => drop(self.lab.ask(&Request::ShutDownBroker(self.lab.broker(id)))),
            12 => self.restart(id, &before),
            13 if self.has_two_dirs => self.change_directory(id),
            _ => self.administrate(id),
        }
        self.check_leader(&before);
        self.advance_high_watermark();
        // What a broker keeps no longer it has deleted.
        let partition = self.lab.partition();
        let keeps = |id: i32| partition.is_replica(BrokerId(id));
        (self.log_ends.iter_mut())
            .filter(|(id, _)| !keeps(**id))
            .for_each(|(_, log_end)| *log_end = 0);
    }

    /// Other brokers are to keep the partition.
    fn reassign(&mut self) {
        let mut target = Vec::new();
        for _ in 0..=self.draw(4) {
            let id = self.draw_broker();
            if !target.contains(&id) {
                target.push(id);
            }
        }
        self.lab.reassign(&[Some(&target)]);
    }

    fn elect(&mut self) {
        match self.draw(4) {
            0 => drop(self.lab.elect(ElectionType::Preferred)),
            1 => drop(self.lab.elect(ElectionType::Unclean)),
            2 => drop(self.lab.ask(&Request::BalanceLeaders)),
            _ => drop(self.lab.ask(&Request::ElectWhereNobodyLeads)),
        }
    }

    fn log_end(&self, id: BrokerId) -> i64 {
        self.log_ends[&id.0]
    }

    fn write(&mut self) {
        let leader = self.lab.partition().leader;
        if let Some(log_end) = self.log_ends.get_mut(&leader.0) {
            *log_end += 1;
        }
    }

    /// A follower becomes as the leader, be it by fetching or by truncating.
    fn fetch(&mut self, id: i32) {
        let leader = self.lab.partition().leader;
        if leader.some().is_some() {
            self.log_ends.insert(id, self.log_end(leader));
        }
    }

    /// The leader takes a follower into the ISR, or out of it.
    fn propose(&mut self) {
        let id = BrokerId(self.draw_broker());
        let partition = self.lab.partition();
        if !partition.has_leader() || id == partition.leader {
            return;
        }
        let mut isr: Vec<_> = partition.isr.iter().map(|id| id.0).collect();
        if let Some(index) = partition.isr.iter().position(|other| *other == id) {
            isr.remove(index);
        } else if self.log_end(id) >= self.high_watermark {
            isr.push(id.0);
        }
        let mut proposal: AlterPartition = self.lab.proposal(&isr);
        proposal.partitions[0].high_watermark = self.high_watermark;
        self.lab.ask(&Request::AlterPartition(proposal));
    }

    /// A restart. An unclean one loses records where nobody flushes before acknowledging, if the
    /// controller can know of others that have them; an empty disk loses all.
    fn restart(&mut self, id: i32, before: &Partition) {
        if self.draw(8) == 0 {
            self.lab.restart_emptied(id);
            self.log_ends.insert(id, 0);
            return;
        }
        let is_clean = self.draw(2) == 0;
        self.lab.restart(id, is_clean);
        let candidates = before.isr.iter().chain(&before.elr);
        let has_others = candidates.filter(|other| other.0 != id).count() > 0;
        if !is_clean && has_others && !self.flushes {
            let bound = self.log_ends[&id] as usize + 1;
            let left = self.draw(bound) as i64;
            self.log_ends.insert(id, left);
        }
    }

    /// A directory fails, or a replica turns out to live in another than was known.
    fn change_directory(&mut self, id: i32) {
        let index = self.draw(2);
        if self.draw(2) == 0 {
            self.lab.fail(id, index);
        } else {
            self.lab.place(id, index);
        }
    }

    fn administrate(&mut self, id: i32) {
        let mut lab = std::mem::replace(&mut self.lab, Lab::new(0));
        match self.draw(7) {
            0 => drop(lab.report(self.high_watermark)),
            1 => {
                let value = ["true", "false"][self.draw(2)];
                lab.set("unclean.leader.election.enable", Some(value));
            }
            2 => {
                self.min_isr = 1 + self.draw(3);
                lab.set("min.insync.replicas", Some(&self.min_isr.to_string()));
            }
            3 => {
                let mut topic = creatable(["a", "b"][self.draw(2)]);
                topic.num_partitions = 3;
                topic.replication_factor = 1 + self.draw(4) as i32;
                lab.ask(&Request::CreateTopics(crate::CreateTopics {
                    topics: vec![topic],
                    validate_only: false,
                }));
            }
            4 => {
                let name = Some(["a", "b"][self.draw(2)].to_owned());
                let topics = vec![TopicRef {
                    name,
                    topic_id: None,
                }];
                lab.ask(&Request::DeleteTopics(DeleteTopics { topics }));
            }
            5 => {
                let name = ["a", "b"][self.draw(2)].to_owned();
                let topics = vec![TopicGrowth {
                    name,
                    count: 5,
                    assignments: None,
                }];
                lab.ask(&Request::CreatePartitions(CreatePartitions {
                    topics,
                    validate_only: false,
                }));
            }
            _ => drop(lab.ask(&Request::UnregisterBroker(BrokerId(id)))),
        }
        self.lab = lab;
    }

    fn check_leader(&mut self, before: &Partition) {
        let partition = self.lab.partition();
        let is_new = partition.has_leader() && partition.leader_epoch != before.leader_epoch;
        if !is_new {
            return;
        }
        let log_end = self.log_end(partition.leader);
        let is_unclean = partition.recovery_state == RecoveryState::Recovering;
        if is_unclean {
            self.high_watermark = self.high_watermark.min(log_end);
        }
        assert!(
            log_end >= self.high_watermark,
            "seed {}: leader {} ends at {log_end}, {} are committed; {before:?} {partition:?}",
            self.seed,
            partition.leader,
            self.high_watermark,
        );
        assert!(is_unclean || partition.high_watermark_floor <= log_end);
    }

    fn advance_high_watermark(&mut self) {
        let partition = self.lab.partition();
        if partition.isr.len() >= self.min_isr.min(partition.replicas.len()) {
            let log_ends = partition.isr.iter().map(|id| {
                let is_leader = *id == partition.leader;
                // A new leader makes its followers like itself before it counts them.
                let log_end = self.log_end(*id).min(self.log_end(partition.leader));
                if is_leader {
                    self.log_end(*id)
                } else {
                    log_end
                }
            });
            let committed = log_ends.min().unwrap_or(0);
            self.high_watermark = self.high_watermark.max(committed);
        }
    }
}

#[test]
fn whatever_happens_nothing_committed_is_lost() {
    let mut leaders = 0;
    for seed in 0..80 {
        let mut history = History::new(seed);
        for _ in 0..150 {
            history.step();
        }
        leaders += history.lab.partition().leader_epoch.0;
    }
    assert!(leaders > 200, "the histories are eventful: {leaders}");
}

#[test]
fn a_proposal_of_the_current_leader_is_only_ever_refused_for_its_members() {
    for seed in 100..130 {
        let mut history = History::new(seed);
        for _ in 0..100 {
            history.step();
            let isr: Vec<_> = history.lab.partition().isr.iter().map(|id| id.0).collect();
            if history.lab.partition().has_leader() {
                let proposal = Request::AlterPartition(history.lab.proposal(&isr));
                let response = history.lab.ask(&proposal);
                assert_eq!(crate::lab::error(&response), ErrorCode::None, "seed {seed}");
            }
        }
    }
}
