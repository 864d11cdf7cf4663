//! Walks the batches of a segment that nobody may have looked at yet, and tells what is wrong.
//!
//! A batch whose offsets leave a gap, or whose leader epoch is new, is compared with the one
//! behind it first: neither is covered by the checksum.

use crate::batch_scan::{BatchAt, BatchScan, ScanError};
use crate::damage;
use crate::segment::Segment;
use klamm_records::BatchHeader;
use klamm_types::LeaderEpoch;
use std::io;

/// A walk over a segment. Damage that is passed over is noted in the segment.
pub(crate) struct BatchWalk<'a> {
    segment: &'a Segment,
    scan: BatchScan,
    /// The offset that is due.
    due: i64,
    /// The epoch of the last good batch.
    epoch: LeaderEpoch,
    /// Where the last good batch ends.
    end: u64,
    /// Writing may have stopped within the last batch.
    may_be_torn: bool,
    verifies: bool,
    /// The last batch of all may not leave a gap before it from this offset on.
    dense_from: i64,
    /// All offsets are below.
    end_offset: i64,
    /// No leader epoch is larger.
    epoch_max: LeaderEpoch,
    /// Only damage that begins below this offset is passed over, to no later one than this.
    passes_below: i64,
}

/// What comes next in a segment.
pub(crate) enum Step {
    Batch(BatchAt),
    End,
    /// What stands there is no good batch.
    Broken(String),
}

impl<'a> BatchWalk<'a> {
    /// Walks from `position` on, where a batch starts that has offset `due` or a later one.
    pub(crate) fn new(
        segment: &'a Segment,
        position: u64,
        due: i64,
        verifies: bool,
    ) -> io::Result<BatchWalk<'a>> {
        Ok(BatchWalk {
            segment,
            scan: segment.scan(position)?,
            due,
            epoch: LeaderEpoch::NONE,
            end: position,
            may_be_torn: false,
            verifies,
            dense_from: i64::MAX,
            end_offset: i64::MAX,
            epoch_max: LeaderEpoch(i32::MAX),
            passes_below: i64::MAX,
        })
    }

    /// Takes batches for damaged that are not below `end_offset`, or of an epoch above `epoch_max`.
    pub(crate) fn below(self, end_offset: i64, epoch_max: LeaderEpoch) -> BatchWalk<'a> {
        BatchWalk {
            end_offset,
            epoch_max,
            ..self
        }
    }

    /// Passes over damage before `offset` only.
    pub(crate) fn passing_below(self, offset: i64) -> BatchWalk<'a> {
        BatchWalk {
            passes_below: offset,
            ..self
        }
    }

    /// Believes a broken batch that it goes on as far as its header says, so that what a torn one
    /// has among its records is not taken for batches of the log.
    pub(crate) fn may_be_torn(self) -> BatchWalk<'a> {
        BatchWalk {
            may_be_torn: true,
            ..self
        }
    }

    /// Takes a last batch for damaged that leaves a gap before it at or behind `offset`: it has
    /// nothing behind it that its offsets could be compared with.
    pub(crate) fn dense_from(self, offset: i64) -> BatchWalk<'a> {
        BatchWalk {
            dense_from: offset,
            ..self
        }
    }

    /// The offset after the last good batch.
    pub(crate) fn next_offset(&self) -> i64 {
        self.due
    }

    /// Where the last good batch ends.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The next batch. Once something is broken it stays so, unless it is passed over.
    pub(crate) fn next(&mut self) -> io::Result<Step> {
        self.scan.seek(self.end);
        let batch = match self.scan.next() {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(Step::End),
            Err(ScanError::Batch { error, .. }) => return Ok(Step::Broken(error.to_string())),
            Err(ScanError::Io(error)) => return Err(error),
        };
        if self.verifies && !self.scan.is_good(&batch)? {
            return Ok(Step::Broken("checksum does not match".to_owned()));
        }
        if let Some(objection) = self.objection(&batch) {
            return Ok(Step::Broken(objection));
        }
        self.accept(&batch);
        Ok(Step::Batch(batch))
    }

    /// Looks for the next good batch behind what is broken, and notes the damage. `None` if there
    /// is none, and nothing is noted.
    pub(crate) fn pass(&mut self, reason: String) -> io::Result<Option<BatchAt>> {
        let (due, start) = (self.due, self.end);
        if due >= self.passes_below {
            return Ok(None);
        }
        let base_offset = self.segment.base_offset();
        let Some(next) = self.find_next()? else {
            return Ok(None);
        };
        self.segment.checks().add_damage(damage::range(
            self.segment.path(),
            base_offset,
            (due, next.header.base_offset),
            (start, next.position),
            reason,
        ));
        self.accept(&next);
        Ok(Some(next))
    }

    /// The next good batch behind the last good one: where the broken one in between says that it
    /// ends, or else wherever there is one.
    fn find_next(&mut self) -> io::Result<Option<BatchAt>> {
        let (due, end_offset, position) = (self.due, self.end_offset, self.end);
        let (epoch, epoch_max) = (self.epoch, self.epoch_max);
        let offset_max = self.passes_below;
        let base_offset = self.segment.base_offset();
        let fits = |header: &BatchHeader| {
            (due..=offset_max).contains(&header.base_offset)
                && header.last_offset() < end_offset
                && header.last_offset() - base_offset <= i64::from(i32::MAX)
                && (epoch..=epoch_max).contains(&header.partition_leader_epoch)
        };
        let is_next = |header: &BatchHeader| {
            (due..=due.saturating_add(i64::from(i32::MAX))).contains(&header.base_offset)
        };
        let header = self.scan.header_at(position)?;
        let Some(broken) = header.map(|header| BatchAt { position, header }) else {
            return self.scan.find_good(position + 1, &fits);
        };
        self.scan.seek(broken.end());
        if let Ok(Some(next)) = self.scan.next()
            && fits(&next.header)
            && self.scan.is_good(&next)?
        {
            return Ok(Some(next));
        }
        if self.may_be_torn && is_next(&broken.header) {
            self.scan.find_good_behind(&broken, &fits)
        } else {
            self.scan.find_good(position + 1, &fits)
        }
    }

    fn accept(&mut self, batch: &BatchAt) {
        self.due = batch.header.next_offset();
        self.epoch = batch.header.partition_leader_epoch;
        self.end = batch.end();
    }

    fn objection(&mut self, batch: &BatchAt) -> Option<String> {
        let (due, header) = (self.due, &batch.header);
        let (base_offset, epoch) = (header.base_offset, header.partition_leader_epoch);
        if base_offset < due {
            return Some(format!("base offset {base_offset} where {due} is due"));
        }
        if header.last_offset() >= self.end_offset {
            let end_offset = self.end_offset;
            return Some(format!(
                "base offset {base_offset}, but offsets end at {end_offset}"
            ));
        }
        if epoch < self.epoch || epoch > self.epoch_max {
            return Some(format!("leader epoch {epoch} after {}", self.epoch));
        }
        if base_offset == due && (epoch == self.epoch || self.epoch.is_none()) {
            return None;
        }
        let Ok(Some(next)) = self.scan.next() else {
            let doubtful = base_offset > due && base_offset >= self.dense_from;
            return doubtful.then(|| format!("base offset {base_offset} where {due} is due"));
        };
        let next = &next.header;
        let offsets_fit = next.base_offset >= header.next_offset() || next.base_offset < due;
        let epochs_fit =
            next.partition_leader_epoch >= epoch || next.partition_leader_epoch < self.epoch;
        (!offsets_fit || !epochs_fit).then(|| {
            format!("base offset {base_offset} and leader epoch {epoch} contradict what follows")
        })
    }
}
