//! Histories of a few requests, and what they amount to.

use super::*;
use crate::history::{Action, FaultNote, Key, Kind, MicroOp, Node, Operation, Phase, Process};

const MS: u64 = 1_000_000;

#[derive(Default)]
struct Story {
    operations: Vec<Operation>,
    value: u64,
}

impl Story {
    /// A request due at `due_ms` to partition `key`, with its outcome and the moment of it.
    fn sent(&mut self, key: u32, due_ms: u64, outcome: Option<(Kind, u64)>) -> &mut Self {
        self.value += 1;
        let action = Action::Send(vec![MicroOp::Send {
            key: Key(key),
            value: self.value,
            offset: None,
        }]);
        let process = Process::Client(self.value as u32);
        let mut invoked = Operation::new(process, Kind::Invoke, action.clone(), due_ms * MS + 5);
        invoked.due_ns = Some(due_ms * MS);
        self.operations.push(invoked);
        if let Some((kind, at_ms)) = outcome {
            self.operations
                .push(Operation::new(process, kind, action, at_ms * MS));
        }
        self
    }

    fn acknowledged(&mut self, key: u32, due_ms: u64, at_ms: u64) -> &mut Self {
        self.sent(key, due_ms, Some((Kind::Ok, at_ms)))
    }

    fn fault(&mut self, round: u32, phase: Phase, at_ms: u64, keys: &[u32]) -> &mut Self {
        let note = FaultNote {
            fault: "kill".to_owned(),
            phase,
            scenario: "kill-leader".to_owned(),
            round,
            nodes: vec![Node(2)],
            keys: keys.iter().copied().map(Key).collect(),
            detail: String::new(),
        };
        self.operations
            .push(Operation::nemesis(Action::Fault(note), at_ms * MS));
        self
    }

    fn availability(&self) -> Availability {
        let mut observer = Observer::new();
        self.operations
            .iter()
            .for_each(|operation| observer.observe(operation));
        observer.finish()
    }
}

fn length_ms(gap: Option<Gap>) -> Option<u64> {
    gap.map(|gap| gap.length_us() / 1000)
}

#[test]
fn a_gap_lasts_from_one_acknowledgement_to_the_next_while_something_is_due() {
    let mut story = Story::default();
    // Nothing was due between 12 and 500: no gap.
    story.acknowledged(0, 10, 12).acknowledged(0, 500, 503);
    assert_eq!(length_ms(story.availability().longest), Some(3));
    // Outstanding at the acknowledgement of 503: the gap begins there, not when 502 became due.
    story.acknowledged(0, 502, 900);
    assert_eq!(length_ms(story.availability().longest), Some(397));
    // Requests that fail do not end it, and those behind a failure keep it open.
    let mut story = Story::default();
    story.acknowledged(0, 0, 1);
    story
        .sent(0, 10, Some((Kind::Fail, 11)))
        .sent(0, 20, Some((Kind::Info, 400)));
    story.acknowledged(0, 600, 650);
    let longest = story.availability().longest.unwrap();
    assert_eq!((longest.from_us, longest.to_us), (10_000, 650_000));
}

#[test]
fn partitions_do_not_cover_up_for_one_another() {
    let mut story = Story::default();
    story
        .acknowledged(0, 0, 1)
        .acknowledged(1, 0, 1)
        .acknowledged(0, 10, 800);
    (1..80).for_each(|at| {
        story.acknowledged(1, at * 10, at * 10 + 1);
    });
    let longest = story.availability().longest.unwrap();
    assert_eq!((longest.key, longest.length_us()), (Some(Key(0)), 790_000));
}

#[test]
fn what_is_never_acknowledged_again_is_a_gap_to_the_end() {
    let mut story = Story::default();
    story
        .acknowledged(0, 0, 1)
        .sent(0, 10, None)
        .sent(0, 700, Some((Kind::Info, 900)));
    let longest = story.availability().longest.unwrap();
    assert_eq!(
        (longest.from_us, longest.to_us, longest.unfinished),
        (10_000, 700_000, true)
    );
}

#[test]
fn a_round_costs_its_longest_gap_and_recovers_with_its_slowest_partition() {
    let mut story = Story::default();
    story
        .acknowledged(0, 0, 1)
        .acknowledged(1, 0, 2)
        .acknowledged(2, 0, 2);
    story
        .fault(1, Phase::Begin, 100, &[0, 1])
        .fault(1, Phase::Begun, 101, &[]);
    // Due before the fault: it does not count as recovered.
    story.acknowledged(0, 99, 150);
    story
        .acknowledged(0, 110, 700)
        .acknowledged(1, 120, 400)
        .acknowledged(2, 130, 1500);
    story
        .fault(1, Phase::Heal, 800, &[])
        .fault(1, Phase::Healed, 900, &[]);
    story.fault(2, Phase::Begin, 5000, &[]);
    story
        .acknowledged(0, 5001, 5011)
        .acknowledged(1, 5001, 5031)
        .acknowledged(2, 5001, 5021);
    let availability = story.availability();
    let rounds = &availability.rounds;
    assert_eq!(rounds.len(), 2);
    assert_eq!(
        (rounds[0].begin_us, rounds[0].healed_us),
        (100_000, Some(900_000))
    );
    assert_eq!((rounds[0].end_us, rounds[1].end_us), (5_000_000, 5_031_000));
    assert_eq!(rounds[0].keys, [Key(0), Key(1)]);
    assert_eq!(rounds[0].recovery_us, Some(600_000));
    assert_eq!(rounds[0].gap.unwrap().key, Some(Key(2)));
    assert_eq!(rounds[0].gap_us(), 1_370_000);
    assert_eq!(length_ms(rounds[0].gap_of_all), Some(800));
    assert_eq!(
        (rounds[1].healed_us, rounds[1].recovery_us),
        (None, Some(31_000))
    );
    let gaps = &availability.gaps[0];
    assert_eq!((gaps.scenario.as_str(), gaps.gap.count), ("kill-leader", 2));
    assert_eq!((gaps.gap.p50_us, gaps.gap.p99_us), (30_000, 1_370_000));
    assert_eq!(gaps.never_recovered, 0);
}

#[test]
fn a_partition_that_never_comes_back_has_no_recovery() {
    let mut story = Story::default();
    story
        .acknowledged(0, 0, 1)
        .fault(1, Phase::Begin, 10, &[0, 1]);
    story
        .acknowledged(0, 20, 30)
        .sent(1, 20, Some((Kind::Info, 90)))
        .acknowledged(0, 200, 201);
    let availability = story.availability();
    assert_eq!(availability.rounds[0].recovery_us, None);
    assert_eq!(availability.gaps[0].never_recovered, 1);
    assert_eq!(availability.rounds[0].gap_us(), 181_000);
    assert!(availability.rounds[0].gap.unwrap().unfinished);
}

#[test]
fn requests_are_around_a_fault_if_they_were_outstanding_during_it() {
    let mut story = Story::default();
    story
        .acknowledged(0, 0, 2)
        .acknowledged(0, 95, 300)
        .acknowledged(0, 96, 99);
    story
        .fault(1, Phase::Begin, 100, &[])
        .acknowledged(0, 110, 500)
        .sent(0, 120, None);
    story.fault(1, Phase::Healed, 600, &[]);
    story
        .acknowledged(0, 1599, 1609)
        .acknowledged(0, 1601, 1604);
    let latencies = story.availability().latencies;
    let told: Vec<_> = latencies
        .iter()
        .map(|group| {
            (
                group.when.as_str(),
                group.latency.count,
                group.latency.max_us,
            )
        })
        .collect();
    assert_eq!(told, [("quiet", 3, 3000), ("kill-leader", 3, 390_000)]);
    assert_eq!(latencies[1].unacknowledged, 1);
}

#[test]
fn a_gap_belongs_to_the_round_that_most_of_it_lies_in() {
    let mut story = Story::default();
    story
        .fault(1, Phase::Begin, 50, &[])
        .fault(1, Phase::Healed, 60, &[]);
    story.acknowledged(0, 100, 110).acknowledged(0, 990, 995);
    // It begins at 995, the fault at 1000.
    story
        .fault(2, Phase::Begin, 1000, &[])
        .acknowledged(0, 994, 1900);
    story
        .fault(2, Phase::Healed, 2000, &[])
        .acknowledged(0, 1901, 1902);
    let rounds = story.availability().rounds;
    assert_eq!((rounds[0].gap_us(), rounds[1].gap_us()), (10_000, 905_000));
    // Only what is later than a second after the healing is quiet.
    story
        .acknowledged(0, 2990, 3005)
        .acknowledged(0, 3100, 3107);
    let availability = story.availability();
    assert_eq!(length_ms(availability.longest), Some(905));
    assert_eq!(
        availability.longest_quiet.map(|gap| gap.from_us),
        Some(3_100_000)
    );
}

#[test]
fn series_put_acknowledgements_where_they_came_and_latencies_where_they_were_due() {
    let mut story = Story::default();
    story
        .acknowledged(0, 10, 20)
        .acknowledged(0, 50, 250)
        .sent(0, 60, None)
        .acknowledged(0, 310, 311);
    let series = story.availability().series;
    assert_eq!(series.bucket_ms, 100);
    assert_eq!(series.due, [3, 0, 0, 1]);
    assert_eq!(series.acknowledged, [1, 0, 1, 1]);
    assert_eq!(series.unacknowledged, [1, 0, 0, 0]);
    assert_eq!(series.p50_us, [Some(10_000), None, None, Some(1000)]);
    assert_eq!(series.max_us, [Some(200_000), None, None, Some(1000)]);
}

#[test]
fn long_drills_have_longer_buckets_not_more() {
    let mut story = Story::default();
    story
        .acknowledged(0, 0, 1)
        .acknowledged(0, 3_600_000, 3_600_001);
    let series = story.availability().series;
    assert_eq!(series.bucket_ms, 200);
    assert!(series.due.len() as u64 <= BUCKETS_MAX);
}

#[test]
fn quantiles_are_by_nearest_rank() {
    let mut values: Vec<_> = (1..=100).rev().collect();
    let quantiles = Quantiles::of(&mut values);
    assert_eq!(
        (quantiles.p50_us, quantiles.p90_us, quantiles.p99_us),
        (50, 90, 99)
    );
    assert_eq!(
        (quantiles.p999_us, quantiles.max_us, quantiles.count),
        (100, 100, 100)
    );
    assert_eq!(Quantiles::of(&mut []), Quantiles::default());
    assert_eq!(Quantiles::of(&mut [7]).p50_us, 7);
}

#[test]
fn a_history_without_requests_has_nothing_to_tell() {
    let availability = Story::default()
        .fault(1, Phase::Begin, 5, &[])
        .availability();
    assert_eq!(
        (availability.longest, availability.rounds[0].gap),
        (None, None)
    );
    assert_eq!(availability.requests, Requests::default());
}
