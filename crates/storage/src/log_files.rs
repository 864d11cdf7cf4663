//! Names of the files in a log's folder.

use std::path::{Path, PathBuf};

const SWAP_SUFFIX: &str = ".swap";

/// The files that belong to a segment or to an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFile {
    /// The batches.
    Log,
    /// Offset → position.
    OffsetIndex,
    /// Timestamp → offset.
    TimeIndex,
    /// Aborted transactions; there is none without them.
    TransactionIndex,
    /// Producer states up to the offset in its name.
    ProducerSnapshot,
}

impl LogFile {
    pub(crate) const ALL: [LogFile; 5] = [
        LogFile::Log,
        LogFile::OffsetIndex,
        LogFile::TimeIndex,
        LogFile::TransactionIndex,
        LogFile::ProducerSnapshot,
    ];

    /// What belongs to a segment, in the order in which it is removed: the batches last, since
    /// files without them are orphans, which go with the next start.
    pub(crate) const OF_SEGMENT: [LogFile; 4] = [
        LogFile::OffsetIndex,
        LogFile::TimeIndex,
        LogFile::TransactionIndex,
        LogFile::Log,
    ];

    const fn extension(self) -> &'static str {
        match self {
            LogFile::Log => "log",
            LogFile::OffsetIndex => "index",
            LogFile::TimeIndex => "timeindex",
            LogFile::TransactionIndex => "txnindex",
            LogFile::ProducerSnapshot => "snapshot",
        }
    }

    /// Where the file of an offset lies.
    pub(crate) fn path(self, dir: &Path, offset: i64) -> PathBuf {
        dir.join(format!("{offset:020}.{}", self.extension()))
    }

    /// Where the file of an offset is written that is to take the place of others.
    pub(crate) fn cleaned_path(self, dir: &Path, offset: i64) -> PathBuf {
        dir.join(format!("{offset:020}.{}.cleaned", self.extension()))
    }

    /// Where the file of an offset lies that is about to take the place of others.
    pub(crate) fn swap_path(self, dir: &Path, offset: i64) -> PathBuf {
        dir.join(format!("{offset:020}.{}{SWAP_SUFFIX}", self.extension()))
    }

    /// What a file name says; `None` for files of other kinds.
    pub(crate) fn parse(name: &str) -> Option<(LogFile, i64)> {
        let (digits, extension) = name.split_once('.')?;
        let is_offset = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
        let kind = LogFile::ALL
            .into_iter()
            .find(|kind| kind.extension() == extension)?;
        Some((kind, digits.parse().ok().filter(|_| is_offset)?))
    }
}

/// What the name of a file says that is about to take the place of others.
pub(crate) fn parse_swap(name: &str) -> Option<(LogFile, i64)> {
    LogFile::parse(name.strip_suffix(SWAP_SUFFIX)?)
}

/// Whether a file is left over from a deletion, a cleaning or an unfinished replacement.
pub(crate) fn is_leftover(name: &str) -> bool {
    [".deleted", ".cleaned", SWAP_SUFFIX, ".tmp"]
        .iter()
        .any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for kind in LogFile::ALL {
            for offset in [0, 1, 12_345, i64::MAX] {
                let path = kind.path(Path::new("/d"), offset);
                let name = path.file_name().unwrap().to_str().unwrap();
                assert_eq!(LogFile::parse(name), Some((kind, offset)));
            }
        }
        let path = LogFile::Log.path(Path::new("/d"), 42);
        assert_eq!(path, Path::new("/d/00000000000000000042.log"));
    }

    #[test]
    fn other_names_are_not_ours() {
        let names = [
            "leader-epoch-checkpoint",
            "42.log",
            "00000000000000000042.log.deleted",
            "99999999999999999999.log",
            "+0000000000000000042.log",
        ];
        for name in names {
            assert_eq!(LogFile::parse(name), None, "{name}");
        }
        assert!(is_leftover(names[2]));
    }
}
