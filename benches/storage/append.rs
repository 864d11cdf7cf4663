//! Appending, to the page cache and to the disk.

use crate::fixture::{BATCH_SIZES, batch, move_to, open};
use criterion::{BenchmarkId, Criterion, Throughput};

/// A log that has grown to this is started anew, so that a long run does not fill the disk.
const LOG_BYTES_MAX: u64 = 1 << 30;

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    for (name, size) in BATCH_SIZES {
        for (kind, flush) in [("page_cache", false), ("flushed", true)] {
            let mut batch = batch(0, size);
            group.throughput(Throughput::Bytes(batch.len() as u64));
            group.bench_function(BenchmarkId::new(kind, name), |bencher| {
                let dir = tempfile::tempdir().unwrap();
                let mut log = open(dir.path(), true, 0);
                let flusher = log.flusher();
                let mut bytes = 0;
                bencher.iter(|| {
                    move_to(&mut batch, log.log_end_offset());
                    log.append(&batch).unwrap();
                    if flush {
                        flusher.flush().unwrap();
                    }
                    bytes += batch.len() as u64;
                    if bytes > LOG_BYTES_MAX {
                        log.truncate_fully_and_start_at(0).unwrap();
                        bytes = 0;
                    }
                });
            });
        }
    }
    group.finish();
}
