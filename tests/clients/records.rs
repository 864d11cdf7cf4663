//! Real input: the records of Debian's package index, one a package, keyed by its name.
//!
//! A record is a line: the key, a tab, and the package's stanza with 0x1f for its line ends, so that line-based tools
//! carry it unchanged.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::process::run;
use crate::say;

/// Where `apt-get update` leaves the index, and the program that reads it whatever its compression.
const APT_LISTS: &str = "/var/lib/apt/lists";
const APT_HELPER: &str = "/usr/lib/apt/apt-helper";
/// Takes the place of a line end inside a stanza.
const LINE_END: u8 = 0x1f;
/// Enough for batches, segments and index entries of every kind, few enough for CI.
const DEFAULT_COUNT: usize = 20_000;

/// The input of all producers.
#[derive(Debug)]
pub(crate) struct Records {
    /// The lines, for clients that read a file.
    pub(crate) file: PathBuf,
    /// The same, each without its line end.
    pub(crate) lines: Vec<Vec<u8>>,
}

/// The records, as many as `KLAMM_TEST_RECORDS` says (a number or `all`).
pub(crate) fn records() -> &'static Records {
    static RECORDS: OnceLock<Records> = OnceLock::new();
    RECORDS.get_or_init(|| {
        let count_max = count_max();
        let mut lines = debian_lines();
        let mut origin = "records of Debian's package index";
        if lines.is_empty() {
            origin = "generated records like those of Debian's package index, which is not on this machine";
            lines = generated_lines(count_max.min(DEFAULT_COUNT));
        }
        lines.truncate(count_max);
        let content = lines.iter().flat_map(|line| line.iter().chain(b"\n")).copied().collect::<Vec<u8>>();
        say(&format!("{} {origin}, {} KiB", lines.len(), content.len() / 1024));
        let file = write(&content, lines.len());
        Records { file, lines }
    })
}

/// Puts the lines where runs side by side may share them.
fn write(content: &[u8], count: usize) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut unfinished = NamedTempFile::new_in(folder).expect("create a file for the records");
    unfinished.write_all(content).expect("write the records");
    let file = folder.join(format!("records-{count}.tsv"));
    unfinished
        .persist(&file)
        .expect("rename the file of the records");
    file
}

fn count_max() -> usize {
    match std::env::var("KLAMM_TEST_RECORDS").as_deref() {
        Err(_) => DEFAULT_COUNT,
        Ok("all") => usize::MAX,
        Ok(count) => count
            .parse()
            .expect("KLAMM_TEST_RECORDS is a number or `all`"),
    }
}

fn debian_lines() -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(APT_LISTS) else {
        return Vec::new();
    };
    let mut lists: Vec<(u64, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
        .filter_map(|entry| Some((entry.metadata().ok()?.len(), entry.path())))
        .collect();
    lists.sort();
    let largest_first = lists.into_iter().rev().map(|(_, path)| path);
    largest_first
        .flat_map(|path| package_lines(&path))
        .collect()
}

fn package_lines(list: &Path) -> Vec<Vec<u8>> {
    let mut helper = Command::new(APT_HELPER);
    let index = run(
        helper.arg("cat-file").arg(list),
        None,
        Duration::from_secs(60),
    )
    .text();
    index.split("\n\n").filter_map(line_of).collect()
}

fn line_of(stanza: &str) -> Option<Vec<u8>> {
    let stanza = stanza.trim_matches('\n');
    let key = stanza.strip_prefix("Package: ")?.lines().next()?;
    let mut line = format!("{key}\t").into_bytes();
    line.extend(
        stanza
            .bytes()
            .map(|byte| if byte == b'\n' { LINE_END } else { byte }),
    );
    Some(line)
}

/// Stanzas of the index's shape and sizes, the same on every run.
fn generated_lines(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .filter_map(|number| line_of(&generated_stanza(number)))
        .collect()
}

fn generated_stanza(number: usize) -> String {
    let mut stanza = format!(
        "Package: generated-{number:05}\nVersion: {}.{}\n",
        number % 17,
        number % 101
    );
    // A few are much larger than the rest, as in the index.
    let dependencies = if number.is_multiple_of(500) {
        400
    } else {
        number * 7919 % 40
    };
    let names =
        (0..dependencies).map(|i| format!("library-{:x} (>= {i}.0)", number * 31 + i * 977));
    stanza.push_str(&format!(
        "Depends: {}\n",
        names.collect::<Vec<_>>().join(", ")
    ));
    stanza.push_str(&format!(
        "Description: a generated package — número {number}\nSize: {}",
        number * 7919
    ));
    stanza
}
