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
        let ghost = &self.ghosts[partition];
        if ghost.is_lossy {
            return;
        }
        let replicas = self.brokers.iter().filter_map(|b| b.replica(partition));
        let leaders: Vec<_> = replicas
            .filter(|replica| replica.leader().is_some())
            .collect();
        let [leader] = leaders[..] else {
            let what = format!("p{partition} has {} leaders in the end", leaders.len());
            return self.fail(NAME, what);
        };
        let promised = ghost.acknowledged.iter();
        let mut promised = promised.filter(|(_, offset)| !ghost.is_excused(**offset));
        let lost = promised.find(|(value, offset)| {
            let kept = leader.log.record(**offset).map(|record| record.value);
            **offset >= leader.log.start() && kept != Some(**value)
        });
        if let Some((value, offset)) = lost {
            let kept = leader.log.record(*offset);
            let what = format!("p{partition}: {value} was at {offset}, where {kept:?} is now");
            self.fail(NAME, what);
        } else {
            self.survived += 1;
        }
    }
}
