//! precommitted-read: an operation read what it had sent itself, before its transaction was committed.

use super::anomaly::Anomaly;
use super::evidence::Evidence;
use super::finding::{Finding, Findings};

pub(super) fn find(evidence: &Evidence) -> Findings {
    let mut findings = Findings::new(Anomaly::PrecommittedRead);
    for (at, deed) in evidence.deeds() {
        let sends = evidence.sends(deed);
        if sends.is_empty() {
            continue;
        }
        for read in evidence.reads(deed) {
            let own = evidence
                .sent(read.key, read.value)
                .is_some_and(|sent| sent.deed == at);
            if !own {
                continue;
            }
            let name = evidence.name(read.key);
            findings.add(|| Finding {
                text: format!(
                    "value {} was read at offset {} of {name} by the operation that sent it",
                    read.value, read.offset
                ),
                key: Some(read.key),
                offset: Some(read.offset),
                values: vec![read.value],
                operations: evidence.indices([at]),
            });
        }
    }
    findings
}
