//! Finds damaged batches in a segment.
//!
//! A batch is good if its checksum fits and if its place does: its offsets continue those before
//! it, and its leader epoch is the one that the log knows for them. The checksum covers neither
//! base offset nor leader epoch.
//!
//! Behind damage the next good batch is looked for: at first where the damaged batch says that it
//! ends, then at every byte.

use crate::batch_scan::{BatchAt, BatchScan, ScanError};
use crate::damage::{self, DamagedRange};
use crate::error::ReadError;
use crate::leader_epochs::LeaderEpochs;
use crate::log_reader::LogReader;
use crate::segment::Segment;
use klamm_records::BatchHeader;
use std::{io, sync::Arc};

/// What the batches of a segment must be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    /// All offsets of the segment are below.
    pub(crate) end_offset: i64,
    /// The leader epochs of the log, where they are known.
    pub(crate) epochs: Option<&'a LeaderEpochs>,
}

impl Expected<'_> {
    /// Why a batch cannot stand where `next_offset` is due.
    pub(crate) fn objection(&self, header: &BatchHeader, next_offset: i64) -> Option<String> {
        let (base_offset, epoch) = (header.base_offset, header.partition_leader_epoch);
        if base_offset < next_offset {
            return Some(format!(
                "base offset {base_offset} where {next_offset} is due"
            ));
        }
        if header.last_offset() >= self.end_offset {
            let end_offset = self.end_offset;
            return Some(format!(
                "base offset {base_offset}, but offsets end at {end_offset}"
            ));
        }
        let known = self.epochs?.epoch_at(base_offset)?;
        (known != epoch).then(|| format!("leader epoch {epoch} where it was {known}"))
    }

    fn fits(&self, header: &BatchHeader, next_offset: i64) -> bool {
        self.objection(header, next_offset).is_none()
    }
}

/// How far a segment goes that others may append to, and the epochs of what it has.
struct Extent {
    /// All its offsets are below, if it is sealed.
    end_offset: i64,
    /// In bytes.
    size: u64,
    epochs: LeaderEpochs,
}

impl Extent {
    fn expected(&self) -> Expected<'_> {
        Expected {
            end_offset: self.end_offset,
            epochs: Some(&self.epochs),
        }
    }
}

/// A good batch, as long as the next one does not tell otherwise.
struct Accepted {
    batch: BatchAt,
    /// The offset that was due.
    due: i64,
}

/// Checks every batch of a segment before `end`, reading all of it. What is appended meanwhile may
/// be of an epoch that is not expected yet.
pub(crate) fn find_damage(
    segment: &Segment,
    end: u64,
    expected: &Expected,
) -> io::Result<Vec<DamagedRange>> {
    let mut scan = segment.scan_all()?.until(end);
    let mut found = Vec::new();
    let mut last: Option<Accepted> = None;
    let (mut due, mut position) = (segment.base_offset(), 0);
    loop {
        let (batch, reason) = match scan.next() {
            Ok(None) => break,
            Ok(Some(batch)) => {
                let reason = if scan.is_good(&batch)? {
                    expected.objection(&batch.header, due)
                } else {
                    Some("checksum does not match".to_owned())
                };
                let Some(reason) = reason else {
                    (due, position) = accept(&mut last, batch, due);
                    continue;
                };
                if let Some(wrong) = last
                    .take()
                    .filter(|last| is_contradicted(last, &batch, expected))
                {
                    // It had a gap before it, and begins where this one is: its offsets are wrong.
                    let from = wrong.batch.position;
                    let offsets = (wrong.due, batch.header.base_offset);
                    let reason = "base offset is followed by a lower one".to_owned();
                    found.push(damaged(segment, offsets, (from, batch.position), reason));
                    (due, position) = accept(&mut last, batch, wrong.due);
                    continue;
                }
                (Some(batch), reason)
            }
            Err(ScanError::Batch { error, .. }) => (None, error.to_string()),
            Err(ScanError::Io(error)) => return Err(error),
        };
        last = None;
        let next = next_good(&mut scan, position, batch, due, expected)?;
        let end_offset = next.map_or(expected.end_offset, |next| next.header.base_offset);
        let behind = next.map_or(end.max(position), |next| next.position);
        let positions = (position, behind);
        found.push(damaged(segment, (due, end_offset), positions, reason));
        match next {
            Some(next) => (due, position) = (next.header.next_offset(), next.end()),
            None => return Ok(found),
        }
    }
    found.extend(lost_end(segment, due, position, expected)?);
    Ok(found)
}

fn accept(last: &mut Option<Accepted>, batch: BatchAt, due: i64) -> (i64, u64) {
    *last = Some(Accepted { batch, due });
    (batch.header.next_offset(), batch.end())
}

/// Whether a batch shows that the one before it claims offsets that are not its own.
fn is_contradicted(last: &Accepted, batch: &BatchAt, expected: &Expected) -> bool {
    let header = &last.batch.header;
    header.base_offset > last.due
        && batch.header.base_offset < header.next_offset()
        && expected.fits(&batch.header, last.due)
}

/// The next good batch behind damage at `position`. `claimed` is what stands there, if its header
/// can be read.
pub(crate) fn next_good(
    scan: &mut BatchScan,
    position: u64,
    claimed: Option<BatchAt>,
    due: i64,
    expected: &Expected,
) -> io::Result<Option<BatchAt>> {
    let fits = |header: &BatchHeader| expected.fits(header, due);
    if let Some(claimed) = claimed {
        scan.seek(claimed.end());
        if let Ok(Some(next)) = scan.next()
            && fits(&next.header)
            && scan.is_good(&next)?
        {
            return Ok(Some(next));
        }
    }
    scan.find_good(position + 1, &fits)
}

/// Offsets that the indexes know, but no batch has any more.
fn lost_end(
    segment: &Segment,
    due: i64,
    position: u64,
    expected: &Expected,
) -> io::Result<Option<DamagedRange>> {
    let known = segment.indexed_end_offset()?.min(expected.end_offset);
    Ok((due < known && expected.end_offset != i64::MAX).then(|| {
        let reason = format!("the file ends at offset {due}, but its indexes know more");
        damaged(
            segment,
            (due, expected.end_offset),
            (position, position),
            reason,
        )
    }))
}

fn damaged(
    segment: &Segment,
    offsets: (i64, i64),
    positions: (u64, u64),
    reason: String,
) -> DamagedRange {
    damage::range(
        segment.path(),
        segment.base_offset(),
        offsets,
        positions,
        reason,
    )
}

/// How far a check of a segment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrubbed {
    /// Where to go on, `None` at the end of the segment.
    pub next_position: Option<u64>,
    /// Bytes that were read.
    pub bytes: u64,
}

impl LogReader {
    /// The damage that is known of the log, by ascending offsets.
    pub fn damage(&self) -> Vec<DamagedRange> {
        let segments = self.state.segments();
        segments
            .iter()
            .flat_map(|segment| segment.checks().damage())
            .collect()
    }

    /// The base offsets of the segments, ascending, without the last one while it is empty.
    pub fn segment_offsets(&self) -> Vec<i64> {
        let segments = self.state.segments();
        let is_empty = segments.last().is_some_and(|last| last.size() == 0);
        let count = segments.len() - usize::from(is_empty);
        let offsets = segments[..count].iter().map(|s| s.base_offset());
        offsets.collect()
    }

    /// Checks the batches of a segment from `position` on, where one must start, until about
    /// `bytes_max` bytes were read. What is damaged is known to [`LogReader::damage`] afterwards,
    /// and to every reader. What is read does not stay in the page cache for it.
    ///
    /// # Errors
    /// The disk failed.
    pub fn scrub(
        &self,
        segment: i64,
        position: u64,
        bytes_max: u64,
    ) -> Result<Scrubbed, ReadError> {
        let segments = self.state.segments();
        let done = |bytes| Scrubbed {
            next_position: None,
            bytes,
        };
        let Ok(index) = segments.binary_search_by_key(&segment, |known| known.base_offset()) else {
            return Ok(done(0));
        };
        let segment = &segments[index];
        let scrubbed = self.scrub_part(segment, position, bytes_max);
        let scrubbed = scrubbed.map_err(ReadError::io(segment.path()))?;
        match scrubbed {
            Some(end) => {
                if index + 1 < segments.len() {
                    let file = segment.file().map_err(ReadError::io(segment.path()))?;
                    let forgotten = file.forget(position, end.saturating_sub(position));
                    forgotten.map_err(ReadError::io(segment.path()))?;
                }
                let next_position = (end < segment.size()).then_some(end);
                Ok(Scrubbed {
                    next_position,
                    bytes: end.saturating_sub(position),
                })
            }
            None => {
                self.locate_damage(segment)?;
                Ok(done(segment.size()))
            }
        }
    }

    /// Where the check ended; `None` if something is wrong.
    fn scrub_part(
        &self,
        segment: &Segment,
        position: u64,
        bytes_max: u64,
    ) -> io::Result<Option<u64>> {
        let extent = self.extent(segment);
        let (size, expected) = (extent.size, extent.expected());
        let mut scan = segment.scan(position)?.until(size);
        let (mut due, mut end) = (segment.base_offset(), position);
        while end < position.saturating_add(bytes_max) {
            match scan.next() {
                Ok(None) => {
                    let is_short = size <= end
                        && segment.checks().damage().is_empty()
                        && lost_end(segment, due, end, &expected)?.is_some();
                    return Ok((!is_short).then_some(size));
                }
                Ok(Some(batch)) => {
                    if expected.objection(&batch.header, due).is_some() || !scan.is_good(&batch)? {
                        return Ok(None);
                    }
                    (due, end) = (batch.header.next_offset(), batch.end());
                }
                Err(ScanError::Batch { .. }) => return Ok(None),
                Err(ScanError::Io(error)) => return Err(error),
            }
        }
        // What follows tells whether the last one's offsets are its own.
        let is_overlapped = matches!(scan.next(), Ok(Some(next)) if next.header.base_offset < due);
        Ok((!is_overlapped).then_some(end))
    }

    /// Checks a whole segment, and remembers the damage. Whether there is any.
    pub(crate) fn locate_damage(&self, segment: &Arc<Segment>) -> Result<bool, ReadError> {
        let checks = segment.checks();
        let cuts = checks.cuts();
        let extent = self.extent(segment);
        let found = find_damage(segment, extent.size, &extent.expected());
        let mut found = found.map_err(ReadError::io(segment.path()))?;
        for range in &mut found {
            range.next_offset = range.next_offset.min(self.log_end_offset());
        }
        checks.set_damage(found, extent.size, cuts);
        Ok(!checks.damage().is_empty())
    }

    /// In this order: a segment that is sealed does not grow, and what lies below the size is of an
    /// epoch that is known.
    fn extent(&self, segment: &Segment) -> Extent {
        let end_offset = self.end_of(segment).unwrap_or(i64::MAX);
        let size = segment.size();
        Extent {
            end_offset,
            size,
            epochs: self.epochs(),
        }
    }

    /// Where the offsets of a sealed segment end; `None` for the active one.
    pub(crate) fn end_of(&self, segment: &Segment) -> Option<i64> {
        let segments = self.state.segments();
        let index = segments.partition_point(|other| other.base_offset() <= segment.base_offset());
        segments.get(index).map(|next| next.base_offset())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Log, LogConfig, OpenOptions};
    use klamm_records::BatchBuilder;
    use klamm_types::LeaderEpoch;

    fn append(log: &mut Log, epoch: i32) {
        let mut builder = BatchBuilder::new(log.log_end_offset()).leader_epoch(LeaderEpoch(epoch));
        builder.append(1_000, None, Some(b"value"), &[]);
        log.append(&builder.build().unwrap()).unwrap();
    }

    #[test]
    fn what_is_appended_during_a_check_is_no_damage() {
        let dir = tempfile::tempdir().unwrap();
        let options = OpenOptions {
            clean_shutdown: true,
            recovery_point: 0,
            log_start_offset: 0,
        };
        let (mut log, _) = Log::open(dir.path(), LogConfig::DEFAULT, options).unwrap();
        append(&mut log, 0);
        let segment = log.state.segments()[0].clone();
        let extent = log.reader().extent(&segment);
        append(&mut log, 1);
        let found = |end| find_damage(&segment, end, &extent.expected()).unwrap();
        assert_eq!(found(extent.size), vec![]);
        assert_eq!(found(segment.size()).len(), 1, "the epochs are stale");
        assert!(!log.reader().locate_damage(&segment).unwrap());
    }
}
