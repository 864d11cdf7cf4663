//! What a check found.

use serde::Serialize;

use super::anomaly::Anomaly;
use crate::history::Key;

/// How many findings of one anomaly are told in full; a cluster that lost a million records needs no
/// million sentences. All are counted.
pub const FINDINGS_MAX: usize = 16;

/// One case of an anomaly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What happened, in words.
    pub text: String,
    /// The partition, unless there are several.
    pub key: Option<Key>,
    /// The offset in question, if there is one.
    pub offset: Option<i64>,
    /// The values in question, for those who look for them in the history.
    pub values: Vec<u64>,
    /// The operations that prove it, by their index in the history.
    pub operations: Vec<u64>,
}

/// The cases of one anomaly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Which.
    pub anomaly: Anomaly,
    /// How many there are.
    pub count: u64,
    /// The first of them, [`FINDINGS_MAX`] at most.
    pub first: Vec<Finding>,
}

impl Findings {
    /// None so far.
    #[must_use]
    pub const fn new(anomaly: Anomaly) -> Self {
        Self {
            anomaly,
            count: 0,
            first: Vec::new(),
        }
    }

    /// Counts one more, which is put into words only if it will be told.
    pub(super) fn add(&mut self, finding: impl FnOnce() -> Finding) {
        self.add_many(1, finding);
    }

    /// Counts `count` more, told together.
    pub(super) fn add_many(&mut self, count: u64, finding: impl FnOnce() -> Finding) {
        self.count += count;
        if self.first.len() < FINDINGS_MAX {
            self.first.push(finding());
        }
    }
}
