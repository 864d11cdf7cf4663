//! Recovery points that somebody needs at once; the others follow at intervals.

use super::LogDirError;
use crate::partition::Partition;
use klamm_storage::CheckpointKind;

/// Sees to it that the recovery point on disk is at least `offset`; whether it is. It is not if
/// the log was not flushed that far, or was cut since.
///
/// Must come before a compaction: behind the recovery point, gaps between segments are taken for
/// losses, and a log is cut there.
pub(crate) fn raise_recovery_point(
    partition: &Partition,
    offset: i64,
) -> Result<bool, LogDirError> {
    let place = partition.place();
    let dir = place.seat().log_dir();
    let (topic, index) = (&*partition.topic, partition.id.partition);
    let mut checkpoints = dir.checkpoints();
    let known = checkpoints.recovery_points.get(topic, index);
    if known.is_some_and(|known| known >= offset) {
        return Ok(true);
    }
    // Read under the lock that whoever lowers recovery points takes after the log was cut.
    let flushed_offset = partition.flushed_offset();
    if flushed_offset < offset || place.is_abandoned() {
        return Ok(false);
    }
    let mut points = checkpoints.recovery_points.clone();
    points.set(topic, index, flushed_offset);
    checkpoints.update(&dir.path, CheckpointKind::RecoveryPoint, points)?;
    Ok(true)
}
