//! duplicate: one value lies at more than one offset of a partition.

use super::anomaly::Anomaly;
use super::evidence::Evidence;
use super::finding::{Finding, Findings};
use super::partition_log::Entry;
use crate::history::Key;

pub(super) fn find(evidence: &Evidence) -> Findings {
    let mut findings = Findings::new(Anomaly::Duplicate);
    for (key, log) in evidence.logs() {
        let mut by_value: Vec<_> = log.entries().to_vec();
        by_value.sort_unstable_by_key(|entry| (entry.value, entry.offset));
        for same in by_value.chunk_by(|a, b| a.value == b.value) {
            if same.len() > 1 {
                findings.add(|| describe(evidence, key, same));
            }
        }
    }
    findings
}

fn describe(evidence: &Evidence, key: Key, same: &[Entry]) -> Finding {
    let name = evidence.name(key);
    let value = same.first().map_or(0, |entry| entry.value);
    let places = same.iter().map(|entry| {
        let how = if entry.unread { "acknowledged" } else { "read" };
        format!("{} ({how})", entry.offset)
    });
    let places: Vec<_> = places.collect();
    let writer = evidence.sent(key, value).map(|sent| sent.deed);
    Finding {
        text: format!(
            "value {value} is in {name} at offsets {}",
            places.join(", ")
        ),
        key: Some(key),
        offset: None,
        values: vec![value],
        operations: evidence.indices(same.iter().map(|entry| entry.deed).chain(writer)),
    }
}
