//! What is known of a segment's bytes: which are good, and which are damaged.

use crate::checked_bytes::CheckedBytes;
use crate::segment::lock;
use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Offsets of a log that cannot be read, since the bytes on disk are not what was written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedRange {
    /// The first offset that is lost.
    pub first_offset: i64,
    /// The first offset behind it that can be read again, or the end of the segment's offsets.
    pub next_offset: i64,
    /// Base offset of the segment.
    pub segment: i64,
    /// The file.
    pub path: PathBuf,
    /// Where in the file the damage begins, in bytes.
    pub position: u64,
    /// Where the next good batch starts, in bytes.
    pub end_position: u64,
    /// What is wrong.
    pub reason: String,
}

impl DamagedRange {
    /// Whether the range has this offset.
    pub fn contains(&self, offset: i64) -> bool {
        (self.first_offset..self.next_offset).contains(&offset)
    }
}

/// The good and the bad bytes of a segment.
#[derive(Debug)]
pub(crate) struct SegmentChecks {
    bytes: CheckedBytes,
    is_damaged: AtomicBool,
    /// Ascending, apart from each other.
    damage: Mutex<Vec<DamagedRange>>,
    /// Whether an index knew of batches behind the end of the file when it was opened.
    is_short: AtomicBool,
    /// Counts truncations: what was found before one says nothing after it.
    cuts: AtomicU64,
}

impl SegmentChecks {
    /// Of a segment of which nothing before `tail` has been checked.
    pub(crate) fn new(tail: u64) -> SegmentChecks {
        SegmentChecks {
            bytes: CheckedBytes::new(tail),
            is_damaged: AtomicBool::new(false),
            damage: Mutex::default(),
            is_short: AtomicBool::new(false),
            cuts: AtomicU64::new(0),
        }
    }

    /// The bytes that are known to be good.
    pub(crate) fn bytes(&self) -> &CheckedBytes {
        &self.bytes
    }

    /// Notes that the file has lost its end.
    pub(crate) fn set_short(&self) {
        self.is_short.store(true, Ordering::Release);
    }

    /// Whether the file has lost its end.
    pub(crate) fn is_short(&self) -> bool {
        self.is_short.load(Ordering::Acquire)
    }

    /// How often the segment was cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Acquire)
    }

    /// The damage that is known, ascending.
    pub(crate) fn damage(&self) -> Vec<DamagedRange> {
        if self.is_damaged.load(Ordering::Acquire) {
            lock(&self.damage).clone()
        } else {
            Vec::new()
        }
    }

    /// The damage that an offset lies in.
    pub(crate) fn damage_at(&self, offset: i64) -> Option<DamagedRange> {
        let all = self.damage();
        all.into_iter().find(|range| range.contains(offset))
    }

    /// Where the next damage behind a position begins, `end` if there is none before it.
    pub(crate) fn good_until(&self, position: u64, end: u64) -> u64 {
        if !self.is_damaged.load(Ordering::Acquire) {
            return end;
        }
        let damage = lock(&self.damage);
        let next = damage.iter().map(|range| range.position);
        next.filter(|&at| at >= position)
            .min()
            .unwrap_or(end)
            .min(end)
    }

    /// Adds damage, unless it is known.
    pub(crate) fn add_damage(&self, range: DamagedRange) {
        let mut damage = lock(&self.damage);
        let at = damage.partition_point(|known| known.position < range.position);
        if damage
            .get(at)
            .is_none_or(|known| known.position != range.position)
        {
            damage.insert(at, range);
        }
        self.is_damaged.store(true, Ordering::Release);
    }

    /// Everything was checked, and this is the damage there is. Says nothing of a segment that was
    /// cut since `cuts` were counted.
    pub(crate) fn set_damage(&self, found: Vec<DamagedRange>, end: u64, cuts: u64) {
        let mut damage = lock(&self.damage);
        if self.cuts() == cuts {
            let mut good_from = 0;
            for range in &found {
                self.bytes.add(good_from, range.position);
                good_from = range.end_position;
            }
            self.bytes.add(good_from, end.max(good_from));
            self.is_damaged.store(!found.is_empty(), Ordering::Release);
            *damage = found;
        }
    }

    /// The segment was cut.
    pub(crate) fn cut(&self, position: u64) {
        let mut damage = lock(&self.damage);
        self.cuts.fetch_add(1, Ordering::AcqRel);
        self.bytes.cut(position);
        damage.retain(|range| range.position < position);
        for range in damage.iter_mut() {
            range.end_position = range.end_position.min(position);
        }
        self.is_damaged.store(!damage.is_empty(), Ordering::Release);
    }
}

/// Damage of a segment, by what a walk over it has met.
pub(crate) fn range(
    path: &Path,
    segment: i64,
    offsets: (i64, i64),
    positions: (u64, u64),
    reason: String,
) -> DamagedRange {
    DamagedRange {
        first_offset: offsets.0,
        next_offset: offsets.1,
        segment,
        path: path.to_path_buf(),
        position: positions.0,
        end_position: positions.1,
        reason,
    }
}
