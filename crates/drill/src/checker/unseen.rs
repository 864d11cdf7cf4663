//! unseen: records that were acknowledged or read, and that the last reading did not find.
//!
//! In a history without a last reading: records that were acknowledged, and that nobody had read when it
//! ended. Told once a partition. What consumers passed over is a [`super::lost_write`] and not told again.

use std::collections::BTreeMap;

use super::anomaly::Anomaly;
use super::evidence::{Evidence, Sent};
use super::finding::{Finding, Findings};
use super::last_reading::LastReading;
use super::lost_write::read_past;
use crate::history::{Key, Kind};

/// How many of the values are named.
const VALUES_MAX: usize = 8;

/// What is missing of a partition.
#[derive(Default)]
struct Missing<'a> {
    count: u64,
    /// How many of them somebody had read before.
    read_before: u64,
    /// The first of them.
    told: Vec<&'a Sent>,
}

pub(super) fn find(evidence: &Evidence) -> Findings {
    let last = LastReading::of(evidence);
    let mut unseen: BTreeMap<Key, Missing> = BTreeMap::new();
    for (place, sent) in evidence.all_sends().iter().enumerate() {
        let deed = evidence.deed(sent.deed);
        let is_missing = match last.covers(sent.key) {
            true => evidence.is_committed(deed) && !last.found(place),
            false => deed.kind == Kind::Ok && sent.reader().is_none(),
        };
        let is_passed_over = sent.reader().is_none() && read_past(evidence, sent).is_some();
        if !is_missing || is_passed_over {
            continue;
        }
        let missing = unseen.entry(sent.key).or_default();
        missing.count += 1;
        missing.read_before += u64::from(sent.reader().is_some());
        if missing.told.len() < VALUES_MAX {
            missing.told.push(sent);
        }
    }
    let mut findings = Findings::new(Anomaly::Unseen);
    for (key, missing) in unseen {
        findings.add_many(missing.count, || describe(evidence, key, &missing));
    }
    findings
}

fn describe(evidence: &Evidence, key: Key, missing: &Missing) -> Finding {
    let name = evidence.name(key);
    let records = match missing.count {
        1 => "1 record of".to_owned(),
        many => format!("{many} records of"),
    };
    let what = match missing.read_before {
        0 => "were acknowledged and not read by the end".to_owned(),
        read => format!("could not be found at the end, though {read} had been read before"),
    };
    let read_to = evidence.log(key).and_then(|log| log.read_to);
    let read = match read_to {
        Some((offset, _)) => format!("it was read up to offset {offset}"),
        None => "nothing of it was read".to_owned(),
    };
    let told = missing.told.iter();
    let sends = told.clone().map(|sent| sent.deed);
    let readers = told.clone().filter_map(|sent| sent.reader());
    let last_read = read_to.map(|(_, deed)| deed);
    Finding {
        text: format!("{records} {name} {what}; {read}"),
        key: Some(key),
        offset: None,
        values: told.map(|sent| sent.value).collect(),
        operations: evidence.indices(sends.chain(readers).chain(last_read)),
    }
}
