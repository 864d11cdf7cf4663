//! Latencies, from the moment a request was due to its acknowledgement.

use std::collections::BTreeMap;

use serde::Serialize;

use super::observer::Request;
use super::rounds::Windows;

/// How a set of latencies is spread. All in microseconds, by nearest rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// How many there are.
    pub count: u64,
    /// Half are not above it.
    pub p50_us: u64,
    /// 90 of 100 are not above it.
    pub p90_us: u64,
    /// 99 of 100 are not above it.
    pub p99_us: u64,
    /// 999 of 1000 are not above it.
    pub p999_us: u64,
    /// None is above it.
    pub max_us: u64,
}

impl Quantiles {
    /// Of these values, which are put in order.
    #[must_use]
    pub fn of(values_us: &mut [u64]) -> Self {
        values_us.sort_unstable();
        let rank = |permille: usize| nearest_rank(values_us, permille).unwrap_or(0);
        Self {
            count: values_us.len() as u64,
            p50_us: rank(500),
            p90_us: rank(900),
            p99_us: rank(990),
            p999_us: rank(999),
            max_us: rank(1000),
        }
    }
}

/// The smallest of ordered values that `permille` thousandths of them are not above.
pub(super) fn nearest_rank(ordered: &[u64], permille: usize) -> Option<u64> {
    let rank = (ordered.len() * permille).div_ceil(1000);
    ordered.get(rank.max(1) - 1).copied()
}

/// The latencies of a part of the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LatencyByTime {
    /// "quiet", or the scenario around whose faults the requests were outstanding.
    pub when: String,
    /// Of acknowledged requests.
    pub latency: Quantiles,
    /// Requests that were never acknowledged, and so have no latency.
    pub unacknowledged: u64,
}

/// In quiet first, then around the faults of each scenario.
pub(super) fn latencies(requests: &[Request], windows: &Windows) -> Vec<LatencyByTime> {
    let mut groups: BTreeMap<Option<&str>, (Vec<u64>, u64)> = BTreeMap::new();
    for request in requests {
        let scenario = windows.around(request);
        let (latencies, unacknowledged) = groups.entry(scenario).or_default();
        match request.acknowledged_ns() {
            Some(at) => latencies.push(at.saturating_sub(request.due_ns) / 1000),
            None => *unacknowledged += 1,
        }
    }
    let groups = groups.into_iter();
    groups
        .map(
            |(scenario, (mut latencies, unacknowledged))| LatencyByTime {
                when: scenario.unwrap_or("quiet").to_owned(),
                latency: Quantiles::of(&mut latencies),
                unacknowledged,
            },
        )
        .collect()
}
