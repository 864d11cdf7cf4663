//! Copies of logs on their way from one directory to another.

use super::{
    FoundCopy, FoundLog, LogDir, LogDirError, NEW_LOG,
    error::io_error,
    folders::{Suffix, folder_name, rename_away, unique_name},
};
use klamm_storage::{Log, LogConfig, OpenOptions, PartitionMetadata};
use klamm_types::TopicPartition;
use std::{
    fs::{self, File},
    io,
    sync::Arc,
};

impl LogDir {
    /// Makes the folder of a copy and opens it.
    ///
    /// # Errors
    /// The disk failed or is full.
    pub(crate) fn create_copy(
        self: &Arc<Self>,
        id: TopicPartition,
        topic: &str,
        config: LogConfig,
    ) -> Result<(FoundCopy, Log), LogDirError> {
        let name = unique_name(topic, id.partition, Suffix::Future)?;
        let dir = self.path.join(name);
        let seat = self.seat();
        let (log, _) = Log::open_sharing(&dir, config, NEW_LOG, &self.files)?;
        let topic_id = id.topic_id;
        PartitionMetadata { topic_id }.write(&log)?;
        Ok((FoundCopy { dir, seat }, log))
    }

    /// Drops what the checkpoints say of a partition that is not here any more; if the disk does
    /// not take that now, the next checkpoint drops it.
    pub(crate) fn forget_later(&self, topic: &str, partition: i32) {
        if self.is_online()
            && let Err(error) = self.forget(topic, partition)
        {
            self.on_error(&error);
        }
    }
}

impl FoundCopy {
    /// Opens the copy. As nothing vouches for it, all of it is checked.
    ///
    /// # Errors
    /// The disk failed.
    pub(crate) fn open(&self, config: LogConfig) -> Result<Log, LogDirError> {
        let files = &self.seat.log_dir().files;
        let (log, _) = Log::open_sharing(&self.dir, config, NEW_LOG, files)?;
        Ok(log)
    }

    /// Gives the copy the name of the log that it is from now on, durably, and opens it there. The
    /// copy was closed; `partition` is topic and index.
    ///
    /// # Errors
    /// The disk failed; the folder may have either name then.
    pub(crate) fn settle(
        self,
        copy: Log,
        (topic, partition): (&str, i32),
        high_watermark: i64,
        config: LogConfig,
    ) -> Result<FoundLog, LogDirError> {
        let log_dir = self.seat.log_dir();
        let (start_offset, end_offset) = (copy.log_start_offset(), copy.log_end_offset());
        drop(copy);
        // Before the name: what a start finds under the name is not checked below.
        log_dir.vouch(topic, partition, [end_offset, high_watermark, start_offset])?;
        let dir = log_dir.path.join(folder_name(topic, partition));
        if dir.exists() {
            rename_away(&dir, Suffix::Stray)?;
        }
        fs::rename(&self.dir, &dir).map_err(io_error("rename", &self.dir))?;
        let synced = File::open(&log_dir.path).and_then(|folder| folder.sync_all());
        synced.map_err(io_error("sync", &log_dir.path))?;
        let options = OpenOptions {
            clean_shutdown: true,
            recovery_point: end_offset,
            log_start_offset: start_offset,
        };
        let (log, _) = Log::open_sharing(&dir, config, options, &log_dir.files)?;
        if log.log_end_offset() != end_offset {
            let lost = io::Error::new(io::ErrorKind::InvalidData, "it has lost its end");
            return Err(io_error("open the copy in", &dir)(lost));
        }
        Ok(FoundLog {
            dir,
            seat: self.seat,
            log,
            high_watermark,
        })
    }
}
