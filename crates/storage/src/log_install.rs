//! Puts segments in the place of others.

use crate::disk;
use crate::error::StorageError;
use crate::log::Log;
use crate::log_files::LogFile;
use crate::log_state::Segments;
use crate::replacement::Replacement;
use crate::segment::Segment;
use std::{ops::Range, sync::Arc};

impl Log {
    /// Puts a segment in the place of its sources, durably, if they are still the log's and
    /// sealed, the log was not truncated meanwhile, and the disk has room for the names; else the
    /// work is dropped. Whether it is in place. Readers go on meanwhile, those that have to open a
    /// file wait.
    ///
    /// # Errors
    /// The disk failed, now or before.
    pub fn install(&mut self, replacement: Replacement) -> Result<bool, StorageError> {
        self.install_stepwise(replacement, &mut || ())
    }

    /// As [`Log::install`]; `step` hears of each operation on the folder.
    pub(crate) fn install_stepwise(
        &mut self,
        replacement: Replacement,
        step: &mut dyn FnMut(),
    ) -> Result<bool, StorageError> {
        self.state.check()?;
        if replacement.truncations != self.state.truncations() {
            return Ok(false);
        }
        let segments = self.state.segments();
        let Some(range) = place_of(&replacement.sources, &segments) else {
            return Ok(false);
        };
        let result = self.swap(replacement, &segments, range, step);
        self.state.poison_on_error(result)
    }

    fn swap(
        &self,
        mut replacement: Replacement,
        segments: &Segments,
        range: Range<usize>,
        step: &mut dyn FnMut(),
    ) -> Result<bool, StorageError> {
        let dir = self.state.dir();
        let error = || StorageError::io("replace segments in", dir);
        let delay_ms = self.config.file_delete_delay_ms;
        // A flush must not look for files that are gone.
        let _flushing = self.state.pause_flushing();
        let _replacing = self.state.pause_opening();
        match replacement.files.publish(step) {
            // The old segments stay, and nothing else has changed.
            Err(full) if disk::is_full(&full) && !replacement.files.is_published() => {
                return Ok(false);
            }
            published => published.map_err(error())?,
        }
        for source in &replacement.sources {
            self.state.remove_segment(source, delay_ms)?;
            step();
        }
        disk::sync_dir(dir).map_err(error())?;
        replacement.files.complete(step).map_err(error())?;
        let opened = Segment::open(dir, replacement.files.base_offset(), self.state.files());
        let (segment, _) = opened.map_err(error())?;
        let mut changed = segments[..range.start].to_vec();
        changed.push(Arc::new(segment));
        changed.extend_from_slice(&segments[range.end..]);
        self.state.set_segments(changed);
        // The states at the start of segments that are gone.
        for source in &replacement.sources[1..] {
            let snapshot = LogFile::ProducerSnapshot.path(dir, source.base_offset());
            self.state.remove_file(&snapshot, delay_ms)?;
        }
        Ok(true)
    }
}

/// Where sources stand in a log, all of them one behind another and sealed.
fn place_of(sources: &[Arc<Segment>], segments: &Segments) -> Option<Range<usize>> {
    let first = sources.first()?;
    let start = segments.iter().position(|s| Arc::ptr_eq(s, first))?;
    let range = start..start + sources.len();
    let is_sealed = range.end < segments.len();
    let there = segments.get(range.clone())?;
    let same = there.iter().zip(sources).all(|(a, b)| Arc::ptr_eq(a, b));
    (is_sealed && same).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compaction::CompactionLimits;
    use crate::config::LogConfig;
    use crate::open_files::OpenFiles;
    use crate::recovery::OpenOptions;
    use bytes::Bytes;
    use klamm_records::BatchBuilder;
    use std::{fs, io, path::Path};

    const CONFIG: LogConfig = LogConfig {
        segment_bytes: 600,
        index_interval_bytes: 100,
        compact: true,
        ..LogConfig::DEFAULT
    };

    fn open(dir: &Path, recovery_point: i64) -> Log {
        let options = OpenOptions {
            clean_shutdown: false,
            recovery_point,
            log_start_offset: 0,
        };
        let (log, report) = Log::open(dir, CONFIG, options).unwrap();
        assert_eq!((report.bytes_truncated, report.segments_removed), (0, 0));
        log
    }

    fn filled(dir: &Path) -> Log {
        let mut log = open(dir, 0);
        for i in 0..60u64 {
            let mut builder = BatchBuilder::new(log.log_end_offset());
            let key = (i % 5).to_be_bytes();
            builder.append(1_000, Some(&key), Some(b"value"), &[]);
            log.append(&builder.build().unwrap()).unwrap();
        }
        log.flusher().flush().unwrap();
        log
    }

    fn contents(log: &Log) -> Bytes {
        let mut all = Vec::new();
        let (reader, mut offset) = (log.reader(), 0);
        loop {
            let read = reader.read(offset, 1_000, i64::MAX, true).unwrap();
            if read.records.is_empty() {
                return all.into();
            }
            all.extend_from_slice(&read.records);
            offset = read.next_offset;
        }
    }

    fn replacements(log: &Log) -> Vec<Replacement> {
        let reader = log.reader();
        let found = reader.cleanable(&CONFIG, None, i64::MAX, 2_000);
        let limits = CompactionLimits {
            map_bytes: 10_000,
            map_load_factor: 0.9,
            io_bytes: 500,
        };
        let compaction = log.compaction(&found.unwrap().unwrap(), limits, 2_000);
        let mut rewriting = compaction.map_keys(&mut |_| true).unwrap();
        std::iter::from_fn(|| rewriting.next_replacement(&mut |_| true).unwrap()).collect()
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        disk::file_names(dir).unwrap()
    }

    /// Segments of several sources each, so that something must go.
    const ROOMY: LogConfig = LogConfig {
        segment_bytes: 5_000,
        ..CONFIG
    };

    #[test]
    fn a_crash_at_any_step_leaves_the_old_or_the_new() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("log");
        let mut log = filled(&dir);
        log.set_config(ROOMY);
        let before = contents(&log);
        let replacement = replacements(&log).remove(0);
        assert!(replacement.sources.len() > 1);
        let mut copies = Vec::new();
        let mut step = || {
            let to = root.path().join(copies.len().to_string());
            copy(&dir, &to);
            copies.push(to);
        };
        step();
        assert!(log.install_stepwise(replacement, &mut step).unwrap());
        let after = contents(&log);
        assert!(after.len() < before.len());
        let mut became_new = 0;
        for crashed in &copies {
            let left = names(crashed);
            let log = open(crashed, 20);
            let found = contents(&log);
            assert!(found == before || found == after, "{left:?}");
            became_new += usize::from(found == after);
            assert_eq!(log.log_end_offset(), 60);
            let strays = names(crashed)
                .into_iter()
                .filter(|name| crate::log_files::is_leftover(name));
            assert_eq!(strays.count(), 0, "{left:?}");
            drop(log);
            assert_eq!(
                contents(&open(crashed, 20)),
                found,
                "opened twice, {left:?}"
            );
        }
        assert!(became_new > 3 && copies.len() - became_new > 3);
    }

    #[test]
    fn a_log_that_was_let_go_refuses_whatever_writes_and_is_not_broken() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("log");
        let mut log = filled(&dir);
        let replacement = replacements(&log).remove(0);
        log.abandon();
        fs::rename(&dir, root.path().join("away")).unwrap();
        let done = [
            log.install(replacement).map(drop),
            log.repair(0).map(drop),
            log.retain(i64::MAX, i64::MAX).map(drop),
            log.remove_old_segments().map(drop),
            log.snapshot_producers(),
            log.truncate_to(1).map(drop),
            log.flusher().purge_removed(0, true).map(drop),
            log.close(),
        ];
        for (i, done) in done.iter().enumerate() {
            assert!(
                matches!(done, Err(StorageError::Abandoned)),
                "{i}: {done:?}"
            );
        }
        assert_eq!(log.flusher().flush().unwrap(), 60);
        assert!(!dir.exists());
    }

    #[test]
    fn old_segments_never_open_the_files_of_new_ones() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("log");
        drop(filled(&dir));
        let options = OpenOptions {
            clean_shutdown: false,
            recovery_point: 60,
            log_start_offset: 0,
        };
        let files = OpenFiles::new(1);
        let (mut log, _) = Log::open_sharing(&dir, CONFIG, options, &files).unwrap();
        let stale = log.state.segments();
        for replacement in replacements(&log) {
            log.install(replacement).unwrap();
        }
        let sealed = &stale[..stale.len() - 1];
        let count = |open: fn(&Segment) -> io::Result<()>| {
            let results = sealed.iter().map(|segment| open(segment));
            let errors = results.filter_map(Result::err);
            errors
                .filter(|e| e.kind() == io::ErrorKind::NotFound)
                .count()
        };
        // One that is still open is the old one.
        assert!(count(|segment| segment.file().map(|_| ())) >= sealed.len() - 1);
        assert!(count(|segment| segment.offset_index().last().map(|_| ())) >= sealed.len() - 1);
        let (reader, mut offset) = (log.reader(), 0);
        while offset < 60 {
            let read = reader.read(offset, 1, i64::MAX, true).unwrap();
            assert!(read.next_offset > offset);
            offset = read.next_offset;
        }
    }

    /// Cuts the first segment, and lets it be sealed again by other batches.
    fn write_anew(log: &mut Log) -> Bytes {
        let sealed = log.state.segments()[0].clone();
        let end = log.truncate_to(3).unwrap();
        for offset in end..end + 30 {
            let mut builder = BatchBuilder::new(offset);
            builder.append(2_000, Some(b"other"), Some(b"value behind"), &[]);
            log.append(&builder.build().unwrap()).unwrap();
        }
        let segments = log.state.segments();
        assert!(Arc::ptr_eq(&segments[0], &sealed) && segments.len() > 2);
        contents(log)
    }

    #[test]
    fn a_compaction_does_not_undo_a_truncation() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("log");
        let mut log = filled(&dir);
        let replacement = replacements(&log).remove(0);
        let after = write_anew(&mut log);
        assert!(!log.install(replacement).unwrap());
        assert_eq!(contents(&log), after);
        drop(log);
        assert_eq!(contents(&open(&dir, 0)), after);
    }

    #[test]
    fn a_repair_does_not_undo_a_truncation() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("log");
        drop(filled(&dir));
        let path = LogFile::Log.path(&dir, 0);
        let sound = fs::read(&path).unwrap();
        let mut bytes = sound.clone();
        let size = sound.len() / 7;
        bytes[6 * size - 1] ^= 1;
        fs::write(&path, bytes).unwrap();
        let mut log = open(&dir, 60);
        log.reader().scrub(0, 0, u64::MAX).unwrap();
        let mut repair = log.repair(0).unwrap().unwrap();
        assert_eq!(repair.next_missing().unwrap(), Some(5..6));
        repair.supply(&sound[5 * size..6 * size]).unwrap();
        assert_eq!(repair.next_missing().unwrap(), None);
        let after = write_anew(&mut log);
        let replacement = repair.finish().unwrap();
        assert!(!log.install(replacement).unwrap());
        assert_eq!(contents(&log), after);
    }

    #[test]
    fn a_part_of_a_split_that_kafka_began_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("log");
        let log = filled(&dir);
        let before = contents(&log);
        drop(log);
        let segment = fs::read(LogFile::Log.path(&dir, 0)).unwrap();
        // The second half of the first segment, as if it were to become a segment of its own.
        let half = segment.len() / 2 / 74 * 74;
        fs::write(LogFile::Log.swap_path(&dir, 3), &segment[half..]).unwrap();
        fs::write(LogFile::Log.cleaned_path(&dir, 0), &segment[..half]).unwrap();
        assert_eq!(contents(&open(&dir, 60)), before);
    }
}
