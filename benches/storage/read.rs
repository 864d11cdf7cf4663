//! Reading: what was just written, and what the system has forgotten.

use crate::fixture::{batch, chill, fill, move_to, open};
use criterion::{BatchSize, Criterion, Throughput};

const READ_SIZE: usize = 1 << 20;
const BATCH_SIZE: usize = 16 << 10;
const LOG_SIZE: usize = 128 << 20;

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    tail(&mut group);
    let dir = tempfile::tempdir().unwrap();
    let log = fill(dir.path(), LOG_SIZE, BATCH_SIZE);
    let reader = log.reader();
    let end_offset = log.log_end_offset();
    let read_through = || {
        let mut offset = 0;
        while offset < end_offset {
            let read = reader.read(offset, READ_SIZE, end_offset, true).unwrap();
            offset = read.next_offset;
        }
    };
    group.throughput(Throughput::Bytes(LOG_SIZE as u64));
    group.sample_size(10);
    group.bench_function("catch_up_cached", |bencher| bencher.iter(read_through));
    group.bench_function("catch_up_cold", |bencher| {
        bencher.iter_batched(
            || chill(dir.path()),
            |()| read_through(),
            BatchSize::PerIteration,
        );
    });
    // A log that was just opened: nothing of it is known to be sound.
    group.bench_function("catch_up_first_time", |bencher| {
        bencher.iter_batched(
            || open(dir.path(), true, 0).reader(),
            |reader| {
                let mut offset = 0;
                while offset < end_offset {
                    let read = reader.read(offset, READ_SIZE, end_offset, true).unwrap();
                    offset = read.next_offset;
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// A consumer that keeps up: each batch is read right after it was appended.
fn tail(group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>) {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path(), true, 0);
    let reader = log.reader();
    let mut batch = batch(0, BATCH_SIZE);
    group.throughput(Throughput::Bytes(batch.len() as u64));
    let mut appended = 0;
    group.bench_function("tail_16KiB", |bencher| {
        bencher.iter_batched(
            || {
                appended += batch.len() as u64;
                if appended > 1 << 30 {
                    log.truncate_fully_and_start_at(0).unwrap();
                    appended = 0;
                }
                let offset = log.log_end_offset();
                move_to(&mut batch, offset);
                log.append(&batch).unwrap();
                (offset, log.log_end_offset())
            },
            |(offset, end_offset)| reader.read(offset, READ_SIZE, end_offset, true).unwrap(),
            BatchSize::PerIteration,
        );
    });
}
