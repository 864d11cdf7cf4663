//! **Log matching.** Below their high watermarks, all replicas have the same records; two logs that
//! have a record of the same epoch at an offset are the same up to there.
//!
//! Source: the TLA+ models of Kafka's replication (LogMatchingProperty), Raft.

use crate::{
    ghost::Committed,
    model_log::{ModelLog, Record},
    world::World,
};

const NAME: &str = "log matching";

impl World {
    /// A leader's high watermark has moved: what it has passed is committed.
    pub(crate) fn note_commits(&mut self, index: usize, partition: usize) {
        let end = self.ghosts[partition].end();
        let Some(replica) = self.brokers[index].replica(partition) else {
            return;
        };
        let Some(leader) = replica.leader() else {
            return;
        };
        let members = leader.isr().maximal();
        let records: Vec<Record> = replica.log.range(end, replica.high_watermark).to_vec();
        for (offset, record) in (end..).zip(records) {
            let mut lost_by = 0;
            for broker in members.iter().map(|id| (id.0 - 1) as usize) {
                if self.has_lost(broker, partition, offset, &record) {
                    lost_by |= 1 << broker;
                }
            }
            self.check_not_committed_before(partition, offset, &record);
            let committed = Committed::new(record, lost_by);
            self.ghosts[partition].committed.push(committed);
        }
    }

    /// Whether a member of the ISR may have lost a record since it was taken: then it does not count
    /// among those who are to keep it. Where replicas acknowledge from the page cache, whoever was
    /// restarted may have.
    fn has_lost(&self, broker: usize, partition: usize, offset: i64, record: &Record) -> bool {
        let node = &self.brokers[broker];
        let has_it = node.log(partition).and_then(|log| log.record(offset)) == Some(record);
        let is_since = |at: Option<u64>| at.is_some_and(|at| at >= record.taken_at);
        let is_unclean = !self.scenario.flushes_before_ack && is_since(node.unclean_at);
        is_unclean || (!has_it && is_since(node.emptied_at))
    }

    /// What a replica believes to be committed from `from` on is what was committed.
    pub(crate) fn check_log_matches(&mut self, index: usize, partition: usize, from: i64) {
        let Some(replica) = self.brokers[index].replica(partition) else {
            return;
        };
        let (ghost, end) = (&self.ghosts[partition], replica.high_watermark);
        if ghost.is_lossy {
            return;
        }
        if end > ghost.end() || end > replica.log.end() {
            let (log_end, committed) = (replica.log.end(), ghost.end());
            let what = format!(
                "b{} p{partition}: high watermark {end}, log end {log_end}, committed {committed}",
                index + 1
            );
            return self.fail(NAME, what);
        }
        let from = from.max(replica.log.start());
        for (offset, record) in (from..end).zip(replica.log.range(from, end)) {
            let committed = ghost.at(offset).map(|committed| committed.record);
            if committed != Some(*record) {
                let what = format!(
                    "b{} p{partition} has {record:?} at {offset}, committed is {committed:?}",
                    index + 1
                );
                return self.fail(NAME, what);
            }
        }
    }

    /// Compares all logs of a partition, two by two.
    pub(crate) fn check_logs_match(&mut self, partition: usize) {
        let count = self.brokers.len();
        for (one, other) in (0..count).flat_map(|one| (0..one).map(move |other| (one, other))) {
            let logs = [one, other].map(|broker| self.brokers[broker].log(partition));
            if let [Some(a), Some(b)] = logs
                && let Some(offset) = parting(a, b)
            {
                let records = [a, b].map(|log| log.record(offset).copied());
                let (one, other) = (one + 1, other + 1);
                let what = format!("p{partition} at {offset}: b{one}, b{other} have {records:?}");
                return self.fail(NAME, what);
            }
        }
    }
}

/// The first offset below one where two logs agree on the epoch, and where they differ.
fn parting(a: &ModelLog, b: &ModelLog) -> Option<i64> {
    let (start, end) = (a.start().max(b.start()), a.end().min(b.end()));
    let epoch = |log: &ModelLog, offset| log.record(offset).map(|record| record.epoch);
    let agreed = (start..end)
        .rev()
        .find(|at| epoch(a, *at) == epoch(b, *at))?;
    (start..=agreed).find(|at| a.record(*at) != b.record(*at))
}
