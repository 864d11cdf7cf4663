//! Kafka's checkpoint files: a version, a count, then one entry a line.
//!
//! ```text
//! 0
//! 2
//! first entry
//! second entry
//! ```

use crate::checksum_file;
use crate::disk;
use std::{io, path::Path};

const VERSION: &str = "0";

/// Largest checkpoint that is read: a million partitions with long names.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Why a checkpoint or another small file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file is not what this broker or Kafka writes; its contents must be derived anew.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The operating system refused an operation.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
}

impl CheckpointError {
    /// Whether there was no room left, which is no failure of the disk.
    pub fn is_storage_full(&self) -> bool {
        match self {
            CheckpointError::Io { source, .. } => disk::is_full(source),
            CheckpointError::Damaged { .. } => false,
        }
    }

    pub(crate) fn damaged(path: &Path, reason: &'static str) -> CheckpointError {
        CheckpointError::Damaged {
            path: path.display().to_string(),
            reason,
        }
    }

    pub(crate) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> CheckpointError {
        let path = path.display().to_string();
        move |source| CheckpointError::Io {
            action,
            path,
            source,
        }
    }
}

/// Reads the entries of a checkpoint; `None` if the file is not there.
pub(crate) fn read<T>(
    path: &Path,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<Vec<T>>, CheckpointError> {
    let bytes = disk::read(path, FILE_BYTES_MAX).map_err(CheckpointError::io("read", path))?;
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    if !checksum_file::fits(path, &bytes).map_err(CheckpointError::io("read", path))? {
        return Err(CheckpointError::damaged(path, "checksum does not match"));
    }
    let text = str::from_utf8(&bytes).map_err(|_| CheckpointError::damaged(path, "not text"))?;
    parse_text(text, parse)
        .map(Some)
        .map_err(|reason| CheckpointError::damaged(path, reason))
}

fn parse_text<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, &'static str> {
    let mut lines = text.lines();
    if lines.next() != Some(VERSION) {
        return Err("unknown version");
    }
    let count = lines
        .next()
        .and_then(|count| count.parse::<usize>().ok())
        .ok_or("no count")?;
    let entries: Option<Vec<T>> = lines.map(parse).collect();
    let entries = entries.ok_or("malformed entry")?;
    if entries.len() != count {
        Err("count does not match the entries")
    } else {
        Ok(entries)
    }
}

/// Replaces a checkpoint, durably and as one step.
pub(crate) fn write(
    path: &Path,
    entries: impl ExactSizeIterator<Item = String>,
) -> Result<(), CheckpointError> {
    let text = render(entries);
    disk::replace(path, text.as_bytes()).map_err(CheckpointError::io("write", path))
}

/// Writes what shall replace a checkpoint, without waiting for the disk.
pub(crate) fn prepare(
    path: &Path,
    entries: impl ExactSizeIterator<Item = String>,
) -> Result<(), CheckpointError> {
    let text = render(entries);
    let prepared = disk::prepare_replacement(path, text.as_bytes());
    prepared
        .map(drop)
        .map_err(CheckpointError::io("write", path))
}

/// Replaces a checkpoint by what was prepared and has been synced since.
pub(crate) fn install(path: &Path) -> Result<(), CheckpointError> {
    disk::install_replacement(path).map_err(CheckpointError::io("write", path))
}

/// Replaces a checkpoint as [`write`] does, with a checksum beside it.
pub(crate) fn write_with_checksum(
    path: &Path,
    entries: impl ExactSizeIterator<Item = String>,
) -> Result<(), CheckpointError> {
    let text = render(entries);
    let write = || {
        checksum_file::announce(path, text.as_bytes(), FILE_BYTES_MAX)?;
        disk::replace(path, text.as_bytes())
    };
    write().map_err(CheckpointError::io("write", path))
}

fn render(entries: impl ExactSizeIterator<Item = String>) -> String {
    let mut text = format!("{VERSION}\n{}\n", entries.len());
    for entry in entries {
        text.push_str(&entry);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_noticed() {
        let parse = |text: &str| parse_text(text, |line| line.parse::<i64>().ok());
        assert_eq!(parse("0\n2\n5\n6\n"), Ok(vec![5, 6]));
        assert_eq!(parse("0\n0\n"), Ok(vec![]));
        for text in [
            "",
            "0\n",
            "1\n0\n",
            "0\n2\n5\n",
            "0\n1\n5\n6\n",
            "0\n1\nx\n",
            "0\n-1\n",
            "\0\0\0",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
