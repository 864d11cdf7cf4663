//! Offsets of all partitions of a log directory, in one text file per kind.

use crate::checkpoint_file::{self, CheckpointError};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What the offsets of a checkpoint mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointKind {
    /// Flushed offsets: from where a log is checked after a crash.
    RecoveryPoint,
    /// High watermarks.
    HighWatermark,
    /// Log start offsets.
    LogStart,
    /// Where the last compaction ended.
    Cleaner,
}

impl CheckpointKind {
    /// Every kind.
    pub const ALL: [CheckpointKind; 3] = [
        CheckpointKind::RecoveryPoint,
        CheckpointKind::HighWatermark,
        CheckpointKind::LogStart,
    ];

    const fn file_name(self) -> &'static str {
        match self {
            CheckpointKind::RecoveryPoint => "recovery-point-offset-checkpoint",
            CheckpointKind::HighWatermark => "replication-offset-checkpoint",
            CheckpointKind::LogStart => "log-start-offset-checkpoint",
            CheckpointKind::Cleaner => "cleaner-offset-checkpoint",
        }
    }
}

/// An offset per topic name and partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OffsetCheckpoint {
    /// By topic, then by partition. No topic is without partitions.
    offsets: BTreeMap<String, BTreeMap<i32, i64>>,
}

impl OffsetCheckpoint {
    /// The offset of a partition, if it is known.
    pub fn get(&self, topic: &str, partition: i32) -> Option<i64> {
        self.offsets.get(topic)?.get(&partition).copied()
    }

    /// Sets the offset of a partition.
    pub fn set(&mut self, topic: &str, partition: i32, offset: i64) {
        match self.offsets.get_mut(topic) {
            Some(partitions) => {
                partitions.insert(partition, offset);
            }
            None => {
                let partitions = BTreeMap::from([(partition, offset)]);
                self.offsets.insert(topic.to_owned(), partitions);
            }
        }
    }

    /// Forgets a partition; whether it was known.
    pub fn remove(&mut self, topic: &str, partition: i32) -> bool {
        let Some(partitions) = self.offsets.get_mut(topic) else {
            return false;
        };
        let was_known = partitions.remove(&partition).is_some();
        if partitions.is_empty() {
            self.offsets.remove(topic);
        }
        was_known
    }

    /// Whether it says exactly this of partitions that are named once each. Quicker than to make
    /// another one and compare, for a node has tens of thousands of partitions and asks often.
    pub fn says<'a>(&self, entries: impl Iterator<Item = (&'a str, i32, i64)>) -> bool {
        let mut count = 0;
        for (topic, partition, offset) in entries {
            if self.get(topic, partition) != Some(offset) {
                return false;
            }
            count += 1;
        }
        count == self.offsets.values().map(BTreeMap::len).sum::<usize>()
    }

    /// Every topic, partition and offset, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i32, i64)> {
        self.offsets.iter().flat_map(|(topic, partitions)| {
            let offsets = partitions.iter();
            offsets.map(move |(partition, offset)| (topic.as_str(), *partition, *offset))
        })
    }

    /// Reads the checkpoint of a log directory; an empty one if there is no file.
    ///
    /// # Errors
    /// The file is damaged or cannot be read.
    pub fn read(log_dir: &Path, kind: CheckpointKind) -> Result<OffsetCheckpoint, CheckpointError> {
        let entries = checkpoint_file::read(&path(log_dir, kind), parse_entry)?;
        Ok(entries.unwrap_or_default().into_iter().collect())
    }

    /// Replaces the checkpoint of a log directory, durably and as one step.
    ///
    /// # Errors
    /// The disk failed.
    pub fn write(&self, log_dir: &Path, kind: CheckpointKind) -> Result<(), CheckpointError> {
        let entries = self.iter();
        let lines: Vec<String> = entries
            .map(|(topic, partition, offset)| format!("{topic} {partition} {offset}"))
            .collect();
        checkpoint_file::write_with_checksum(&path(log_dir, kind), lines.into_iter())
    }
}

impl FromIterator<(String, i32, i64)> for OffsetCheckpoint {
    fn from_iter<I: IntoIterator<Item = (String, i32, i64)>>(entries: I) -> Self {
        let mut checkpoint = OffsetCheckpoint::default();
        for (topic, partition, offset) in entries {
            checkpoint.set(&topic, partition, offset);
        }
        checkpoint
    }
}

fn path(log_dir: &Path, kind: CheckpointKind) -> PathBuf {
    log_dir.join(kind.file_name())
}

fn parse_entry(line: &str) -> Option<(String, i32, i64)> {
    let mut words = line.split(' ');
    let topic = words.next().filter(|topic| !topic.is_empty())?;
    let (partition, offset) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    words
        .next()
        .is_none()
        .then(|| (topic.to_owned(), partition, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_round_trip_in_kafkas_format() {
        let dir = tempfile::tempdir().unwrap();
        let kind = CheckpointKind::HighWatermark;
        assert_eq!(
            OffsetCheckpoint::read(dir.path(), kind).unwrap(),
            OffsetCheckpoint::default()
        );
        let checkpoint: OffsetCheckpoint =
            [("b".to_owned(), 0, 7), ("a.x".to_owned(), 3, i64::MAX)]
                .into_iter()
                .collect();
        checkpoint.write(dir.path(), kind).unwrap();
        let path = dir.path().join("replication-offset-checkpoint");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "0\n2\na.x 3 9223372036854775807\nb 0 7\n");
        assert_eq!(
            OffsetCheckpoint::read(dir.path(), kind).unwrap(),
            checkpoint
        );
        assert_eq!(checkpoint.get("b", 0), Some(7));
        std::fs::write(path, "0\n1\na 0\n").unwrap();
        let damaged = OffsetCheckpoint::read(dir.path(), kind);
        assert!(matches!(damaged, Err(CheckpointError::Damaged { .. })));
    }

    #[test]
    fn what_it_says_is_compared_entry_by_entry() {
        let mut checkpoint = OffsetCheckpoint::default();
        assert!(checkpoint.says([].into_iter()));
        for (topic, partition, offset) in [("a", 0, 1), ("a", 1, 2), ("b", 0, 3), ("a", 0, 4)] {
            checkpoint.set(topic, partition, offset);
        }
        let all = [("b", 0, 3), ("a", 1, 2), ("a", 0, 4)];
        assert!(checkpoint.says(all.into_iter()));
        assert!(!checkpoint.says(all[1..].iter().copied()));
        assert!(!checkpoint.says(all.into_iter().chain([("c", 0, 0)])));
        assert!(!checkpoint.says([("b", 0, 3), ("a", 1, 2), ("a", 0, 5)].into_iter()));
        assert!(checkpoint.remove("b", 0) && !checkpoint.remove("b", 0));
        assert!(!checkpoint.remove("c", 0));
        assert!(checkpoint.says(all[1..].iter().copied()));
        let same: OffsetCheckpoint = [("a".to_owned(), 0, 4), ("a".to_owned(), 1, 2)]
            .into_iter()
            .collect();
        assert_eq!(checkpoint, same);
    }

    #[test]
    fn a_flipped_digit_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let kind = CheckpointKind::LogStart;
        let checkpoint: OffsetCheckpoint = [("t".to_owned(), 0, 0)].into_iter().collect();
        checkpoint.write(dir.path(), kind).unwrap();
        assert_eq!(
            OffsetCheckpoint::read(dir.path(), kind).unwrap(),
            checkpoint
        );
        std::fs::write(path(dir.path(), kind), "0\n1\nt 0 4\n").unwrap();
        assert!(OffsetCheckpoint::read(dir.path(), kind).is_err());
    }
}
