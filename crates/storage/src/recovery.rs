//! Opens a log: which segments there are, how far they can be trusted, what must be made anew.
//!
//! After a clean stop only the end of the last segment is looked at. Otherwise the log is
//! trusted up to its recovery point; from there on every batch is checked, and the log is cut
//! before the first one that is not whole (rule 120).

use crate::active_segment::ActiveSegment;
use crate::batch_scan::{BatchAt, ScanError};
use crate::config::LogConfig;
use crate::disk;
use crate::epochs_check;
use crate::error::StorageError;
use crate::leader_epochs::LeaderEpochs;
use crate::log_files::LogFile;
use crate::log_state::Segments;
use crate::open_files::OpenFiles;
use crate::producer_recovery::{Trust, visit_batches};
use crate::segment::Segment;
use crate::swap_recovery::finish_replacements;
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
        trust,
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
        epochs = epochs_of_batches(&segments).map_err(StorageError::io("read", dir))?;
        report.leader_epochs_rebuilt = true;
    }
    epochs.truncate_from_start(log_start_offset);
    epochs.truncate_from_end(log_end_offset);
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
    files: &'a Arc<OpenFiles>,
    epochs: LeaderEpochs,
    stored_epochs: Option<&'a LeaderEpochs>,
    /// The offset after the last segment that was checked.
    checked_to: Option<i64>,
    trust: Trust,
    report: RecoveryReport,
}

/// How far the walk over a segment came.
struct Walked {
    active: ActiveSegment,
    /// The offset after the last batch; the segment's base offset if it has none.
    next_offset: i64,
    /// Whether there are bytes behind the last good batch.
    is_torn: bool,
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
        let mut last = None;
        for (i, &base_offset) in base_offsets.iter().enumerate() {
            let segment = self.open_segment(base_offset)?;
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
                self.seal(previous)?;
            }
            let walked = self.recover(&segment)?;
            segments.push(segment);
            let is_torn = walked.is_torn;
            last = Some(walked);
            if is_torn {
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

    /// Whether a segment may follow one that was checked. Within what was flushed, compaction
    /// leaves gaps; behind that, a gap means that the disk kept the later segment only. How far a
    /// log was flushed is not known where no recovery point was recorded, or it was lost: then a
    /// compacted log is not given up for gaps that are most likely its own.
    fn may_follow(&self, previous: &Walked, base_offset: i64, first_offset: i64) -> bool {
        let recovery_point = self.options.recovery_point;
        let is_flushed = previous.next_offset < recovery_point;
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
    fn open_segment(&mut self, base_offset: i64) -> Result<Arc<Segment>, StorageError> {
        let path = LogFile::Log.path(self.dir, base_offset);
        let (segment, has_indexes) = Segment::open(self.dir, base_offset, self.files)
            .map_err(StorageError::io("open", &path))?;
        let segment = Arc::new(segment);
        if !segment.has_transaction_index() {
            self.report.transaction_indexes_rebuilt += 1;
            self.trust.transactions_to = self.trust.transactions_to.min(base_offset);
        }
        if !has_indexes && segment.size() > 0 {
            self.report.indexes_rebuilt += 1;
            // The walk over a segment that is checked anyway indexes it; this is for the others,
            // and harmless for those.
            let walked = walk(&segment, self.config, 0, false, &mut |_| {});
            let mut walked = walked.map_err(StorageError::io("read", &path))?;
            walked
                .active
                .write_time_entry()
                .map_err(StorageError::io("write", &path))?;
        }
        Ok(segment)
    }

    fn recover(&mut self, segment: &Arc<Segment>) -> Result<Walked, StorageError> {
        let path = segment.path().to_path_buf();
        let walked = if self.options.clean_shutdown {
            self.resume(segment)
        } else {
            self.check(segment, true)
        };
        walked.map_err(StorageError::io("recover", &path))
    }

    /// Takes a cleanly closed segment up again.
    fn resume(&mut self, segment: &Arc<Segment>) -> io::Result<Walked> {
        match resume(segment, self.config)? {
            Some(walked) => Ok(walked),
            None => self.check(segment, false),
        }
    }

    /// Checks a segment from the recovery point on and cuts what is not whole.
    fn check(&mut self, segment: &Arc<Segment>, trust_recovery_point: bool) -> io::Result<Walked> {
        let trusted = if trust_recovery_point {
            trusted_batch(segment, self.options.recovery_point)?
        } else {
            None
        };
        let start = trusted.map_or(0, |batch| batch.position);
        let offset = trusted.map_or(segment.base_offset(), |batch| batch.header.base_offset);
        segment.truncate_indexes(start, offset)?;
        // What was noted of these offsets may be of batches that a truncation removed.
        self.epochs.truncate_from_end(offset);
        let (epochs, stored) = (&mut self.epochs, self.stored_epochs);
        let mut after = self.checked_to.unwrap_or(offset);
        let walked = walk(segment, self.config, start, true, &mut |batch| {
            note_epoch(epochs, stored, after, batch);
            after = batch.header.next_offset();
        })?;
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

/// What a walk over batches found.
struct Walk {
    active: ActiveSegment,
    next_offset: i64,
    /// Where the last good batch ends.
    end: u64,
}

/// Walks a segment from where a batch starts, completing its indexes from there on.
fn walk(
    segment: &Arc<Segment>,
    config: &LogConfig,
    start: u64,
    verify: bool,
    visit: &mut dyn FnMut(&BatchAt),
) -> io::Result<Walk> {
    // A batch that was indexed before is to be indexed again.
    let bytes_since_index = if start > 0 {
        config.index_interval_bytes + 1
    } else {
        0
    };
    let mut active = ActiveSegment::new(segment.clone(), bytes_since_index)?;
    let mut next_offset = segment.base_offset();
    let mut end = start;
    let mut scan = segment.scan(start)?;
    loop {
        let batch = match scan.next() {
            Ok(Some(batch)) if batch.header.base_offset >= next_offset => batch,
            Ok(_) | Err(ScanError::Batch { .. }) => break,
            Err(ScanError::Io(error)) => return Err(error),
        };
        if verify {
            match scan.verify(&batch) {
                Ok(()) => {}
                Err(ScanError::Batch { .. }) => break,
                Err(ScanError::Io(error)) => return Err(error),
            }
        }
        active.note(&batch, config);
        visit(&batch);
        next_offset = batch.header.next_offset();
        end = batch.end();
    }
    active.write_index()?;
    if start > 0 {
        active.set_first_timestamp(first_timestamp(segment)?);
    }
    active.publish_max_timestamp();
    Ok(Walk {
        active,
        next_offset,
        end,
    })
}

/// Takes up a segment whose batches and indexes are right; `None` if they turn out not to be.
pub(crate) fn resume_active(
    segment: &Arc<Segment>,
    config: &LogConfig,
) -> io::Result<Option<ActiveSegment>> {
    Ok(resume(segment, config)?.map(|walked| walked.active))
}

fn resume(segment: &Arc<Segment>, config: &LogConfig) -> io::Result<Option<Walked>> {
    if let Some(newest) = segment.time_index().last()?
        && segment.batch_of(newest)?.is_none()
    {
        return Ok(None);
    }
    let last = segment.offset_index().last()?;
    let start = last.map_or(0, |entry| entry.position);
    let mut active = ActiveSegment::new(segment.clone(), 0)?;
    let mut next_offset = segment.base_offset();
    let mut scan = segment.scan(start)?;
    loop {
        match scan.next() {
            Ok(Some(batch)) if batch.header.base_offset >= next_offset => {
                active.note(&batch, config);
                next_offset = batch.header.next_offset();
            }
            Ok(None) => break,
            Ok(Some(_)) | Err(ScanError::Batch { .. }) => return Ok(None),
            Err(ScanError::Io(error)) => return Err(error),
        }
    }
    active.write_index()?;
    active.set_first_timestamp(first_timestamp(segment)?);
    active.publish_max_timestamp();
    Ok(Some(Walked {
        active,
        next_offset,
        is_torn: false,
    }))
}

/// The last indexed batch before the recovery point, if both indexes hold together up to it.
fn trusted_batch(segment: &Segment, recovery_point: i64) -> io::Result<Option<BatchAt>> {
    if !segment.offset_index().is_ordered()? || !segment.time_index().is_ordered()? {
        return Ok(None);
    }
    // One index may have lost more of its end than the other: behind the last entry of the time
    // index, no batch is known to be older than it says.
    let Some(newest) = segment.time_index().last()? else {
        return Ok(None);
    };
    let trusted_offset = newest.offset.min(recovery_point.saturating_sub(1));
    let Some((_, entry)) = segment.offset_index().lookup_before_cut(trusted_offset)? else {
        return Ok(None);
    };
    match segment.scan(entry.position)?.next() {
        Ok(batch) => Ok(batch.filter(|batch| batch.header.last_offset() == entry.last_offset)),
        Err(ScanError::Batch { .. }) => Ok(None),
        Err(ScanError::Io(error)) => Err(error),
    }
}

fn first_timestamp(segment: &Segment) -> io::Result<i64> {
    match segment.scan(0)?.next() {
        Ok(Some(batch)) => Ok(batch.header.max_timestamp),
        Ok(None) | Err(ScanError::Batch { .. }) => Ok(klamm_records::NO_TIMESTAMP),
        Err(ScanError::Io(error)) => Err(error),
    }
}

/// Notes the epoch of a batch that follows one which ends before `after`. If compaction removed
/// the batches in between, the file knows better where the epoch began: followers are told to
/// truncate to it.
fn note_epoch(
    epochs: &mut LeaderEpochs,
    stored: Option<&LeaderEpochs>,
    after: i64,
    batch: &BatchAt,
) {
    let (epoch, base_offset) = (
        batch.header.partition_leader_epoch,
        batch.header.base_offset,
    );
    if epochs.latest().is_some_and(|latest| latest >= epoch) {
        return;
    }
    let mut entries = stored.into_iter().flat_map(LeaderEpochs::entries);
    let start_offset = entries
        .find(|(stored_epoch, start)| {
            *stored_epoch == epoch && (after..=base_offset).contains(start)
        })
        .map_or(base_offset, |(_, start)| *start);
    epochs.assign(epoch, start_offset);
}

fn epochs_of_batches(segments: &[Arc<Segment>]) -> io::Result<LeaderEpochs> {
    let mut epochs = LeaderEpochs::default();
    visit_batches(segments, 0, &mut |_, batch| {
        let epoch = batch.header.partition_leader_epoch;
        if epochs.latest().is_none_or(|latest| latest < epoch) {
            epochs.assign(epoch, batch.header.base_offset);
        }
        Ok(())
    })?;
    Ok(epochs)
}
