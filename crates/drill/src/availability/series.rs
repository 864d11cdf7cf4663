//! Throughput and latency over time.

use serde::Serialize;

use super::latency::nearest_rank;
use super::observer::Request;

/// How long a bucket is at least, in milliseconds.
const BUCKET_MS_MIN: u64 = 100;

/// More buckets than these are not drawn: those of drills of more than half an hour get longer.
pub const BUCKETS_MAX: u64 = 20_000;

/// One value a bucket. Throughput counts when acknowledgements came, latency when requests were due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Series {
    /// How long a bucket is, in milliseconds.
    pub bucket_ms: u64,
    /// Requests that were due.
    pub due: Vec<u32>,
    /// Acknowledgements that came.
    pub acknowledged: Vec<u32>,
    /// Requests that were due and never acknowledged.
    pub unacknowledged: Vec<u32>,
    /// The median latency of requests that were due, in microseconds, if any was acknowledged.
    pub p50_us: Vec<Option<u64>>,
    /// Their 99th percentile.
    pub p99_us: Vec<Option<u64>>,
    /// Their maximum.
    pub max_us: Vec<Option<u64>>,
}

/// Of `requests`, which are ordered by when they were due.
pub(super) fn series(requests: &[Request], end_ns: u64) -> Series {
    let end_ms = end_ns / 1_000_000;
    let mut bucket_ms = BUCKET_MS_MIN;
    while end_ms / bucket_ms >= BUCKETS_MAX {
        bucket_ms *= 2;
    }
    // At most BUCKETS_MAX, so it fits.
    let buckets = (end_ms / bucket_ms + 1) as usize;
    let bucket_of = |ns: u64| (ns / 1_000_000 / bucket_ms) as usize;
    let mut series = Series {
        bucket_ms,
        due: vec![0; buckets],
        acknowledged: vec![0; buckets],
        unacknowledged: vec![0; buckets],
        p50_us: vec![None; buckets],
        p99_us: vec![None; buckets],
        max_us: vec![None; buckets],
    };
    let add = |counts: &mut Vec<u32>, bucket: usize, count: usize| {
        if let Some(counted) = counts.get_mut(bucket) {
            *counted = counted.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
    };
    for due in requests.chunk_by(|a, b| bucket_of(a.due_ns) == bucket_of(b.due_ns)) {
        let Some(bucket) = due.first().map(|request| bucket_of(request.due_ns)) else {
            continue;
        };
        let served = due
            .iter()
            .filter_map(|request| Some((request, request.acknowledged_ns()?)));
        let mut latencies: Vec<_> = served
            .map(|(request, at)| at.saturating_sub(request.due_ns) / 1000)
            .collect();
        latencies.sort_unstable();
        add(&mut series.due, bucket, due.len());
        add(
            &mut series.unacknowledged,
            bucket,
            due.len() - latencies.len(),
        );
        let ranks = [
            (&mut series.p50_us, 500),
            (&mut series.p99_us, 990),
            (&mut series.max_us, 1000),
        ];
        for (values, permille) in ranks {
            if let Some(value) = values.get_mut(bucket) {
                *value = nearest_rank(&latencies, permille);
            }
        }
    }
    for at in requests.iter().filter_map(Request::acknowledged_ns) {
        add(&mut series.acknowledged, bucket_of(at), 1);
    }
    series
}
