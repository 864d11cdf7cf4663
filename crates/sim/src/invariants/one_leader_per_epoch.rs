//! **At most one leader an epoch**, and of that one a single process.
//!
//! Source: Raft's election safety; KIP-101 builds on it.

use crate::world::World;
use klamm_types::LeaderEpoch;

const NAME: &str = "one leader per epoch";

impl World {
    /// A process begins to lead in an epoch.
    pub(crate) fn check_only_leader(&mut self, index: usize, partition: usize, epoch: LeaderEpoch) {
        let now = (index, self.brokers[index].generation);
        let before = self.ghosts[partition].leaders.insert(epoch, now);
        if let Some((other, _)) = before {
            let (one, other) = (index + 1, other + 1);
            let what = format!("b{one} leads p{partition} @{epoch}, as b{other} did");
            self.fail(NAME, what);
        }
    }
}
