//! What faults cost those who write: gaps, latencies, throughput.
//!
//! The workload sends at a fixed rate whether or not the cluster keeps up, and every request counts from
//! the moment it was *due*. So a cluster that stands still is not excused by having been asked less.
//!
//! * A **gap** of a partition lies between two acknowledgements that follow one another. It begins with
//!   the first of them if a request was outstanding then, else when the next request became due. What comes
//!   before the first and behind the last acknowledgement counts likewise.
//! * A **round** lasts from the moment before its first fault is injected to the next round's, or to the last
//!   request. Its gap is the longest of any partition that lies in it; of one that lies in it by less than
//!   half, only that part counts.
//! * The **recovery** of a round is the time from its begin to the first acknowledgement of a request that
//!   became due afterwards; that of the slowest partition among those that the fault befell (among all, if
//!   none is named).
//! * A request is **around** the faults of a round if it was outstanding at any time between the round's begin
//!   and a second after its last healing. All others are **quiet**.

mod gaps;
mod latency;
mod observer;
mod rounds;
mod series;

pub use gaps::Gap;
pub use latency::{LatencyByTime, Quantiles};
pub use observer::{Leadership, Observer, Reign};
pub use rounds::{GapDistribution, Mark, RoundResult};
pub use series::{BUCKETS_MAX, Series};

use serde::Serialize;

/// How the cluster served those who write.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Availability {
    /// Requests by what became of them.
    pub requests: Requests,
    /// From the first request to the last acknowledgement, in microseconds.
    pub measured_us: u64,
    /// The longest gap of all, whenever it was.
    pub longest: Option<Gap>,
    /// The longest gap in quiet: no part of it is around the faults of a round.
    pub longest_quiet: Option<Gap>,
    /// Each round.
    pub rounds: Vec<RoundResult>,
    /// The gaps of rounds: over all scenarios together, if there are several, and of each.
    pub gaps: Vec<GapDistribution>,
    /// Latencies in quiet, and around the faults of each scenario.
    pub latencies: Vec<LatencyByTime>,
    /// Over time.
    pub series: Series,
    /// Who led when.
    pub leadership: Leadership,
}

/// Requests by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// All.
    pub sent: u64,
    /// Acknowledged.
    pub acknowledged: u64,
    /// Certainly failed.
    pub failed: u64,
    /// No known outcome.
    pub unknown: u64,
}

#[cfg(test)]
mod tests;
