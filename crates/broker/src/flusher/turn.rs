//! Which partitions of a file system are flushed next, and how.

/// From this many waiting partitions on, one sync of the whole file system is cheaper than theirs.
pub(super) const TOGETHER_MIN: usize = 2;

/// Partitions of a file system that are flushed one by one at the same time, where they could be
/// flushed together: what comes meanwhile gathers.
const ALONE_MAX: usize = 1;

/// What is going on at a file system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Going {
    /// Partitions that wait for a flush.
    pub(super) waiting: usize,
    /// Partitions that are being flushed one by one.
    pub(super) alone: usize,
    /// Whether partitions are being flushed together.
    pub(super) is_together: bool,
    /// Whether the file system may be synced as a whole.
    pub(super) may_be_together: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Flush the first partition.
    Alone,
    /// Flush all that wait, together.
    Together,
}

/// Partitions gather while a file system is being synced, since the next sync serves them all.
pub(super) fn next_turn(going: Going) -> Option<Turn> {
    let Going {
        waiting,
        alone,
        is_together,
        may_be_together,
    } = going;
    match waiting {
        0 => None,
        _ if is_together => None,
        _ if may_be_together && waiting >= TOGETHER_MIN => Some(Turn::Together),
        _ if may_be_together && alone >= ALONE_MAX => None,
        _ => Some(Turn::Alone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_go_together_and_few_alone() {
        let (alone, together) = (Some(Turn::Alone), Some(Turn::Together));
        let table = [
            // waiting, alone, is together, may be together → turn
            ((0, 0, false, true), None),
            ((1, 0, false, true), alone),
            ((1, 1, false, true), None),
            ((2, 0, false, true), together),
            ((2, 1, false, true), together),
            ((100, 0, true, true), None),
            ((1, 0, true, true), None),
            ((1, 7, false, false), alone),
            ((100, 7, false, false), alone),
            ((0, 0, false, false), None),
        ];
        for ((waiting, alone, is_together, may_be_together), expected) in table {
            let going = Going {
                waiting,
                alone,
                is_together,
                may_be_together,
            };
            assert_eq!(next_turn(going), expected, "{going:?}");
        }
    }
}
