//! What an omniscient observer knows of a partition. The invariants compare the nodes with it.

use crate::{
    model_log::Record,
    reassign::{Wish, except, is_reassigned},
};
use klamm_metadata::Partition;
use klamm_types::{BrokerId, LeaderEpoch};
use std::collections::BTreeMap;

/// A partition's history.
#[derive(Default)]
pub(crate) struct Ghost {
    /// Every record that a leader's high watermark has passed, by offset.
    pub(crate) committed: Vec<Committed>,
    /// The offset of each committed value.
    pub(crate) offsets: BTreeMap<u32, i64>,
    /// What producers were told.
    pub(crate) acknowledged: BTreeMap<u32, i64>,
    /// Which process led in which epoch.
    pub(crate) leaders: BTreeMap<LeaderEpoch, (usize, u64)>,
    /// The last committed sequence of each producer.
    pub(crate) sequences: BTreeMap<u32, u32>,
    /// The highest log start of any leader.
    pub(crate) log_start_max: i64,
    /// What each broker's process was last seen to know.
    pub(crate) seen: BTreeMap<usize, Seen>,
    /// More was broken than the product promises to bear, or an unclean election was held: what is
    /// committed may be gone.
    pub(crate) is_lossy: bool,
    /// The brokers that may ever have lost something, a bit each.
    lost_by: u32,
    /// Nothing is lost as long as fewer than so many lose something. It is `min.insync.replicas`,
    /// or one once that has been changed: the ELR is forgotten then. It is less where there are
    /// fewer replicas, or were.
    pub(crate) losers_max: usize,
    /// Who kept the partition before the last reassignment began.
    pub(crate) origin: Vec<BrokerId>,
    /// Who is to keep it in the end, the preferred leader first.
    pub(crate) goal: Vec<BrokerId>,
    /// Reassignments that have ended.
    pub(crate) reassigned: usize,
}

/// A committed record.
#[derive(Clone, Copy)]
pub(crate) struct Committed {
    pub(crate) record: Record,
    /// The brokers that may have lost it since, a bit each.
    lost_by: u32,
}

/// A replica as it was seen last.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) generation: u64,
    pub(crate) high_watermark: i64,
    pub(crate) log_start: i64,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
}

impl Ghost {
    pub(crate) fn new(losers_max: usize) -> Ghost {
        Ghost {
            losers_max,
            ..Ghost::default()
        }
    }

    /// The partition was created.
    pub(crate) fn start_with(&mut self, replicas: &[BrokerId]) {
        self.origin = replicas.to_vec();
        self.goal = replicas.to_vec();
    }

    /// A reassignment was asked for, which has made a new state of an old one.
    pub(crate) fn follow_wish(&mut self, wish: &Wish, old: &Partition, new: &Partition) {
        if let Some(target) = &wish.target {
            if !is_reassigned(old) {
                self.origin = old.replicas.clone();
            }
            // What an earlier reassignment was adding stays where nobody else is in sync.
            let stays = except(&new.removing_replicas, &self.origin);
            self.origin.extend(stays);
            self.goal = target.clone();
        } else {
            // Back, in the order in which they were named last.
            self.goal = old.replicas.clone();
            self.goal.retain(|id| self.origin.contains(id));
        }
    }

    /// Some replicas may have gone. Where there are fewer than `min.insync.replicas` says, fewer
    /// losses are borne. Whoever cancels a reassignment gives up what is on the new replicas, and
    /// bears as many losses as there are candidates left.
    pub(crate) fn note_removal(&mut self, is_cancelled: bool, old: &Partition, new: &Partition) {
        let removed = except(&old.replicas, &new.replicas);
        if !is_reassigned(new) {
            self.losers_max = self.losers_max.min(new.replicas.len());
        }
        if is_cancelled && !removed.is_empty() {
            let candidates = new.isr.len() + new.elr.len();
            self.losers_max = self.losers_max.min(candidates.max(1));
        }
    }

    pub(crate) fn end(&self) -> i64 {
        self.committed.len() as i64
    }

    pub(crate) fn at(&self, offset: i64) -> Option<&Committed> {
        self.committed.get(usize::try_from(offset).ok()?)
    }

    /// A broker has lost what it had, or cannot tell whether it has.
    pub(crate) fn lose(&mut self, broker: usize) {
        self.lost_by |= 1 << broker;
        for committed in &mut self.committed {
            committed.lost_by |= 1 << broker;
        }
    }

    /// Whether so many have lost the record that nobody promises it any more.
    pub(crate) fn is_excused(&self, offset: i64) -> bool {
        self.at(offset)
            .is_some_and(|committed| committed.lost_by.count_ones() as usize >= self.losers_max)
    }

    /// Whether so many have lost something that there may be nobody left to lead.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.lost_by.count_ones() as usize >= self.losers_max
    }

    /// Whether any of these records is excused.
    pub(crate) fn is_any_excused(&self, from: i64, to: i64) -> bool {
        (from..to).any(|offset| self.is_excused(offset))
    }
}

impl Committed {
    pub(crate) fn new(record: Record, lost_by: u32) -> Committed {
        Committed { record, lost_by }
    }
}
