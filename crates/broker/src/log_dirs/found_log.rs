//! A log that was found in a log directory, and opening it.

use super::{
    LogDirError, Seat,
    checkpoints::Checkpoints,
    folders::{LogFolder, parse_folder_name},
};
use klamm_config::TopicConfig;
use klamm_storage::{Interruption, Log, LogConfig, OpenOptions, PartitionMetadata};
use klamm_types::TopicPartition;
use std::path::PathBuf;
use tracing::{debug, warn};

/// An open log and what was checkpointed of it.
pub(crate) struct FoundLog {
    pub(crate) dir: PathBuf,
    pub(crate) seat: Seat,
    pub(crate) log: Log,
    pub(crate) high_watermark: i64,
}

/// A copy of a log on its way to another directory, not opened yet.
pub(crate) struct FoundCopy {
    pub(crate) dir: PathBuf,
    pub(crate) seat: Seat,
}

impl FoundLog {
    /// Whether it stands in the folder of this topic.
    pub(crate) fn is_of(&self, topic: &str) -> bool {
        let name = self.dir.file_name().and_then(|name| name.to_str());
        name.and_then(parse_folder_name)
            .is_some_and(|(name, _)| name == topic)
    }
}

/// Opens a log found on disk; `None` if it does not say whose it is. Without an `interruption` it
/// was closed in order.
pub(super) fn open_log(
    seat: Seat,
    folder: &LogFolder,
    checkpoints: &Checkpoints,
    interruption: Option<Interruption>,
    defaults: &TopicConfig,
) -> Result<Option<(TopicPartition, FoundLog)>, LogDirError> {
    let dir = folder.path.as_path();
    let (topic, partition) = (folder.topic.as_str(), folder.partition);
    let metadata = match PartitionMetadata::read(dir) {
        Ok(Some(metadata)) => metadata,
        Ok(None) => {
            warn!(dir = %dir.display(), "a log without partition.metadata is left alone");
            return Ok(None);
        }
        Err(error) => {
            warn!(dir = %dir.display(), %error, "a log with a damaged partition.metadata is left alone");
            return Ok(None);
        }
    };
    let id = TopicPartition {
        topic_id: metadata.topic_id,
        partition,
    };
    // What was compacted had been flushed: should the recovery point be lost, a compacted log is
    // not cut at its gaps.
    let flushed = [&checkpoints.recovery_points, &checkpoints.cleaned];
    let flushed = flushed.map(|offsets| offsets.get(topic, partition));
    let options = OpenOptions {
        clean_shutdown: interruption.is_none(),
        recovery_point: flushed.into_iter().flatten().max().unwrap_or(0),
        log_start_offset: checkpoints.log_starts.get(topic, partition).unwrap_or(0),
    };
    let (log, report) = Log::open_after(
        interruption.unwrap_or(Interruption::Process),
        dir,
        log_config(defaults),
        options,
        &seat.log_dir().files,
    )?;
    debug!(dir = %dir.display(), ?report, "opened a log");
    let high_watermark = checkpoints
        .high_watermarks
        .get(topic, partition)
        .unwrap_or(0);
    let found = FoundLog {
        dir: dir.to_owned(),
        seat,
        log,
        high_watermark,
    };
    Ok(Some((id, found)))
}

/// What a log needs to know of its topic's settings.
pub(crate) fn log_config(config: &TopicConfig) -> LogConfig {
    LogConfig {
        segment_bytes: u64::from(config.segment_bytes.unsigned_abs()),
        segment_ms: segment_ms(config),
        preallocate: config.preallocate,
        segment_index_bytes: u64::from(config.segment_index_bytes.unsigned_abs()),
        index_interval_bytes: u64::from(config.index_interval_bytes.unsigned_abs()),
        delete: config.cleanup_policy.delete,
        compact: config.cleanup_policy.compact,
        retention_bytes: config.retention_bytes,
        retention_ms: config.retention_ms,
        file_delete_delay_ms: config.file_delete_delay_ms,
        delete_retention_ms: config.delete_retention_ms,
        min_cleanable_dirty_ratio: config.min_cleanable_dirty_ratio,
        min_compaction_lag_ms: config.min_compaction_lag_ms,
        max_compaction_lag_ms: config.max_compaction_lag_ms,
    }
}

/// Records can only be compacted when their segment is full: those of a compacted topic are not
/// to wait for longer than `max.compaction.lag.ms`.
fn segment_ms(config: &TopicConfig) -> i64 {
    if config.cleanup_policy.compact && config.max_compaction_lag_ms > 0 {
        config.segment_ms.min(config.max_compaction_lag_ms)
    } else {
        config.segment_ms
    }
}
