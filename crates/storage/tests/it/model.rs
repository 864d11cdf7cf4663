//! Random histories against a list of batches.
//!
//! To add something that a log can do: a [`Step`], what it does to log and model in
//! [`Model::apply`], and, if readers can tell, a line in [`Model::check`].

use crate::fixture::*;
use klamm_records::BatchBuilder;
use klamm_storage::{Log, OpenFiles, OpenOptions};
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};
use proptest::prelude::*;
use std::{collections::BTreeMap, path::Path, sync::Arc};

#[derive(Clone, Debug)]
enum Step {
    Append {
        batches: Vec<BatchPlan>,
        gap: i64,
        new_epoch: bool,
    },
    Snapshot,
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

#[derive(Clone, Debug)]
struct BatchPlan {
    records: i32,
    /// Idempotent from 1 on.
    producer: i64,
    /// How much older the batch is than its place would have it.
    late_ms: i64,
}

fn batch_plan() -> impl Strategy<Value = BatchPlan> {
    let late_ms = prop_oneof![3 => Just(0), 1 => 0..2_000i64];
    (1..6i32, 0..4i64, late_ms).prop_map(|(records, producer, late_ms)| BatchPlan {
        records,
        producer,
        late_ms,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let batches = prop::collection::vec(batch_plan(), 1..12);
    prop_oneof![
        8 => (batches, prop_oneof![9 => Just(0), 1 => 1..50i64], prop::bool::weighted(0.2))
            .prop_map(|(batches, gap, new_epoch)| Step::Append { batches, gap, new_epoch }),
        2 => (0..60i64).prop_map(|back| Step::Truncate { back }),
        1 => (0..100i64).prop_map(|start| Step::TruncateFully { start }),
        1 => (0..40i64).prop_map(|by| Step::AdvanceStart { by }),
        2 => Just(Step::Flush),
        1 => Just(Step::Snapshot),
        2 => Just(Step::Close),
        2 => Just(Step::Crash),
    ]
}

#[derive(Clone)]
struct Batch {
    base: i64,
    next: i64,
    epoch: i32,
    producer: i64,
    last_sequence: i32,
    /// Of the first record; the others follow by 1 ms each.
    timestamp: i64,
    bytes: Vec<u8>,
}

struct Model {
    files: Arc<OpenFiles>,
    start: i64,
    end: i64,
    epoch: i32,
    sequences: BTreeMap<i64, i32>,
    batches: Vec<Batch>,
    recovery_point: i64,
}

impl Model {
    fn new() -> Model {
        Model {
            // So few that files are closed and opened all the time.
            files: OpenFiles::new(3),
            start: 0,
            end: 0,
            epoch: 0,
            sequences: BTreeMap::new(),
            batches: Vec::new(),
            recovery_point: 0,
        }
    }

    fn apply(&mut self, mut log: Log, step: &Step, dir: &Path) -> Log {
        match step {
            Step::Append {
                batches,
                gap,
                new_epoch,
            } => self.append(&mut log, batches, *gap, *new_epoch),
            Step::Truncate { back } => {
                let to = (self.end - back).max(self.start);
                let spanning = self.batches.iter().find(|b| b.base < to && to < b.next);
                let expected = spanning.map_or(to, |batch| batch.base);
                assert_eq!(log.truncate_to(to).unwrap(), expected);
                self.batches.retain(|batch| batch.next <= expected);
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
            Step::Snapshot => log.snapshot_producers().unwrap(),
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

    fn append(&mut self, log: &mut Log, plans: &[BatchPlan], gap: i64, new_epoch: bool) {
        self.epoch += i32::from(new_epoch);
        self.end += gap;
        let mut bytes = Vec::new();
        for plan in plans {
            let batch = self.build(plan);
            bytes.extend_from_slice(&batch.bytes);
            self.end = batch.next;
            self.batches.push(batch);
        }
        assert_eq!(log.append(&bytes).unwrap().log_end_offset, self.end);
    }

    fn build(&mut self, plan: &BatchPlan) -> Batch {
        let base = self.end;
        let timestamp = 10_000 + 10 * base - plan.late_ms;
        let mut builder = BatchBuilder::new(base).leader_epoch(LeaderEpoch(self.epoch));
        let sequence = self.sequences.entry(plan.producer).or_default();
        if plan.producer > 0 {
            builder = builder.producer(ProducerId(plan.producer), ProducerEpoch(0), *sequence);
            *sequence += plan.records;
        }
        for i in 0..i64::from(plan.records) {
            let value = format!("value of record {:012}", base + i);
            builder.append(timestamp + i, Some(b"key"), Some(value.as_bytes()), &[]);
        }
        Batch {
            base,
            next: base + i64::from(plan.records),
            epoch: self.epoch,
            producer: plan.producer,
            last_sequence: *sequence - 1,
            timestamp,
            bytes: builder.build().unwrap().to_vec(),
        }
    }

    fn reopen(&mut self, dir: &Path, clean_shutdown: bool) -> Log {
        let options = OpenOptions {
            clean_shutdown,
            recovery_point: self.recovery_point,
            log_start_offset: self.start,
        };
        let (log, report) = Log::open_sharing(dir, SMALL, options, &self.files).unwrap();
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
        let visible = self.batches.iter().filter(|batch| batch.next > self.start);
        let expected: Vec<u8> = visible
            .clone()
            .flat_map(|batch| batch.bytes.clone())
            .collect();
        assert_eq!(read_all(&reader), expected);
        for offset in (self.start..self.end).step_by(7) {
            let read = reader.read(offset, 300, self.end, true).unwrap();
            let found = self.batches.iter().find(|batch| batch.next > offset);
            assert_eq!(read.base_offset, found.map_or(offset, |batch| batch.base));
        }
        let mut last_sequences = BTreeMap::new();
        for batch in visible {
            let epoch = log.epochs().epoch_at(batch.base.max(self.start));
            assert_eq!(epoch, Some(LeaderEpoch(batch.epoch)));
            last_sequences.insert(batch.producer, batch.last_sequence);
            self.check_time(log, batch.timestamp);
        }
        last_sequences.remove(&0);
        for (producer, last_sequence) in last_sequences {
            let state = log.producers().get(ProducerId(producer)).unwrap();
            let known = state.batches.back().unwrap().last_sequence;
            assert_eq!(known, last_sequence, "{producer}");
        }
        for (producer, state) in log.producers().iter() {
            let last_offset = state.batches.back().map(|batch| batch.last_offset);
            assert!(last_offset < Some(self.end), "{producer}: {state:?}");
        }
        assert!(log.flusher().flushed_offset() <= self.end);
    }
}

impl Model {
    fn check_time(&self, log: &Log, timestamp: i64) {
        let records = self.batches.iter().flat_map(|batch| {
            (batch.base..batch.next).map(|offset| (offset, batch.timestamp + offset - batch.base))
        });
        let expected = records
            .filter(|&(offset, _)| offset >= self.start)
            .find(|&(_, found)| found >= timestamp);
        let found = log.reader().offset_for_timestamp(timestamp).unwrap();
        let found = found.map(|found| (found.offset, found.timestamp));
        assert_eq!(found, expected, "{timestamp}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_history_reads_back(steps in prop::collection::vec(step(), 1..25)) {
        let dir = temp_dir();
        let mut model = Model::new();
        let opened = Log::open_sharing(dir.path(), SMALL, CLEAN, &model.files);
        let mut log = opened.unwrap().0;
        for step in &steps {
            log = model.apply(log, step, dir.path());
            model.check(&log);
        }
    }
}
