//! **Leader completeness.** Whoever is elected cleanly has every committed record.
//!
//! Source: the TLA+ models of Kafka's replication (LeaderCompletenessProperty), Raft. A record that
//! as many replicas have lost as `min.insync.replicas` says is promised by nobody.

use crate::world::World;
use klamm_metadata::Partition;
use std::ops::Bound;

const NAME: &str = "leader completeness";

impl World {
    /// A replica begins to lead.
    pub(crate) fn check_leader_completeness(
        &mut self,
        index: usize,
        partition: usize,
        state: &Partition,
    ) {
        if self.is_outdated(index, partition, state) {
            return;
        }
        let Some(replica) = self.brokers[index].replica(partition) else {
            return;
        };
        let (log, ghost) = (&replica.log, &self.ghosts[partition]);
        let lacks = |offset: &i64| {
            ghost.at(*offset).map(|committed| committed.record) != log.record(*offset).copied()
        };
        let missing: Vec<i64> = (log.start()..ghost.end()).filter(lacks).collect();
        let Some(first) = missing.first().copied().filter(|_| !ghost.is_lossy) else {
            return;
        };
        if missing.iter().all(|offset| ghost.is_excused(*offset)) {
            self.ghosts[partition].is_lossy = true;
            return;
        }
        let (epoch, end, committed) = (state.leader_epoch, log.end(), ghost.end());
        let what = format!(
            "b{} leads p{partition} @{epoch} with a log that ends at {end} and differs from \
             what is committed up to {committed} at {first}",
            index + 1
        );
        self.fail(NAME, what);
    }

    /// Whether somebody else has begun to lead since, and may have committed what the replica does
    /// not have: then it cannot commit itself. An epoch that began because replicas were removed
    /// may be the same leader's.
    fn is_outdated(&self, index: usize, partition: usize, state: &Partition) -> bool {
        let later = (Bound::Excluded(state.leader_epoch), Bound::Unbounded);
        let mut leaders = self.ghosts[partition].leaders.range(later);
        leaders.any(|(_, (other, _))| *other != index)
    }
}
