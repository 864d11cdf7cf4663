//! Finding an offset or a timestamp anywhere in a log.

use crate::fixture::fill;
use criterion::Criterion;

const LOG_SIZE: usize = 256 << 20;
const BATCH_SIZE: usize = 1 << 10;

/// A step that visits offsets without any order.
const STRIDE: i64 = 1_000_003;

pub(crate) fn benches(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let log = fill(dir.path(), LOG_SIZE, BATCH_SIZE);
    let (reader, end_offset) = (log.reader(), log.log_end_offset());
    let mut group = criterion.benchmark_group("lookup");
    let mut offset = 0;
    group.bench_function("offset", |bencher| {
        bencher.iter(|| {
            offset = (offset + STRIDE) % end_offset;
            reader.read(offset, 1, end_offset, true).unwrap()
        });
    });
    let (first, last) = (
        1_700_000_000_000,
        reader.offset_of_max_timestamp().unwrap().unwrap().timestamp,
    );
    let mut timestamp = first;
    group.bench_function("timestamp", |bencher| {
        bencher.iter(|| {
            timestamp = first + (timestamp - first + STRIDE) % (last - first + 1);
            reader.offset_for_timestamp(timestamp).unwrap()
        });
    });
    group.finish();
}
