//! lost-write: a record was acknowledged at an offset, a consumer read past that offset, and nobody
//! ever read the record.
//!
//! It also counts for sends without a known outcome that certainly took effect, because another value of
//! the same operation was read. What lies behind everything that was read is [`super::unseen`]'s.

use super::anomaly::Anomaly;
use super::evidence::{Evidence, Sent};
use super::finding::{Finding, Findings};

pub(super) fn find(evidence: &Evidence) -> Findings {
    let mut findings = Findings::new(Anomaly::LostWrite);
    for sent in evidence.all_sends() {
        if let Some(passed) = read_past(evidence, sent)
            && sent.reader().is_none()
            && evidence.is_committed(evidence.deed(sent.deed))
        {
            findings.add(|| describe(evidence, sent, passed));
        }
    }
    findings
}

/// The highest offset that was read of the partition of `sent`, and the poll, if that is not before the
/// place where `sent` was acknowledged.
pub(super) fn read_past(evidence: &Evidence, sent: &Sent) -> Option<(i64, u32)> {
    let offset = sent.offset()?;
    let read_to = evidence.log(sent.key)?.read_to;
    read_to.filter(|(highest, _)| *highest >= offset)
}

fn describe(evidence: &Evidence, sent: &Sent, (highest, poll): (i64, u32)) -> Finding {
    let offset = sent.offset().unwrap_or(-1);
    let name = evidence.name(sent.key);
    let log = evidence.log(sent.key);
    let there = log
        .map_or(&[][..], |log| log.between(offset - 1, offset + 1))
        .iter();
    let instead = there.filter(|entry| !entry.unread && entry.value != sent.value);
    let instead: Vec<_> = instead.map(|entry| (entry.value, entry.deed)).collect();
    let found = match instead.first() {
        Some((value, _)) => format!("value {value} was read in its place"),
        None => format!("it was never read, though offset {highest} was"),
    };
    let text = format!(
        "value {} was acknowledged at offset {offset} of {name}; {found}",
        sent.value
    );
    let witnesses = instead.first().map_or(poll, |(_, deed)| *deed);
    Finding {
        text,
        key: Some(sent.key),
        offset: Some(offset),
        values: vec![sent.value],
        operations: evidence.indices([sent.deed, witnesses, poll]),
    }
}
