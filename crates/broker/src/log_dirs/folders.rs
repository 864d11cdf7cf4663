//! The names of logs' folders, and renaming them.

use super::{LogDirError, error::io_error};
use klamm_types::Uuid;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The longest name of a folder, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// What a folder is that does not hold a replica's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suffix {
    /// About to be deleted.
    Delete,
    /// Claimed by nobody.
    Stray,
    /// A copy on its way to another directory.
    Future,
}

impl Suffix {
    fn text(self) -> &'static str {
        match self {
            Suffix::Delete => "-delete",
            Suffix::Stray => "-stray",
            Suffix::Future => "-future",
        }
    }

    /// Whether a folder's name ends so.
    pub(super) fn ends(self, name: &str) -> bool {
        name.ends_with(self.text())
    }
}

/// A log's folder, and whose it is by its name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LogFolder {
    pub(super) path: PathBuf,
    pub(super) topic: String,
    pub(super) partition: i32,
}

pub(super) fn folder_name(topic: &str, partition: i32) -> String {
    format!("{topic}-{partition}")
}

/// A name that no other folder has. The topic is cut short where the name would be too long.
pub(super) fn unique_name(
    topic: &str,
    partition: i32,
    suffix: Suffix,
) -> Result<String, LogDirError> {
    let unique = Uuid::random()
        .map_err(|error| io::Error::other(error.to_string()))
        .map_err(io_error("draw a name for", Path::new(topic)))?;
    let rest = format!("-{partition}.{unique}{}", suffix.text());
    let room = NAME_BYTES_MAX.saturating_sub(rest.len());
    // Names of topics are ASCII.
    let topic = topic.get(..room).unwrap_or(topic);
    Ok(format!("{topic}{rest}"))
}

/// Topic and partition of a log's folder; `None` for other names.
pub(super) fn parse_folder_name(name: &str) -> Option<(&str, i32)> {
    let (topic, partition) = name.rsplit_once('-')?;
    let partition: i32 = partition.parse().ok()?;
    let is_log = partition >= 0 && !topic.is_empty() && topic != "__cluster_metadata";
    is_log.then_some((topic, partition))
}

/// The partition of a folder that holds a copy on its way to another directory.
pub(super) fn parse_future_name(name: &str) -> Option<i32> {
    let name = name.strip_suffix(Suffix::Future.text())?;
    let (name, _unique) = name.rsplit_once('.')?;
    parse_folder_name(name).map(|(_, partition)| partition)
}

/// Renames a log's folder to one that is not opened any more; returns the new path.
pub(super) fn rename_away(dir: &Path, suffix: Suffix) -> Result<PathBuf, LogDirError> {
    let name = dir.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or("log");
    // What is renamed again loses the suffix that it has.
    let base = name.rsplit_once('.').filter(|_| Suffix::Future.ends(name));
    let base = base.map_or(name, |(base, _)| base);
    let (topic, partition) = parse_folder_name(base).unwrap_or((base, 0));
    let renamed = dir.with_file_name(unique_name(topic, partition, suffix)?);
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
        check("t-0.AAAAAAAAAAAAAAAAAAAAAA-future", None);
    }

    #[test]
    fn copies_are_told_from_others() {
        let check = |name, expected| assert_eq!(parse_future_name(name), expected, "{name}");
        check("t-7.AAAAAAAAAAAAAAAAAAAAAA-future", Some(7));
        check("a.b-7.0123456789abcdef0123456789abcdef-future", Some(7));
        check("t-7.AAAAAAAAAAAAAAAAAAAAAA-delete", None);
        check("t-7-future", None);
        check("t-7", None);
    }

    #[test]
    fn the_longest_topic_can_be_renamed_too() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join(folder_name(&"x".repeat(249), 12345));
        fs::create_dir(&dir).unwrap();
        let away = rename_away(&dir, Suffix::Future).unwrap();
        let name = away.file_name().unwrap().to_str().unwrap();
        assert_eq!(parse_future_name(name), Some(12345));
        let away = rename_away(&away, Suffix::Delete).unwrap();
        let name = away.file_name().unwrap().to_str().unwrap();
        assert!(
            Suffix::Delete.ends(name) && !name.contains("future"),
            "{name}"
        );
    }
}
