//! The judgement of a history.

use serde::Serialize;

use super::anomaly::Anomaly;
use super::finding::Findings;

/// What a history consists of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Operations, invocations and completions alike.
    pub operations: u64,
    /// Records whose sending was acknowledged.
    pub sends_acknowledged: u64,
    /// Records whose sending certainly failed.
    pub sends_failed: u64,
    /// Records whose sending has no known outcome.
    pub sends_unknown: u64,
    /// Those among them that were read, so they were sent after all.
    pub sends_unknown_read: u64,
    /// Records that polls returned, over all consumers.
    pub records_read: u64,
    /// Transactions, committed or not.
    pub transactions: u64,
}

/// What was found in a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What was judged.
    pub counts: Counts,
    /// The anomalies that occurred, the gravest first.
    pub found: Vec<Findings>,
}

impl Verdict {
    /// Whether nothing was found that breaks a promise.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.found
            .iter()
            .all(|findings| findings.anomaly.is_tolerated())
    }

    /// The anomalies that break a promise.
    #[must_use]
    pub fn violations(&self) -> Vec<Anomaly> {
        let found = self.found.iter().map(|findings| findings.anomaly);
        found.filter(|anomaly| !anomaly.is_tolerated()).collect()
    }
}
