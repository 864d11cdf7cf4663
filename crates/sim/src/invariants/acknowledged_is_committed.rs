//! **What is acknowledged is committed**, at the offset that the producer is told.
//!
//! Source: acks=all of Kafka; the anomaly "lost-write" of Jepsen's Kafka workload.

use crate::world::World;

const NAME: &str = "acknowledged is committed";

impl World {
    /// A producer was told where its record is.
    pub(crate) fn check_acknowledged(&mut self, partition: usize, value: u32, offset: i64) {
        let ghost = &mut self.ghosts[partition];
        ghost.acknowledged.insert(value, offset);
        let committed = ghost.at(offset).map(|committed| committed.record.value);
        if committed != Some(value) && !ghost.is_lossy {
            let what = format!(
                "p{partition}: {value} was acknowledged at {offset}, committed is {committed:?}"
            );
            self.fail(NAME, what);
        }
    }
}
