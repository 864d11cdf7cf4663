//! Whether copying a replica is held back (KIP-73).

use super::{Partition, lock, role::Role};
use klamm_types::BrokerId;

impl Partition {
    /// Whether the leader's throttle holds for a follower: not for those in sync (rule 82).
    pub(crate) fn throttles_serving(&self, replica: BrokerId) -> bool {
        let me = self.env.me.get();
        let config = self.config.load();
        let listed = &config.leader_replication_throttled_replicas;
        listed.contains(self.id.partition, me)
            && match &*lock(&self.role) {
                Role::Leader(leader) => !leader.isr().maximal_contains(replica),
                _ => false,
            }
    }

    /// Whether the followers' throttle holds for this replica, unless it is in sync.
    pub(crate) fn throttles_fetching(&self) -> bool {
        let me = self.env.me.get();
        let config = self.config.load();
        let listed = &config.follower_replication_throttled_replicas;
        listed.contains(self.id.partition, me)
    }
}
