//! The last replica standing (KIP-966), with the leader's own rules beside the controller's.
//!
//! A member of an ISR of one loses what it had not flushed. Were it elected again because it was
//! the last, the others would cut off what was acknowledged before.

use crate::{Request, lab::Lab};
use klamm_replica::{
    FollowerFetch, Leader, LocalLog, PartitionState,
    divergence::{EpochEnd, diverging_epoch, truncation_offset},
};
use klamm_types::{BrokerId, LeaderEpoch};
use std::collections::BTreeMap;

const LAG_MS: i64 = 30_000;

/// A record: the epoch it was appended in, and its value.
type Record = (LeaderEpoch, &'static str);

#[derive(Default)]
struct Replica {
    log: Vec<Record>,
    /// So many records survive a loss of power.
    flushed: usize,
    high_watermark: i64,
}

impl Replica {
    fn end(&self) -> i64 {
        self.log.len() as i64
    }

    fn values(&self) -> Vec<&'static str> {
        self.log.iter().map(|(_, value)| *value).collect()
    }

    fn epoch_end(&self, asked: LeaderEpoch) -> EpochEnd {
        let known = self.log.iter().map(|(epoch, _)| *epoch);
        match known.filter(|epoch| *epoch <= asked).max() {
            None => EpochEnd::UNKNOWN,
            Some(epoch) => EpochEnd {
                epoch,
                end_offset: self.log.iter().filter(|(e, _)| *e <= epoch).count() as i64,
            },
        }
    }
}

/// A partition on brokers 1 to 3 that acknowledges from the page cache.
struct World {
    lab: Lab,
    replicas: BTreeMap<i32, Replica>,
    leader: Option<Leader>,
}

impl World {
    fn new() -> World {
        let mut lab = Lab::with_topic();
        lab.set("min.insync.replicas", Some("2"));
        lab.set("flush.messages", Some("1000000"));
        let replicas = (1..=3).map(|id| (id, Replica::default())).collect();
        let mut world = World {
            lab,
            replicas,
            leader: None,
        };
        world.follow_metadata();
        world
    }

    /// Whoever leads hears of what the controller has decided.
    fn follow_metadata(&mut self) {
        let partition = self.lab.partition();
        let state = PartitionState {
            leader_epoch: partition.leader_epoch,
            partition_epoch: partition.partition_epoch,
            replicas: partition.replicas.clone(),
            isr: partition.isr.iter().copied().collect(),
        };
        let Some(me) = partition.leader.some() else {
            self.leader = None;
            return;
        };
        match &mut self.leader {
            Some(leader) if leader.leader_epoch() == state.leader_epoch => {
                let _ = leader.on_partition_change(&state, 2, 0);
            }
            _ => {
                let replica = &self.replicas[&me.0];
                let known = replica.high_watermark;
                let local = local(replica);
                self.leader = Some(Leader::new(me, &state, local, known, 2, LAG_MS, 0));
            }
        }
        if let Some(leader) = &mut self.leader {
            let _ = leader.on_brokers_change(|id, _| self.lab.image.is_active(id), 0);
        }
    }

    fn leader(&mut self) -> &mut Leader {
        self.leader.as_mut().expect("somebody leads")
    }

    fn leader_id(&self) -> i32 {
        self.lab.partition().leader.0
    }

    fn story(&mut self, line: &str) {
        let lab = std::mem::replace(&mut self.lab, Lab::new(0));
        self.lab = lab.story(line);
        self.follow_metadata();
    }

    fn append(&mut self, value: &'static str) {
        let (id, epoch) = (self.leader_id(), self.leader().leader_epoch());
        let replica = self.replicas.get_mut(&id).expect("a replica");
        replica.log.push((epoch, value));
        let local = local(replica);
        let _ = self.leader().on_local(local, 0);
    }

    /// A follower fetches until it has everything, and the ISR grows if the leader wants that.
    fn catch_up(&mut self, id: i32) {
        let leader_id = self.leader_id();
        // Once for the divergence of each epoch, once for the records, once to say so.
        for _ in 0..8 {
            let mut follower = self.replicas.remove(&id).expect("a replica");
            let leads = &self.replicas[&leader_id];
            let last_epoch = follower.log.last().map(|(epoch, _)| *epoch);
            let diverging = last_epoch.and_then(|epoch| {
                let theirs = leads.epoch_end(epoch);
                diverging_epoch(theirs, epoch, follower.end())
            });
            if let Some(theirs) = diverging {
                let ours = follower.epoch_end(theirs.epoch);
                let (end, known) = (follower.end(), follower.high_watermark);
                let offset = truncation_offset(theirs, ours, end, known);
                follower.log.truncate(offset as usize);
            } else {
                let fetch_offset = follower.end();
                follower.log.extend(&leads.log[fetch_offset as usize..]);
                self.fetched(id, fetch_offset);
                follower.high_watermark = self.leader().high_watermark().min(follower.end());
            }
            self.replicas.insert(id, follower);
        }
        let high_watermark = self.leader().high_watermark();
        self.replicas
            .get_mut(&leader_id)
            .expect("the leader's")
            .high_watermark = high_watermark;
    }

    fn fetched(&mut self, id: i32, fetch_offset: i64) {
        let fetch = FollowerFetch {
            replica: BrokerId(id),
            broker_epoch: self.lab.broker(id).epoch,
            fetch_offset,
            log_start_offset: 0,
            is_eligible: self.lab.image.is_active(BrokerId(id)),
        };
        let effects = self.leader().on_fetch(fetch, 0).expect("a follower");
        if let Some(proposal) = effects.propose {
            let isr: Vec<i32> = proposal.new_isr.iter().map(|(id, _)| id.0).collect();
            let proposal = self.lab.proposal(&isr);
            self.lab.ask(&Request::AlterPartition(proposal));
            self.follow_metadata();
        }
    }

    fn flush(&mut self, id: i32) {
        let replica = self.replicas.get_mut(&id).expect("a replica");
        replica.flushed = replica.log.len();
    }

    /// Power goes: what was not flushed is gone.
    fn lose_power(&mut self, id: i32) {
        let replica = self.replicas.get_mut(&id).expect("a replica");
        replica.log.truncate(replica.flushed);
    }
}

/// What counts as durable is the log end: the topic's settings say so.
fn local(replica: &Replica) -> LocalLog {
    LocalLog {
        start_offset: 0,
        durable_end_offset: replica.end(),
        end_offset: replica.end(),
    }
}

#[test]
fn the_last_replica_standing_does_not_lead_after_it_has_lost_its_tail() {
    let mut world = World::new();
    world.append("one");
    world.catch_up(2);
    world.catch_up(3);
    (1..=3).for_each(|id| world.flush(id));
    assert_eq!(world.leader().high_watermark(), 1);

    world.story("fence 3 => 1 @0 isr 1,2");
    world.append("two");
    world.catch_up(2);
    assert_eq!(world.leader().high_watermark(), 2, "acknowledged");

    // The last one standing takes no more with acks=all, and commits nothing of what it takes.
    world.story("fence 2 => 1 @0 isr 1 elr 2");
    assert!(!world.leader().has_enough_replicas());
    world.append("three");
    assert_eq!(world.leader().high_watermark(), 2);

    world.lose_power(1);
    assert_eq!(
        world.replicas[&1].values(),
        ["one"],
        "it has lost what was acknowledged"
    );
    world.story("restart 1 unclean => - @1 isr  elr 2 known 1");
    for id in [1, 3] {
        world.story(&format!("unfence {id} => - @1 isr  elr 2 known 1"));
    }
    world.story("unfence 2 => 2 @2 isr 2 known 1");
    world.append("four");
    world.catch_up(1);
    world.catch_up(3);
    assert_eq!(world.lab.partition().isr.len(), 3);
    assert_eq!(world.lab.state(), "2 @2 isr 1,2,3");
    for (id, replica) in &world.replicas {
        assert_eq!(replica.values(), ["one", "two", "four"], "replica {id}");
    }
    world.catch_up(1);
    assert_eq!(world.leader().high_watermark(), 3);
}

#[test]
fn without_a_loss_the_last_replica_standing_brings_back_what_it_alone_had() {
    let mut world = World::new();
    world.append("one");
    world.catch_up(2);
    world.catch_up(3);
    world.story("fence 3 => 1 @0 isr 1,2");
    world.story("fence 2 => 1 @0 isr 1 elr 2");
    world.append("two");
    // It stops in order, so it has everything: either of the two may lead, and the first there does.
    world.story("restart 1 clean => - @1 isr  elr 1,2");
    world.story("unfence 1 => 1 @2 isr 1 elr 2");
    world.story("unfence 2 => 1 @2 isr 1 elr 2");
    world.catch_up(2);
    assert_eq!(world.lab.state(), "1 @2 isr 1,2");
    assert_eq!(world.leader().high_watermark(), 2);
    assert_eq!(world.replicas[&2].values(), ["one", "two"]);
}
