//! poll-skip: between two polls a consumer passed over records that somebody else read.
//!
//! Offsets alone prove nothing, because transactions leave holes. Records that nobody read are lost
//! writes, not skipped ones.

use super::anomaly::Anomaly;
use super::evidence::Evidence;
use super::finding::{Finding, Findings};
use super::poll_steps::{Step, walk};

/// How many of the skipped values are named.
const VALUES_MAX: usize = 8;

pub(super) fn find(evidence: &Evidence) -> Findings {
    skips(evidence, Anomaly::PollSkip, |step| !step.is_internal())
}

/// The steps that `concern` the anomaly and pass over records that were read.
pub(super) fn skips(
    evidence: &Evidence,
    anomaly: Anomaly,
    concern: impl Fn(&Step) -> bool,
) -> Findings {
    let mut findings = Findings::new(anomaly);
    walk(evidence, |step| {
        if step.to <= step.from + 1 || !concern(&step) {
            return;
        }
        let Some(log) = evidence.log(step.key) else {
            return;
        };
        let skipped = log
            .between(step.from, step.to)
            .iter()
            .filter(|entry| !entry.unread);
        if skipped.clone().next().is_some() {
            findings.add(|| describe(evidence, step, skipped.clone().copied().collect()));
        }
    });
    findings
}

fn describe(evidence: &Evidence, step: Step, skipped: Vec<super::partition_log::Entry>) -> Finding {
    let process = evidence.deed(step.after).process;
    let name = evidence.name(step.key);
    let came_from = match step.from {
        -1 => "from the beginning".to_owned(),
        from => format!("from offset {from}"),
    };
    let first = skipped.first().map_or(step.to, |entry| entry.offset);
    let last = skipped.last().map_or(step.to, |entry| entry.offset);
    let text = format!(
        "consumer process {process} went {came_from} of {name} straight to {}, past {} that others read \
         (offsets {first} to {last})",
        step.to,
        records(skipped.len()),
    );
    let told = skipped.iter().take(VALUES_MAX);
    let proof = told.clone().map(|entry| entry.deed);
    Finding {
        text,
        key: Some(step.key),
        offset: Some(first),
        values: told.map(|entry| entry.value).collect(),
        operations: evidence.indices(proof.chain([step.before, step.after])),
    }
}

fn records(count: usize) -> String {
    match count {
        1 => "1 record".to_owned(),
        many => format!("{many} records"),
    }
}
