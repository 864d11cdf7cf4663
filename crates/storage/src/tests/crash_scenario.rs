//! A story of one log whose changes on disk are recorded; then the log is opened from what a
//! crash at each moment of it may have left.
//!
//! A step is anything that is done with a [`Log`]. What is true afterwards is the step's
//! [`Mark`]; a crash during a step may leave the log as before it or as after it.

use super::crash_checks::{
    Appended, check_epochs, check_producers, check_times, check_transactions, split,
};
use super::disk_image::{DiskImage, Survival, restore};
use super::fixture::*;
use crate::disk_trace::{self, Change};
use crate::{CompactionLimits, FileSystem, Log, LogConfig, OpenFiles, OpenOptions, flush_together};
use std::{collections::BTreeMap, path::Path};
use tempfile::TempDir;

/// Seeds tried for each moment, beside "nothing" and "everything".
const SEEDS: u64 = 3;

/// What is true of the log once a step has returned.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    name: &'static str,
    /// Changes on disk before this.
    changes: usize,
    /// Every batch that was appended and not truncated, those before the log start too.
    pub(super) batches: Vec<Appended>,
    start: i64,
    end: i64,
    flushed: i64,
    /// Recovery points and log starts that the checkpoints may hold.
    recovery_points: Vec<i64>,
    starts: Vec<i64>,
    /// The offset up to which the step keeps what there was.
    keeps_before: i64,
    is_closed: bool,
}

pub(super) struct Scenario {
    dir: TempDir,
    config: LogConfig,
    log: Option<Log>,
    marks: Vec<Mark>,
}

impl Scenario {
    pub(super) fn new(config: LogConfig) -> Scenario {
        let dir = temp_dir();
        disk_trace::start();
        let (log, _) = Log::open_sharing(dir.path(), config, CRASHED, &OpenFiles::new(1)).unwrap();
        let (recovery_points, starts) = (vec![0], vec![0]);
        let mark = Mark {
            name: "open",
            recovery_points,
            starts,
            keeps_before: i64::MAX,
            ..Mark::default()
        };
        let mut scenario = Scenario {
            dir,
            config,
            log: Some(log),
            marks: vec![mark.clone(), mark],
        };
        scenario.last_mark().changes = disk_trace::count();
        scenario
    }

    fn last_mark(&mut self) -> &mut Mark {
        self.marks.last_mut().unwrap()
    }

    /// Does something with the log; `model` does the same with what is expected.
    pub(super) fn step(
        &mut self,
        name: &'static str,
        act: impl FnOnce(&mut Log),
        model: impl FnOnce(&mut Mark),
    ) {
        let log = self.log.as_mut().unwrap();
        act(log);
        let mut mark = self.marks.last().unwrap().clone();
        mark.name = name;
        mark.changes = disk_trace::count();
        mark.is_closed = false;
        mark.keeps_before = i64::MAX;
        model(&mut mark);
        let log = self.log.as_ref().unwrap();
        mark.start = log.log_start_offset();
        mark.end = log.log_end_offset();
        mark.flushed = log.flusher().flushed_offset();
        mark.recovery_points.push(mark.flushed);
        mark.starts.push(mark.start);
        self.marks.push(mark);
    }

    /// Appends batches in one append.
    pub(super) fn append(&mut self, batches: &[Vec<u8>]) {
        let bytes = batches.concat();
        let appended = split(&bytes);
        self.step(
            "append",
            |log| {
                log.append(&bytes).unwrap();
            },
            |mark| mark.batches.extend(appended),
        );
    }

    /// Appends batches of two records each, one append per batch.
    pub(super) fn fill(&mut self, epoch: i32, count: usize) {
        for _ in 0..count {
            self.append(&[batch(self.end(), epoch, 2)]);
        }
    }

    pub(super) fn end(&self) -> i64 {
        self.marks.last().unwrap().end
    }

    pub(super) fn flush(&mut self) {
        self.step(
            "flush",
            |log| {
                // One way and the other, by turns.
                let flusher = log.flusher();
                let flushed = match log.log_end_offset() / 2 % 2 {
                    0 => flusher.flush(),
                    _ => flush_together(&[flusher], &FileSystem::any(log.dir())).remove(0),
                };
                flushed.unwrap();
            },
            |_| {},
        );
    }

    pub(super) fn truncate_to(&mut self, offset: i64) {
        let mut end = 0;
        self.step(
            "truncate",
            |log| end = log.truncate_to(offset).unwrap(),
            |mark| {
                mark.batches.retain(|batch| batch.next_offset <= offset);
                mark.keeps_before = offset;
            },
        );
        assert_eq!(end, self.end());
        // As a broker does before the next append.
        self.checkpoint();
    }

    pub(super) fn truncate_fully_and_start_at(&mut self, offset: i64) {
        self.step(
            "truncate fully",
            |log| log.truncate_fully_and_start_at(offset).unwrap(),
            |mark| {
                mark.batches.clear();
                mark.keeps_before = i64::MIN;
            },
        );
        self.checkpoint();
    }

    pub(super) fn advance_start_offset(&mut self, offset: i64) {
        self.step(
            "advance the start",
            |log| log.advance_start_offset(offset).unwrap(),
            |_| {},
        );
    }

    /// Moves the log start past what is beyond a number of bytes or an age at the log end.
    pub(super) fn retain(&mut self, retention_bytes: i64, retention_ms: i64) {
        let (config, end) = (self.config, self.end());
        let mut limited = config;
        (limited.retention_bytes, limited.retention_ms) = (retention_bytes, retention_ms);
        let act = |log: &mut Log| {
            log.set_config(limited);
            let retained = log.retain(1_000 + 10 * end, end).unwrap();
            assert!(retained.segments > 0);
            log.set_config(config);
        };
        self.step("retain", act, |_| {});
    }

    pub(super) fn remove_old_segments(&mut self) {
        let remove = |log: &mut Log| assert!(log.remove_old_segments().unwrap() > 0);
        self.step("remove old", remove, |_| {});
    }

    pub(super) fn snapshot_producers(&mut self) {
        self.step("snapshot", |log| log.snapshot_producers().unwrap(), |_| {});
    }

    /// Writes the broker's checkpoints: those before are gone.
    pub(super) fn checkpoint(&mut self) {
        let mark = self.marks.last().unwrap();
        let (flushed, start) = (mark.flushed, mark.start);
        self.step(
            "checkpoint",
            |_| {},
            |mark| {
                mark.recovery_points = vec![flushed];
                mark.starts = vec![start];
            },
        );
    }

    /// Stops and starts in order.
    pub(super) fn close_and_reopen(&mut self) {
        self.step("close", |log| log.close().unwrap(), |_| {});
        self.checkpoint();
        self.last_mark().is_closed = true;
        self.reopen(true);
    }

    /// Compacts what can be compacted; each replacement of segments is a step.
    pub(super) fn compact(&mut self) {
        let log = self.log.as_mut().unwrap();
        let end = log.log_end_offset();
        let cleanable = log.reader().cleanable(&self.config, None, end, 0);
        let cleanable = cleanable.unwrap().unwrap();
        let limits = CompactionLimits {
            map_bytes: 1 << 20,
            map_load_factor: 0.9,
            io_bytes: 1 << 10,
        };
        let compaction = log.compaction(&cleanable, limits, 0);
        let mut rewriting = compaction.map_keys(&mut |_| true).unwrap();
        let mut is_done = false;
        while !is_done {
            let install = |log: &mut Log| match rewriting.next_replacement(&mut |_| true).unwrap() {
                Some(replacement) => assert!(log.install(replacement).unwrap()),
                None => is_done = true,
            };
            self.step("compact", install, |_| {});
            let log = self.log.as_ref().unwrap();
            let left = split(&read_all(&log.reader()));
            self.last_mark().batches = left;
        }
    }

    /// Cuts the log's file number `index`, as a disk does that lost its end.
    pub(super) fn tear(&mut self, index: usize, size: u64, end: i64) {
        let name = &files(self.dir.path(), ".log")[index];
        let file = crate::disk::open(&self.dir.path().join(name)).unwrap();
        self.step(
            "tear",
            |_| {
                file.set_len(size).unwrap();
                file.sync_data().unwrap();
            },
            |mark| mark.keeps_before = end,
        );
        let mark = self.last_mark();
        mark.batches.retain(|batch| batch.next_offset <= end);
    }

    /// Starts again after kill -9: the disk has everything.
    pub(super) fn reopen_after_kill(&mut self) {
        self.reopen(false);
    }

    fn reopen(&mut self, clean_shutdown: bool) {
        let mark = self.marks.last().unwrap();
        let options = OpenOptions {
            clean_shutdown,
            recovery_point: mark.recovery_points[0],
            log_start_offset: mark.starts[0],
        };
        let (dir, config) = (self.dir.path().to_path_buf(), self.config);
        self.step(
            "reopen",
            |log| *log = Log::open(&dir, config, options).unwrap().0,
            |mark| mark.starts = vec![options.log_start_offset],
        );
        // As a broker does where the log ends before its recovery point.
        let mark = self.last_mark();
        let flushed = mark.flushed;
        mark.recovery_points.retain(|&point| point <= flushed);
    }

    /// Crashes at each moment of the story, in several ways each.
    pub(super) fn check_crashes(self) {
        self.check_crashes_with(SEEDS);
    }

    /// The same with more or fewer seeds for each moment.
    pub(super) fn check_crashes_with(self, seed_count: u64) {
        let changes = disk_trace::stop();
        drop(self.log);
        let mut image = DiskImage::default();
        let mut step = 0;
        for count in 0..=changes.len() {
            if let Some(change) = count.checked_sub(1).map(|last| &changes[last]) {
                image.apply(change);
            }
            while step + 2 < self.marks.len() && self.marks[step + 1].changes < count {
                step += 1;
            }
            let seeds =
                (0..seed_count).map(|seed| Survival::Seed(seed + seed_count * count as u64));
            for survival in [Survival::Nothing, Survival::Everything]
                .into_iter()
                .chain(seeds)
            {
                let moment = Moment {
                    config: self.config,
                    change: count.checked_sub(1).map(|last| &changes[last]),
                    count,
                    survival,
                    before: &self.marks[step],
                    after: &self.marks[step + 1..]
                        .iter()
                        .take_while(|mark| mark.changes <= count.max(self.marks[step + 1].changes))
                        .collect::<Vec<_>>(),
                };
                moment.check(&image);
            }
        }
    }
}

/// A crash during a step, or at its end.
struct Moment<'a> {
    config: LogConfig,
    change: Option<&'a Change>,
    count: usize,
    survival: Survival,
    before: &'a Mark,
    /// The step that was cut short or had just returned, and further ones that changed nothing
    /// on disk.
    after: &'a [&'a Mark],
}

impl Moment<'_> {
    fn check(&self, image: &DiskImage) {
        let left = image.crash(self.survival);
        let mut tried = Vec::new();
        for mark in std::iter::once(self.before).chain(self.returned()) {
            // A stop was in order only if nothing came after it.
            let is_clean = mark.is_closed && mark.changes == self.count;
            for options in self.options(mark, is_clean) {
                if !tried.contains(&options) {
                    self.reopen(&left, options, is_clean.then_some(mark));
                    tried.push(options);
                }
            }
        }
    }

    /// The steps that had returned when it crashed.
    fn returned(&self) -> impl Iterator<Item = &Mark> {
        let returned = |mark: &&&Mark| mark.changes <= self.count;
        self.after.iter().take_while(returned).copied()
    }

    /// The states that the log may be found in, or a beginning of.
    fn targets(&self) -> Vec<&Mark> {
        let mut targets: Vec<_> = self.returned().collect();
        if targets.is_empty() {
            targets.push(self.before);
            targets.extend(self.after.first());
        }
        targets
    }

    /// What the broker's checkpoints may say.
    fn options(&self, mark: &Mark, is_clean: bool) -> Vec<OpenOptions> {
        let extremes = |offsets: &[i64]| {
            let (low, high) = (offsets.iter().min(), offsets.iter().max());
            let mut both = vec![*low.unwrap(), *high.unwrap()];
            both.dedup();
            both
        };
        let mut all = Vec::new();
        for recovery_point in extremes(&mark.recovery_points) {
            for log_start_offset in extremes(&mark.starts) {
                all.push(OpenOptions {
                    clean_shutdown: is_clean,
                    recovery_point,
                    log_start_offset,
                });
            }
        }
        all
    }

    fn reopen(&self, left: &BTreeMap<String, Vec<u8>>, options: OpenOptions, clean: Option<&Mark>) {
        let dir = temp_dir();
        restore(left, dir.path());
        let opened = Log::open(dir.path(), self.config, options);
        let what = || {
            let names: Vec<_> = left
                .iter()
                .map(|(n, b)| format!("{n} ({})", b.len()))
                .collect();
            let steps: Vec<_> = self.after.iter().map(|mark| mark.name).collect();
            format!(
                "change {} {:?} during {steps:?} after {}, {:?}, {options:?}, left {names:?}",
                self.count,
                self.change.map(short),
                self.before.name,
                self.survival
            )
        };
        let (mut log, report) = opened.unwrap_or_else(|error| panic!("{}: {error}", what()));
        if let Err(reason) = self.judge(&log, clean) {
            panic!("{reason}; {}, {report:?}", what());
        }
        self.go_on(&mut log, dir.path())
            .unwrap_or_else(|reason| panic!("{reason}; {}, {report:?}", what()));
    }

    fn judge(&self, log: &Log, clean: Option<&Mark>) -> Result<(), String> {
        let (start, end) = (log.log_start_offset(), log.log_end_offset());
        let found = split(&read_all(&log.reader()));
        let is_whole = |mark: &Mark| found == visible(mark, start);
        if let Some(mark) = clean {
            if !is_whole(mark) || end != mark.end {
                return Err(format!("after a clean stop {start} to {end}"));
            }
        } else {
            let reasons: Vec<_> = self
                .targets()
                .into_iter()
                .map_while(|mark| self.is_prefix(mark, start, end, &found).err())
                .collect();
            if reasons.len() == self.targets().len() {
                return Err(reasons.join(" and "));
            }
        }
        check_epochs(log, &found)?;
        check_producers(log, &found)?;
        check_transactions(log, &found)?;
        check_times(log, &found)
    }

    /// Whether what was found is the beginning of what there is at a mark, with all of it that
    /// was flushed before the crash.
    fn is_prefix(
        &self,
        mark: &Mark,
        start: i64,
        end: i64,
        found: &[Appended],
    ) -> Result<(), String> {
        let expected = visible(mark, start);
        if !expected.starts_with(found) {
            return Err(format!("{start} to {end} is no prefix of {}", mark.name));
        }
        let flushed = self
            .returned()
            .fold(self.before.flushed, |_, mark| mark.flushed);
        let must_have = self
            .after
            .iter()
            .fold(flushed, |must_have, mark| must_have.min(mark.keeps_before));
        let lost = expected[found.len()..]
            .iter()
            .find(|b| b.next_offset <= must_have);
        if let Some(lost) = lost {
            return Err(format!("{} is lost, flushed {must_have}", lost.base_offset));
        }
        if start > mark.start.max(self.before.start) {
            return Err(format!("starts at {start}"));
        }
        Ok(())
    }

    /// What was recovered can be appended to, and is all there after the next start.
    fn go_on(&self, log: &mut Log, dir: &Path) -> Result<(), String> {
        if !self.count.is_multiple_of(3) {
            return Ok(());
        }
        let before = read_all(&log.reader());
        let next = batch(log.log_end_offset(), 99, 2);
        log.append(&next).map_err(|error| error.to_string())?;
        log.close().map_err(|error| error.to_string())?;
        let options = OpenOptions {
            log_start_offset: log.log_start_offset(),
            ..CLEAN
        };
        let (log, report) = Log::open(dir, self.config, options).map_err(|e| e.to_string())?;
        if read_all(&log.reader()) != [before, next].concat() || report != Default::default() {
            return Err(format!("went on otherwise: {report:?}"));
        }
        Ok(())
    }
}

fn short(change: &Change) -> String {
    let mut text = format!("{change:?}");
    text.truncate(120);
    text
}

fn visible(mark: &Mark, start: i64) -> Vec<Appended> {
    let batches = mark.batches.iter();
    batches
        .filter(|batch| batch.next_offset > start)
        .cloned()
        .collect()
}
