//! **Consistent reads.** What a consumer has read at an offset is there for ever, and the same for
//! all; only committed records are read.
//!
//! Source: the TLA+ model of KIP-966 (ConsistentReadProperty).

use crate::{event::ConsumeRequest, model_log::Record, world::World};

const NAME: &str = "consistent reads";

impl World {
    /// A consumer has got records.
    pub(crate) fn check_read(&mut self, partition: usize, offset: i64, records: &[Record]) {
        let ghost = &self.ghosts[partition];
        if ghost.is_lossy {
            return;
        }
        for (offset, record) in (offset..).zip(records) {
            let committed = ghost.at(offset).map(|committed| committed.record);
            if committed != Some(*record) {
                let what = format!(
                    "p{partition} {offset}: {record:?} was read, committed is {committed:?}"
                );
                return self.fail(NAME, what);
            }
        }
    }

    /// A leader has told a consumer that there is no such offset.
    pub(crate) fn check_out_of_range(&mut self, index: usize, request: &ConsumeRequest) {
        let partition = request.partition;
        let Some(replica) = self.brokers[index].replica(partition) else {
            return;
        };
        let (end, offset) = (replica.log.end(), request.offset);
        let ghost = &self.ghosts[partition];
        if offset > end && !ghost.is_lossy && !ghost.is_any_excused(end, offset) {
            let what = format!(
                "b{} leads p{partition} and ends at {end}, {offset} was reached before",
                index + 1
            );
            self.fail(NAME, what);
        }
    }
}
