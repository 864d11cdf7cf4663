//! int-nonmonotonic-poll: the records of one poll do not ascend.

use super::anomaly::Anomaly;
use super::evidence::Evidence;
use super::finding::Findings;
use super::nonmonotonic_poll::steps_back;
use super::poll_steps::Step;

pub(super) fn find(evidence: &Evidence) -> Findings {
    steps_back(evidence, Anomaly::IntNonmonotonicPoll, Step::is_internal)
}
