//! nonmonotonic-poll: a consumer's next poll began at or before what it had been given already.

use super::anomaly::Anomaly;
use super::evidence::Evidence;
use super::finding::{Finding, Findings};
use super::poll_steps::{Step, walk};

pub(super) fn find(evidence: &Evidence) -> Findings {
    steps_back(evidence, Anomaly::NonmonotonicPoll, |step| {
        !step.is_internal()
    })
}

/// The steps that `concern` the anomaly and do not go forward.
pub(super) fn steps_back(
    evidence: &Evidence,
    anomaly: Anomaly,
    concern: impl Fn(&Step) -> bool,
) -> Findings {
    let mut findings = Findings::new(anomaly);
    walk(evidence, |step| {
        if step.to <= step.from && concern(&step) {
            findings.add(|| describe(evidence, step));
        }
    });
    findings
}

fn describe(evidence: &Evidence, step: Step) -> Finding {
    let process = evidence.deed(step.after).process;
    let name = evidence.name(step.key);
    let went = if step.to == step.from {
        "was given again"
    } else {
        "went back to"
    };
    let text = format!(
        "consumer process {process} had read {name} up to offset {}, then {went} offset {}",
        step.from, step.to
    );
    let read = evidence.reads(evidence.deed(step.after)).iter();
    let mut again = read.filter(|read| read.key == step.key && read.offset == step.to);
    Finding {
        text,
        key: Some(step.key),
        offset: Some(step.to),
        values: again.next().map(|read| read.value).into_iter().collect(),
        operations: evidence.indices([step.before, step.after]),
    }
}
