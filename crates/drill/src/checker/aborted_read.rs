//! G1a: a successful poll returned a value whose sending had certainly failed, or whose transaction was
//! aborted.

use super::anomaly::Anomaly;
use super::evidence::{Evidence, Sent};
use super::finding::{Finding, Findings};
use crate::history::Kind;

pub(super) fn find(evidence: &Evidence) -> Findings {
    let mut findings = Findings::new(Anomaly::AbortedRead);
    for sent in evidence.all_sends() {
        if let Some(reader) = sent.reader()
            && evidence.deed(sent.deed).kind == Kind::Fail
        {
            findings.add(|| describe(evidence, sent, reader));
        }
    }
    findings
}

fn describe(evidence: &Evidence, sent: &Sent, reader: u32) -> Finding {
    let place = match evidence.position(sent) {
        Some(offset) => format!("offset {offset} of {}", evidence.name(sent.key)),
        None => evidence.name(sent.key),
    };
    let text = format!(
        "value {} failed or was aborted, and was read at {place} by process {}",
        sent.value,
        evidence.deed(reader).process
    );
    Finding {
        text,
        key: Some(sent.key),
        offset: evidence.position(sent),
        values: vec![sent.value],
        operations: evidence.indices([sent.deed, reader]),
    }
}
