//! unseen: records that were acknowledged, but that nobody had read when the history ended.
//!
//! Told once a partition. What consumers read past is a [`super::lost_write`] and not told again.

use std::collections::BTreeMap;

use super::anomaly::Anomaly;
use super::evidence::{Evidence, Sent};
use super::finding::{Finding, Findings};
use super::lost_write::read_past;
use crate::history::{Key, Kind};

/// How many of the values are named.
const VALUES_MAX: usize = 8;

pub(super) fn find(evidence: &Evidence) -> Findings {
    let mut unseen: BTreeMap<Key, (u64, Vec<&Sent>)> = BTreeMap::new();
    for sent in evidence.all_sends() {
        if evidence.deed(sent.deed).kind != Kind::Ok
            || sent.reader().is_some()
            || read_past(evidence, sent).is_some()
        {
            continue;
        }
        let (count, told) = unseen.entry(sent.key).or_default();
        *count += 1;
        if told.len() < VALUES_MAX {
            told.push(sent);
        }
    }
    let mut findings = Findings::new(Anomaly::Unseen);
    for (key, (count, told)) in unseen {
        findings.add_many(count, || describe(evidence, key, count, &told));
    }
    findings
}

fn describe(evidence: &Evidence, key: Key, count: u64, told: &[&Sent]) -> Finding {
    let name = evidence.name(key);
    let records = match count {
        1 => "1 record of".to_owned(),
        many => format!("{many} records of"),
    };
    let read_to = evidence.log(key).and_then(|log| log.read_to);
    let read = match read_to {
        Some((offset, _)) => format!("it was read up to offset {offset}"),
        None => "nothing of it was read".to_owned(),
    };
    let last_read = read_to.map(|(_, deed)| deed);
    Finding {
        text: format!("{records} {name} were acknowledged and not read by the end; {read}"),
        key: Some(key),
        offset: None,
        values: told.iter().map(|sent| sent.value).collect(),
        operations: evidence.indices(told.iter().map(|sent| sent.deed).chain(last_read)),
    }
}
