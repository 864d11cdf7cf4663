//! inconsistent-offsets: clients saw different values at one offset of a partition.

use super::anomaly::Anomaly;
use super::evidence::Evidence;
use super::finding::{Finding, Findings};
use super::partition_log::Entry;
use crate::history::Key;

pub(super) fn find(evidence: &Evidence) -> Findings {
    let mut findings = Findings::new(Anomaly::InconsistentOffsets);
    for (key, log) in evidence.logs() {
        for same in log.entries().chunk_by(|a, b| a.offset == b.offset) {
            if same.len() > 1 {
                findings.add(|| describe(evidence, key, same));
            }
        }
    }
    findings
}

fn describe(evidence: &Evidence, key: Key, same: &[Entry]) -> Finding {
    let name = evidence.name(key);
    let offset = same.first().map_or(-1, |entry| entry.offset);
    let values = same.iter().map(|entry| {
        let how = if entry.unread { "acknowledged" } else { "read" };
        format!("{} ({how})", entry.value)
    });
    let values: Vec<_> = values.collect();
    Finding {
        text: format!(
            "offset {offset} of {name} had the values {}",
            values.join(", ")
        ),
        key: Some(key),
        offset: Some(offset),
        values: same.iter().map(|entry| entry.value).collect(),
        operations: evidence.indices(same.iter().map(|entry| entry.deed)),
    }
}
