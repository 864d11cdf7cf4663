//! Opens a log: which segments there are, how far they can be trusted, what must be made anew.
//!
//! After a clean stop only the end of the last segment is looked at. Otherwise the log is
//! trusted up to its recovery point; from there on every batch is checked, and the log is cut
//! before the first one that is not whole (rule 120). Damage that
//! begins below the recovery point is noted, and the good batches behind it stay.

use crate::active_segment::ActiveSegment;
use crate::config::LogConfig;
use crate::disk;
use crate::epochs_check;
use crate::epochs_recovery::{epochs_of_batches, first_epoch, note_epoch};
use crate::error::StorageError;
use crate::leader_epochs::LeaderEpochs;
use crate::log_files::LogFile;
use crate::log_state::Segments;
use crate::open_files::OpenFiles;
use crate::producer_recovery::Trust;
use crate::segment::Segment;
use crate::segment_recovery::{Kept, Walked, note_lost_end, resume, trusted_batch, walk};
use crate::swap_recovery::finish_replacements;
use crate::transactions_check;
use klamm_types::LeaderEpoch;
use std::{io, path::Path, sync::Arc};

/// What is known of a log before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// Whether the log was closed by [`crate::Log::close`] and not touched since.
    pub clean_shutdown: bool,
    /// The flushed offset as last recorded. After [`crate::Log::truncate_to`], and where the log
    /// was found to end before it, it must be recorded anew before the next append: a stale one
    /// vouches for bytes written later.
    pub recovery_point: i64,
    /// The log start offset as last recorded; an empty folder gets a log that starts here.
    pub log_start_offset: i64,
}

/// What may have cost the log writes that were under way, unless it was closed in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The machine may have lost its power: what was not synced may be there in parts.
    Machine,
    /// The process ended, the machine went on: all that was written is there, but for the end of
    /// the last write. Damage with good batches behind it is not a torn end; the log keeps both.
    Process,
}

/// What opening a log did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Segments of which batches were checked.
    pub segments_checked: usize,
    /// Bytes of batches that were checked.
    pub bytes_checked: u64,
    /// Bytes cut off, removed segments included.
    pub bytes_truncated: u64,
    /// Segments removed since they lay behind a cut.
    pub segments_removed: usize,
    /// Segments whose indexes were missing or damaged and were made anew.
    pub indexes_rebuilt: usize,
    /// Segments whose transaction index was damaged and was made anew.
    pub transaction_indexes_rebuilt: usize,
    /// Whether the leader epochs were missing or damaged and were derived from the batches.
    pub leader_epochs_rebuilt: bool,
    /// Damaged ranges that were met and kept; see [`crate::LogReader::damage`].
    pub damaged_ranges: usize,
}

/// A log as found.
pub(crate) struct Opened {
    pub(crate) segments: Segments,
    pub(crate) active: ActiveSegment,
    pub(crate) log_end_offset: i64,
    pub(crate) epochs: LeaderEpochs,
    /// Whether the epochs differ from what their file says.
    pub(crate) epochs_changed: bool,
    pub(crate) trust: Trust,
    pub(crate) report: RecoveryReport,
}

/// Opens or creates the segments of a log.
pub(crate) fn open_segments(
    dir: &Path,
    config: &LogConfig,
    options: &OpenOptions,
    interruption: Interruption,
    files: &Arc<OpenFiles>,
) -> Result<Opened, StorageError> {
    disk::create_dir(dir).map_err(StorageError::io("create", dir))?;
    let base_offsets = clear_folder(dir).map_err(StorageError::io("read", dir))?;
    // A damaged file is as good as none.
    let stored_epochs = LeaderEpochs::read(dir).ok().flatten();
    let mut recovery = Recovery {
        dir,
        config,
        options,
        keeps_damage: options.clean_shutdown || interruption == Interruption::Process,
        files,
        epochs: stored_epochs.clone().unwrap_or_default(),
        stored_epochs: stored_epochs.as_ref(),
        checked_to: None,
        trust: Trust::of(options),
        report: RecoveryReport::default(),
    };
    let (segments, active, log_end_offset) = recovery.open_all(&base_offsets)?;
    let Recovery {
        mut epochs,
        mut trust,
        mut report,
        ..
    } = recovery;
    let first_offset = segments[0].base_offset();
    let log_start_offset = options.log_start_offset.max(first_offset);
    epochs.truncate_from_end(log_end_offset);
    epochs_check::complete(&mut epochs, &segments, log_start_offset)
        .map_err(StorageError::io("read", dir))?;
    let fits = stored_epochs.is_some()
        && epochs_check::fit(&epochs, &segments, log_start_offset, log_end_offset)
            .map_err(StorageError::io("read", dir))?;
    if !fits && log_end_offset > first_offset {
        let closed_with = stored_epochs.as_ref().filter(|_| options.clean_shutdown);
        epochs =
            epochs_of_batches(&segments, closed_with).map_err(StorageError::io("read", dir))?;
        report.leader_epochs_rebuilt = true;
    }
    epochs.truncate_from_start(log_start_offset);
    epochs.truncate_from_end(log_end_offset);
    let damaged = transactions_check::drop_damaged(&segments, log_end_offset);
    if let Some((from, count)) = damaged.map_err(StorageError::io("read", dir))? {
        trust.transactions_to = trust.transactions_to.min(from);
        report.transaction_indexes_rebuilt += count;
    }
    Ok(Opened {
        segments,
        active,
        log_end_offset,
        epochs_changed: stored_epochs.unwrap_or_default() != epochs,
        epochs,
        trust,
        report,
    })
}

/// Finishes what a crash interrupted; removes leftovers and files of segments that are not there. The base offsets, ascending.
fn clear_folder(dir: &Path) -> io::Result<Vec<i64>> {
    finish_replacements(dir)?;
    let names = disk::file_names(dir)?;
    let mut base_offsets = Vec::new();
    for name in &names {
        if let Some((LogFile::Log, offset)) = LogFile::parse(name) {
            base_offsets.push(offset);
        }
    }
    for name in &names {
        let is_orphan = match LogFile::parse(name) {
            None | Some((LogFile::Log | LogFile::ProducerSnapshot, _)) => false,
            Some((_, offset)) => base_offsets.binary_search(&offset).is_err(),
        };
        if is_orphan {
            disk::remove(&dir.join(name))?;
        }
    }
    Ok(base_offsets)
}

struct Recovery<'a> {
    dir: &'a Path,
    config: &'a LogConfig,
    options: &'a OpenOptions,
    /// Nothing can be torn: a hole with good batches behind it is damage, and stays.
    keeps_damage: bool,
    files: &'a Arc<OpenFiles>,
    epochs: LeaderEpochs,
    stored_epochs: Option<&'a LeaderEpochs>,
    /// The offset after the last segment that was checked.
    checked_to: Option<i64>,
    trust: Trust,
    report: RecoveryReport,
}

impl Recovery<'_> {
    fn open_all(
        &mut self,
        base_offsets: &[i64],
    ) -> Result<(Segments, ActiveSegment, i64), StorageError> {
        let first_checked = if self.options.clean_shutdown {
            base_offsets.len().saturating_sub(1)
        } else {
            // The segment before a recovery point that lies between two was not sealed when
            // its batches were flushed, so its indexes may have been lost.
            let recovery_point = self.options.recovery_point;
            base_offsets
                .partition_point(|&base| base < recovery_point)
                .saturating_sub(1)
        };
        let mut segments = Segments::new();
        let mut last: Option<Walked> = None;
        for (i, &base_offset) in base_offsets.iter().enumerate() {
            let end_offset = base_offsets.get(i + 1).copied();
            let trusted_end = end_offset.filter(|_| i < first_checked);
            let segment = self.open_segment(base_offset, trusted_end)?;
            if i < first_checked {
                segments.push(segment);
                continue;
            }
            let fits = last
                .as_ref()
                .is_none_or(|previous| self.may_follow(previous, base_offset, base_offsets[0]));
            if !fits {
                self.remove_from(&base_offsets[i..])?;
                break;
            }
            if let Some(previous) = last.take() {
                previous.note_lost_end(base_offset);
                self.seal(previous)?;
            }
            let walked = self.recover(&segment, end_offset)?;
            segments.push(segment);
            let is_end = walked.is_torn && !self.is_whole(end_offset);
            last = Some(walked);
            if is_end {
                self.remove_from(&base_offsets[i + 1..])?;
                break;
            }
        }
        match last {
            Some(Walked {
                active,
                next_offset,
                ..
            }) => Ok((segments, active, next_offset)),
            None => self.create_first(),
        }
    }

    /// Whether a segment whose offsets end here can be damaged only, not torn.
    fn is_whole(&self, end_offset: Option<i64>) -> bool {
        let recovery_point = self.options.recovery_point;
        self.keeps_damage || end_offset.is_some_and(|end_offset| end_offset <= recovery_point)
    }

    /// Whether a segment may follow one that was checked. Within what was flushed, compaction
    /// leaves gaps; behind that, a gap means that the disk kept the later segment only. How far a
    /// log was flushed is not known where no recovery point was recorded, or it was lost: then a
    /// compacted log is not given up for gaps that are most likely its own.
    fn may_follow(&self, previous: &Walked, base_offset: i64, first_offset: i64) -> bool {
        let recovery_point = self.options.recovery_point;
        let is_flushed = self.keeps_damage || previous.next_offset < recovery_point;
        let is_compacted = self.config.compact && recovery_point <= first_offset;
        previous.next_offset == base_offset
            || (previous.next_offset < base_offset && (is_flushed || is_compacted))
    }

    fn create_first(&self) -> Result<(Segments, ActiveSegment, i64), StorageError> {
        let start = self.options.log_start_offset.max(0);
        let create = || {
            let segment = Arc::new(Segment::create(self.dir, start, self.files)?);
            Ok((
                vec![segment.clone()],
                ActiveSegment::new(segment, 0)?,
                start,
            ))
        };
        create().map_err(StorageError::io("create a segment in", self.dir))
    }

    /// Opens a segment; makes unusable indexes of a trusted one anew.
    fn open_segment(
        &mut self,
        base_offset: i64,
        trusted_end: Option<i64>,
    ) -> Result<Arc<Segment>, StorageError> {
        let path = LogFile::Log.path(self.dir, base_offset);
        let (segment, has_indexes) = Segment::open(self.dir, base_offset, self.files)
            .map_err(StorageError::io("open", &path))?;
        let segment = Arc::new(segment);
        if !segment.has_transaction_index() {
            self.report.transaction_indexes_rebuilt += 1;
            self.trust.transactions_to = self.trust.transactions_to.min(base_offset);
        }
        if (!has_indexes && segment.size() > 0) || segment.checks().is_short() {
            self.report.indexes_rebuilt += 1;
            // The walk over a segment that is checked anyway indexes it; this is for the others,
            // and harmless for those.
            let kept = trusted_end.map_or(Kept::Prefix, |end| {
                Kept::AllBelow(end, LeaderEpoch(i32::MAX))
            });
            let walked = walk(
                &segment,
                self.config,
                (0, base_offset),
                false,
                kept,
                &mut |_| {},
            );
            let mut walked = walked.map_err(StorageError::io("read", &path))?;
            walked
                .active
                .write_time_entry()
                .map_err(StorageError::io("write", &path))?;
            if trusted_end.is_some() {
                // No flush looks at it any more.
                segment
                    .settle_indexes()
                    .map_err(StorageError::io("sync", &path))?;
            }
            let is_lost = walked.end < segment.size() || segment.checks().is_short();
            if let Some(end_offset) = trusted_end.filter(|&end| is_lost && walked.next_offset < end)
            {
                note_lost_end(&segment, (walked.next_offset, end_offset), walked.end);
            }
        }
        Ok(segment)
    }

    fn recover(
        &mut self,
        segment: &Arc<Segment>,
        end_offset: Option<i64>,
    ) -> Result<Walked, StorageError> {
        let path = segment.path().to_path_buf();
        let mut recover = || {
            if self.options.clean_shutdown {
                return self.resume(segment);
            }
            match self.as_flushed(segment, end_offset)? {
                Some(walked) => Ok(walked),
                None => self.check(segment, true, end_offset),
            }
        };
        recover().map_err(StorageError::io("recover", &path))
    }

    /// Takes the last segment up again if it ends at the recovery point, and the process alone has
    /// died: then nothing was being written. Most logs of a busy node are like that.
    fn as_flushed(
        &self,
        segment: &Arc<Segment>,
        end_offset: Option<i64>,
    ) -> io::Result<Option<Walked>> {
        if !self.keeps_damage || end_offset.is_some() || segment.checks().is_short() {
            return Ok(None);
        }
        let recovery_point = self.options.recovery_point;
        let walked = resume(segment, self.config, recovery_point)?;
        Ok(walked.filter(|walked| walked.next_offset == recovery_point))
    }

    /// Takes a cleanly closed segment up again.
    fn resume(&mut self, segment: &Arc<Segment>) -> io::Result<Walked> {
        match resume(segment, self.config, self.options.recovery_point)? {
            Some(walked) => Ok(walked),
            None => self.check(segment, false, None),
        }
    }

    /// Checks a segment from the recovery point on and cuts what is not whole.
    fn check(
        &mut self,
        segment: &Arc<Segment>,
        trust_recovery_point: bool,
        end_offset: Option<i64>,
    ) -> io::Result<Walked> {
        let trusted = if trust_recovery_point {
            trusted_batch(segment, self.options.recovery_point)?
        } else {
            None
        };
        let start = trusted.map_or(0, |batch| batch.position);
        let offset = trusted.map_or(segment.base_offset(), |batch| batch.header.base_offset);
        let indexed_end = segment.indexed_end_offset()?;
        segment.truncate_indexes(start, offset)?;
        // What was noted of these offsets may be of batches that a truncation removed.
        self.epochs.truncate_from_end(offset);
        let is_whole = self.is_whole(end_offset);
        let epoch_max = match end_offset.filter(|_| is_whole) {
            Some(next) => first_epoch(&LogFile::Log.path(self.dir, next))?,
            None => LeaderEpoch(i32::MAX),
        };
        let kept = match (is_whole, end_offset) {
            (false, _) => Kept::Flushed {
                to: self.options.recovery_point,
            },
            (true, Some(end_offset)) => Kept::AllBelow(end_offset, epoch_max),
            (true, None) => Kept::AllOfLast {
                dense_from: self.options.recovery_point,
            },
        };
        let (epochs, stored) = (&mut self.epochs, self.stored_epochs);
        let mut after = self.checked_to.unwrap_or(offset);
        let walked = walk(
            segment,
            self.config,
            (start, offset),
            true,
            kept,
            &mut |batch| {
                note_epoch(epochs, stored, after, batch);
                after = batch.header.next_offset();
            },
        )?;
        self.checked_to = Some(walked.next_offset);
        self.report.segments_checked += 1;
        let end = walked.end;
        self.report.bytes_checked += end - start;
        let is_torn = end < segment.size();
        if is_torn {
            self.report.bytes_truncated += segment.size() - end;
            segment.truncate(end, walked.next_offset)?;
            walked.active.publish_max_timestamp();
        }
        segment.set_dirty();
        if self.config.preallocate {
            segment.set_preallocated();
        }
        Ok(Walked {
            active: walked.active,
            next_offset: walked.next_offset,
            is_torn,
            is_short: walked.next_offset < indexed_end || segment.checks().is_short(),
        })
    }

    /// Finishes a checked segment that is not the last.
    fn seal(&self, mut walked: Walked) -> Result<(), StorageError> {
        let path = walked.active.segment().path().to_path_buf();
        walked
            .active
            .write_time_entry()
            .map_err(StorageError::io("write", &path))?;
        walked.active.segment().seal();
        Ok(())
    }

    fn remove_from(&mut self, base_offsets: &[i64]) -> Result<(), StorageError> {
        for &base_offset in base_offsets.iter().rev() {
            let path = LogFile::Log.path(self.dir, base_offset);
            self.report.bytes_truncated +=
                disk::size(&path).map_err(StorageError::io("read", &path))?;
            self.report.segments_removed += 1;
            for file in LogFile::OF_SEGMENT {
                let path = file.path(self.dir, base_offset);
                disk::remove(&path).map_err(StorageError::io("remove", &path))?;
            }
        }
        // They must not come back behind what is appended next.
        disk::sync_dir(self.dir).map_err(StorageError::io("sync", self.dir))
    }
}
