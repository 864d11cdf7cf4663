//! `partition.metadata`: the topic id of a log's folder.

use crate::checkpoint_file::CheckpointError;
use crate::disk;
use crate::error::StorageError;
use crate::log::Log;
use klamm_types::Uuid;
use std::path::Path;

const FILE_NAME: &str = "partition.metadata";
const FILE_BYTES_MAX: u64 = 4 << 10;

/// Reads and writes the topic id in a log's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// The topic.
    pub topic_id: Uuid,
}

impl PartitionMetadata {
    /// Reads the file in a log's folder; `None` if there is none.
    ///
    /// # Errors
    /// The file is damaged or cannot be read.
    pub fn read(dir: &Path) -> Result<Option<PartitionMetadata>, CheckpointError> {
        let path = dir.join(FILE_NAME);
        let bytes =
            disk::read(&path, FILE_BYTES_MAX).map_err(CheckpointError::io("read", &path))?;
        let parsed = bytes.map(|bytes| parse(&bytes).ok_or("no topic id"));
        parsed
            .transpose()
            .map_err(|reason| CheckpointError::damaged(&path, reason))
    }

    /// Writes the file of a new log. It becomes durable with the log's first flush, as does the
    /// folder: nothing that is in the log counts before.
    ///
    /// # Errors
    /// The disk failed.
    pub fn write(&self, log: &Log) -> Result<(), StorageError> {
        let path = log.dir().join(FILE_NAME);
        let text = format!("version: 0\ntopic_id: {}", self.topic_id);
        disk::write(&path, text.as_bytes()).map_err(StorageError::io("write", &path))?;
        log.state.sync_later(path);
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Option<PartitionMetadata> {
    let mut lines = str::from_utf8(bytes).ok()?.lines();
    if lines.next()? != "version: 0" {
        return None;
    }
    let topic_id: Uuid = lines.next()?.strip_prefix("topic_id: ")?.parse().ok()?;
    (!topic_id.is_zero()).then_some(PartitionMetadata { topic_id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LogConfig, OpenOptions};

    #[test]
    fn the_file_round_trips() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(PartitionMetadata::read(dir.path()).unwrap(), None);
        let metadata = PartitionMetadata {
            topic_id: Uuid::random().unwrap(),
        };
        let options = OpenOptions {
            clean_shutdown: false,
            recovery_point: 0,
            log_start_offset: 0,
        };
        let (log, _) = Log::open(dir.path(), LogConfig::DEFAULT, options).unwrap();
        metadata.write(&log).unwrap();
        assert_eq!(PartitionMetadata::read(dir.path()).unwrap(), Some(metadata));
        for text in [
            "",
            "version: 1\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ",
            "version: 0\ntopic_id: x",
        ] {
            std::fs::write(dir.path().join(FILE_NAME), text).unwrap();
            assert!(PartitionMetadata::read(dir.path()).is_err(), "{text:?}");
        }
    }
}
