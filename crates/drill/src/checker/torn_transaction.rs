//! torn-transaction: some values of a transaction were read, others never, although their partitions
//! were read to the end.
//!
//! Consumers may see a transaction partition by partition, so it counts only what was never seen. An
//! aborted transaction of which anything was seen is an aborted read.

use super::anomaly::Anomaly;
use super::evidence::{Evidence, Sent, What};
use super::finding::{Finding, Findings};
use super::lost_write::read_past;
use crate::history::Kind;

/// How many of the values are named.
const VALUES_MAX: usize = 8;

pub(super) fn find(evidence: &Evidence) -> Findings {
    let mut findings = Findings::new(Anomaly::TornTransaction);
    for (at, deed) in evidence.deeds() {
        let sends = evidence.sends(deed);
        if deed.what != (What::Exchange { transaction: true })
            || !matches!(deed.kind, Kind::Ok | Kind::Info)
            || sends.len() < 2
        {
            continue;
        }
        let seen: Vec<_> = sends
            .iter()
            .filter(|sent| sent.reader().is_some())
            .collect();
        let never: Vec<_> = sends
            .iter()
            .filter(|sent| is_missing(evidence, sent))
            .collect();
        if !seen.is_empty() && !never.is_empty() {
            findings.add(|| describe(evidence, at, &seen, &never));
        }
    }
    findings
}

/// Whether it is not there: not read, though its place was read past, or has no place that is known.
fn is_missing(evidence: &Evidence, sent: &Sent) -> bool {
    let passed = sent.offset().is_none() || read_past(evidence, sent).is_some();
    sent.reader().is_none() && passed
}

fn describe(evidence: &Evidence, at: u32, seen: &[&Sent], never: &[&Sent]) -> Finding {
    let list = |sends: &[&Sent]| {
        let told = sends.iter().take(VALUES_MAX);
        let told: Vec<_> = told
            .map(|sent| format!("{} ({})", sent.value, evidence.name(sent.key)))
            .collect();
        told.join(", ")
    };
    let readers = seen
        .iter()
        .take(VALUES_MAX)
        .filter_map(|sent| sent.reader());
    Finding {
        text: format!(
            "of one transaction, {} was read, and {} never",
            list(seen),
            list(never)
        ),
        key: None,
        offset: None,
        values: never
            .iter()
            .take(VALUES_MAX)
            .map(|sent| sent.value)
            .collect(),
        operations: evidence.indices([at].into_iter().chain(readers)),
    }
}
