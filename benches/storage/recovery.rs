//! Opening a log: after a clean stop, after a crash near the recovery point, and without one.

use crate::fixture::{fill, open};
use criterion::{Criterion, Throughput};

const LOG_SIZE: usize = 256 << 20;
const BATCH_SIZE: usize = 16 << 10;

pub(crate) fn benches(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let end_offset = fill(dir.path(), LOG_SIZE, BATCH_SIZE).log_end_offset();
    let mut group = criterion.benchmark_group("recovery");
    group.sample_size(10);
    group.bench_function("open_clean", |bencher| {
        bencher.iter(|| open(dir.path(), true, 0));
    });
    group.bench_function("open_crashed_recovery_point_at_end", |bencher| {
        bencher.iter(|| open(dir.path(), false, end_offset));
    });
    group.throughput(Throughput::Bytes(LOG_SIZE as u64));
    group.bench_function("open_crashed_all_checked", |bencher| {
        bencher.iter(|| open(dir.path(), false, 0));
    });
    group.finish();
}
