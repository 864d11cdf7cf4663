//! The logs that were found at the start and that no metadata has claimed yet.

use super::{FoundCopy, FoundLog, log_dir::Found};
use klamm_types::{TopicPartition, Uuid};
use std::{collections::BTreeMap, path::PathBuf};

/// What was found. A partition has one log, unless the process died while it moved from one
/// directory to another, or an operator has restored a directory from long ago.
#[derive(Default)]
pub(crate) struct FoundLogs {
    logs: BTreeMap<TopicPartition, Vec<FoundLog>>,
    copies: BTreeMap<TopicPartition, Vec<FoundCopy>>,
    doomed: Vec<PathBuf>,
}

impl FoundLogs {
    pub(super) fn add(&mut self, found: Found) {
        for (id, log) in found.logs {
            self.logs.entry(id).or_default().push(log);
        }
        for (id, copy) in found.copies {
            self.copies.entry(id).or_default().push(copy);
        }
        self.doomed.extend(found.doomed);
    }

    /// The log of a replica, best from the directory that the metadata names, else the longest;
    /// and the others, which nobody claims.
    pub(crate) fn claim(
        &mut self,
        id: TopicPartition,
        directory: Uuid,
    ) -> (Option<FoundLog>, Vec<FoundLog>) {
        let mut logs = self.logs.remove(&id).unwrap_or_default();
        let rank = |log: &FoundLog| {
            let is_named = log.seat.log_dir().id() == directory;
            (is_named, log.log.log_end_offset())
        };
        logs.sort_by_key(rank);
        (logs.pop(), logs)
    }

    /// The copies of a replica's log.
    pub(crate) fn claim_copies(&mut self, id: TopicPartition) -> Vec<FoundCopy> {
        self.copies.remove(&id).unwrap_or_default()
    }

    /// The logs of another topic that had the same name.
    pub(crate) fn claim_namesakes(&mut self, topic: &str, partition: i32) -> Vec<FoundLog> {
        let is_namesake = |id: &TopicPartition, logs: &Vec<FoundLog>| {
            id.partition == partition && logs.iter().any(|log| log.is_of(topic))
        };
        let ids: Vec<_> = (self.logs.iter())
            .filter(|(id, logs)| is_namesake(id, logs))
            .map(|(id, _)| *id)
            .collect();
        ids.iter()
            .flat_map(|id| self.logs.remove(id).unwrap_or_default())
            .collect()
    }

    /// The folders that were about to be deleted when the broker stopped.
    pub(crate) fn take_doomed(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.doomed)
    }

    /// Everything that is left.
    pub(crate) fn take_rest(&mut self) -> (Vec<(TopicPartition, FoundLog)>, Vec<FoundCopy>) {
        let rest = std::mem::take(self);
        let logs = rest.logs.into_iter();
        let logs = logs.flat_map(|(id, logs)| logs.into_iter().map(move |log| (id, log)));
        (
            logs.collect(),
            rest.copies.into_values().flatten().collect(),
        )
    }
}
