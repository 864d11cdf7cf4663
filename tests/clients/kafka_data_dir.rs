//! Logs that Apache Kafka wrote, read by our storage: every record, index entry, producer, aborted transaction and epoch.
//!
//! A Kafka of one node (`java/src/KafkaDataDir.java`) writes and is killed; its folder is copied. Started again, it writes
//! more and stops in order. Both folders are opened by `klamm-storage`, and what that reads is compared with what Kafka's
//! own classes read in them (`java/src/KafkaLogDump.java`), and with what Kafka told while it ran.

pub(crate) mod dump;
pub(crate) mod view;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use klamm_storage::{Log, LogConfig, OpenOptions, RecoveryReport};
use klamm_tests::PortBlock;
use tempfile::TempDir;

use self::dump::{Folder, Live};
use self::view::View;
use crate::foreign::{Client, java};
use crate::process::{TOOL_TIMEOUT, run};

/// A clean stop, after which nothing is doubted.
const CLEAN: OpenOptions = OpenOptions {
    clean_shutdown: true,
    recovery_point: 0,
    log_start_offset: 0,
};

#[test]
fn logs_of_apache_kafka_read_the_same() {
    if !Client::Java.is_here() {
        return;
    }
    let ports = PortBlock::take();
    let folder = TempDir::new().unwrap();
    let (data, killed) = (folder.path().join("data"), folder.path().join("killed"));
    let kafka = |mode: &str, copies: &[&Path]| {
        let mut command = java("KafkaDataDir");
        command.arg(mode).arg(&data).arg(ports.port(0).to_string());
        run(command.args(copies), None, TOOL_TIMEOUT).text()
    };
    let told_before = kafka("write", &[]);
    copy(&data, &killed);
    let told_after = kafka("reopen", &[&killed]);
    let dumps = dump::parse(&told_after);
    assert_eq!(dumps.len(), 2);

    let lives = dump::parse_live(&told_before);
    for (name, expected) in &dumps[&killed] {
        check_killed(&killed.join(name), expected, lives.get(name));
    }
    let lives = dump::parse_live(&told_after);
    for (name, expected) in &dumps[&data] {
        check_stopped(&data.join(name), expected, lives.get(name));
    }
    check_variety(&dumps[&data]);
}

/// What a broker left that was killed: the end is checked or believed, as the recovery point has it.
fn check_killed(folder: &Path, expected: &Folder, live: Option<&Live>) {
    let end = expected.end_offset();
    // Where nothing is flushed there are no gaps, but for compacted logs without a recovery point.
    let middle = if expected.is_compacted() { 0 } else { end / 2 };
    for recovery_point in [0, middle, end] {
        let options = OpenOptions {
            clean_shutdown: false,
            recovery_point,
            log_start_offset: live.map_or(0, |live| live.start),
        };
        let what = format!("{} from {recovery_point}", folder.display());
        let copied = TempDir::new().unwrap();
        copy(folder, copied.path());
        let (log, report) = open(copied.path(), expected, options);
        assert_eq!(report.bytes_truncated, 0, "{what}: {report:?}");
        View::of(&log, recovery_point == end).check(expected, live, &what);
    }
    check_rebuilt(folder, expected, live);
}

/// What a broker left that stopped in order: nothing is made anew.
fn check_stopped(folder: &Path, expected: &Folder, live: Option<&Live>) {
    let options = OpenOptions {
        log_start_offset: live.map_or(0, |live| live.start),
        ..CLEAN
    };
    let what = folder.display().to_string();
    let copied = TempDir::new().unwrap();
    copy(folder, copied.path());
    let (log, report) = open(copied.path(), expected, options);
    assert_eq!(report, RecoveryReport::default(), "{what}");
    View::of(&log, true).check(expected, live, &what);
    let snapshot = expected.producers_at(expected.end_offset());
    if live.is_some() {
        assert!(!snapshot.is_empty(), "{what}: no snapshot at the end");
    }
    assert_eq!(&view::snapshot_of(&log), snapshot, "{what}: snapshot");
    check_indexes_point_to_batches(expected, &what);
}

/// Without any file but the batches, everything is made anew, and as Kafka made it.
fn check_rebuilt(folder: &Path, expected: &Folder, live: Option<&Live>) {
    let options = OpenOptions {
        clean_shutdown: false,
        recovery_point: 0,
        log_start_offset: live.map_or(0, |live| live.start),
    };
    let copied = TempDir::new().unwrap();
    copy(folder, copied.path());
    for name in names(copied.path()) {
        // Where batches were removed, those that are left do not tell where an epoch began.
        let is_needed = name == "leader-epoch-checkpoint" && expected.is_compacted();
        if !name.ends_with(".log") && !is_needed {
            fs::remove_file(copied.path().join(name)).unwrap();
        }
    }
    let what = format!("{} from batches alone", folder.display());
    let (mut log, _) = open(copied.path(), expected, options);
    View::of(&log, false).check(expected, live, &what);
    log.close().unwrap();
    let segments = expected.segments();
    for (i, &segment) in segments.iter().enumerate() {
        let ours = |suffix| copied.path().join(format!("{segment:020}.{suffix}"));
        let is_active = i + 1 == segments.len();
        let index = view::read_offset_index(&ours("index"), segment);
        assert_eq!(
            index,
            expected.index_of(segment),
            "{what}: index of {segment}"
        );
        let (mut times, theirs) = (
            view::read_time_index(&ours("timeindex"), segment),
            expected.time_index_of(segment),
        );
        if is_active {
            // The last one is added when a segment is closed.
            times.truncate(theirs.len());
        }
        assert_eq!(times, theirs, "{what}: time index of {segment}");
    }
}

/// Entries that Kafka wrote with pauses in between need not be those that a walk over the batches gives, but are right.
fn check_indexes_point_to_batches(expected: &Folder, what: &str) {
    for entry in &expected.index {
        let found = expected.batches.iter().any(|batch| {
            batch.segment == entry.segment
                && batch.position == entry.position
                && batch.last_offset == entry.offset
        });
        assert!(found, "{what}: {entry:?}");
    }
}

/// The folders hold all that the comparison is about.
fn check_variety(folders: &BTreeMap<String, Folder>) {
    let codecs = |folder: &Folder| {
        let mut codecs: Vec<_> = folder.batches.iter().map(|b| b.codec.clone()).collect();
        codecs.sort();
        codecs.dedup();
        codecs
    };
    assert_eq!(codecs(&folders["codecs-0"]).len(), 5);
    let (compacted, transactions) = (&folders["compacted-0"], &folders["transactions-0"]);
    assert!(
        compacted.batches[0].base_offset > 0
            || compacted
                .batches
                .windows(2)
                .any(|pair| { pair[0].last_offset + 1 < pair[1].base_offset })
    );
    assert!(transactions.aborted.len() > 10);
    assert!(transactions.segments().len() > 5);
    let open = transactions.producers_at(transactions.end_offset());
    assert!(
        open.values()
            .any(|producer| producer.transaction_first_offset >= 0)
    );
    for name in [
        "codecs-0",
        "stamped-0",
        "compacted-0",
        "transactions-0",
        "deleted-0",
    ] {
        assert!(folders[name].epochs.len() > 1, "{name}");
    }
}

fn open(folder: &Path, expected: &Folder, options: OpenOptions) -> (Log, RecoveryReport) {
    let config = LogConfig {
        index_interval_bytes: match expected.name.as_str() {
            "codecs-0" => 400,
            "stamped-0" => 0,
            "compacted-0" | "transactions-0" => 300,
            _ => 4096,
        },
        compact: expected.is_compacted(),
        ..LogConfig::DEFAULT
    };
    Log::open(folder, config, options).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Copies a folder and all below.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}
