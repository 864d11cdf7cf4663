//! Which leader epoch starts at which offset of a log.

use crate::checkpoint_file::{self, CheckpointError};
use klamm_types::LeaderEpoch;
use std::path::Path;

/// Name of the file in a log's folder.
pub(crate) const FILE_NAME: &str = "leader-epoch-checkpoint";

/// The end of an epoch in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEndOffset {
    /// The epoch, or −1 if the log cannot tell.
    pub epoch: LeaderEpoch,
    /// The offset after the last record of that epoch, or −1.
    pub end_offset: i64,
}

impl EpochEndOffset {
    /// "The log cannot tell."
    pub const UNDEFINED: EpochEndOffset = EpochEndOffset {
        epoch: LeaderEpoch::NONE,
        end_offset: -1,
    };
}

/// The epochs of a log with the offsets where they start; both rise strictly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderEpochs {
    entries: Vec<(LeaderEpoch, i64)>,
}

impl LeaderEpochs {
    /// Notes that an epoch starts at an offset, unless it is known already. Entries that
    /// contradict this, of a later epoch or a later start, go away. Whether anything changed.
    pub fn assign(&mut self, epoch: LeaderEpoch, start_offset: i64) -> bool {
        if epoch.is_none() || self.latest() == Some(epoch) {
            return false;
        }
        self.entries
            .retain(|&(e, start)| e < epoch && start < start_offset);
        self.entries.push((epoch, start_offset));
        true
    }

    /// The latest epoch, if there is any.
    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|&(epoch, _)| epoch)
    }

    /// The epochs with their start offsets, ascending.
    pub fn entries(&self) -> &[(LeaderEpoch, i64)] {
        &self.entries
    }

    /// The epoch of an offset, if it is known.
    pub fn epoch_at(&self, offset: i64) -> Option<LeaderEpoch> {
        let count = self.entries.partition_point(|&(_, start)| start <= offset);
        count.checked_sub(1).map(|last| self.entries[last].0)
    }

    /// The largest epoch that is at most `epoch`, and where it ends in a log that ends at
    /// `log_end_offset` (rule 72).
    pub fn end_offset_for(&self, epoch: LeaderEpoch, log_end_offset: i64) -> EpochEndOffset {
        if epoch.is_none() {
            return EpochEndOffset::UNDEFINED;
        }
        if self.latest() == Some(epoch) {
            return EpochEndOffset {
                epoch,
                end_offset: log_end_offset,
            };
        }
        let count = self.entries.partition_point(|&(e, _)| e <= epoch);
        let Some(&(_, end_offset)) = self.entries.get(count) else {
            return EpochEndOffset::UNDEFINED;
        };
        match count.checked_sub(1) {
            Some(last) => EpochEndOffset {
                epoch: self.entries[last].0,
                end_offset,
            },
            None => EpochEndOffset { epoch, end_offset },
        }
    }

    /// Forgets the epochs that start at or behind an offset. Whether anything changed.
    pub fn truncate_from_end(&mut self, end_offset: i64) -> bool {
        let count = self.entries.len();
        self.entries.retain(|&(_, start)| start < end_offset);
        self.entries.len() != count
    }

    /// Forgets the epochs that end at or before an offset; the one that spans it starts there.
    /// Whether anything changed.
    pub fn truncate_from_start(&mut self, start_offset: i64) -> bool {
        let count = self
            .entries
            .partition_point(|&(_, start)| start <= start_offset);
        let Some(spanning) = count.checked_sub(1) else {
            return false;
        };
        let changed = spanning > 0 || self.entries[spanning].1 != start_offset;
        self.entries.drain(..spanning);
        self.entries[0].1 = start_offset;
        changed
    }

    /// Lets the first epoch start earlier.
    pub(crate) fn start_first_at(&mut self, start_offset: i64) {
        if let Some(first) = self.entries.first_mut() {
            first.1 = first.1.min(start_offset);
        }
    }

    /// Reads the file in a log's folder; `None` if there is none.
    pub(crate) fn read(dir: &Path) -> Result<Option<LeaderEpochs>, CheckpointError> {
        let path = dir.join(FILE_NAME);
        let entries = checkpoint_file::read(&path, parse_entry)?;
        entries
            .map(|entries| {
                let is_ordered = entries.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1);
                if is_ordered {
                    Ok(LeaderEpochs { entries })
                } else {
                    Err(CheckpointError::damaged(&path, "epochs out of order"))
                }
            })
            .transpose()
    }

    /// Replaces the file in a log's folder, durably and as one step.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), CheckpointError> {
        checkpoint_file::write(&dir.join(FILE_NAME), self.lines())
    }

    /// The first half of [`LeaderEpochs::write`]: what has to be durable before the second.
    pub(crate) fn prepare(&self, dir: &Path) -> Result<(), CheckpointError> {
        checkpoint_file::prepare(&dir.join(FILE_NAME), self.lines())
    }

    /// The second half: the file is replaced, and so it is on disk once the folder is synced.
    pub(crate) fn install(dir: &Path) -> Result<(), CheckpointError> {
        checkpoint_file::install(&dir.join(FILE_NAME))
    }

    fn lines(&self) -> impl ExactSizeIterator<Item = String> {
        let entries = self.entries.iter();
        entries.map(|(epoch, start)| format!("{epoch} {start}"))
    }
}

fn parse_entry(line: &str) -> Option<(LeaderEpoch, i64)> {
    let (epoch, start) = line.split_once(' ')?;
    let (epoch, start) = (epoch.parse().ok()?, start.parse().ok()?);
    (epoch >= 0 && start >= 0).then_some((LeaderEpoch(epoch), start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> LeaderEpochs {
        LeaderEpochs {
            entries: entries.iter().map(|&(e, s)| (LeaderEpoch(e), s)).collect(),
        }
    }

    #[test]
    fn end_offsets_follow_rule_72() {
        let epochs = epochs(&[(2, 10), (4, 20), (5, 30)]);
        let table = [
            (-1, (-1, -1)),
            (0, (0, 10)),
            (1, (1, 10)),
            (2, (2, 20)),
            (3, (2, 20)),
            (4, (4, 30)),
            (5, (5, 99)),
            (6, (-1, -1)),
        ];
        for (asked, (epoch, end_offset)) in table {
            let expected = EpochEndOffset {
                epoch: LeaderEpoch(epoch),
                end_offset,
            };
            assert_eq!(
                epochs.end_offset_for(LeaderEpoch(asked), 99),
                expected,
                "{asked}"
            );
        }
        let none = LeaderEpochs::default().end_offset_for(LeaderEpoch(0), 99);
        assert_eq!(none, EpochEndOffset::UNDEFINED);
    }

    #[test]
    fn assigning_drops_what_contradicts() {
        let mut known = epochs(&[(1, 0), (3, 10)]);
        assert!(!known.assign(LeaderEpoch(3), 12));
        assert!(!known.assign(LeaderEpoch::NONE, 12));
        assert!(known.assign(LeaderEpoch(4), 10));
        assert_eq!(known, epochs(&[(1, 0), (4, 10)]));
        assert!(known.assign(LeaderEpoch(2), 20));
        assert_eq!(known, epochs(&[(1, 0), (2, 20)]));
    }

    #[test]
    fn truncation_keeps_the_epoch_that_spans_the_offset() {
        let all = epochs(&[(1, 0), (3, 10), (4, 20)]);
        for (offset, expected) in [
            (0, &[][..]),
            (1, &[(1, 0)]),
            (10, &[(1, 0)]),
            (11, &[(1, 0), (3, 10)]),
            (21, &[(1, 0), (3, 10), (4, 20)]),
        ] {
            let mut cut = all.clone();
            assert_eq!(cut.truncate_from_end(offset), cut != all);
            assert_eq!(cut, epochs(expected), "{offset}");
        }
        for (offset, expected) in [
            (0, &[(1, 0), (3, 10), (4, 20)][..]),
            (5, &[(1, 5), (3, 10), (4, 20)]),
            (10, &[(3, 10), (4, 20)]),
            (25, &[(4, 25)]),
        ] {
            let mut cut = all.clone();
            assert_eq!(cut.truncate_from_start(offset), cut != all);
            assert_eq!(cut, epochs(expected), "{offset}");
        }
        assert_eq!(all.epoch_at(15), Some(LeaderEpoch(3)));
        assert_eq!(epochs(&[(1, 5)]).epoch_at(4), None);
    }

    #[test]
    fn the_file_round_trips_in_kafkas_format() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(LeaderEpochs::read(dir.path()).unwrap(), None);
        let all = epochs(&[(1, 0), (3, 10)]);
        all.write(dir.path()).unwrap();
        let text = std::fs::read_to_string(dir.path().join(FILE_NAME)).unwrap();
        assert_eq!(text, "0\n2\n1 0\n3 10\n");
        assert_eq!(LeaderEpochs::read(dir.path()).unwrap(), Some(all));
        std::fs::write(dir.path().join(FILE_NAME), "0\n2\n3 0\n1 10\n").unwrap();
        assert!(LeaderEpochs::read(dir.path()).is_err());
    }
}
