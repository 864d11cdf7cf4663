//! What the machine does at best: the figures to hold the others against.

use criterion::{Criterion, Throughput};
use std::{hint::black_box, os::unix::fs::FileExt};

const SIZE: usize = 1 << 20;

/// Writes stay within this, so that the file does not grow for ever.
const FILE_SIZE: u64 = 256 << 20;

pub(crate) fn benches(criterion: &mut Criterion) {
    let bytes = vec![0x5a; SIZE];
    let mut group = criterion.benchmark_group("limits");
    group.throughput(Throughput::Bytes(SIZE as u64));
    group.bench_function("crc32c", |bencher| {
        bencher.iter(|| crc32c::crc32c(black_box(&bytes)));
    });
    let file = tempfile::tempfile().unwrap();
    let mut position = 0;
    group.bench_function("write_page_cache", |bencher| {
        bencher.iter(|| {
            file.write_all_at(&bytes, position).unwrap();
            position = (position + SIZE as u64) % FILE_SIZE;
        });
    });
    group.bench_function("write_and_sync_1MiB", |bencher| {
        bencher.iter(|| {
            file.write_all_at(&bytes, position).unwrap();
            file.sync_data().unwrap();
            position = (position + SIZE as u64) % FILE_SIZE;
        });
    });
    group.throughput(Throughput::Bytes(4 << 10));
    group.bench_function("write_and_sync_4KiB", |bencher| {
        bencher.iter(|| {
            file.write_all_at(&bytes[..4 << 10], position).unwrap();
            file.sync_data().unwrap();
            position = (position + (4 << 10)) % FILE_SIZE;
        });
    });
    group.finish();
}
