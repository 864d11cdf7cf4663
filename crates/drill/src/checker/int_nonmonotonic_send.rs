//! int-nonmonotonic-send: the sends of one operation to one partition do not ascend.

use std::collections::HashMap;

use super::anomaly::Anomaly;
use super::evidence::Evidence;
use super::finding::Findings;
use super::nonmonotonic_send::describe;
use crate::history::Kind;

pub(super) fn find(evidence: &Evidence) -> Findings {
    let mut findings = Findings::new(Anomaly::IntNonmonotonicSend);
    for (_, deed) in evidence.deeds() {
        let sends = evidence.sends(deed);
        if sends.len() < 2 || !matches!(deed.kind, Kind::Ok | Kind::Info) {
            continue;
        }
        let mut before = HashMap::new();
        for sent in sends {
            let Some(offset) = evidence.position(sent) else {
                continue;
            };
            if let Some(earlier) = before.insert(sent.key, (offset, sent))
                && earlier.0 >= offset
            {
                findings.add(|| describe(evidence, earlier, (offset, sent)));
            }
        }
    }
    findings
}
