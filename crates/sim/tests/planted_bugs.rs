//! Mistakes that are planted are found, each by an invariant that names what is wrong.

use klamm_sim::{Bug, simulate};
use std::sync::atomic::{AtomicUsize, Ordering};

const CANDIDATES: &str = "leader candidate completeness";
const SUPERSET: &str = "replication quorum superset";
const LOGS: &str = "log matching";
const METADATA: &str = "metadata log matching";
const READS: &str = "consistent reads";
const MONOTONIC: &str = "monotonic";
const IDEMPOTENCE: &str = "idempotence";
const ACKS: &str = "acknowledged is committed";
const LIVENESS: &str = "liveness";
const ONE_LEADER: &str = "one leader per epoch";
const LEADERS: &str = "leader completeness";
const SURVIVAL: &str = "acknowledged records survive";
const ASSIGNMENTS: &str = "assignments";
const REPLAY: &str = "decisions replay";

/// Seeds that a mistake may hide from.
const SEEDS_MAX: u64 = 5_000;

/// What finds each mistake.
const TABLE: &[(Bug, &[&str])] = &[
    (Bug::HighWatermarkMissesMember, &[SUPERSET]),
    (Bug::ShrinkWithoutCommit, &[CANDIDATES, SUPERSET, LOGS]),
    (Bug::FetchWithoutEpochCheck, &[LOGS, READS, CANDIDATES]),
    (Bug::TruncateToHighWatermark, &[CANDIDATES]),
    (Bug::FloorIgnored, &[MONOTONIC]),
    (Bug::QuorumLogNotPersisted, &[METADATA]),
    (Bug::AckBeforeFlush, &[CANDIDATES]),
    (Bug::FetchBeforeFlush, &[CANDIDATES]),
    (Bug::ExpandWithStaleBrokerEpoch, &[CANDIDATES, SUPERSET]),
    (
        Bug::StaleProposalApplied,
        &[MONOTONIC, CANDIDATES, SUPERSET],
    ),
    (Bug::ReadBeyondHighWatermark, &[READS]),
    (
        Bug::AppendWithoutEpochFence,
        &[LOGS, CANDIDATES, IDEMPOTENCE],
    ),
    (Bug::SilentUncleanElection, &[MONOTONIC]),
    (Bug::CleanStopClaimed, &[CANDIDATES]),
    (Bug::OldMetadataReplayed, &[METADATA]),
    (Bug::HighWatermarkBeyondLog, &[LOGS]),
    (Bug::ExpandBeforeCaughtUp, &[CANDIDATES]),
    (Bug::DuplicatesAppended, &[IDEMPOTENCE]),
    (Bug::AnswerAheadOfMetadata, &[CANDIDATES, SUPERSET, READS]),
    (Bug::ConfigsAheadOfRoles, &[CANDIDATES, LOGS, READS]),
    (Bug::RecordLeftBehind, &[LIVENESS]),
    (Bug::AckBeforeCommit, &[ACKS]),
    (Bug::EpochTakenTwice, &[ONE_LEADER]),
    (Bug::CutAtTakeover, &[LEADERS]),
    (Bug::RecordRots, &[SURVIVAL]),
    (Bug::ReassignmentEndsEarly, &[ASSIGNMENTS]),
    (Bug::NewReplicasCountAtOnce, &[CANDIDATES]),
    (Bug::RemovedTooSoon, &[CANDIDATES]),
    (Bug::LastCandidatesGo, &[ASSIGNMENTS]),
    (Bug::CancelKeepsStranger, &[REPLAY]),
    (Bug::ReassignmentNeverEnds, &[LIVENESS]),
    (Bug::RemovedWithoutEpoch, &[CANDIDATES]),
];

/// The first seed that finds the mistake as expected, and by what.
fn find(bug: Bug, expected: &[&str]) -> Option<(u64, &'static str)> {
    (0..SEEDS_MAX).find_map(|seed| {
        let violation = simulate(seed, Some(bug), false).violation?;
        let invariant = violation.invariant;
        expected.contains(&invariant).then_some((seed, invariant))
    })
}

#[test]
fn every_mistake_is_found_by_what_it_contradicts() {
    for bug in Bug::all() {
        assert!(
            TABLE.iter().any(|(known, _)| known == bug),
            "what finds {bug:?}?"
        );
    }
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((bug, expected)) = TABLE.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some((seed, invariant)) = find(*bug, expected) else {
                panic!("{bug:?} is not found by {expected:?} in {SEEDS_MAX} seeds");
            };
            println!("| {bug:?} | {invariant} | {seed} |");
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
}
