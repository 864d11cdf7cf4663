//! The checker checked: clean histories are clean, planted bugs are found and called by their name.

mod simulated;
mod stories;

use self::simulated::{Bug, Simulation};
use super::{Anomaly, EvidenceBuilder, Verdict, check, judge};
use crate::history::{HistoryReader, Operation, Recorder};

/// Enough to fill the logs and to have every kind of client act, few enough to run thousands of times.
const STEPS: usize = 300;

fn verdict(history: &[Operation]) -> Verdict {
    let mut builder = EvidenceBuilder::new();
    for operation in history {
        builder.observe(operation).unwrap();
    }
    judge(&builder.finish())
}

fn names(verdict: &Verdict) -> Vec<Anomaly> {
    verdict
        .found
        .iter()
        .map(|findings| findings.anomaly)
        .collect()
}

#[test]
fn clean_histories_are_found_clean() {
    for seed in 0..1200 {
        let (history, _) = Simulation::new(seed, None).run(STEPS);
        let verdict = verdict(&history);
        assert!(
            verdict.found.is_empty(),
            "seed {seed}: {:#?}",
            verdict.found
        );
        let counts = verdict.counts;
        assert!(
            counts.sends_acknowledged > 20 && counts.records_read > 50,
            "seed {seed}"
        );
        assert_eq!(counts.operations, history.len() as u64);
    }
}

/// The anomaly that each bug is called by, and those that follow from it.
fn expected(bug: Bug) -> (Anomaly, &'static [Anomaly]) {
    match bug {
        Bug::DroppedAcknowledgement => (Anomaly::LostWrite, &[]),
        Bug::Truncation => (Anomaly::LostWrite, &[Anomaly::InconsistentOffsets]),
        // Whoever read it may have been a transaction that was aborted.
        Bug::TruncationAfterRead => (
            Anomaly::InconsistentOffsets,
            &[Anomaly::LostWrite, Anomaly::Unseen],
        ),
        Bug::SwappedOffsets => (Anomaly::InconsistentOffsets, &[Anomaly::Duplicate]),
        Bug::StoredTwice => (Anomaly::Duplicate, &[]),
        Bug::StaleRead => (Anomaly::NonmonotonicPoll, &[]),
        Bug::SkippedBetweenPolls | Bug::SkippedBeginning => (Anomaly::PollSkip, &[]),
        Bug::SkippedWithinPoll => (Anomaly::IntPollSkip, &[]),
        Bug::RepeatedWithinPoll => (Anomaly::IntNonmonotonicPoll, &[]),
        Bug::AbortedShown | Bug::RefusedStored => (Anomaly::AbortedRead, &[]),
        Bug::RequestsReordered => (Anomaly::NonmonotonicSend, &[]),
        Bug::RecordsReordered => (Anomaly::IntNonmonotonicSend, &[]),
        Bug::TornCommit => (
            Anomaly::TornTransaction,
            &[Anomaly::LostWrite, Anomaly::Unseen],
        ),
        // It was given a record that lies behind others that it had not been given.
        Bug::OwnRead => (
            Anomaly::PrecommittedRead,
            &[
                Anomaly::PollSkip,
                Anomaly::IntPollSkip,
                Anomaly::IntNonmonotonicPoll,
            ],
        ),
        Bug::ForgedValue => (Anomaly::Phantom, &[Anomaly::InconsistentOffsets]),
        Bug::ShortFinalRead | Bug::TailLostAfterRead | Bug::PartitionLost => (Anomaly::Unseen, &[]),
    }
}

#[test]
fn planted_bugs_are_found_and_named() {
    for bug in Bug::ALL {
        let (name, consequences) = expected(bug);
        let mut planted_times = 0;
        for seed in 0..120 {
            let (history, planted) = Simulation::new(seed, Some(bug)).run(STEPS);
            let verdict = verdict(&history);
            let found = names(&verdict);
            let context = || format!("{bug:?}, seed {seed}: {:#?}", verdict.found);
            if !planted {
                assert_eq!(found, [], "{}", context());
                continue;
            }
            planted_times += 1;
            assert!(!verdict.is_valid(), "{}", context());
            assert!(found.contains(&name), "{}", context());
            let others = found.iter().filter(|found| **found != name);
            let unexplained: Vec<_> = others
                .filter(|found| !consequences.contains(found))
                .collect();
            assert_eq!(unexplained, Vec::<&Anomaly>::new(), "{}", context());
            proves(&verdict, &history);
        }
        assert!(
            planted_times >= 12,
            "{bug:?} could only be planted {planted_times} times"
        );
    }
}

/// Every finding names operations that there are, and its values occur in them.
fn proves(verdict: &Verdict, history: &[Operation]) {
    for finding in verdict.found.iter().flat_map(|findings| &findings.first) {
        assert!(!finding.operations.is_empty(), "{finding:?}");
        let named = finding
            .operations
            .iter()
            .map(|index| &history[*index as usize]);
        let said: Vec<_> = named
            .map(|operation| format!("{:?}", operation.action))
            .collect();
        for value in &finding.values {
            let occurs = said
                .iter()
                .any(|action| action.contains(&value.to_string()));
            assert!(occurs, "value {value}: {finding:?}");
        }
    }
}

#[test]
fn a_history_is_judged_from_its_file_as_from_memory() {
    let (history, planted) = Simulation::new(3, Some(Bug::StoredTwice)).run(STEPS);
    assert!(planted);
    let mut recorder = Recorder::new(Vec::new(), Vec::new());
    for operation in &history {
        recorder.record(operation.clone()).unwrap();
    }
    let (file, _) = recorder.into_inner();
    assert_eq!(
        check(HistoryReader::new(file.as_slice())).unwrap(),
        verdict(&history)
    );
}
