//! The writer of a log: opening and closing it, and what it knows. What else it does has files
//! of its own (`log_append.rs`, `log_truncation.rs`, `log_retention.rs`, `log_install.rs`).

use crate::active_segment::ActiveSegment;
use crate::batch_scan::BatchAt;
use crate::config::LogConfig;
use crate::error::StorageError;
use crate::leader_epochs::{EpochEndOffset, LeaderEpochs};
use crate::log_flusher::LogFlusher;
use crate::log_reader::LogReader;
use crate::log_state::LogState;
use crate::open_files::OpenFiles;
use crate::producer_recovery;
use crate::producer_snapshot;
use crate::producer_states::ProducerStates;
use crate::recovery::{self, Interruption, OpenOptions, RecoveryReport};
use klamm_types::LeaderEpoch;
use std::{path::Path, sync::Arc};

/// One partition's log, or any other sequence of batches: it has one writer, this.
///
/// ```text
/// log start ≤ flushed ≤ log end
/// ```
#[derive(Debug)]
pub struct Log {
    pub(crate) state: Arc<LogState>,
    pub(crate) config: LogConfig,
    pub(crate) active: ActiveSegment,
    pub(crate) producers: ProducerStates,
    /// The time of the latest append, if it was told.
    pub(crate) now_ms: Option<i64>,
    /// The batches of the append in progress, kept for its memory.
    pub(crate) plan: Vec<BatchAt>,
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record; the log end offset if nothing was appended.
    pub base_offset: i64,
    /// Offset of the last record.
    pub last_offset: i64,
    /// The offset of the next append.
    pub log_end_offset: i64,
    /// Largest timestamp in ms, −1 if there is none.
    pub max_timestamp: i64,
}

impl Log {
    /// Opens the log in a folder, which is created if need be. It keeps
    /// [`OpenFiles::LIMIT_DEFAULT`] files open at most.
    ///
    /// # Errors
    /// The disk failed. Damage is repaired by cutting the log before it; see
    /// [`RecoveryReport`].
    pub fn open(
        dir: &Path,
        config: LogConfig,
        options: OpenOptions,
    ) -> Result<(Log, RecoveryReport), StorageError> {
        let files = OpenFiles::new(OpenFiles::LIMIT_DEFAULT);
        Log::open_sharing(dir, config, options, &files)
    }

    /// The same for one of many logs, which share the open files that they may have.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_sharing(
        dir: &Path,
        config: LogConfig,
        options: OpenOptions,
        files: &Arc<OpenFiles>,
    ) -> Result<(Log, RecoveryReport), StorageError> {
        Log::open_after(Interruption::Machine, dir, config, options, files)
    }

    /// The same for a log of which it is known what it was interrupted by.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_after(
        interruption: Interruption,
        dir: &Path,
        config: LogConfig,
        options: OpenOptions,
        files: &Arc<OpenFiles>,
    ) -> Result<(Log, RecoveryReport), StorageError> {
        let is_new = !dir.exists();
        let opened = recovery::open_segments(dir, &config, &options, interruption, files)?;
        let segments = opened.segments;
        let log_end_offset = opened.log_end_offset;
        let first_offset = segments[0].base_offset();
        let log_start_offset = options.log_start_offset.max(first_offset);
        let read = || {
            let producers = producer_recovery::load(dir, &segments, log_end_offset, opened.trust)?;
            // Those that cannot be trusted are gone now, and do not count among the latest.
            producer_recovery::remove_stray_snapshots(dir, &segments)?;
            Ok(producers)
        };
        let producers = read().map_err(StorageError::io("read producer states in", dir))?;
        // What was found after a crash is on no disk for certain before the next flush.
        let flushed_offset = if options.clean_shutdown {
            log_end_offset
        } else {
            options.recovery_point.clamp(first_offset, log_end_offset)
        };
        let state = LogState::new(
            dir.to_path_buf(),
            files.clone(),
            segments,
            log_start_offset,
            log_end_offset,
            flushed_offset,
            opened.epochs,
        );
        state.change_epochs(|_| opened.epochs_changed);
        state.undecided().replace(producers.undecided);
        let was_repaired = opened.report != RecoveryReport::default();
        if was_repaired || (!options.clean_shutdown && log_end_offset > first_offset) {
            state.set_changed();
        }
        let state = Arc::new(state);
        let mut log = Log {
            state,
            config,
            active: opened.active,
            producers: producers.states,
            now_ms: None,
            plan: Vec::new(),
        };
        if !options.clean_shutdown {
            let bytes = log.active.segment().size();
            log.state.set_bytes_since_snapshot(bytes);
        }
        if let Some(parent) = dir.parent().filter(|_| is_new) {
            log.state.sync_later(parent.to_path_buf());
        }
        if log_start_offset > log_end_offset {
            log.truncate_fully_and_start_at(log_start_offset)?;
        }
        let report = RecoveryReport {
            damaged_ranges: log.reader().damage().len(),
            ..opened.report
        };
        Ok((log, report))
    }

    /// A reader of this log.
    pub fn reader(&self) -> LogReader {
        LogReader {
            state: self.state.clone(),
        }
    }

    /// A flusher of this log.
    pub fn flusher(&self) -> LogFlusher {
        LogFlusher {
            state: self.state.clone(),
        }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.state.dir()
    }

    /// The first offset that can be read.
    pub fn log_start_offset(&self) -> i64 {
        self.state.log_start_offset()
    }

    /// The offset of the next append.
    pub fn log_end_offset(&self) -> i64 {
        self.state.log_end_offset()
    }

    /// The configuration in force.
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Changes the configuration; segments that exist stay as they are.
    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// What the log knows of its idempotent producers.
    pub fn producers(&self) -> &ProducerStates {
        &self.producers
    }

    /// Forgets idle producers; see [`ProducerStates::expire`].
    pub fn expire_producers(&mut self, now_ms: i64, expiration_ms: i64) {
        self.producers.expire(now_ms, expiration_ms);
    }

    /// The leader epochs of the log.
    pub fn epochs(&self) -> LeaderEpochs {
        self.state.epochs().clone()
    }

    /// The latest leader epoch, if there is any.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.state.epochs().latest()
    }

    /// See [`LeaderEpochs::end_offset_for`].
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> EpochEndOffset {
        self.state
            .epochs()
            .end_offset_for(epoch, self.log_end_offset())
    }

    /// Moves the log start offset up; segments that lie before it as a whole are removed. A
    /// lower offset than the present one changes nothing.
    ///
    /// # Errors
    /// The offset is behind the end of the log, or the disk failed, now or before.
    pub fn advance_start_offset(&mut self, offset: i64) -> Result<(), StorageError> {
        self.raise_start_offset(offset)?;
        self.remove_old_segments().map(drop)
    }

    /// Bytes of batches that a start after a crash reads to know the producers, once the recovery
    /// point has passed the latest snapshot.
    pub fn bytes_since_snapshot(&self) -> u64 {
        self.state.bytes_since_snapshot()
    }

    /// Writes the producer states as of now, so that the next start reads less. They become
    /// durable with the next flush.
    ///
    /// # Errors
    /// The disk is full ([`StorageError::is_storage_full`]), which does no harm; or it failed, now
    /// or before.
    pub fn snapshot_producers(&mut self) -> Result<(), StorageError> {
        self.state.check()?;
        let dir = self.state.dir();
        let write = || {
            let path = producer_snapshot::write(dir, self.log_end_offset(), &self.producers)?;
            producer_recovery::remove_stray_snapshots(dir, &self.state.segments())?;
            Ok(path)
        };
        let result = write().map_err(StorageError::io("write producer states in", dir));
        let result = result.map_err(|error| match error.is_storage_full() {
            true => StorageError::Full(error.to_string()),
            false => error,
        });
        self.state.sync_later(self.state.poison_on_error(result)?);
        self.state.set_bytes_since_snapshot(0);
        Ok(())
    }

    /// Waits for a flush in progress; from then on flushes do nothing, whatever else writes fails
    /// with [`StorageError::Abandoned`], and the folder may be moved or deleted.
    pub fn abandon(&self) {
        self.state.abandon();
    }

    /// As [`Log::abandon`], unless a flush is in progress; whether the log was let go.
    pub fn try_abandon(&self) -> bool {
        self.state.try_abandon()
    }

    /// Makes everything durable and leaves the folder so that the next start reads next to
    /// nothing; costs nothing where nothing changed. Readers may stay; appends after it make the
    /// next start an unclean one.
    ///
    /// # Errors
    /// The disk failed, now or before.
    pub fn close(&mut self) -> Result<(), StorageError> {
        self.state.check()?;
        if !self.state.is_changed() {
            return Ok(());
        }
        let segment = self.active.segment().clone();
        let written = self.active.write_time_entry();
        let result = written.map_err(StorageError::io("write", segment.path()));
        self.state.poison_on_error(result)?;
        self.snapshot_producers()?;
        self.state.change_epochs(|_| true);
        self.state.flush()?;
        let result = segment
            .sync_indexes()
            .map_err(StorageError::io("sync", segment.path()));
        self.state.poison_on_error(result)
    }
}
