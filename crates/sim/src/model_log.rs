//! A partition's log on a disk that keeps what was flushed.
//!
//! ```text
//! log start ≤ log end       flushed ≤ log end
//! ```
//!
//! A power failure leaves any prefix that is not shorter than what was flushed, as recovery does by
//! cutting at the first batch that is not whole. Leader epochs are the product's own.

use crate::agenda::Micros;
use klamm_replica::divergence::EpochEnd;
use klamm_storage::LeaderEpochs;
use klamm_types::LeaderEpoch;

/// One batch of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) epoch: LeaderEpoch,
    /// Unique in a run.
    pub(crate) value: u32,
    pub(crate) producer: u32,
    pub(crate) sequence: u32,
    /// When a leader took it: for the checker alone.
    pub(crate) taken_at: Micros,
}

/// The log.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelLog {
    start: i64,
    /// The offset of the first of `records`.
    base: i64,
    records: Vec<Record>,
    flushed: i64,
    epochs: LeaderEpochs,
    /// The high watermark as the checkpoint file has it.
    pub(crate) recorded_high_watermark: i64,
}

impl ModelLog {
    pub(crate) fn start(&self) -> i64 {
        self.start
    }

    pub(crate) fn end(&self) -> i64 {
        self.base + self.records.len() as i64
    }

    pub(crate) fn flushed(&self) -> i64 {
        self.flushed
    }

    pub(crate) fn record(&self, offset: i64) -> Option<&Record> {
        let index = usize::try_from(offset - self.base).ok()?;
        self.records.get(index)
    }

    /// The records of these offsets, as far as they are there.
    pub(crate) fn range(&self, from: i64, to: i64) -> &[Record] {
        let index = |offset: i64| (offset.clamp(self.base, self.end()) - self.base) as usize;
        let (from, to) = (index(from), index(to));
        &self.records[from..to.max(from)]
    }

    pub(crate) fn last_epoch(&self) -> LeaderEpoch {
        self.epochs.latest().unwrap_or(LeaderEpoch::NONE)
    }

    pub(crate) fn epoch_end(&self, epoch: LeaderEpoch) -> EpochEnd {
        let end = self.epochs.end_offset_for(epoch, self.end());
        EpochEnd {
            epoch: end.epoch,
            end_offset: end.end_offset,
        }
    }

    pub(crate) fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        let end = self.end();
        self.epochs.assign(epoch, end);
    }

    pub(crate) fn append(&mut self, record: Record) {
        let end = self.end();
        self.epochs.assign(record.epoch, end);
        self.records.push(record);
    }

    /// The planted bug: another value lies there.
    pub(crate) fn rot(&mut self, offset: i64) {
        let index = usize::try_from(offset - self.base);
        if let Some(record) = index.ok().and_then(|index| self.records.get_mut(index)) {
            record.value = u32::MAX;
        }
    }

    /// Everything below `offset` is on the disk.
    pub(crate) fn flushed_to(&mut self, offset: i64) {
        self.flushed = self.flushed.max(offset.min(self.end()));
    }

    /// Cuts the log; durable at once.
    pub(crate) fn truncate_to(&mut self, offset: i64) {
        if offset < self.start {
            return self.start_anew_at(offset);
        }
        let end = offset.min(self.end());
        self.records.truncate((end - self.base).max(0) as usize);
        self.flushed = self.flushed.min(end);
        self.epochs.truncate_from_end(end);
    }

    /// Drops everything.
    pub(crate) fn start_anew_at(&mut self, offset: i64) {
        *self = ModelLog {
            start: offset,
            base: offset,
            flushed: offset,
            recorded_high_watermark: self.recorded_high_watermark,
            ..ModelLog::default()
        };
    }

    /// Nothing below `offset` can be read any more.
    pub(crate) fn raise_start(&mut self, offset: i64) {
        if offset > self.start {
            self.start = offset;
            self.epochs.truncate_from_start(offset);
        }
    }

    /// The process has ended. What no flush has reached survives up to `end` at most; an epoch
    /// without records is forgotten. A log that ends before its start begins anew there.
    pub(crate) fn crash(&mut self, end: i64) {
        let end = end.clamp(self.flushed, self.end());
        if end < self.start {
            return self.start_anew_at(self.start);
        }
        self.records.truncate((end - self.base).max(0) as usize);
        self.epochs.truncate_from_end(end);
    }

    /// What the producer's batch of that sequence is to the log, which remembers the last five.
    pub(crate) fn verdict(&self, producer: u32, sequence: u32) -> Verdict {
        const REMEMBERED: usize = 5;
        let own = self.records.iter().enumerate().rev();
        let mut own = own.filter(|(_, record)| record.producer == producer);
        let Some((index, last)) = own.next() else {
            return Verdict::Append;
        };
        if sequence == last.sequence + 1 {
            return Verdict::Append;
        }
        let duplicate = std::iter::once((index, last))
            .chain(own.take(REMEMBERED - 1))
            .find(|(_, record)| record.sequence == sequence);
        match duplicate {
            Some((index, _)) => Verdict::Duplicate(self.base + index as i64),
            None => Verdict::OutOfOrder,
        }
    }
}

/// See [`ModelLog::verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Append,
    /// It was appended at this offset.
    Duplicate(i64),
    OutOfOrder,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: i32, value: u32) -> Record {
        Record {
            epoch: LeaderEpoch(epoch),
            value,
            producer: 1,
            sequence: value,
            taken_at: 0,
        }
    }

    fn log(epochs: &[i32]) -> ModelLog {
        let mut log = ModelLog::default();
        for (value, epoch) in (0..).zip(epochs) {
            log.append(record(*epoch, value));
        }
        log
    }

    #[test]
    fn a_power_failure_takes_no_more_than_what_was_not_flushed() {
        let mut log = log(&[0, 0, 1, 2]);
        log.flushed_to(3);
        log.crash(0);
        assert_eq!((log.end(), log.last_epoch()), (3, LeaderEpoch(1)));
    }

    #[test]
    fn a_log_that_is_lost_up_to_its_start_begins_anew_there() {
        let mut log = log(&[0, 0, 1, 2]);
        log.raise_start(3);
        log.crash(1);
        assert_eq!((log.start(), log.end(), log.flushed()), (3, 3, 3));
        assert_eq!(log.last_epoch(), LeaderEpoch::NONE);
    }

    #[test]
    fn a_cut_takes_what_was_flushed_and_its_epochs() {
        let mut log = log(&[0, 0, 1, 2]);
        log.flushed_to(4);
        log.truncate_to(2);
        assert_eq!((log.end(), log.flushed(), log.last_epoch().0), (2, 2, 0));
        log.begin_epoch(LeaderEpoch(3));
        assert_eq!(log.epoch_end(LeaderEpoch(2)).end_offset, 2);
        log.crash(2);
        assert_eq!(
            log.last_epoch(),
            LeaderEpoch(0),
            "nothing was appended in 3"
        );
    }

    #[test]
    fn producers_are_remembered() {
        let log = log(&[0, 0, 0]);
        assert_eq!(log.verdict(1, 3), Verdict::Append);
        assert_eq!(log.verdict(1, 1), Verdict::Duplicate(1));
        assert_eq!(log.verdict(1, 5), Verdict::OutOfOrder);
        assert_eq!(log.verdict(2, 9), Verdict::Append);
    }
}
