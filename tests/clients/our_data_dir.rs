//! A log that our storage wrote, read by Apache Kafka: by its classes, and by kafka-dump-log in all of its ways.

use std::fs;
use std::path::{Path, PathBuf};

use klamm_records::{BatchBuilder, Compression, EndTransactionMarker, TimestampType};
use klamm_storage::{Log, LogConfig, OpenOptions};
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};
use tempfile::TempDir;

use crate::foreign::{Client, java};
use crate::kafka_data_dir::dump::{self, Folder};
use crate::kafka_data_dir::view::{self, View};
use crate::process::{TOOL_TIMEOUT, run};

const DUMP_LOG: &str = "org.apache.kafka.tools.DumpLogSegments";
/// What it says of a file that it does not like.
const COMPLAINTS: [&str; 5] = [
    "Mismatches",
    "Non-consecutive",
    "isvalid: false",
    "Exception",
    "not be empty",
];
const CODECS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];
const TIME: i64 = 1_700_000_000_000;
const NEW: OpenOptions = OpenOptions {
    clean_shutdown: true,
    recovery_point: 0,
    log_start_offset: 0,
};

#[test]
fn apache_kafka_reads_our_logs() {
    if !Client::Java.is_here() {
        return;
    }
    let root = TempDir::new().unwrap();
    let folder = root.path().join("ours-0");
    let config = LogConfig {
        segment_bytes: 2_000,
        index_interval_bytes: 300,
        ..LogConfig::DEFAULT
    };
    let (mut log, _) = Log::open(&folder, config, NEW).unwrap();
    write(&mut log);
    log.close().unwrap();

    let read = run(java("KafkaLogDump").arg(&folder), None, TOOL_TIMEOUT).text();
    let expected = dump::parse_folder(&read);
    assert!(expected.segments().len() > 5 && expected.aborted.len() > 5);
    View::of(&log, true).check(&expected, None, "ours");
    let end = expected.end_offset();
    assert_eq!(&view::snapshot_of(&log), expected.producers_at(end));
    assert!(
        expected.producers.len() >= expected.segments().len(),
        "one at each roll"
    );
    check_indexes(&folder, &expected);
    check_tool(&folder, &expected);
}

/// Kafka's classes read the entries that are in the files.
fn check_indexes(folder: &Path, expected: &Folder) {
    for segment in expected.segments() {
        let path = |suffix| folder.join(format!("{segment:020}.{suffix}"));
        let index = view::read_offset_index(&path("index"), segment);
        assert_eq!(expected.index_of(segment), index);
        let times = view::read_time_index(&path("timeindex"), segment);
        assert_eq!(expected.time_index_of(segment), times);
    }
    assert!(expected.index.len() > expected.segments().len());
}

fn check_tool(folder: &Path, expected: &Folder) {
    let logs = dump_log(
        &files(folder, "log"),
        &["--deep-iteration", "--print-data-log"],
    );
    let data = expected.batches.iter().filter(|batch| !batch.is_control);
    let records: i32 = data.clone().map(|batch| batch.count).sum();
    assert_eq!(
        logs.matches(" payload: ").count(),
        records as usize,
        "{logs}"
    );
    let markers = expected.batches.len() - data.count();
    assert_eq!(logs.matches("endTxnMarker: ").count(), markers);
    let aborts = logs.matches("endTxnMarker: ABORT").count();
    assert_eq!(aborts, expected.aborted.len());

    let indexes = [files(folder, "index"), files(folder, "timeindex")].concat();
    let passed = dump_log(&indexes, &["--index-sanity-check"]);
    assert_eq!(
        passed.matches("passed sanity check").count(),
        indexes.len(),
        "{passed}"
    );
    dump_log(&indexes, &["--verify-index-only"]);

    let aborted = dump_log(&files(folder, "txnindex"), &[]);
    assert_eq!(
        aborted.matches("firstOffset: ").count(),
        expected.aborted.len(),
        "{aborted}"
    );
    let snapshots = dump_log(&files(folder, "snapshot"), &[]);
    let producers: usize = expected
        .producers
        .values()
        .map(|producers| producers.len())
        .sum();
    assert_eq!(
        snapshots.matches("producerId: ").count(),
        producers,
        "{snapshots}"
    );
}

fn dump_log(files: &[PathBuf], arguments: &[&str]) -> String {
    let files: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    assert!(!files.is_empty());
    let mut command = java(DUMP_LOG);
    command.args(["--files", &files.join(",")]).args(arguments);
    let output = run(&mut command, None, TOOL_TIMEOUT).text();
    for complaint in COMPLAINTS {
        let line = output.lines().find(|line| line.contains(complaint));
        assert_eq!(line, None, "kafka-dump-log complains of {files:?}");
    }
    output
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

/// Plain batches of every codec, idempotent ones, and transactions that overlap, one of them open at the end; two leader
/// epochs.
fn write(log: &mut Log) {
    for round in 0..30 {
        let epoch = LeaderEpoch(i32::from(round >= 15));
        let producer = |id| (ProducerId(id), ProducerEpoch(0), round);
        append(log, epoch, round, None, false);
        append(log, epoch, round, Some(producer(1)), false);
        append(log, epoch, round, Some(producer(2)), true);
        append(log, epoch, round, Some(producer(3)), true);
        end(log, epoch, 2, round % 3 == 0);
        if round < 29 {
            end(log, epoch, 3, round % 2 == 0);
        }
    }
}

fn append(
    log: &mut Log,
    epoch: LeaderEpoch,
    round: i32,
    producer: Option<(ProducerId, ProducerEpoch, i32)>,
    is_transactional: bool,
) {
    let mut builder = BatchBuilder::new(log.log_end_offset())
        .leader_epoch(epoch)
        .compression(CODECS[round as usize % CODECS.len()])
        .timestamp_type(if round % 7 == 6 {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        })
        .transactional(is_transactional);
    // As many records as keep the sequences of idempotent producers in order.
    let mut records = 1 + round % 4;
    if let Some((id, epoch, sequence)) = producer {
        builder = builder.producer(id, epoch, sequence);
        records = 1;
    }
    for i in 0..records {
        let key = format!("key-{i}");
        let key = (i % 2 == 0).then_some(key.as_bytes());
        let value = format!("value {round} {i} {}", "v".repeat(40));
        let headers: &[(&[u8], Option<&[u8]>)] = match i {
            0 => &[],
            1 => &[(b"name", Some(b"value"))],
            _ => &[(b"name", None), (b"other", Some(b""))],
        };
        let time = TIME + i64::from(round * 100 - i * 7);
        builder.append(time, key, Some(value.as_bytes()), headers);
    }
    log.append(&builder.build().unwrap()).unwrap();
}

fn end(log: &mut Log, epoch: LeaderEpoch, producer: i64, committed: bool) {
    let marker = EndTransactionMarker {
        committed,
        coordinator_epoch: 5,
    };
    let id = ProducerId(producer);
    let batch = marker.batch(log.log_end_offset(), epoch, id, ProducerEpoch(0), TIME);
    log.append(&batch.unwrap()).unwrap();
}
