//! int-poll-skip: within one poll a consumer passed over records that somebody read.

use super::anomaly::Anomaly;
use super::evidence::Evidence;
use super::finding::Findings;
use super::poll_skip::skips;
use super::poll_steps::Step;

pub(super) fn find(evidence: &Evidence) -> Findings {
    skips(evidence, Anomaly::IntPollSkip, Step::is_internal)
}
