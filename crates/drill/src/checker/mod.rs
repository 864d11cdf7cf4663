//! The judge of a history: each anomaly of a log that a client could see, with the operations that
//! prove it.
//!
//! One file an anomaly; each is a function from [`Evidence`] to [`Findings`] and knows nothing of the
//! others. What they share: every value is unique, the log is not compacted, consumers read committed
//! records, and at the end somebody has read every partition to its end. Who begins at the beginning when
//! all sending is over is taken for that somebody.
//!
//! The anomalies are those of Jepsen's Kafka workload. Where that judges values by their place in the
//! order of a log, this judges the offsets that consumers were given; so a duplicate is a duplicate and
//! not a skip as well. And a value that nobody ever read is lost, not skipped: `poll-skip` is for what
//! somebody else did read.

mod aborted_read;
mod anomaly;
mod cycles;
mod duplicate;
mod evidence;
mod finding;
mod inconsistent_offsets;
mod int_nonmonotonic_poll;
mod int_nonmonotonic_send;
mod int_poll_skip;
mod last_reading;
mod lost_write;
mod nonmonotonic_poll;
mod nonmonotonic_send;
mod partition_log;
mod phantom;
mod poll_skip;
mod poll_steps;
mod precommitted_read;
mod torn_transaction;
mod unseen;
mod verdict;

#[cfg(test)]
mod tests;

pub use anomaly::Anomaly;
pub use evidence::{Evidence, EvidenceBuilder};
pub use finding::{FINDINGS_MAX, Finding, Findings};
pub use verdict::{Counts, Verdict};

use crate::history::{HistoryError, Operation};

/// Every check, in the order of the report: what loses data comes first.
const CHECKS: [fn(&Evidence) -> Findings; 16] = [
    lost_write::find,
    unseen::find,
    inconsistent_offsets::find,
    duplicate::find,
    phantom::find,
    aborted_read::find,
    precommitted_read::find,
    torn_transaction::find,
    poll_skip::find,
    nonmonotonic_poll::find,
    int_poll_skip::find,
    int_nonmonotonic_poll::find,
    nonmonotonic_send::find,
    int_nonmonotonic_send::find,
    cycles::find_read_cycles,
    cycles::find_write_cycles,
];

/// Judges what was gathered.
#[must_use]
pub fn judge(evidence: &Evidence) -> Verdict {
    Verdict {
        counts: evidence.counts(),
        found: CHECKS
            .iter()
            .map(|check| check(evidence))
            .filter(|findings| findings.count > 0)
            .collect(),
    }
}

/// Judges a history from its first to its last operation, in one pass.
///
/// # Errors
/// If the history cannot be read, or is none: see [`EvidenceBuilder::observe`].
pub fn check(
    history: impl IntoIterator<Item = Result<Operation, HistoryError>>,
) -> Result<Verdict, HistoryError> {
    let mut builder = EvidenceBuilder::new();
    for operation in history {
        builder.observe(&operation?)?;
    }
    Ok(judge(&builder.finish()))
}
