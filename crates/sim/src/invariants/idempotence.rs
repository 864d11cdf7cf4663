//! **Idempotence.** A value is committed at one offset, and those of a producer in their order.
//!
//! Source: KIP-98; the anomalies "duplicate" and "nonmonotonic-send" of Jepsen's Kafka workload.

use crate::{model_log::Record, world::World};

const NAME: &str = "idempotence";

impl World {
    /// A record is being committed.
    pub(crate) fn check_not_committed_before(
        &mut self,
        partition: usize,
        offset: i64,
        record: &Record,
    ) {
        let ghost = &mut self.ghosts[partition];
        let earlier = ghost.offsets.insert(record.value, offset);
        let last = ghost.sequences.insert(record.producer, record.sequence);
        let follows = last.is_none_or(|last| record.sequence == last + 1);
        if ghost.is_lossy {
            return;
        }
        if let Some(earlier) = earlier {
            let what = format!("p{partition}: {record:?} at {earlier} and at {offset}");
            self.fail(NAME, what);
        } else if !follows {
            let what = format!("p{partition} {offset}: {record:?} follows on {last:?}");
            self.fail(NAME, what);
        }
    }
}
