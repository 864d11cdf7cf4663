//! Logs and batches to measure with.

use klamm_records::BatchBuilder;
use klamm_storage::{Log, LogConfig, OpenOptions};
use rustix::fs::{Advice, fadvise};
use std::{fs::File, path::Path};

/// Bytes of a record's value, as in Kafka's own performance tests.
pub(crate) const VALUE_SIZE: usize = 1_024;

/// Sizes of batches that are measured, by name.
pub(crate) const BATCH_SIZES: [(&str, usize); 3] = [
    ("1KiB", 1 << 10),
    ("16KiB", 16 << 10),
    ("256KiB", 256 << 10),
];

/// A log of 64 MiB segments.
pub(crate) const CONFIG: LogConfig = LogConfig {
    segment_bytes: 64 << 20,
    ..LogConfig::DEFAULT
};

/// Opens a log, after a crash or not.
pub(crate) fn open(dir: &Path, clean_shutdown: bool, recovery_point: i64) -> Log {
    let options = OpenOptions {
        clean_shutdown,
        recovery_point,
        log_start_offset: 0,
    };
    Log::open(dir, CONFIG, options).unwrap().0
}

/// A batch of about `size` bytes of records of [`VALUE_SIZE`] that do not compress.
pub(crate) fn batch(base_offset: i64, size: usize) -> Vec<u8> {
    let mut state = base_offset as u64 | 1;
    let mut builder = BatchBuilder::new(base_offset);
    let value_size = VALUE_SIZE.min(size);
    for i in 0..(size / value_size).max(1) as i64 {
        let value: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .take(value_size)
        .collect();
        let timestamp = 1_700_000_000_000 + base_offset + i;
        builder.append(timestamp, None, Some(&value), &[]);
    }
    builder.build().unwrap().to_vec()
}

/// Gives a batch the offsets from `base_offset` on, as a leader does.
pub(crate) fn move_to(batch: &mut [u8], base_offset: i64) {
    batch[..8].copy_from_slice(&base_offset.to_be_bytes());
}

/// Appends batches of `batch_size` bytes until there are `bytes`, and closes the log.
pub(crate) fn fill(dir: &Path, bytes: usize, batch_size: usize) -> Log {
    let mut log = open(dir, true, 0);
    let mut batch = batch(0, batch_size);
    for _ in 0..bytes / batch.len() {
        move_to(&mut batch, log.log_end_offset());
        log.append(&batch).unwrap();
    }
    log.close().unwrap();
    log
}

/// Makes the system forget the contents of a folder's files.
pub(crate) fn chill(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let file = File::open(entry.unwrap().path()).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    }
}
