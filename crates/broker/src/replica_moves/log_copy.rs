//! A copy of a replica's log in another directory, which follows the log until it takes its place.

use crate::log_dirs::{FoundCopy, FoundLog, LogDir, LogDirError};
use klamm_replica::divergence::{EpochEnd, diverging_epoch, truncation_offset};
use klamm_storage::{EpochEndOffset, Log, LogConfig, LogReader, ReadError, StorageError};
use klamm_types::TopicPartition;
use std::{path::Path, sync::Arc};

/// Bytes that are read and written at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Why a copy cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// The log that is copied cannot be read.
    #[error("cannot read what is to be copied: {0}")]
    Source(#[from] ReadError),
    /// The copy cannot be written.
    #[error("cannot write the copy: {0}")]
    Copy(#[from] LogDirError),
    /// The log ends behind its last batch.
    #[error("nothing can be read from offset {from} to the end of the log at {end}")]
    Gap {
        /// The next offset of the copy.
        from: i64,
        /// The next offset of the log.
        end: i64,
    },
}

impl From<StorageError> for CopyError {
    fn from(error: StorageError) -> Self {
        CopyError::Copy(error.into())
    }
}

/// The copy, in a folder that says what it is: a start finds it and goes on.
pub(crate) struct LogCopy {
    log: Log,
    found: FoundCopy,
}

impl LogCopy {
    /// Begins a copy in another directory.
    ///
    /// # Errors
    /// The disk failed or is full.
    pub(super) fn begin(
        id: TopicPartition,
        topic: &str,
        config: LogConfig,
        to: &Arc<LogDir>,
    ) -> Result<LogCopy, CopyError> {
        let (found, log) = to.create_copy(id, topic, config)?;
        Ok(LogCopy { log, found })
    }

    /// Goes on with a copy that a stop has interrupted; it is checked as a whole.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn resume(found: FoundCopy, config: LogConfig) -> Result<LogCopy, CopyError> {
        let log = found.open(config)?;
        Ok(LogCopy { log, found })
    }

    /// Copies at most about `bytes_max` bytes, and no more than there is room for above the
    /// reserve. Whether the copy has reached the end.
    ///
    /// # Errors
    /// See [`CopyError`].
    pub(crate) fn follow(
        &mut self,
        source: &LogReader,
        high_watermark: i64,
        bytes_max: usize,
    ) -> Result<bool, CopyError> {
        self.meet(source, high_watermark)?;
        let mut copied = 0;
        while self.log.log_end_offset() < source.log_end_offset() {
            if copied >= bytes_max || self.lacks_room() {
                return Ok(false);
            }
            copied += self.copy_chunk(source)?;
        }
        self.log.advance_start_offset(source.log_start_offset())?;
        Ok(true)
    }

    fn copy_chunk(&mut self, source: &LogReader) -> Result<usize, CopyError> {
        let from = self.log.log_end_offset();
        let read = source.read(from, CHUNK_BYTES, i64::MAX, true)?;
        if read.records.is_empty() {
            let end = source.log_end_offset();
            return Err(CopyError::Gap { from, end });
        }
        if read.base_offset < from {
            // The log starts within a batch.
            self.log.truncate_fully_and_start_at(read.base_offset)?;
        }
        // Read already: the reserve has room for it.
        (self.found.seat.log_dir().space).take(read.records.len());
        self.log.append(&read.records)?;
        Ok(read.records.len())
    }

    /// Whether the disk of the copy has no room above the reserve.
    fn lacks_room(&self) -> bool {
        self.found.seat.log_dir().space.is_low()
    }

    /// Cuts the copy back to where it meets the log, which may have been truncated meanwhile.
    fn meet(&mut self, source: &LogReader, high_watermark: i64) -> Result<(), CopyError> {
        let start = source.log_start_offset();
        let is_empty = self.log.log_start_offset() == self.log.log_end_offset();
        let lacks_records = self.log.log_start_offset() > start;
        if self.log.log_end_offset() < start || lacks_records || is_empty {
            self.log.truncate_fully_and_start_at(start)?;
            return Ok(());
        }
        while let Some(epoch) = self.log.latest_epoch() {
            let end_offset = self.log.log_end_offset();
            let theirs = epoch_end(source.end_offset_for_epoch(epoch));
            let Some(diverging) = diverging_epoch(theirs, epoch, end_offset) else {
                break;
            };
            let ours = epoch_end(self.log.end_offset_for_epoch(diverging.epoch));
            let offset = truncation_offset(diverging, ours, end_offset, high_watermark);
            self.log.truncate_to(offset)?;
            if self.log.latest_epoch() == Some(epoch) && self.log.log_end_offset() == end_offset {
                // An epoch without records: the log will tell of its own.
                self.log.truncate_fully_and_start_at(start)?;
                break;
            }
        }
        Ok(())
    }

    /// Makes what was copied so far durable.
    ///
    /// # Errors
    /// The disk failed.
    pub(crate) fn flush(&self) -> Result<(), CopyError> {
        self.log.flusher().flush()?;
        Ok(())
    }

    /// The offset of the next record.
    pub(super) fn log_end_offset(&self) -> i64 {
        self.log.log_end_offset()
    }

    /// Bytes of the batches in it.
    pub(super) fn size_bytes(&self) -> u64 {
        self.log.reader().size_bytes()
    }

    /// Makes the copy the replica's log in its directory: durable, and under the log's name. Nothing
    /// may have been appended to `source` since the copy has reached its end.
    ///
    /// # Errors
    /// The disk failed. The folder may have either name then.
    pub(crate) fn settle(
        mut self,
        source: &Log,
        topic: &str,
        id: TopicPartition,
        high_watermark: i64,
    ) -> Result<FoundLog, CopyError> {
        self.log.close()?;
        let partition = (topic, id.partition);
        let settled = (self.found).settle(self.log, partition, high_watermark, *source.config())?;
        for (epoch, start_offset) in source.epochs().entries() {
            // Those in which nothing was appended; a log does not come back with them.
            settled.log.assign_epoch(*epoch, *start_offset);
        }
        Ok(settled)
    }

    /// Leaves the copy for the next start to go on with.
    ///
    /// # Errors
    /// The disk failed.
    pub(super) fn suspend(mut self) -> Result<(), CopyError> {
        Ok(self.log.close()?)
    }

    /// Lets go of the copy; its folder may be deleted.
    pub(super) fn abandon(&self) -> &Path {
        self.log.abandon();
        &self.found.dir
    }
}

fn epoch_end(end: EpochEndOffset) -> EpochEnd {
    EpochEnd {
        epoch: end.epoch,
        end_offset: end.end_offset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_dirs::log_config;
    use klamm_config::TopicConfig;
    use klamm_records::BatchBuilder;
    use klamm_storage::OpenOptions;
    use klamm_types::{LeaderEpoch, Uuid};
    use tempfile::TempDir;

    const ID: TopicPartition = TopicPartition {
        topic_id: Uuid([7; 16]),
        partition: 3,
    };

    struct Lab {
        dirs: [TempDir; 2],
        source: Log,
        copy: LogCopy,
    }

    impl Lab {
        fn new() -> Lab {
            let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
            let options = OpenOptions {
                clean_shutdown: false,
                recovery_point: 0,
                log_start_offset: 0,
            };
            let config = log_config(&TopicConfig::default());
            let (source, _) = Log::open(&dirs[0].path().join("t-3"), config, options).unwrap();
            let to = LogDir::in_test(dirs[1].path());
            let copy = LogCopy::begin(ID, "t", config, &to).unwrap();
            Lab { dirs, source, copy }
        }

        fn append(&mut self, epoch: i32, count: i32) {
            for _ in 0..count {
                let offset = self.source.log_end_offset();
                let mut builder = BatchBuilder::new(offset).leader_epoch(LeaderEpoch(epoch));
                builder.append(1, None, Some(format!("{epoch}/{offset}").as_bytes()), &[]);
                self.source.append(&builder.build().unwrap()).unwrap();
            }
        }

        fn follow(&mut self) -> bool {
            self.copy.follow(&self.source.reader(), 0, 1 << 20).unwrap()
        }

        /// Follows to the end and compares what can be read of both.
        fn check_same(&mut self) {
            assert!(self.follow());
            let (ours, theirs) = (self.copy.log.reader(), self.source.reader());
            let start = theirs.log_start_offset();
            let all = |reader: &LogReader| {
                reader
                    .read(start, usize::MAX >> 1, i64::MAX, true)
                    .unwrap()
                    .records
            };
            assert_eq!(ours.log_start_offset(), start);
            assert_eq!(ours.log_end_offset(), theirs.log_end_offset());
            assert!(all(&ours) == all(&theirs));
        }
    }

    #[test]
    fn a_copy_follows_appends_truncations_and_deletions() {
        let mut lab = Lab::new();
        lab.append(0, 10);
        lab.check_same();
        lab.append(1, 5);
        lab.check_same();
        // The leader of epoch 2 had not seen the end of epoch 1.
        lab.source.truncate_to(12).unwrap();
        lab.append(2, 7);
        lab.check_same();
        lab.source.truncate_to(4).unwrap();
        lab.check_same();
        lab.append(3, 4);
        lab.source.advance_start_offset(6).unwrap();
        lab.check_same();
        lab.source.truncate_fully_and_start_at(100).unwrap();
        lab.append(4, 3);
        lab.check_same();
    }

    #[test]
    fn a_copy_leaves_the_reserve_of_its_disk_alone() {
        let mut lab = Lab::new();
        lab.append(0, 3);
        lab.check_same();
        lab.append(0, 3);
        lab.copy.found.seat.log_dir().space.set_low();
        assert!(!lab.follow());
        assert_eq!(lab.copy.log_end_offset(), 3);
    }

    #[test]
    fn a_copy_goes_on_after_an_interruption() {
        let mut lab = Lab::new();
        lab.append(0, 10);
        lab.check_same();
        lab.source.truncate_to(8).unwrap();
        lab.append(1, 5);
        let dir = lab.copy.found.dir.clone();
        let Lab { dirs, source, copy } = lab;
        copy.suspend().unwrap();
        let found = FoundCopy {
            dir,
            seat: LogDir::in_test(dirs[1].path()).seat(),
        };
        let config = *source.config();
        let copy = LogCopy::resume(found, config).unwrap();
        let mut lab = Lab { dirs, source, copy };
        assert!(lab.copy.log_end_offset() > 0);
        lab.check_same();
    }

    #[test]
    fn a_copy_that_has_settled_is_the_log() {
        let mut lab = Lab::new();
        lab.append(0, 10);
        lab.source.assign_epoch(LeaderEpoch(5), 10);
        lab.source.advance_start_offset(4).unwrap();
        lab.check_same();
        let Lab { dirs, source, copy } = lab;
        let found = copy.settle(&source, "t", ID, 9).unwrap();
        assert_eq!(found.dir, dirs[1].path().join("t-3"));
        assert_eq!(found.high_watermark, 9);
        let reader = found.log.reader();
        assert_eq!(
            (reader.log_start_offset(), reader.log_end_offset()),
            (4, 10)
        );
        assert_eq!(reader.flushed_offset(), 10);
        assert_eq!(reader.latest_epoch(), Some(LeaderEpoch(5)));
        let folders: Vec<_> = std::fs::read_dir(dirs[1].path()).unwrap().collect();
        assert!(folders.iter().all(|entry| {
            let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
            !name.contains("future")
        }));
    }
}
