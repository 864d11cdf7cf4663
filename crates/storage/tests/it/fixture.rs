//! Logs and batches for tests.

use klamm_records::{BatchBuilder, Batches, Compression, EndTransactionMarker};
use klamm_storage::{Log, LogConfig, LogReader, OpenOptions, RecoveryReport};
use klamm_types::{LeaderEpoch, ProducerEpoch, ProducerId};
use std::path::Path;
use tempfile::TempDir;

/// A folder in memory where there is one: these tests are about contents, and a thousand syncs
/// of a busy disk take long.
pub(crate) fn temp_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// Segments of a few batches, an index entry for nearly each.
pub(crate) const SMALL: LogConfig = LogConfig {
    segment_bytes: 1_000,
    segment_ms: i64::MAX,
    segment_index_bytes: 1 << 20,
    index_interval_bytes: 100,
    ..LogConfig::DEFAULT
};

pub(crate) const CLEAN: OpenOptions = OpenOptions {
    clean_shutdown: true,
    recovery_point: 0,
    log_start_offset: 0,
};

pub(crate) const CRASHED: OpenOptions = OpenOptions {
    clean_shutdown: false,
    recovery_point: 0,
    log_start_offset: 0,
};

/// A batch of `records` records of some bytes each; record `i` has timestamp `timestamp + i`.
pub(crate) fn batch_of(base_offset: i64, epoch: i32, records: i32, timestamp: i64) -> Vec<u8> {
    let mut builder = BatchBuilder::new(base_offset)
        .leader_epoch(LeaderEpoch(epoch))
        .compression(Compression::None);
    for i in 0..i64::from(records) {
        let value = format!("value of record {:012}", base_offset + i);
        builder.append(timestamp + i, Some(b"key"), Some(value.as_bytes()), &[]);
    }
    builder.build().unwrap().to_vec()
}

/// A batch whose timestamps follow from its offset.
pub(crate) fn batch(base_offset: i64, epoch: i32, records: i32) -> Vec<u8> {
    batch_of(base_offset, epoch, records, 1_000 + 10 * base_offset)
}

/// A batch of one record by an idempotent producer.
pub(crate) fn sequenced(base_offset: i64, producer: i64, sequence: i32) -> Vec<u8> {
    let mut builder = BatchBuilder::new(base_offset)
        .leader_epoch(LeaderEpoch(0))
        .producer(ProducerId(producer), ProducerEpoch(0), sequence);
    builder.append(1_000, None, Some(b"value"), &[]);
    builder.build().unwrap().to_vec()
}

/// A batch of one record of a transaction.
pub(crate) fn transactional(base_offset: i64, producer: i64, sequence: i32) -> Vec<u8> {
    let mut builder = BatchBuilder::new(base_offset)
        .leader_epoch(LeaderEpoch(0))
        .producer(ProducerId(producer), ProducerEpoch(0), sequence)
        .transactional(true);
    builder.append(1_000, None, Some(b"value"), &[]);
    builder.build().unwrap().to_vec()
}

/// The end of a transaction.
pub(crate) fn marker(offset: i64, producer: i64, committed: bool) -> Vec<u8> {
    let marker = EndTransactionMarker {
        committed,
        coordinator_epoch: 0,
    };
    let (id, epoch) = (ProducerId(producer), ProducerEpoch(0));
    let batch = marker.batch(offset, LeaderEpoch(0), id, epoch, 1_000);
    batch.unwrap().to_vec()
}

pub(crate) fn open(dir: &Path, options: OpenOptions) -> (Log, RecoveryReport) {
    Log::open(dir, SMALL, options).unwrap()
}

pub(crate) fn open_new(dir: &Path) -> Log {
    open(dir, CLEAN).0
}

/// Appends `count` batches of two records each, one append per batch.
pub(crate) fn fill(log: &mut Log, epoch: i32, count: usize) {
    for _ in 0..count {
        log.append(&batch(log.log_end_offset(), epoch, 2)).unwrap();
    }
}

/// Every batch of a log, by as many reads as it takes.
pub(crate) fn read_all(reader: &LogReader) -> Vec<u8> {
    read_from(reader, reader.log_start_offset())
}

/// Every batch from an offset on, by as many reads as it takes.
pub(crate) fn read_from(reader: &LogReader, mut offset: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let read = reader.read(offset, 500, i64::MAX, true).unwrap();
        if read.records.is_empty() {
            return bytes;
        }
        assert!(read.next_offset > offset);
        offset = read.next_offset;
        bytes.extend_from_slice(&read.records);
    }
}

/// Base offsets of batches.
pub(crate) fn base_offsets(bytes: &[u8]) -> Vec<i64> {
    Batches::new(bytes)
        .map(|batch| batch.unwrap().0.base_offset)
        .collect()
}

/// Names of the files of a kind, sorted.
pub(crate) fn files(dir: &Path, suffix: &str) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(suffix)).collect();
    names.sort();
    names
}

/// Copies a folder of files.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in files(from, "") {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}
