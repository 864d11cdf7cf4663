//! **Nothing acknowledged is lost** while fewer replicas lose data than `min.insync.replicas` says:
//! when all is well again, the leader has it where the producer was told.
//!
//! Source: the TLA+ model of KIP-966 (NoCommittedRecordLostGlobally); the anomalies "lost-write"
//! and "unseen" of Jepsen's Kafka workload.

use crate::world::World;

const NAME: &str = "acknowledged records survive";

impl World {
    /// The faults are over, and everything has settled.
    pub(crate) fn check_survival(&mut self, partition: usize) {
        let leader = self.brokers.iter().filter_map(|b| b.replica(partition));
        let leaders: Vec<_> = leader
            .filter(|replica| replica.leader().is_some())
            .collect();
        let ghost = &self.ghosts[partition];
        let [leader] = leaders[..] else {
            return;
        };
        if ghost.is_lossy {
            return;
        }
        let lost = ghost.acknowledged.iter().find(|(value, offset)| {
            let kept = leader.log.record(**offset).map(|record| record.value);
            **offset >= leader.log.start() && kept != Some(**value)
        });
        if let Some((value, offset)) = lost {
            let kept = leader.log.record(*offset);
            let what = format!("p{partition}: {value} was at {offset}, where {kept:?} is now");
            self.fail(NAME, what);
        }
    }
}
