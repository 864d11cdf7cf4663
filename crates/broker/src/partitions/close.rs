//! The clean stop: every log is closed, and the next start scans nothing.

use super::Partitions;
use crate::partition::Partition;
use klamm_storage::CheckpointKind;
use klamm_types::{BrokerEpoch, Uuid};
use std::{collections::BTreeSet, sync::Arc, thread};
use tracing::error;

/// Logs that are closed at the same time.
const CLOSE_THREADS: usize = 8;

impl Partitions {
    /// Closes every log cleanly, so that the next start scans nothing.
    pub(crate) fn close(&self, broker_epoch: BrokerEpoch) {
        self.fetchers.stop();
        self.moves.stop();
        self.finish_departures();
        let partitions = self.all();
        let unclean = close_all(&partitions);
        self.checkpoint(&CheckpointKind::ALL);
        for dir in self
            .dirs
            .online()
            .filter(|dir| !unclean.contains(&dir.id()))
        {
            self.dirs.mark_clean(dir, broker_epoch);
        }
    }
}

/// Closes logs, several at a time since each waits for the disk. The directories where that went
/// wrong.
fn close_all(partitions: &[Arc<Partition>]) -> BTreeSet<Uuid> {
    let share = partitions.len().div_ceil(CLOSE_THREADS).max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = partitions
            .chunks(share)
            .map(|chunk| scope.spawn(|| chunk.iter().filter_map(|p| close(p)).collect::<Vec<_>>()))
            .collect();
        let all = || partitions.iter().map(|p| p.place().seat().log_dir().id());
        let failures = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| all().collect()));
        failures.flatten().collect()
    })
}

/// Closes a log; the directory it is in, if that went wrong.
fn close(partition: &Partition) -> Option<Uuid> {
    let place = partition.place();
    let log_dir = place.seat().log_dir();
    if !log_dir.is_online() {
        return None;
    }
    partition.retire();
    let error = partition.close().err()?;
    if partition.is_removed() {
        return None;
    }
    error!(topic = %partition.topic, partition = partition.id.partition, %error,
        "cannot close the log");
    Some(log_dir.id())
}
