//! A partition over a real log, for tests.

use super::{Partition, PartitionEnv};
use crate::{
    control::DirectoryAssignments,
    damage::DamageReports,
    flusher::FlushQueue,
    log_dirs::{FoundLog, LogDir, LogDirs, log_config},
    recovery_backlog::RecoveryBacklog,
    replication::{IsrUpdates, ReplicationThrottles, Resignations},
};
use bytes::Bytes;
use klamm_config::TopicConfig;
use klamm_records::BatchBuilder;
use klamm_storage::{Log, OpenOptions};
use klamm_types::{BrokerId, LeaderEpoch, TopicPartition};
use std::{path::Path, sync::Arc};

/// This broker.
pub(crate) const ME: BrokerId = BrokerId(1);

/// Opens a replica in `dir`, an empty one if nothing is there.
pub(crate) fn open_partition(
    dir: &Path,
    topic: &str,
    id: TopicPartition,
    flush_queue: FlushQueue,
) -> Arc<Partition> {
    let options = OpenOptions {
        clean_shutdown: false,
        recovery_point: 0,
        log_start_offset: 0,
    };
    let config = TopicConfig::default();
    let (log, _) = Log::open(dir, log_config(&config), options).unwrap();
    let found = FoundLog {
        dir: dir.to_owned(),
        seat: LogDir::in_test(dir.parent().unwrap()).seat(),
        log,
        high_watermark: 0,
    };
    let dirs = Arc::new(LogDirs::open(ME, &[], Path::new(""), None).unwrap());
    Partition::new(id, topic.into(), found, config, env(dirs, flush_queue))
}

/// A broker that nobody listens to.
pub(crate) fn env(dirs: Arc<LogDirs>, flush_queue: FlushQueue) -> PartitionEnv {
    PartitionEnv {
        recovery_backlog: RecoveryBacklog::default(),
        me: ME,
        flush_queue,
        isr_updates: IsrUpdates::default(),
        damage_reports: DamageReports::default(),
        lag_time_max_ms: 30_000,
        assignments: DirectoryAssignments::default(),
        throttles: Arc::new(ReplicationThrottles::default()),
        resignations: Resignations::default(),
        dirs,
    }
}

/// Removes a replica and lets go of its log.
pub(crate) fn abandon(partition: &Partition) {
    partition.remove();
    // The flusher may be at it.
    while !partition.try_abandon() {
        std::thread::yield_now();
    }
}

/// Keeps a partition's append lock, as an append to a disk that hangs does.
pub(crate) fn hold_log(partition: &Partition) -> impl Sized {
    super::lock(&partition.log)
}

/// Follows broker 2 in epoch 0, and has fetched a batch of so many records of so many bytes.
pub(crate) fn fill(partition: &Partition, records: i64, bytes: usize) {
    let (leader, epoch) = (BrokerId(2), LeaderEpoch(0));
    partition.follow(leader, epoch);
    let end_offset = partition.log_end_offset();
    let mut batch = BatchBuilder::new(end_offset).leader_epoch(epoch);
    let value = vec![b'x'; bytes];
    for _ in 0..records {
        batch.append(1_000, Some(b"key"), Some(&value), &[]);
    }
    let records: Bytes = batch.build().unwrap();
    let appended = partition.append_as_follower(leader, epoch, end_offset, &records, 0, 0);
    appended.unwrap();
}
