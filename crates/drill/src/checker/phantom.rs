//! phantom: a poll returned a value that nobody had sent to that partition when the poll returned.
//!
//! Jepsen takes such a history for broken. For users it is a record of another partition, or bytes that
//! were changed.

use super::anomaly::Anomaly;
use super::evidence::{Evidence, Read};
use super::finding::{Finding, Findings};

pub(super) fn find(evidence: &Evidence) -> Findings {
    let mut findings = Findings::new(Anomaly::Phantom);
    for (at, deed) in evidence.deeds() {
        for read in evidence.reads(deed) {
            let sent = evidence.sent(read.key, read.value).map(|sent| sent.deed);
            match sent.map(|writer| (writer, evidence.deed(writer).invoked)) {
                Some((_, invoked)) if invoked < deed.index => {}
                Some((writer, _)) => {
                    findings
                        .add(|| describe(evidence, read, at, Some(writer), "before it was sent"));
                }
                None => {
                    findings.add(|| describe(evidence, read, at, None, "but nobody sent it there"))
                }
            }
        }
    }
    findings
}

fn describe(
    evidence: &Evidence,
    read: &Read,
    reader: u32,
    writer: Option<u32>,
    how: &str,
) -> Finding {
    let name = evidence.name(read.key);
    Finding {
        text: format!(
            "value {} was read at offset {} of {name}, {how}",
            read.value, read.offset
        ),
        key: Some(read.key),
        offset: Some(read.offset),
        values: vec![read.value],
        operations: evidence.indices([reader].into_iter().chain(writer)),
    }
}
