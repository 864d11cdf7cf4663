//! What recovery does with one segment: walks its batches, completes its indexes, notes its
//! damage, or takes it up again as it was left.

use crate::active_segment::ActiveSegment;
use crate::batch_scan::{BatchAt, ScanError};
use crate::batch_walk::{BatchWalk, Step};
use crate::config::LogConfig;
use crate::damage;
use crate::segment::Segment;
use klamm_types::LeaderEpoch;
use std::{io, sync::Arc};

/// How far the walk over a segment came.
pub(crate) struct Walked {
    pub(crate) active: ActiveSegment,
    /// The offset after the last batch; the segment's base offset if it has none.
    pub(crate) next_offset: i64,
    /// Whether there are bytes behind the last good batch.
    pub(crate) is_torn: bool,
    /// Whether the indexes knew of more than there is.
    pub(crate) is_short: bool,
}

impl Walked {
    /// Notes what is missing before `base_offset`, where the next segment begins, if it is known
    /// that something was there.
    pub(crate) fn note_lost_end(&self, base_offset: i64) {
        if (self.is_torn || self.is_short) && self.next_offset < base_offset {
            let segment = self.active.segment();
            note_lost_end(segment, (self.next_offset, base_offset), segment.size());
        }
    }
}

/// Notes that a segment has lost its end, from a position on.
pub(crate) fn note_lost_end(segment: &Segment, offsets: (i64, i64), position: u64) {
    let positions = (position, segment.size());
    let reason = "the end of the file is missing".to_owned();
    let (path, base_offset) = (segment.path(), segment.base_offset());
    let range = damage::range(path, base_offset, offsets, positions, reason);
    segment.checks().add_damage(range);
}

/// What a walk keeps of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// What comes before the first damage: the rest may never have been written.
    Prefix,
    /// The good batches of what was flushed, up to this offset; behind it a prefix.
    Flushed { to: i64 },
    /// All batches that are good, of a segment whose offsets are below this one, and whose leader
    /// epochs are this one at most.
    AllBelow(i64, LeaderEpoch),
    /// All batches that are good, of the segment that the log ends with.
    AllOfLast { dense_from: i64 },
}

/// What a walk over batches found.
pub(crate) struct Walk {
    pub(crate) active: ActiveSegment,
    pub(crate) next_offset: i64,
    /// Where the last good batch ends.
    pub(crate) end: u64,
}

/// Walks a segment from where a batch starts, completing its indexes from there on. Damage with
/// good batches behind it ends the walk, or is noted and passed over.
pub(crate) fn walk(
    segment: &Arc<Segment>,
    config: &LogConfig,
    (start, due): (u64, i64),
    verify: bool,
    kept: Kept,
    visit: &mut dyn FnMut(&BatchAt),
) -> io::Result<Walk> {
    // A batch that was indexed before is to be indexed again.
    let bytes_since_index = if start > 0 {
        config.index_interval_bytes + 1
    } else {
        0
    };
    let mut active = ActiveSegment::new(segment.clone(), bytes_since_index)?;
    let mut walk = BatchWalk::new(segment, start, due, verify)?;
    match kept {
        Kept::Prefix => {}
        Kept::Flushed { to } => walk = walk.passing_below(to).may_be_torn(),
        Kept::AllBelow(end_offset, epoch_max) => walk = walk.below(end_offset, epoch_max),
        Kept::AllOfLast { dense_from } => walk = walk.dense_from(dense_from).may_be_torn(),
    }
    loop {
        let batch = match walk.next()? {
            Step::Batch(batch) => Some(batch),
            Step::Broken(reason) if kept != Kept::Prefix => walk.pass(reason)?,
            Step::Broken(_) | Step::End => None,
        };
        let Some(batch) = batch else {
            break;
        };
        active.note(&batch, config);
        visit(&batch);
    }
    let (next_offset, end) = (walk.next_offset(), walk.end());
    if verify {
        let mut good_from = start;
        for range in segment.checks().damage() {
            segment.checks().bytes().add(good_from, range.position);
            good_from = range.end_position;
        }
        segment.checks().bytes().add(good_from, end.max(good_from));
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
    Ok(resume(segment, config, i64::MAX)?.map(|walked| walked.active))
}

/// The same, unless a gap from `dense_from` on shows that batches are missing.
pub(crate) fn resume(
    segment: &Arc<Segment>,
    config: &LogConfig,
    dense_from: i64,
) -> io::Result<Option<Walked>> {
    let is_indexed =
        segment.offset_index().last()?.is_some() || segment.time_index().last()?.is_some();
    if segment.size() == 0 && !is_indexed {
        // Not even opened: nodes have many of them.
        return Ok(Some(Walked {
            active: ActiveSegment::new(segment.clone(), 0)?,
            next_offset: segment.base_offset(),
            is_torn: false,
            is_short: false,
        }));
    }
    if let Some(newest) = segment.time_index().last()?
        && segment.batch_of(newest)?.is_none()
    {
        return Ok(None);
    }
    let (mut start, mut due) = (0, segment.base_offset());
    if let Some(entry) = segment.offset_index().last()? {
        match segment.scan(entry.position)?.next() {
            Ok(Some(batch)) if batch.header.last_offset() == entry.last_offset => {
                (start, due) = (entry.position, batch.header.base_offset);
            }
            Ok(_) | Err(ScanError::Batch { .. }) => return Ok(None),
            Err(ScanError::Io(error)) => return Err(error),
        }
    }
    let mut active = ActiveSegment::new(segment.clone(), 0)?;
    let mut walk = BatchWalk::new(segment, start, due, false)?.dense_from(dense_from);
    loop {
        match walk.next()? {
            Step::Batch(batch) => active.note(&batch, config),
            Step::End => break,
            Step::Broken(_) => return Ok(None),
        }
    }
    let next_offset = walk.next_offset();
    active.write_index()?;
    active.set_first_timestamp(first_timestamp(segment)?);
    active.publish_max_timestamp();
    Ok(Some(Walked {
        active,
        next_offset,
        is_torn: false,
        is_short: false,
    }))
}

/// The last indexed batch before the recovery point, if both indexes hold together up to it.
pub(crate) fn trusted_batch(segment: &Segment, recovery_point: i64) -> io::Result<Option<BatchAt>> {
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
