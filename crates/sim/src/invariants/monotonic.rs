//! **Numbers that only grow**: leader, partition and broker epochs, the floor of the high watermark,
//! the high watermark of a leader and of a follower that is not cut, log starts. And what moves
//! them: leaders change with their epoch, and nobody is elected uncleanly who may not be.
//!
//! Source: KIP-320, KIP-631, KIP-966; ARCHITECTURE.md, "Invariants".

use crate::{ghost::Seen, reassign::is_reassigned, world::World};
use klamm_metadata::{Image, Partition, RecoveryState};

const NAME: &str = "monotonic";

impl World {
    /// The quorum has committed a batch.
    pub(crate) fn check_image_grows(&mut self, before: &Image, after: &Image) {
        for (id, broker) in before.brokers() {
            let epoch = after.broker(id).map(|broker| broker.epoch);
            if epoch.is_some_and(|epoch| epoch < broker.epoch) {
                self.fail(NAME, format!("the epoch of b{id} fell to {epoch:?}"));
            }
        }
        for (id, old) in before.partitions() {
            let Some(new) = after.partition(id).filter(|new| *new != old) else {
                continue;
            };
            if let Some(what) = shrinkage(old, new) {
                self.fail(NAME, format!("{what}: {old:?} became {new:?}"));
            }
            let was_elected = new.has_leader() && new.leader_epoch != old.leader_epoch;
            let is_clean = old.isr.contains(&new.leader)
                || old.elr.contains(&new.leader)
                || hands_over(old, new);
            let says_so = new.recovery_state == RecoveryState::Recovering;
            if says_so {
                self.ghosts[usize::try_from(id.partition).unwrap_or(0)].is_lossy = true;
            }
            // Nobody else will ever have what the only replica has lost.
            let may_be_unclean = self.scenario.unclean || new.replicas.len() == 1;
            if was_elected && !is_clean && !(says_so && may_be_unclean) {
                self.fail(NAME, format!("an unclean election: {old:?} became {new:?}"));
            }
        }
    }

    /// A leader's high watermark begins at the floor or above.
    pub(crate) fn check_floor(&mut self, index: usize, partition: usize, state: &Partition) {
        let Some(replica) = self.brokers[index].replica(partition) else {
            return;
        };
        let (floor, high_watermark) = (state.high_watermark_floor, replica.high_watermark);
        if high_watermark < floor && state.replicas.len() > 1 {
            let what = format!(
                "b{} leads p{partition} from high watermark {high_watermark}, the floor is {floor}",
                index + 1
            );
            self.fail(NAME, what);
        }
    }

    /// A replica of the same process was looked at again.
    pub(crate) fn check_offsets_grow(
        &mut self,
        index: usize,
        partition: usize,
        before: Seen,
        now: Seen,
    ) {
        let same_epoch = now.leader_epoch.is_some() && now.leader_epoch == before.leader_epoch;
        let falls = now.high_watermark < before.high_watermark || now.log_start < before.log_start;
        if falls && (same_epoch || !self.ghosts[partition].is_lossy) {
            let what = format!(
                "b{} p{partition}: high watermark {} to {}, log start {} to {}",
                index + 1,
                before.high_watermark,
                now.high_watermark,
                before.log_start,
                now.log_start
            );
            return self.fail(NAME, what);
        }
        if now.leader_epoch.is_some() {
            let ghost = &mut self.ghosts[partition];
            ghost.log_start_max = ghost.log_start_max.max(now.log_start);
        }
    }

    /// A replica was cut below its high watermark: only after an unclean election, or where more
    /// was lost than is promised.
    pub(crate) fn check_cut(&mut self, index: usize, partition: usize, to: i64, below: i64) {
        let ghost = &mut self.ghosts[partition];
        if ghost.is_lossy {
            return;
        }
        let what = format!(
            "b{} p{partition} was cut to {to}, its high watermark was {below}",
            index + 1
        );
        self.fail(NAME, what);
    }
}

/// Whether a leader that goes with the end of a reassignment has taken its successor into the ISR in
/// the same record. What the successor has is looked at elsewhere.
fn hands_over(old: &Partition, new: &Partition) -> bool {
    let ends = is_reassigned(old) && !is_reassigned(new);
    ends && old.has_leader() && !new.is_replica(old.leader) && new.isr.contains(&new.leader)
}

fn shrinkage(old: &Partition, new: &Partition) -> Option<&'static str> {
    let is_unclean = new.recovery_state == RecoveryState::Recovering;
    if new.leader_epoch < old.leader_epoch {
        Some("the leader epoch fell")
    } else if new.partition_epoch < old.partition_epoch {
        Some("the partition epoch fell")
    } else if new.leader != old.leader && new.leader_epoch == old.leader_epoch {
        Some("another leader in the same epoch")
    } else if new.high_watermark_floor < old.high_watermark_floor && !is_unclean {
        Some("the floor fell")
    } else {
        None
    }
}
