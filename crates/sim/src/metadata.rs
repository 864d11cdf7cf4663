//! A broker follows the metadata, and its replicas follow what that says.

use crate::{
    agenda::{MS, Micros},
    broker::Process,
    bug::Bug,
    event::{Call, Message, Timer, Updates},
    network::Node,
    replica::{Leadership, Replica},
    world::{TOPIC, World},
};
use klamm_metadata::{Delta, Image, Partition, RecoveryState};
use klamm_replica::{PartitionState, committed_floor};
use klamm_types::{BrokerEpoch, BrokerId};

/// Without news for so long, another controller is asked.
const WATCH_TIMEOUT: Micros = 400 * MS;

/// Stands for the call that is made when a change has been followed.
const AGAIN: Call = 0;

pub(crate) const MIN_ISR: &str = "min.insync.replicas";

impl World {
    /// Asks for the metadata behind what is known.
    pub(crate) fn watch_metadata(&mut self, index: usize) {
        let call = self.next_call();
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        process.watch = Some(call);
        let (to, offset) = (Node::Controller(process.watched), process.image.offset());
        self.send(Node::Broker(index), to, Message::Watch(call, offset));
        self.set(index, WATCH_TIMEOUT, Timer::Watch(call));
    }

    pub(crate) fn on_watch_timeout(&mut self, index: usize, call: Call) {
        let controllers = self.scenario.controllers;
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        if process.watch != Some(call) {
            return;
        }
        if call != AGAIN {
            process.watched = (process.watched + 1) % controllers;
        }
        self.watch_metadata(index);
    }

    pub(crate) fn on_updates(&mut self, index: usize, call: Call, updates: Updates) {
        let goes_back = self.has(Bug::OldMetadataReplayed) && self.random.permille(50);
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        if process.watch != Some(call) {
            return;
        }
        process.watch = None;
        let before = process.image.clone();
        let taken = process.take(updates);
        if goes_back && let Some((image, batches)) = process.old_image.take() {
            (process.image, process.batches) = (image, batches);
        } else if self.random.permille(100) {
            process.old_image = Some((before.clone(), process.batches));
        }
        let after = process.image.clone();
        if let Err(error) = taken {
            return self.fail("metadata log matching", error);
        }
        self.check_metadata(index, &before);
        self.follow_change(index, &before, &after);
        if let Some(process) = &mut self.brokers[index].process {
            process.watch = Some(AGAIN);
        }
        let again = self.random.below(self.scenario.apply_max);
        self.set(index, again, Timer::Watch(AGAIN));
    }

    /// Lets the replicas follow, once the metadata holds this very registration.
    fn follow_change(&mut self, index: usize, before: &Image, after: &Image) {
        let me = self.brokers[index].id;
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        let registered = after.broker(me).map(|broker| broker.epoch) == process.epoch;
        if !process.is_current && !registered {
            return;
        }
        let delta = match process.is_current {
            true => Delta::between(before, after),
            false => Delta::between(&Image::new(), after),
        };
        let is_first = !process.is_current;
        process.is_current = true;
        let is_configured = !delta.changed_configs.is_empty();
        if is_configured {
            self.take_over_configs(index, after);
        }
        for id in &delta.changed_partitions {
            if let Some(metadata) = after.partition(*id) {
                let partition = usize::try_from(id.partition).unwrap_or(0);
                let is_open = self.brokers[index].replica(partition).is_some();
                if is_first || is_open || !metadata.is_replica(me) {
                    self.follow_partition(index, partition, metadata, after);
                } else {
                    let delay = self.random.below(self.scenario.apply_max);
                    self.set(index, delay, Timer::Arrive(partition));
                }
            }
        }
        if is_configured {
            self.adopt_min_isr(index);
        }
        if !delta.changed_brokers.is_empty() {
            self.follow_brokers(index, after);
        }
    }

    fn take_over_configs(&mut self, index: usize, image: &Image) {
        let min_isr = min_isr(image);
        if let Some(process) = &mut self.brokers[index].process {
            let replicas = process.replicas.iter_mut().flatten();
            replicas.for_each(|replica| replica.min_isr = min_isr);
        }
        if self.has(Bug::ConfigsAheadOfRoles) {
            self.adopt_min_isr(index);
        }
    }

    fn adopt_min_isr(&mut self, index: usize) {
        let now_ms = self.clock_ms(Node::Broker(index));
        for partition in 0..self.scenario.partitions {
            if let Some(replica) = self.brokers[index].replica_mut(partition) {
                let min_isr = replica.min_isr;
                replica.as_leader(|leader| leader.set_min_isr(min_isr, now_ms));
                self.settle(index, partition);
            }
        }
    }

    fn follow_brokers(&mut self, index: usize, image: &Image) {
        let now_ms = self.clock_ms(Node::Broker(index));
        for partition in 0..self.scenario.partitions {
            if let Some(replica) = self.brokers[index].replica_mut(partition) {
                let eligible = |id, epoch| is_eligible(image, id, epoch);
                replica.as_leader(|leader| leader.on_brokers_change(eligible, now_ms));
                self.settle(index, partition);
            }
        }
    }

    fn follow_partition(
        &mut self,
        index: usize,
        partition: usize,
        metadata: &Partition,
        image: &Image,
    ) {
        let me = self.brokers[index].id;
        let hurries = self.has(Bug::RemovedTooSoon) && metadata.removing_replicas.contains(&me);
        if !metadata.is_replica(me) || hurries {
            return self.remove_replica(index, partition);
        }
        self.open_replica(index, partition, min_isr(image));
        let stays = self.has(Bug::EpochTakenTwice) && metadata.has_leader();
        let is_leader = |replica: &Replica| replica.leader().is_some();
        let stays = stays
            && self.brokers[index]
                .replica(partition)
                .is_some_and(is_leader);
        if metadata.leader == me || stays {
            self.lead(index, partition, metadata);
        } else {
            self.follow(index, partition, metadata);
        }
    }

    /// Makes a new replica, if the broker is to have it still: changes of others came first.
    pub(crate) fn create_arriving(&mut self, index: usize, partition: usize) {
        let (broker, id) = (&self.brokers[index], self.id_of(partition));
        let Some(image) = broker.process.as_ref().map(|process| process.image.clone()) else {
            return;
        };
        let metadata = id.and_then(|id| image.partition(id));
        if let Some(metadata) = metadata.filter(|_| broker.replica(partition).is_none()) {
            self.follow_partition(index, partition, metadata, &image);
        }
    }

    /// The broker keeps the partition no more: its log is gone, and what was known of it.
    fn remove_replica(&mut self, index: usize, partition: usize) {
        let broker = &mut self.brokers[index];
        let log = broker.disk[partition].take();
        let replica = match &mut broker.process {
            Some(process) => {
                process.proposals.remove(&partition);
                process.replicas[partition].take()
            }
            None => None,
        };
        self.ghosts[partition].seen.remove(&index);
        if log.is_some() || replica.is_some() {
            self.trace(|| format!("b{} deletes p{partition}", index + 1));
            self.dirty = true;
        }
    }

    fn open_replica(&mut self, index: usize, partition: usize, min_isr: usize) {
        let manner = self.manner(index);
        let broker = &mut self.brokers[index];
        let Some(process) = &mut broker.process else {
            return;
        };
        if process.replicas[partition].is_none() {
            let log = broker.disk[partition].take().unwrap_or_default();
            process.replicas[partition] = Some(Replica::new(log, min_isr, manner));
        }
    }

    fn lead(&mut self, index: usize, partition: usize, metadata: &Partition) {
        let now_ms = self.clock_ms(Node::Broker(index));
        let Some(replica) = self.brokers[index].replica_mut(partition) else {
            return;
        };
        let is_recovering = metadata.recovery_state == RecoveryState::Recovering;
        let recorded = replica.recorded();
        let floor = committed_floor(metadata.high_watermark_floor, recorded, is_recovering);
        let led = replica.lead(&state(metadata), floor, now_ms);
        if led != Leadership::GoesOn {
            self.trace(|| {
                let epoch = metadata.leader_epoch;
                format!("b{} leads p{partition} @{epoch}: {led:?}", index + 1)
            });
        }
        if led == Leadership::Begins {
            self.check_takeover(index, partition, metadata);
        }
        self.settle(index, partition);
        self.request_flush(index, partition);
    }

    fn follow(&mut self, index: usize, partition: usize, metadata: &Partition) {
        let Some(replica) = self.brokers[index].replica_mut(partition) else {
            return;
        };
        let before = replica.following();
        replica.follow(metadata.leader, metadata.leader_epoch);
        let is_new = replica.following().is_some() && before != replica.following();
        self.settle(index, partition);
        if is_new {
            self.fetch(index, partition);
        }
    }
}

impl Process {
    /// Replays what came, or takes over a newer snapshot.
    fn take(&mut self, updates: Updates) -> Result<(), String> {
        match updates {
            Updates::Snapshot(image, batches) if image.offset() >= self.image.offset() => {
                self.image = *image;
                self.batches = batches;
            }
            Updates::Snapshot(..) => {}
            Updates::Batches(batches) => {
                for batch in batches {
                    if batch.base_offset < self.image.offset() {
                        continue;
                    }
                    let applied = self.image.apply_records(batch.base_offset, &batch.records);
                    applied.map_err(|error| error.to_string())?;
                    self.batches += 1;
                }
            }
        }
        Ok(())
    }
}

/// Whether a broker may join an ISR under this registration (rule 75).
pub(crate) fn is_eligible(image: &Image, id: BrokerId, epoch: BrokerEpoch) -> bool {
    image
        .broker(id)
        .is_some_and(|broker| broker.is_active() && (epoch.is_none() || broker.epoch == epoch))
}

/// `min.insync.replicas` of the topic.
pub(crate) fn min_isr(image: &Image) -> usize {
    let own = image.topic_config(TOPIC, MIN_ISR);
    let set = own.or_else(|| image.broker_config(None, MIN_ISR));
    set.and_then(|value| value.parse().ok()).unwrap_or(1)
}

/// What a leader is told of its partition.
pub(crate) fn state(metadata: &Partition) -> PartitionState {
    PartitionState {
        leader_epoch: metadata.leader_epoch,
        partition_epoch: metadata.partition_epoch,
        replicas: metadata.replicas.clone(),
        isr: metadata.isr.iter().copied().collect(),
    }
}
