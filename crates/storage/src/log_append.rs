//! Appends to a log: whole batches, in runs of one segment each.

use crate::active_segment::ActiveSegment;
use crate::batch_scan::BatchAt;
use crate::error::StorageError;
use crate::leader_epochs::LeaderEpochs;
use crate::log::{Appended, Log};
use crate::log_state::LogState;
use crate::producer_snapshot;
use crate::segment::Segment;
use klamm_records::{Batches, NO_TIMESTAMP};
use klamm_types::LeaderEpoch;
use std::sync::Arc;

impl Log {
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

/// Makes a segment to append to.
pub(crate) fn new_active(
    state: &LogState,
    base_offset: i64,
) -> Result<ActiveSegment, StorageError> {
    let dir = state.dir();
    let create = || {
        let segment = Segment::create(dir, base_offset, state.files())?;
        ActiveSegment::new(Arc::new(segment), 0)
    };
    create().map_err(StorageError::io("create a segment in", dir))
}
