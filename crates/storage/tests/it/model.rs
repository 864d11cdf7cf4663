//! Random histories against a list of batches.
//!
//! What a log has after a step is what the list has after the same. Compaction may leave more or
//! less of it: what it left is judged by the list, and then taken over.
//!
//! To add something that a log can do: a [`Step`], what it does to log and model in
//! [`Model::apply`], and, if readers can tell, a line in [`Model::check`].

mod compaction;
mod content;
mod retention;

use crate::fixture::*;
use content::{Batch, records, segment_starts, split};
use klamm_records::BatchBuilder;
use klamm_storage::{Log, LogConfig, OpenFiles, OpenOptions};
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};
use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestError, TestRunner},
};
use retention::Limit;
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Offsets and times that are looked up after each step.
const SAMPLES: usize = 16;

/// How long compaction keeps a tombstone.
const RETENTION_MS: i64 = 1_000;

const DELETED: LogConfig = LogConfig {
    delete: true,
    file_delete_delay_ms: 500,
    delete_retention_ms: RETENTION_MS,
    ..SMALL
};

const COMPACTED: LogConfig = LogConfig {
    compact: true,
    ..DELETED
};

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
    /// Moves the log start; nothing is removed yet.
    Retain {
        limit: Limit,
        hw_back: i64,
    },
    /// Makes the log start known for good.
    RecordStart,
    RemoveOld,
    Purge {
        at_once: bool,
    },
    Compact(compaction::Plan),
    Close,
    Crash,
}

#[derive(Clone, Debug)]
struct BatchPlan {
    /// Keys, with values or without.
    records: Vec<(u8, bool)>,
    /// Idempotent from 1 on.
    producer: i64,
    /// How much older the batch is than its place would have it.
    late_ms: i64,
}

fn batch_plan() -> impl Strategy<Value = BatchPlan> {
    // Some keys are written all the time, others hardly twice.
    let key = prop_oneof![2 => 0..4u8, 1 => 4..50u8];
    let records = prop::collection::vec((key, prop::bool::weighted(0.8)), 1..6);
    let late_ms = prop_oneof![3 => Just(0), 1 => 0..2_000i64];
    (records, 0..4i64, late_ms).prop_map(|(records, producer, late_ms)| BatchPlan {
        records,
        producer,
        late_ms,
    })
}

fn append() -> impl Strategy<Value = Step> {
    let batches = prop::collection::vec(batch_plan(), 1..12);
    let gap = prop_oneof![9 => Just(0), 1 => 1..50i64];
    (batches, gap, prop::bool::weighted(0.2)).prop_map(|(batches, gap, new_epoch)| Step::Append {
        batches,
        gap,
        new_epoch,
    })
}

/// What keeps most of a log.
fn mild_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => append(),
        1 => (0..20i64).prop_map(|back| Step::Truncate { back }),
        1 => (0..10i64).prop_map(|by| Step::AdvanceStart { by }),
        1 => Just(Step::Flush),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Close),
        1 => Just(Step::Crash),
    ]
}

/// Anything but a compaction.
fn simple_step() -> impl Strategy<Value = Step> {
    let limit = prop_oneof![
        (0..8_000u64).prop_map(Limit::Bytes),
        (0..2_000i64).prop_map(Limit::Ms)
    ];
    prop_oneof![
        8 => append(),
        2 => (0..60i64).prop_map(|back| Step::Truncate { back }),
        1 => (0..100i64).prop_map(|start| Step::TruncateFully { start }),
        1 => (0..40i64).prop_map(|by| Step::AdvanceStart { by }),
        2 => Just(Step::Flush),
        1 => Just(Step::Snapshot),
        2 => (limit, high_watermark()).prop_map(|(limit, hw_back)| Step::Retain { limit, hw_back }),
        1 => Just(Step::RecordStart),
        2 => Just(Step::RemoveOld),
        1 => any::<bool>().prop_map(|at_once| Step::Purge { at_once }),
        2 => Just(Step::Close),
        2 => Just(Step::Crash),
    ]
}

/// How far behind the log end it is.
fn high_watermark() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0..60i64]
}

fn compaction() -> impl Strategy<Value = Step> {
    let meanwhile = prop_oneof![
        3 => Just(Vec::new()),
        2 => prop::collection::vec(simple_step(), 1..4),
    ];
    let keys_max = prop_oneof![3 => Just(u64::MAX), 1 => 1..8u64];
    (
        prop_oneof![0..300i64, 0..2_500i64],
        high_watermark(),
        keys_max,
        0..3usize,
        meanwhile,
    )
        .prop_map(|(later_ms, hw_back, keys_max, pause_at, meanwhile)| {
            Step::Compact(compaction::Plan {
                later_ms,
                hw_back,
                keys_max,
                pause_at,
                meanwhile,
            })
        })
}

fn compacted_step() -> impl Strategy<Value = Step> {
    prop_oneof![6 => mild_step(), 1 => simple_step(), 3 => compaction()]
}

struct Model {
    config: LogConfig,
    files: Arc<OpenFiles>,
    now_ms: i64,
    start: i64,
    /// The log start that the next one who opens the log knows.
    recorded_start: i64,
    end: i64,
    epoch: i32,
    sequences: BTreeMap<i64, i32>,
    /// (base offset, producer, last sequence) of the batches of producers, also of those that
    /// compaction removed: their producers may be known by them.
    written: Vec<(i64, i64, i32)>,
    /// Those below the start too, as long as they may come back.
    batches: Vec<Batch>,
    recovery_point: i64,
    /// Where the last compaction ended.
    cleaned: Option<i64>,
}

impl Model {
    fn new(config: LogConfig) -> Model {
        Model {
            config,
            // So few that files are closed and opened all the time.
            files: OpenFiles::new(3),
            now_ms: 10_000,
            start: 0,
            recorded_start: 0,
            end: 0,
            epoch: 0,
            sequences: BTreeMap::new(),
            written: Vec::new(),
            batches: Vec::new(),
            recovery_point: 0,
            cleaned: None,
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
                self.record_cut(&log);
            }
            Step::TruncateFully { start } => {
                log.truncate_fully_and_start_at(*start).unwrap();
                self.batches.clear();
                (self.start, self.end) = (*start, *start);
                self.record_cut(&log);
            }
            Step::AdvanceStart { by } => {
                self.start = (self.start + by).min(self.end);
                log.advance_start_offset(self.start).unwrap();
                self.recorded_start = self.start;
            }
            Step::Flush => {
                self.recovery_point = log.flusher().flush().unwrap();
                assert_eq!(self.recovery_point, self.end);
            }
            Step::Snapshot => log.snapshot_producers().unwrap(),
            Step::Retain { limit, hw_back } => self.retain(&mut log, *limit, *hw_back, dir),
            Step::RecordStart => self.recorded_start = self.start,
            Step::RemoveOld => self.remove_old(&mut log, dir),
            Step::Purge { at_once } => self.purge(&log, *at_once, dir),
            Step::Compact(plan) => return self.compact(log, plan, dir),
            Step::Close => {
                log.close().unwrap();
                self.recovery_point = self.end;
                self.recorded_start = self.start;
                return self.reopen(dir, true);
            }
            Step::Crash => {
                drop(log);
                return self.reopen(dir, false);
            }
        }
        log
    }

    /// As a broker does after a truncation, before it appends again.
    fn record_cut(&mut self, log: &Log) {
        self.recovery_point = log.flusher().flushed_offset();
        self.recorded_start = self.recorded_start.min(self.start);
        self.written.retain(|(base, _, _)| *base < self.end);
        self.cleaned = self.cleaned.map(|cleaned| cleaned.min(self.end));
    }

    fn append(&mut self, log: &mut Log, plans: &[BatchPlan], gap: i64, new_epoch: bool) {
        self.epoch += i32::from(new_epoch);
        self.end += gap;
        let mut bytes = Vec::new();
        for plan in plans {
            let batch = self.build(plan);
            bytes.extend_from_slice(&batch.bytes);
            self.end = batch.next;
            let written = (batch.base, batch.producer, batch.last_sequence);
            self.written.push(written);
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
            *sequence += plan.records.len() as i32;
        }
        for (i, (key, has_value)) in (0..).zip(&plan.records) {
            let value = has_value.then(|| format!("value of record {:012}", base + i));
            let value = value.as_ref().map(String::as_bytes);
            builder.append(timestamp + i, Some(&[*key]), value, &[]);
        }
        split(builder.build().unwrap()).remove(0)
    }

    fn reopen(&mut self, dir: &Path, clean_shutdown: bool) -> Log {
        let first_offset = segment_starts(dir)[0];
        let options = OpenOptions {
            clean_shutdown,
            recovery_point: self.recovery_point,
            log_start_offset: self.recorded_start,
        };
        let (log, report) = Log::open_sharing(dir, self.config, options, &self.files).unwrap();
        assert_eq!((report.bytes_truncated, report.segments_removed), (0, 0));
        self.start = self.recorded_start.max(first_offset);
        // As a broker does: what is appended next is not vouched for.
        let flushed = log.flusher().flushed_offset();
        self.recovery_point = self.recovery_point.min(flushed);
        // An end without records before it is not on disk.
        let least = self.batches.last().map_or(self.start, |batch| batch.next);
        assert!((least.min(self.end)..=self.end).contains(&log.log_end_offset()));
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
        let step = (self.end - self.start) as usize / SAMPLES + 1;
        for offset in (self.start..self.end).step_by(step) {
            let read = reader.read(offset, 300, self.end, true).unwrap();
            let found = self.batches.iter().find(|batch| batch.next > offset);
            assert_eq!(read.base_offset, found.map_or(offset, |batch| batch.base));
        }
        let mut last_sequences = BTreeMap::new();
        let step = visible.clone().count() / SAMPLES + 1;
        for (i, batch) in visible.enumerate() {
            let epoch = log.epochs().epoch_at(batch.base.max(self.start));
            assert_eq!(epoch, Some(LeaderEpoch(batch.epoch)));
            last_sequences.insert(batch.producer, batch.last_sequence);
            if let Some(record) = batch.records.first().filter(|_| i % step == 0) {
                self.check_time(log, record.timestamp);
            }
        }
        last_sequences.remove(&0);
        for (producer, last_sequence) in last_sequences {
            let state = log.producers().get(ProducerId(producer)).unwrap();
            let known = state.batches.back().unwrap().last_sequence;
            let written = self.written.iter().rfind(|batch| batch.1 == producer);
            let last_written = written.unwrap().2;
            assert!(
                (last_sequence..=last_written).contains(&known),
                "{producer}: {known}, not {last_sequence} to {last_written}"
            );
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
        let expected = records(&self.batches, self.start)
            .find(|record| record.timestamp >= timestamp)
            .map(|record| (record.offset, record.timestamp));
        let found = log.reader().offset_for_timestamp(timestamp).unwrap();
        let found = found.map(|found| (found.offset, found.timestamp));
        assert_eq!(found, expected, "{timestamp}");
    }
}

/// Runs histories by a seed, which `PROPTEST_RNG_SEED` changes and a failure tells.
fn check_histories(config: LogConfig, cases: u32, steps: impl Strategy<Value = Vec<Step>>) {
    let defaults = ProptestConfig::default();
    let seed = match defaults.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => 0,
    };
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..defaults
    });
    let result = runner.run(&steps, |steps| {
        let dir = temp_dir();
        let mut model = Model::new(config);
        let opened = Log::open_sharing(dir.path(), config, CLEAN, &model.files);
        let mut log = opened.unwrap().0;
        for step in &steps {
            log = model.apply(log, step, dir.path());
            model.check(&log);
        }
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, steps)) => {
            panic!("PROPTEST_RNG_SEED={seed}: {reason}, at the end of {steps:?}")
        }
        Err(error) => panic!("PROPTEST_RNG_SEED={seed}: {error}"),
    }
}

#[test]
fn any_history_reads_back() {
    check_histories(DELETED, 80, prop::collection::vec(simple_step(), 1..30));
}

#[test]
fn any_history_with_compactions_reads_back() {
    check_histories(
        COMPACTED,
        100,
        prop::collection::vec(compacted_step(), 5..50),
    );
}
