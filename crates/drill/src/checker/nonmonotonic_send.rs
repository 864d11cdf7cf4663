//! nonmonotonic-send: what a producer sent later lies before what it sent earlier.
//!
//! The order of sends is the order of their invocations: by producer where the history names one, since
//! an idempotent producer keeps its order with several requests outstanding; else by process. Sends of
//! which nobody knows where they lie are left out.

use std::collections::HashMap;

use super::anomaly::Anomaly;
use super::evidence::{Evidence, Sent};
use super::finding::{Finding, Findings};
use crate::history::{Key, Kind};

/// A send and where it lies.
pub(super) type Placed<'a> = (i64, &'a Sent);

pub(super) fn find(evidence: &Evidence) -> Findings {
    let mut findings = Findings::new(Anomaly::NonmonotonicSend);
    let mut senders: Vec<_> = evidence.deeds().collect();
    senders.retain(|(_, deed)| {
        matches!(deed.kind, Kind::Ok | Kind::Info) && !evidence.sends(deed).is_empty()
    });
    senders.sort_by_key(|(_, deed)| (deed.sender(), deed.invoked));
    for of_one in senders.chunk_by(|(_, a), (_, b)| a.sender() == b.sender()) {
        let mut highest: HashMap<Key, Placed<'_>> = HashMap::new();
        for (_, deed) in of_one {
            let sends = evidence.sends(deed).iter();
            let placed = sends.filter_map(|sent| Some((evidence.position(sent)?, sent)));
            let mut begun = Vec::new();
            for (offset, sent) in placed {
                let before = highest.get(&sent.key).copied();
                // Behind its first send to a partition, an operation is judged by itself.
                let first = !begun.contains(&sent.key);
                if let Some(earlier) = before.filter(|before| first && before.0 > offset) {
                    findings.add(|| describe(evidence, earlier, (offset, sent)));
                }
                if before.is_none_or(|before| before.0 < offset) {
                    highest.insert(sent.key, (offset, sent));
                }
                begun.push(sent.key);
            }
        }
    }
    findings
}

/// A finding about two sends of one partition, with their offsets.
pub(super) fn describe(
    evidence: &Evidence,
    (first_offset, first): Placed<'_>,
    (second_offset, second): Placed<'_>,
) -> Finding {
    let deed = evidence.deed(second.deed);
    let sender = match deed.sender() {
        (true, producer) => format!("producer {producer}"),
        (false, process) => format!("process {process}"),
    };
    let text = format!(
        "{sender} sent value {} to {} before value {}, but they lie at offsets {first_offset} and \
         {second_offset}",
        first.value,
        evidence.name(second.key),
        second.value,
    );
    let readers = first.reader().into_iter().chain(second.reader());
    Finding {
        text,
        key: Some(second.key),
        offset: Some(second_offset),
        values: vec![first.value, second.value],
        operations: evidence.indices([first.deed, second.deed].into_iter().chain(readers)),
    }
}
