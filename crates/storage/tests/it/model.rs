//! Random histories against a list of batches.

use crate::fixture::*;
use klamm_storage::{Log, OpenOptions};
use proptest::prelude::*;
use std::path::Path;

#[derive(Clone, Debug)]
enum Step {
    Append {
        batches: Vec<i32>,
        gap: i64,
        new_epoch: bool,
    },
    Truncate {
        back: i64,
    },
    TruncateFully {
        start: i64,
    },
    AdvanceStart {
        by: i64,
    },
    Flush,
    Close,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let sizes = prop::collection::vec(1..6i32, 1..12);
    prop_oneof![
        8 => (sizes, prop_oneof![9 => Just(0), 1 => 1..50i64], prop::bool::weighted(0.2))
            .prop_map(|(batches, gap, new_epoch)| Step::Append { batches, gap, new_epoch }),
        2 => (0..60i64).prop_map(|back| Step::Truncate { back }),
        1 => (0..100i64).prop_map(|start| Step::TruncateFully { start }),
        1 => (0..40i64).prop_map(|by| Step::AdvanceStart { by }),
        2 => Just(Step::Flush),
        2 => Just(Step::Close),
        2 => Just(Step::Crash),
    ]
}

#[derive(Default)]
struct Model {
    start: i64,
    end: i64,
    epoch: i32,
    /// (base offset, next offset, epoch, bytes).
    batches: Vec<(i64, i64, i32, Vec<u8>)>,
    recovery_point: i64,
}

impl Model {
    fn apply(&mut self, mut log: Log, step: &Step, dir: &Path) -> Log {
        match step {
            Step::Append {
                batches,
                gap,
                new_epoch,
            } => self.append(&mut log, batches, *gap, *new_epoch),
            Step::Truncate { back } => {
                let to = (self.end - back).max(self.start);
                let spanning = self.batches.iter().find(|b| b.0 < to && to < b.1);
                let expected = spanning.map_or(to, |batch| batch.0);
                assert_eq!(log.truncate_to(to).unwrap(), expected);
                self.batches.retain(|batch| batch.1 <= expected);
                self.end = expected;
                self.start = self.start.min(expected);
                self.recovery_point = log.flusher().flushed_offset();
            }
            Step::TruncateFully { start } => {
                log.truncate_fully_and_start_at(*start).unwrap();
                self.batches.clear();
                (self.start, self.end) = (*start, *start);
                self.recovery_point = log.flusher().flushed_offset();
            }
            Step::AdvanceStart { by } => {
                self.start = (self.start + by).min(self.end);
                log.advance_start_offset(self.start).unwrap();
            }
            Step::Flush => {
                self.recovery_point = log.flusher().flush().unwrap();
                assert_eq!(self.recovery_point, self.end);
            }
            Step::Close => {
                log.close().unwrap();
                self.recovery_point = self.end;
                return self.reopen(dir, true);
            }
            Step::Crash => {
                drop(log);
                return self.reopen(dir, false);
            }
        }
        log
    }

    fn append(&mut self, log: &mut Log, sizes: &[i32], gap: i64, new_epoch: bool) {
        self.epoch += i32::from(new_epoch);
        self.end += gap;
        let mut bytes = Vec::new();
        for &records in sizes {
            let batch = batch(self.end, self.epoch, records);
            bytes.extend_from_slice(&batch);
            let next = self.end + i64::from(records);
            self.batches.push((self.end, next, self.epoch, batch));
            self.end = next;
        }
        assert_eq!(log.append(&bytes).unwrap().log_end_offset, self.end);
    }

    fn reopen(&mut self, dir: &Path, clean_shutdown: bool) -> Log {
        let options = OpenOptions {
            clean_shutdown,
            recovery_point: self.recovery_point,
            log_start_offset: self.start,
        };
        let (log, report) = open(dir, options);
        assert_eq!(report.bytes_truncated, 0);
        // As a broker does: what is appended next is not vouched for.
        let flushed = log.flusher().flushed_offset();
        self.recovery_point = self.recovery_point.min(flushed);
        // An end without records before it is not on disk.
        self.end = log.log_end_offset();
        log
    }

    fn check(&self, log: &Log) {
        let reader = log.reader();
        assert_eq!(
            (log.log_start_offset(), log.log_end_offset()),
            (self.start, self.end)
        );
        let visible = self.batches.iter().filter(|batch| batch.1 > self.start);
        let expected: Vec<u8> = visible.clone().flat_map(|batch| batch.3.clone()).collect();
        assert_eq!(read_all(&reader), expected);
        for offset in (self.start..self.end).step_by(7) {
            let read = reader.read(offset, 300, self.end, true).unwrap();
            let found = self.batches.iter().find(|batch| batch.1 > offset);
            assert_eq!(read.base_offset, found.map_or(offset, |batch| batch.0));
        }
        for batch in visible {
            assert_eq!(
                log.epochs().epoch_at(batch.0.max(self.start)).unwrap().0,
                batch.2
            );
        }
        assert!(log.flusher().flushed_offset() <= self.end);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_history_reads_back(steps in prop::collection::vec(step(), 1..25)) {
        let dir = temp_dir();
        let mut log = open_new(dir.path());
        let mut model = Model::default();
        for step in &steps {
            log = model.apply(log, step, dir.path());
            model.check(&log);
        }
    }
}
