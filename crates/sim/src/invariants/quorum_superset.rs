//! **Replication quorum superset.** While a leader that the controller knows as such may commit, its
//! maximal ISR holds everybody in the controller's ISR and ELR.
//!
//! Source: the TLA+ model of KIP-966 (ReplicationQuorumSupersetProperty). It is what makes candidates
//! complete, and is broken sooner.

use crate::world::World;
use klamm_metadata::Partition;

const NAME: &str = "replication quorum superset";

impl World {
    /// The quorum's state of a partition or a leader's ISR has changed.
    pub(crate) fn check_quorum_superset(&mut self, partition: usize, state: &Partition) {
        for index in 0..self.brokers.len() {
            let Some(replica) = self.brokers[index].replica(partition) else {
                continue;
            };
            let Some(leader) = replica.leader() else {
                continue;
            };
            let isr = leader.isr();
            let may_commit = isr.committed().len() >= leader.effective_min_isr();
            if leader.leader_epoch() != state.leader_epoch || !may_commit {
                continue;
            }
            let mut candidates = state.isr.iter().chain(&state.elr);
            if let Some(left_out) = candidates.find(|id| !isr.maximal_contains(**id)) {
                let (known, elr) = (&state.isr, &state.elr);
                let what = format!(
                    "b{} leads p{partition} and counts {isr:?}, but not b{left_out} of ISR \
                     {known:?}, ELR {elr:?}",
                    index + 1
                );
                return self.fail(NAME, what);
            }
        }
    }
}
