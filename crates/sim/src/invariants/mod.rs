//! What must hold, one file each. Every file says where its invariant comes from.
//!
//! Safety is looked at whenever something changes that it depends on, liveness when the faults
//! are over. [`Ghost`](crate::ghost::Ghost) is the observer's memory.

mod acknowledged_is_committed;
mod assignments;
mod candidate_completeness;
mod committed_survives;
mod consistent_reads;
mod idempotence;
mod leader_completeness;
mod liveness;
mod log_matching;
mod metadata_log_matching;
mod monotonic;
mod one_leader_per_epoch;
mod quorum_superset;

use crate::{
    ghost::Seen,
    world::{TOPIC, World},
};
use klamm_metadata::{Image, Partition};

impl World {
    /// What can be looked at after any event.
    pub(crate) fn check_all(&mut self) {
        let Some(topic) = self.topic else {
            return;
        };
        let Some(topic) = self.quorum.image.topic(topic).cloned() else {
            return;
        };
        self.check_nothing_is_forgotten();
        for (partition, state) in topic.partitions() {
            let partition = usize::try_from(partition).unwrap_or(0);
            self.check_candidates(partition, state);
            self.check_quorum_superset(partition, state);
        }
    }

    /// A replica begins to lead.
    pub(crate) fn check_takeover(&mut self, index: usize, partition: usize, state: &Partition) {
        self.check_only_leader(index, partition, state.leader_epoch);
        self.check_leader_completeness(index, partition, state);
        self.check_floor(index, partition, state);
    }

    /// Something happened at a replica, which was cut below its high watermark if that is some.
    pub(crate) fn check_replica(&mut self, index: usize, partition: usize, cut: Option<i64>) {
        let generation = self.brokers[index].generation;
        let Some(replica) = self.brokers[index].replica(partition) else {
            return;
        };
        let now = Seen {
            generation,
            high_watermark: replica.high_watermark,
            log_start: replica.log.start(),
            leader_epoch: replica.leader().map(klamm_replica::Leader::leader_epoch),
        };
        let seen = self.ghosts[partition].seen.insert(index, now);
        // A process that has just opened the log knows what was recorded.
        let before = seen.filter(|seen| seen.generation == generation);
        if let Some(below) = cut {
            self.check_cut(index, partition, now.high_watermark, below);
        }
        if let Some(before) = before {
            self.check_offsets_grow(index, partition, before, now);
        }
        let from = before.map_or(now.high_watermark, |before| before.high_watermark);
        let from = from.min(now.high_watermark);
        if now.leader_epoch.is_some() {
            self.note_commits(index, partition);
        }
        self.check_log_matches(index, partition, from);
        self.dirty |= before.is_none_or(|b| b.high_watermark != now.high_watermark);
    }

    /// The quorum has committed a batch; `before` is the image that it changed.
    pub(crate) fn on_metadata_committed(&mut self, mut before: Image) {
        self.dirty = true;
        let image = self.quorum.image.clone();
        self.quorum.images.push(image.clone());
        self.topic = self.topic.or_else(|| image.topic_id(TOPIC));
        let batch = self.quorum.log.last().cloned();
        let base_offset = batch.as_ref().map_or(0, |batch| batch.base_offset);
        let records = batch.iter().flat_map(|batch| &batch.records);
        for (offset, record) in (base_offset..).zip(records) {
            let mut after = before.clone();
            // It has been replayed before.
            let _ = after.replay(record);
            self.check_assignment(offset, record, &before, &after);
            self.check_image_grows(&before, &after);
            before = after;
        }
    }
}
