//! Compacting: a log in which each key was written ten times or more.

use crate::fixture::{CONFIG, open};
use criterion::{Criterion, Throughput};
use klamm_records::{BatchBuilder, Compression};
use klamm_storage::{CompactionLimits, Log, LogConfig};
use std::path::Path;

const LOG_SIZE: usize = 256 << 20;
const VALUE_SIZE: usize = 1_024;
const RECORDS_PER_BATCH: usize = 16;
const KEYS: usize = LOG_SIZE / VALUE_SIZE / 10;
const NOW_MS: i64 = 1_700_000_000_000;

const COMPACTED: LogConfig = LogConfig {
    compact: true,
    ..CONFIG
};

const LIMITS: CompactionLimits = CompactionLimits {
    map_bytes: 64 << 20,
    map_load_factor: 0.9,
    io_bytes: 512 << 10,
};

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compaction");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(LOG_SIZE as u64));
    for (name, codec) in [("plain", Compression::None), ("lz4", Compression::Lz4)] {
        let dir = tempfile::tempdir().unwrap();
        let log = fill(dir.path(), codec);
        group.bench_function(name, |bencher| bencher.iter(|| compact(&log)));
    }
    group.finish();
}

/// Rewrites every sealed segment; what comes of it is dropped.
fn compact(log: &Log) {
    let reader = log.reader();
    let cleanable = reader.cleanable(&COMPACTED, None, log.log_end_offset(), NOW_MS);
    let cleanable = cleanable.unwrap().expect("sealed segments");
    let compaction = log.compaction(&cleanable, LIMITS, NOW_MS);
    let mut rewriting = compaction.map_keys(&mut |_| true).unwrap();
    while rewriting.next_replacement(&mut |_| true).unwrap().is_some() {}
}

fn fill(dir: &Path, codec: Compression) -> Log {
    let mut log = open(dir, true, 0);
    let mut number = 0usize;
    let mut value = [0; VALUE_SIZE];
    while log.reader().size_bytes() < LOG_SIZE as u64 {
        let mut builder = BatchBuilder::new(log.log_end_offset()).compression(codec);
        for _ in 0..RECORDS_PER_BATCH {
            // A prime step visits the keys in no order that the log would know.
            let key = (number * 7_919 % KEYS).to_be_bytes();
            // Half of a value can be compressed.
            for (i, word) in value[..VALUE_SIZE / 2]
                .as_chunks_mut()
                .0
                .iter_mut()
                .enumerate()
            {
                *word = ((number + i) as u64)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .to_le_bytes();
            }
            builder.append(NOW_MS, Some(&key), Some(&value), &[]);
            number += 1;
        }
        log.append(&builder.build().unwrap()).unwrap();
    }
    log.flusher().flush().unwrap();
    log
}
