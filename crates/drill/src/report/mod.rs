//! What a drill found, for people and for programs: a table for terminals, JSON, one HTML file.
//!
//! All of it is made from the history alone, so a kept history can be reported again at any time.

mod comparison;
mod format;
mod html;
mod proof;
mod text;

use std::io::{self, BufRead};

use serde::Serialize;

pub use comparison::comparison;
pub use proof::ToldOperation;

use crate::availability::{Availability, Observer};
use crate::checker::{EvidenceBuilder, Verdict, judge};
use crate::history::{Action, HistoryError, HistoryReader, Operation, Setup};

/// The version of the JSON report's shape; it grows when a field changes its meaning or goes.
pub const REPORT_VERSION: u32 = 1;

/// How many remarks of a history are kept.
const REMARKS_MAX: usize = 1000;

/// What a drill found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub report_version: u32,
    /// Whether no promise was broken. Availability does not count: how long is too long is for others
    /// to say.
    pub valid: bool,
    /// What the drill was about.
    pub setup: Setup,
    /// The anomalies.
    pub verdict: Verdict,
    /// The operations that prove them, by index.
    pub operations: Vec<ToldOperation>,
    /// What faults cost those who write.
    pub availability: Availability,
    /// What the drill itself had to say, in order.
    pub remarks: Vec<String>,
}

/// Makes a report of operations as they come.
#[derive(Debug, Default)]
pub struct ReportBuilder {
    setup: Setup,
    remarks: Vec<String>,
    evidence: EvidenceBuilder,
    observer: Observer,
}

impl ReportBuilder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next operation.
    ///
    /// # Errors
    /// If it cannot follow those before it; see [`EvidenceBuilder::observe`].
    pub fn observe(&mut self, operation: &Operation) -> Result<(), HistoryError> {
        match &operation.action {
            Action::Setup(setup) => self.setup.clone_from(setup),
            // A drill has few; a file that has more is not worth the memory.
            Action::Remark(text) if self.remarks.len() < REMARKS_MAX => {
                self.remarks.push(text.clone());
            }
            _ => {}
        }
        self.observer.observe(operation);
        self.evidence.observe(operation)
    }

    /// The report, without the operations that prove what it says.
    #[must_use]
    pub fn finish(self) -> Report {
        let verdict = judge(&self.evidence.finish());
        Report {
            report_version: REPORT_VERSION,
            valid: verdict.is_valid(),
            setup: self.setup,
            verdict,
            operations: Vec::new(),
            availability: self.observer.finish(),
            remarks: self.remarks,
        }
    }
}

impl Report {
    /// Judges the history that `open` gives, from its beginning each time: once to judge it, and once
    /// more for the operations that prove what was found, if anything was.
    ///
    /// # Errors
    /// If the history cannot be read or is none.
    pub fn read<R: BufRead>(mut open: impl FnMut() -> io::Result<R>) -> Result<Self, HistoryError> {
        let mut reader = || {
            let file = open().map_err(HistoryError::Open)?;
            Ok(HistoryReader::new(file))
        };
        let mut builder = ReportBuilder::new();
        for operation in reader()? {
            builder.observe(&operation?)?;
        }
        let mut report = builder.finish();
        let proof = proof::Proof::of(&report.verdict);
        if !proof.is_empty() {
            for operation in reader()? {
                report.operations.extend(proof.tell(&operation?));
            }
        }
        Ok(report)
    }

    /// The report as JSON, indented.
    #[must_use]
    pub fn json(&self) -> String {
        // Strings, numbers, lists and maps with keys of numbers always serialize.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The partition of a key in Kafka's words.
    fn partition_name(&self, key: crate::history::Key) -> String {
        let name = self.setup.keys.get(key.0 as usize);
        name.map_or_else(|| format!("key {key}"), ToString::to_string)
    }
}

#[cfg(test)]
pub(crate) mod tests;
