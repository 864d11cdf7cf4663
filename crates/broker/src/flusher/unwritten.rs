//! How much this machine has written to files that is not on disk yet, whoever wrote it.
//!
//! A sync of a whole file system waits for others' writes too. Those are looked at first, so that a
//! backup or a build on the same disk does not hold acknowledgements up.

use std::{
    fs,
    time::{Duration, Instant},
};

/// What a sync of a whole file system may find at most: a slow disk takes it in a tenth of a second.
const UNWRITTEN_KIB_MAX: u64 = 32 << 10;

/// How long a look is good for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A look at it. It costs about what a small write does: nobody else should have to wait for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unwritten {
    looked_at: Instant,
    is_little: bool,
}

impl Unwritten {
    pub(super) fn look() -> Unwritten {
        let meminfo = fs::read_to_string("/proc/meminfo");
        Unwritten {
            looked_at: Instant::now(),
            is_little: meminfo.is_ok_and(|meminfo| unwritten_kib(&meminfo) <= UNWRITTEN_KIB_MAX),
        }
    }

    /// Whether there was little enough; `None` if that is too long ago.
    pub(super) fn is_little(&self) -> Option<bool> {
        (self.looked_at.elapsed() < LOOK_EVERY).then_some(self.is_little)
    }
}

/// What waits for being written, and what is just being written.
fn unwritten_kib(meminfo: &str) -> u64 {
    let of = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let counts = matches!(name, "Dirty" | "Writeback");
        let kib = rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
        counts.then_some(kib)
    };
    meminfo.lines().filter_map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dirty_and_what_is_being_written_counts() {
        let meminfo = "MemTotal:  100 kB\nDirty:         1234 kB\nWriteback:        66 kB\nWritebackTmp:     7 kB\n";
        assert_eq!(unwritten_kib(meminfo), 1_300);
        assert_eq!(unwritten_kib(""), 0);
    }
}
