//! The names of logs' folders, and renaming them.

use super::{LogDirError, error::io_error};
use klamm_types::Uuid;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub(super) fn folder_name(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}

/// Topic and partition of a log's folder; `None` for other names.
pub(super) fn parse_folder_name(name: &str) -> Option<(&str, i32)> {
    let (topic, partition) = name.rsplit_once('-')?;
    let partition: i32 = partition.parse().ok()?;
    let is_log = partition >= 0 && !topic.is_empty() && topic != "__cluster_metadata";
    is_log.then_some((topic, partition))
}

/// Renames a log's folder to one that is not opened any more; returns the new path.
pub(super) fn rename_away(dir: &Path, suffix: &str) -> Result<PathBuf, LogDirError> {
    let unique = Uuid::random()
        .map_err(|error| io::Error::other(error.to_string()))
        .map_err(io_error("draw a name for", dir))?;
    let name = dir
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("log");
    let renamed = dir.with_file_name(format!("{name}.{unique}-{suffix}"));
    fs::rename(dir, &renamed).map_err(io_error("rename", dir))?;
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_logs_are_told_from_others() {
        let check = |name, expected| assert_eq!(parse_folder_name(name), expected, "{name}");
        check("t-0", Some(("t", 0)));
        check("a-b.c_1-42", Some(("a-b.c_1", 42)));
        check("__consumer_offsets-49", Some(("__consumer_offsets", 49)));
        check("__cluster_metadata-0", None);
        check("t", None);
        check("t--1", Some(("t-", 1)));
        check("t-0.AAAAAAAAAAAAAAAAAAAAAA-delete", None);
        check("t-0.AAAAAAAAAAAAAAAAAAAAAA-stray", None);
    }
}
