//! A partition over a real log, for tests.

use super::{Partition, PartitionEnv};
use crate::{
    control::DirectoryAssignments,
    damage::DamageReports,
    flusher::FlushQueue,
    log_dirs::{FoundLog, LogDir, LogDirs, log_config},
    recovery_backlog::RecoveryBacklog,
    replication::IsrUpdates,
};
use klamm_config::TopicConfig;
use klamm_storage::{Log, OpenOptions};
use klamm_types::{BrokerId, TopicPartition};
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
    let env = PartitionEnv {
        recovery_backlog: RecoveryBacklog::default(),
        me: ME,
        flush_queue,
        isr_updates: IsrUpdates::default(),
        damage_reports: DamageReports::default(),
        lag_time_max_ms: 30_000,
        assignments: DirectoryAssignments::default(),
        dirs: Arc::new(LogDirs::open(ME, &[], Path::new("")).unwrap()),
    };
    let found = FoundLog {
        dir: dir.to_owned(),
        seat: LogDir::in_test(dir.parent().unwrap()).seat(),
        log,
        high_watermark: 0,
    };
    Partition::new(id, topic.into(), found, config, env)
}
