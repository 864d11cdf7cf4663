//! Compaction, with anything happening while it works.

use super::content::{Batch, Record, latest, on_disk, records};
use super::{Model, Step};
use klamm_storage::{Cleanable, CompactionLimits, Log, Replacement, Rewriting};
use std::{collections::BTreeMap, path::Path};

/// Bytes of memory for a key.
const SLOT_SIZE: u64 = 24;

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) later_ms: i64,
    pub(super) hw_back: i64,
    pub(super) keys_max: u64,
    /// The replacement before whose installation something happens, and what.
    pub(super) pause_at: usize,
    pub(super) meanwhile: Vec<Step>,
}

impl Model {
    pub(super) fn compact(&mut self, mut log: Log, plan: &Plan, dir: &Path) -> Log {
        self.now_ms += plan.later_ms;
        let high_watermark = (self.end - plan.hw_back).max(self.start);
        let config = *log.config();
        let reader = log.reader();
        let cleanable = reader.cleanable(&config, self.cleaned, high_watermark, self.now_ms);
        let Some(cleanable) = cleanable.unwrap() else {
            return log;
        };
        assert!(cleanable.end_offset <= high_watermark);
        if self.recovery_point < cleanable.end_offset {
            self.recovery_point = log.flusher().flush().unwrap();
        }
        let limits = CompactionLimits {
            map_bytes: plan.keys_max.saturating_mul(SLOT_SIZE).min(1 << 16),
            map_load_factor: 0.9,
            io_bytes: 700,
        };
        let compaction = log.compaction(&cleanable, limits, self.now_ms);
        let mut rewriting = compaction.map_keys(&mut |_| true).unwrap();
        let mut is_undisturbed = true;
        for i in 0.. {
            let replacement = match rewriting.next_replacement(&mut |_| true) {
                Ok(Some(replacement)) => replacement,
                Ok(None) => break,
                Err(error) => {
                    assert!(!is_undisturbed, "{error}");
                    return log;
                }
            };
            if i == plan.pause_at && !plan.meanwhile.is_empty() {
                is_undisturbed = false;
                if plan
                    .meanwhile
                    .iter()
                    .any(|step| matches!(step, Step::Crash))
                {
                    // Whose files stay.
                    std::mem::forget(replacement);
                    return self.happen(log, &plan.meanwhile, dir);
                }
                log = self.happen(log, &plan.meanwhile, dir);
            }
            let is_installed = self.install(&mut log, replacement, &rewriting, dir);
            if !is_installed {
                assert!(!is_undisturbed, "replacement {i} is dropped");
                return log;
            }
        }
        if is_undisturbed {
            self.check_superseded(&cleanable, rewriting.end_offset());
        }
        self.cleaned = Some(rewriting.end_offset());
        log
    }

    fn happen(&mut self, mut log: Log, steps: &[Step], dir: &Path) -> Log {
        for step in steps {
            log = self.apply(log, step, dir);
            self.check(&log);
        }
        log
    }

    /// Installs a replacement; what it left is in the model then.
    fn install(
        &mut self,
        log: &mut Log,
        replacement: Replacement,
        rewriting: &Rewriting,
        dir: &Path,
    ) -> bool {
        if !log.install(replacement).unwrap() {
            return false;
        }
        let after = on_disk(dir);
        self.check_installed(&after, rewriting.end_offset());
        for (producer, state) in log.producers().iter() {
            let last_offset = state.batches.back().map(|batch| batch.last_offset);
            let is_last = |batch: &&Batch| Some(batch.next - 1) == last_offset;
            let mut visible = self.batches.iter().filter(|batch| batch.next > self.start);
            let known = visible.find(is_last);
            let is_known = known.is_some_and(|batch| batch.producer == producer.0);
            assert!(
                !is_known || after.iter().any(|batch| is_last(&batch)),
                "{producer}: nothing tells of {last_offset:?}"
            );
        }
        self.batches = after;
        true
    }

    /// Nothing is there that was not there before; no key stands for something else.
    fn check_installed(&self, after: &[Batch], end_offset: i64) {
        for new in after.iter().filter(|batch| batch.next > self.start) {
            let old = self.batches.iter().find(|old| old.base == new.base);
            let old = old.unwrap_or_else(|| panic!("{new:?} was never written"));
            self.check_rewritten(old, new);
        }
        let (from, end) = (self.start, end_offset.max(self.start));
        let behind = |batches| records(batches, end).cloned().collect::<Vec<Record>>();
        assert_eq!(behind(after), behind(&self.batches));
        assert_eq!(
            latest(after, from, end),
            latest(&self.batches, from, end),
            "{end}"
        );
        let left: Vec<_> = records(after, from).collect();
        for record in records(&self.batches, from).filter(|r| !left.contains(r)) {
            let newer = left
                .iter()
                .any(|other| other.key == record.key && other.offset > record.offset);
            assert!(newer || self.may_be_gone(record), "{record:?} is gone");
        }
    }

    /// Whether a record that nothing supersedes may go: by a tombstone whose time has come.
    fn may_be_gone(&self, record: &Record) -> bool {
        self.batches
            .iter()
            .filter(|batch| batch.horizon.is_some_and(|horizon| horizon <= self.now_ms))
            .flat_map(|batch| &batch.records)
            .any(|r| r.key == record.key && r.offset >= record.offset && r.value.is_none())
    }

    fn check_rewritten(&self, old: &Batch, new: &Batch) {
        let same = Batch {
            horizon: new.horizon,
            max_timestamp: new.max_timestamp,
            records: new.records.clone(),
            bytes: new.bytes.clone(),
            ..old.clone()
        };
        assert_eq!(*new, same);
        assert!(
            new.records
                .iter()
                .all(|record| old.records.contains(record))
        );
        assert!(new.records.is_sorted_by_key(|record| record.offset));
        // A batch without records has no use for one.
        if new.horizon != old.horizon && !new.records.is_empty() {
            let set_now = self.now_ms + super::RETENTION_MS;
            assert_eq!((old.horizon, new.horizon), (None, Some(set_now)));
        }
    }

    /// What was mapped has nothing before it that it supersedes.
    fn check_superseded(&self, cleanable: &Cleanable, end_offset: i64) {
        let mut last = BTreeMap::new();
        let compacted = || records(&self.batches, self.start).filter(|r| r.offset < end_offset);
        for record in compacted().filter(|r| r.offset >= cleanable.first_dirty_offset) {
            last.insert(&record.key, record.offset);
        }
        for record in compacted() {
            let superseded = last.get(&record.key).is_some_and(|at| *at > record.offset);
            assert!(!superseded, "{record:?} says nothing any more");
        }
    }
}
