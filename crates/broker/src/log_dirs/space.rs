//! Free space of a log directory, and whether records may be written there.
//!
//! Below a reserve nothing is appended any more, so that what keeps a broker going still finds
//! room: checkpoints, the raft log, the files of a restart. Appending begins again a good way
//! above it. Between two looks at the disk, what is appended here is taken off what was left.

use klamm_storage::{Ballast, DiskSpace};
use std::{
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};
use tracing::{debug, info, warn};

/// The reserve of a large disk, if none is configured.
const AUTOMATIC_RESERVE_MAX: u64 = 1 << 30;

/// The reserve of a small disk is one part in so many.
const AUTOMATIC_RESERVE_PART: u64 = 50;

/// The largest ballast.
const BALLAST_MAX: u64 = 64 << 20;

/// With less than this part of the ballast free, it is given up.
const BALLAST_PART: u64 = 4;

/// Less than this above the reserve is looked at often: a quick disk fills it in a few seconds.
const NEAR_BYTES: u64 = 4 << 30;

/// Where appending stops and where it begins again.
///
/// ```text
/// 0 ≤ reserve ≤ resume
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks {
    /// Below this, nothing is appended.
    reserve: u64,
    /// From this on, it is again.
    resume: u64,
}

impl Marks {
    /// `reserve` is `klamm.log.dirs.free.bytes.min`, negative for an automatic one.
    fn of(total: u64, reserve: i64) -> Marks {
        let automatic = (total / AUTOMATIC_RESERVE_PART).min(AUTOMATIC_RESERVE_MAX);
        let reserve = u64::try_from(reserve).unwrap_or(automatic);
        Marks {
            reserve,
            resume: reserve.saturating_add(reserve / 4),
        }
    }

    /// What is set aside for a disk that is filled to the last byte all the same.
    fn ballast(self) -> u64 {
        (self.reserve / 2).min(BALLAST_MAX)
    }

    fn is_low(self, available: u64, was_low: bool) -> bool {
        let mark = if was_low { self.resume } else { self.reserve };
        available < mark
    }
}

/// What a look at the disks found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpaceReport {
    /// A directory takes no more records.
    pub(crate) became_low: bool,
    /// A directory takes records again.
    pub(crate) resumed: bool,
    /// A directory takes none.
    pub(crate) is_low: bool,
    /// A directory has little room left.
    pub(crate) is_near: bool,
}

impl SpaceReport {
    pub(super) fn and(self, other: SpaceReport) -> SpaceReport {
        SpaceReport {
            became_low: self.became_low || other.became_low,
            resumed: self.resumed || other.resumed,
            is_low: self.is_low || other.is_low,
            is_near: self.is_near || other.is_near,
        }
    }
}

/// The space of one log directory.
#[derive(Debug)]
pub(crate) struct DirSpace {
    low: AtomicBool,
    /// Bytes above the reserve, by the last look and what has been appended since.
    left: AtomicI64,
    /// What was last told in the log; held while looking.
    told_low: Mutex<bool>,
}

impl Default for DirSpace {
    fn default() -> Self {
        DirSpace {
            low: AtomicBool::new(false),
            left: AtomicI64::new(i64::MAX),
            told_low: Mutex::new(false),
        }
    }
}

impl DirSpace {
    /// Whether nothing is to be appended in the directory.
    pub(crate) fn is_low(&self) -> bool {
        self.low.load(Ordering::Relaxed)
    }

    /// Takes room for an append; whether there is any.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if self.left.fetch_sub(bytes, Ordering::Relaxed) < bytes {
            self.set_low();
        }
        !self.is_low()
    }

    /// The disk turned out to be full, whatever was last seen.
    pub(crate) fn set_low(&self) {
        self.low.store(true, Ordering::Relaxed);
    }

    /// Looks at the disk; says in the log what changed.
    pub(super) fn look(&self, dir: &Path, reserve: i64) -> SpaceReport {
        match DiskSpace::of(dir) {
            Ok(space) => {
                let report = self.judge(dir, space, reserve);
                keep_ballast(dir, space, reserve, report.is_low);
                report
            }
            Err(error) => {
                debug!(dir = %dir.display(), %error, "cannot tell the free space");
                SpaceReport {
                    is_low: self.is_low(),
                    ..SpaceReport::default()
                }
            }
        }
    }

    fn judge(&self, dir: &Path, space: DiskSpace, reserve: i64) -> SpaceReport {
        let marks = Marks::of(space.total, reserve);
        let mut told_low = self.told_low.lock().unwrap_or_else(PoisonError::into_inner);
        let was_low = *told_low || self.is_low();
        let is_low = marks.is_low(space.available, was_low);
        let left = space.available.saturating_sub(marks.reserve);
        self.left
            .store(i64::try_from(left).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.low.store(is_low, Ordering::Relaxed);
        let (available_bytes, total_bytes) = (space.available, space.total);
        if is_low && !*told_low {
            warn!(dir = %dir.display(), available_bytes, total_bytes, reserve_bytes = marks.reserve,
                resume_bytes = marks.resume,
                "the disk is nearly full: records are refused until there is room again");
        }
        if !is_low && *told_low {
            info!(dir = %dir.display(), available_bytes, total_bytes,
                reserve_bytes = marks.reserve, "the disk has room again: records are taken");
        }
        let report = SpaceReport {
            became_low: is_low && !*told_low,
            resumed: !is_low && was_low,
            is_low,
            is_near: left < NEAR_BYTES,
        };
        *told_low = is_low;
        report
    }
}

/// Sets room aside while there is plenty, and gives it up when there is none.
fn keep_ballast(dir: &Path, space: DiskSpace, reserve: i64, is_low: bool) {
    let marks = Marks::of(space.total, reserve);
    let ballast = Ballast::of(dir);
    let size = marks.ballast();
    let kept = if !is_low && space.available.saturating_sub(size) >= marks.resume {
        ballast.take(size).map(|()| false)
    } else if space.available < size / BALLAST_PART {
        ballast.release()
    } else {
        Ok(false)
    };
    match kept {
        Ok(true) => warn!(dir = %dir.display(), available_bytes = space.available,
            ballast_bytes = size, "the disk is full to the last byte: gave up the ballast"),
        Ok(false) => {}
        Err(error) => debug!(dir = %dir.display(), %error, "cannot keep ballast"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_follows_the_setting_or_the_disk() {
        let check = |total: u64, reserve, expected: (u64, u64)| {
            let marks = Marks::of(total, reserve);
            assert_eq!((marks.reserve, marks.resume), expected, "{total} {reserve}");
        };
        check(1 << 40, -1, (1 << 30, 5 << 28));
        check(10_000, -1, (200, 250));
        check(10_000, 0, (0, 0));
        check(10_000, 1_000, (1_000, 1_250));
        check(0, i64::MAX, (i64::MAX as u64, i64::MAX as u64 / 4 * 5 + 3));
    }

    #[test]
    fn ballast_is_kept_while_there_is_plenty_and_given_up_in_need() {
        let dir = tempfile::tempdir().unwrap();
        let ballast = Ballast::of(dir.path());
        let keep = |available, is_low| {
            let disk = DiskSpace {
                available,
                total: 1 << 20,
            };
            keep_ballast(dir.path(), disk, 1_000, is_low);
            ballast.is_there()
        };
        assert!(!keep(1_749, false));
        assert!(!keep(9_999, true));
        assert!(keep(1_750, false));
        assert!(keep(125, true));
        assert!(!keep(124, true));
        assert!(!keep(600, true));
    }

    #[test]
    fn appending_stops_at_the_reserve_and_begins_again_a_good_way_above() {
        let space = DirSpace::default();
        let look = |available, reserve| {
            let disk = DiskSpace {
                available,
                total: 1 << 20,
            };
            let found = space.judge(Path::new("/d"), disk, reserve);
            (found.became_low, found.resumed, found.is_low)
        };
        assert!(space.take(usize::MAX / 2));
        assert_eq!(look(2_000, 1_000), (false, false, false));
        assert!(space.take(600));
        assert!(space.take(400));
        // What was appended since the last look counts.
        assert!(!space.take(1));
        assert!(!space.take(0));
        // Somebody else made room meanwhile, or too little.
        assert_eq!(look(1_200, 1_000), (true, false, true));
        assert_eq!(look(900, 1_000), (false, false, true));
        assert_eq!(look(1_249, 1_000), (false, false, true));
        assert!(!space.take(1));
        assert_eq!(look(1_250, 1_000), (false, true, false));
        assert!(space.take(250));
        assert_eq!(look(1_000, 1_000), (false, false, false));
        assert_eq!(look(999, 1_000), (true, false, true));
        // Found full by a write, and not so any more before anybody looked.
        assert_eq!(look(1 << 19, 1_000), (false, true, false));
        space.set_low();
        assert!(!space.take(1));
        assert_eq!(look(1 << 19, 1_000), (false, true, false));
    }
}
