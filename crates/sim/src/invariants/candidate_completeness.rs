//! **Leader candidate completeness.** Every member of the ISR and of the ELR has every committed
//! record: whichever of them is elected, nothing is lost.
//!
//! Source: the TLA+ model of KIP-966 (LeaderCandidateCompletenessProperty). There it holds for
//! running members; here, where replicas flush before they acknowledge, for stopped ones too, and
//! for what is on the disk.

use crate::world::World;
use klamm_metadata::Partition;
use klamm_types::BrokerId;

const NAME: &str = "leader candidate completeness";

impl World {
    /// The quorum's state of a partition or what is committed there has changed.
    pub(crate) fn check_candidates(&mut self, partition: usize, state: &Partition) {
        if self.ghosts[partition].is_lossy {
            return;
        }
        for id in state.isr.iter().chain(&state.elr).copied() {
            let Some(end) = self.kept_end(id, partition) else {
                continue;
            };
            let committed = self.ghosts[partition].end();
            let missing = (end..committed).find(|at| !self.ghosts[partition].is_excused(*at));
            if let Some(first) = missing {
                let (isr, elr) = (&state.isr, &state.elr);
                let what = format!(
                    "b{id} of p{partition} (ISR {isr:?}, ELR {elr:?}) lacks {first}, {committed} \
                     are committed"
                );
                return self.fail(NAME, what);
            }
            self.check_last_record(id, partition, end.min(committed) - 1);
        }
    }

    /// Where what a broker is sure to keep ends; `None` if it has been restarted since the quorum
    /// last heard of it, where that may have cost it something.
    fn kept_end(&self, id: BrokerId, partition: usize) -> Option<i64> {
        let broker = &self.brokers[(id.0 - 1) as usize];
        // Who has no log has nothing.
        let log = broker.log(partition);
        let (flushed, end) = log.map_or((0, 0), |log| (log.flushed(), log.end()));
        let known = self.quorum.image.broker(id)?.epoch;
        let is_known = broker
            .process
            .as_ref()
            .is_some_and(|p| p.epoch == Some(known));
        if self.scenario.flushes_before_ack {
            let is_emptied = broker.emptied_at.is_some();
            (is_known || !is_emptied).then_some(flushed)
        } else {
            is_known.then_some(end)
        }
    }

    fn check_last_record(&mut self, id: BrokerId, partition: usize, offset: i64) {
        let broker = &self.brokers[(id.0 - 1) as usize];
        let kept = broker
            .log(partition)
            .and_then(|log| log.record(offset))
            .copied();
        let committed = self.ghosts[partition].at(offset).map(|one| one.record);
        if kept.is_some() && committed.is_some() && kept != committed {
            let what = format!("b{id} of p{partition} has {kept:?} at {offset}, not {committed:?}");
            self.fail(NAME, what);
        }
    }
}
