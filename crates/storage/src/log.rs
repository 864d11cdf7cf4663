//! The writer of a log.

use crate::active_segment::ActiveSegment;
use crate::batch_scan::BatchAt;
use crate::config::LogConfig;
use crate::disk;
use crate::error::{ReadError, StorageError};
use crate::leader_epochs::{EpochEndOffset, LeaderEpochs};
use crate::log_flusher::LogFlusher;
use crate::log_reader::LogReader;
use crate::log_state::LogState;
use crate::open_files::OpenFiles;
use crate::producer_recovery::{self, Producers};
use crate::producer_snapshot;
use crate::producer_states::ProducerStates;
use crate::recovery::{self, Interruption, OpenOptions, RecoveryReport};
use crate::segment::Segment;
use crate::segment_recovery::resume_active;
use klamm_records::{Batches, NO_TIMESTAMP};
use klamm_types::LeaderEpoch;
use std::{io, path::Path, sync::Arc};

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
    now_ms: Option<i64>,
    /// The batches of the append in progress, kept for its memory.
    plan: Vec<BatchAt>,
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

    /// Appends complete batches whose offsets and leader epochs are final. Gaps between offsets
    /// are fine. Readers see all of them at once; they are durable after the next flush.
    ///
    /// Checksums are the caller's business: a leader validates what it is sent, a follower
    /// verifies what it has fetched.
    ///
    /// # Errors
    /// The input is not a sequence of complete batches of rising offsets from the log end offset
    /// on, or the disk is full ([`StorageError::is_storage_full`]), and nothing was appended; or
    /// the disk failed, now or before.
    pub fn append(&mut self, batches: &[u8]) -> Result<Appended, StorageError> {
        self.state.check()?;
        let mut plan = std::mem::take(&mut self.plan);
        plan.clear();
        let result = self.plan(batches, &mut plan).and_then(|()| {
            let log_end_offset = self.log_end_offset();
            let written = self.write(batches, &plan);
            let result = written.or_else(|error| self.undo_if_full(error, log_end_offset));
            self.state.poison_on_error(result)
        });
        self.plan = plan;
        result
    }

    /// The same at a time: segments whose batches have no timestamps are rolled by it.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn append_at(&mut self, batches: &[u8], now_ms: i64) -> Result<Appended, StorageError> {
        self.now_ms = Some(now_ms);
        self.append(batches)
    }

    fn plan(&self, batches: &[u8], plan: &mut Vec<BatchAt>) -> Result<(), StorageError> {
        let mut expected_offset = self.log_end_offset();
        let mut position = 0;
        for batch in Batches::new(batches) {
            let (header, bytes) = batch?;
            if header.base_offset < expected_offset {
                let base_offset = header.base_offset;
                return Err(StorageError::AppendOffset {
                    expected_offset,
                    base_offset,
                });
            }
            expected_offset = header.next_offset();
            plan.push(BatchAt { position, header });
            position += bytes.len() as u64;
        }
        Ok(())
    }

    /// Writes batches, planned by their position in the input, in runs of one segment each.
    fn write(&mut self, batches: &[u8], plan: &[BatchAt]) -> Result<Appended, StorageError> {
        let mut log_end_offset = self.log_end_offset();
        let mut appended = Appended {
            base_offset: plan
                .first()
                .map_or(log_end_offset, |first| first.header.base_offset),
            last_offset: log_end_offset - 1,
            log_end_offset,
            max_timestamp: NO_TIMESTAMP,
        };
        let mut run_start = 0;
        for (i, batch) in plan.iter().enumerate() {
            let pending = batch.position - plan[run_start].position;
            if self
                .active
                .should_roll(pending, batch, &self.config, self.now_ms)
            {
                self.write_run(batches, &plan[run_start..i])?;
                self.roll(segment_base_offset(log_end_offset, batch))?;
                run_start = i;
            }
            self.active.note_use(self.now_ms);
            let pending = batch.position - plan[run_start].position;
            let position = self.active.segment().size() + pending;
            self.active
                .note(&BatchAt { position, ..*batch }, &self.config);
            let (epoch, start) = (
                batch.header.partition_leader_epoch,
                batch.header.base_offset,
            );
            self.note_producer(&batch.header, &batches[batch.position as usize..]);
            self.state
                .change_epochs(|epochs| assign_if_new(epochs, epoch, start));
            appended.max_timestamp = appended.max_timestamp.max(batch.header.max_timestamp);
            appended.last_offset = batch.header.last_offset();
            log_end_offset = batch.header.next_offset();
        }
        self.write_run(batches, &plan[run_start..])?;
        self.state.fill_epoch();
        appended.log_end_offset = log_end_offset;
        let bytes = self.bytes_since_snapshot() + batches.len() as u64;
        self.state.set_bytes_since_snapshot(bytes);
        self.state.publish(log_end_offset);
        Ok(appended)
    }

    /// A disk that is full is no broken one: what was written of an append that did not fit is
    /// cut off again, and later ones may fit.
    fn undo_if_full(
        &mut self,
        error: StorageError,
        log_end_offset: i64,
    ) -> Result<Appended, StorageError> {
        if !error.is_storage_full() {
            return Err(error);
        }
        let reason = error.to_string();
        if error.is_unopened() {
            self.state.files().give_way();
        }
        self.cut(log_end_offset)?;
        Err(StorageError::Full(reason))
    }

    fn write_run(&mut self, batches: &[u8], run: &[BatchAt]) -> Result<(), StorageError> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return Ok(());
        };
        let bytes = &batches[first.position as usize..last.end() as usize];
        self.write_aborted()?;
        let written = self
            .active
            .write(bytes, first.header.base_offset, &self.config);
        written
            .map_err(|source| StorageError::io("append to", self.active.segment().path())(source))
    }

    /// Starts a new segment. An empty active one gives way to it.
    pub(crate) fn roll(&mut self, base_offset: i64) -> Result<(), StorageError> {
        let dir = self.state.dir().to_path_buf();
        let mut segments = self.state.segments().to_vec();
        let old = self.active.segment().clone();
        let next = if old.size() == 0 {
            // First the new one: where there is no room for it, the old one goes on.
            let next = new_active(&self.state, base_offset)?;
            self.state.remove_segment(&old, 0)?;
            segments.pop();
            next
        } else {
            self.active
                .write_time_entry()
                .map_err(StorageError::io("write", old.path()))?;
            old.seal();
            let snapshot = producer_snapshot::write(&dir, base_offset, &self.producers);
            let snapshot = snapshot.map_err(StorageError::io("write producer states in", &dir))?;
            self.state.sync_later(snapshot);
            self.state.set_bytes_since_snapshot(0);
            new_active(&self.state, base_offset)?
        };
        self.active = next;
        segments.push(self.active.segment().clone());
        self.state.set_segments(segments);
        Ok(())
    }

    /// Notes that a leader epoch starts at an offset, unless a later or the same one is known.
    /// It becomes durable with what is appended in it.
    pub fn assign_epoch(&self, epoch: LeaderEpoch, start_offset: i64) {
        self.state
            .begin_epoch(|epochs| assign_if_new(epochs, epoch, start_offset));
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

    /// Removes everything from an offset on, durably: what was removed must not come back behind
    /// what is appended next. A batch that spans the offset goes as a whole, so the log may end
    /// before it, and then even start before it. The new log end offset.
    ///
    /// The caller records the flushed offset anew if it went back, before it appends again: a
    /// recovery point vouches for what lies below it. Epochs that start at or behind the new end
    /// are forgotten, also where there is nothing to remove.
    ///
    /// # Errors
    /// The disk failed, now or before.
    pub fn truncate_to(&mut self, offset: i64) -> Result<i64, StorageError> {
        self.state.check()?;
        let log_end_offset = self.log_end_offset();
        if offset >= log_end_offset {
            // An epoch in which nothing was appended goes all the same.
            self.state
                .change_epochs(|epochs| epochs.truncate_from_end(log_end_offset));
            return Ok(log_end_offset);
        }
        if offset < self.log_start_offset() {
            self.truncate_fully_and_start_at(offset)?;
            return Ok(offset);
        }
        let result = self.cut(offset);
        self.state.poison_on_error(result)
    }

    fn cut(&mut self, offset: i64) -> Result<i64, StorageError> {
        let state = self.state.clone();
        let flushing = state.pause_flushing();
        let mut segments = state.segments().to_vec();
        if segments[0].base_offset() > offset {
            // It was made for an append behind a large gap that did not fit on the disk.
            let first = new_active(&state, offset)?;
            segments.insert(0, first.segment().clone());
        }
        let count = segments
            .partition_point(|segment| segment.base_offset() <= offset)
            .max(1);
        let removed = segments.split_off(count);
        let last = segments[count - 1].clone();
        let (position, end_offset) = self.cut_point(&last, offset)?;
        if end_offset < state.log_end_offset() {
            state.note_truncation();
        }

        state.cut(
            &flushing,
            end_offset,
            state.flushed_offset().min(end_offset),
        );
        if end_offset < state.log_start_offset() {
            // The log start lay within the batch that went.
            state.set_log_start_offset(end_offset);
        }
        state.set_segments(segments.clone());
        self.remove_snapshots(|snapshot_offset| snapshot_offset > end_offset)?;
        for segment in removed.iter().rev() {
            state.remove_segment(segment, self.config.file_delete_delay_ms)?;
        }
        disk::sync_dir(state.dir()).map_err(StorageError::io("sync", state.dir()))?;
        let cut = || {
            last.truncate(position, end_offset)?;
            resume_active(&last, &self.config)
        };
        let active = cut().map_err(StorageError::io("truncate", last.path()))?;
        self.active = active.ok_or_else(|| {
            let source = io::Error::new(io::ErrorKind::InvalidData, "batches are damaged");
            StorageError::io("truncate", last.path())(source)
        })?;
        state.change_epochs(|epochs| epochs.truncate_from_end(end_offset));
        self.reload_producers(&segments, end_offset)?;
        Ok(end_offset)
    }

    /// Where to cut a segment so that nothing is left from an offset on, and the offset that is
    /// due there then. A batch or damage that spans it goes as a whole.
    fn cut_point(&self, segment: &Arc<Segment>, offset: i64) -> Result<(u64, i64), StorageError> {
        let mut found = segment.find_batch(offset);
        if let Err(ReadError::Damaged { .. }) = found {
            self.reader()
                .locate_damage(segment)
                .map_err(StorageError::from_read)?;
            found = segment.find_batch(offset);
        }
        if let Some(damage) = segment.checks().damage_at(offset) {
            return Ok((damage.position, damage.first_offset));
        }
        Ok(match found.map_err(StorageError::from_read)? {
            Some(batch) => (batch.position, batch.header.base_offset.min(offset)),
            None => (segment.size(), offset),
        })
    }

    /// Removes everything and goes on from an offset, lower or higher.
    ///
    /// # Errors
    /// The disk failed, now or before.
    pub fn truncate_fully_and_start_at(&mut self, offset: i64) -> Result<(), StorageError> {
        self.state.check()?;
        let result = self.start_anew(offset);
        self.state.poison_on_error(result)
    }

    fn start_anew(&mut self, offset: i64) -> Result<(), StorageError> {
        let state = self.state.clone();
        let flushing = state.pause_flushing();
        state.note_truncation();
        state.cut(&flushing, offset, offset);
        state.set_log_start_offset(offset);
        for segment in state.segments().iter().rev() {
            state.remove_segment(segment, self.config.file_delete_delay_ms)?;
        }
        self.remove_snapshots(|_| true)?;
        self.active = new_active(&state, offset)?;
        disk::sync_dir(state.dir()).map_err(StorageError::io("sync", state.dir()))?;
        state.set_segments(vec![self.active.segment().clone()]);
        state.change_epochs(|epochs| std::mem::take(epochs) != LeaderEpochs::default());
        self.set_producers(Producers::default());
        Ok(())
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

fn assign_if_new(epochs: &mut LeaderEpochs, epoch: LeaderEpoch, start_offset: i64) -> bool {
    epochs.latest().is_none_or(|latest| latest < epoch) && epochs.assign(epoch, start_offset)
}

/// The base offset of a new segment for a batch: the log end offset, so that a segment that lost
/// its end shows as a gap, unless the batch lies too far behind it for 31 bits.
fn segment_base_offset(log_end_offset: i64, batch: &BatchAt) -> i64 {
    if batch.header.last_offset() - log_end_offset <= i64::from(i32::MAX) {
        log_end_offset
    } else {
        batch.header.base_offset
    }
}

fn new_active(state: &LogState, base_offset: i64) -> Result<ActiveSegment, StorageError> {
    let dir = state.dir();
    let create = || {
        let segment = Segment::create(dir, base_offset, state.files())?;
        ActiveSegment::new(Arc::new(segment), 0)
    };
    create().map_err(StorageError::io("create a segment in", dir))
}
