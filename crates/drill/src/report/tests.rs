//! Reports of a made-up drill: three nodes, a leader killed twice, one acknowledged record lost.

use std::sync::LazyLock;

use super::*;
use crate::history::{
    FaultNote, Key, Kind, Leaders, MicroOp, Node, PartitionName, Phase, Process, Recorder,
};
use crate::random::Random;

const KEYS: u32 = 6;
const NODES: i32 = 3;
const ROUNDS: u32 = 4;
const ROUND_MS: u64 = 6000;
const SEND_MS: u64 = 5;

/// A drill as a cluster might have borne it.
pub(crate) struct MadeUp {
    random: Random,
    /// Operations with their time; sorted before they are recorded.
    operations: Vec<Operation>,
    logs: Vec<Vec<u64>>,
    leaders: Vec<i32>,
    lose_a_record: bool,
}

impl MadeUp {
    /// The history of the drill, as its file.
    pub(crate) fn history(seed: u64, lose_a_record: bool) -> Vec<u8> {
        let mut drill = Self {
            random: Random::new(seed),
            operations: Vec::new(),
            logs: vec![Vec::new(); KEYS as usize],
            leaders: (0..KEYS as i32).map(|key| key % NODES + 1).collect(),
            lose_a_record,
        };
        drill.set_up();
        let outages = drill.faults();
        drill.sends(&outages);
        drill.read();
        drill.operations.sort_by_key(|operation| operation.time_ns);
        let mut recorder = Recorder::new(Vec::new(), std::io::sink());
        for operation in drill.operations {
            recorder.record(operation).unwrap();
        }
        recorder.into_inner().0
    }

    fn set_up(&mut self) {
        let keys = (0..KEYS as i32).map(|partition| PartitionName {
            topic: "drill".to_owned(),
            partition,
        });
        let setup = Setup {
            keys: keys.collect(),
            nodes: (1..=NODES).map(Node).collect(),
            target: "a made-up cluster <of & \"tests\">".to_owned(),
            scenarios: vec!["kill-leader".to_owned(), "pause-leader".to_owned()],
            seed: 7,
            sends_per_second: 1000 / SEND_MS as u32,
            producers: 1,
            consumers: 1,
            limits: vec!["cut-leader needs root".to_owned()],
            ..Setup::default()
        };
        self.operations
            .push(Operation::nemesis(Action::Setup(setup), 0));
        let leaders = (0..)
            .map(Key)
            .zip(self.leaders.iter().copied().map(Node))
            .collect();
        let leaders = Leaders {
            controller: Some(Node(1)),
            leaders,
        };
        self.operations
            .push(Operation::nemesis(Action::Leaders(leaders), 1));
        let remark = Action::Remark("node 2 came late <really>".to_owned());
        self.operations.push(Operation::nemesis(remark, 2));
    }

    /// Kills or pauses a node in each round; its partitions are led by the next node afterwards. Returns
    /// for each round when it began, for how long nothing was taken, and by whom.
    fn faults(&mut self) -> Vec<(u64, u64, i32)> {
        let mut outages = Vec::new();
        for round in 1..=ROUNDS {
            let victim = round as i32 % NODES + 1;
            let (scenario, fault, shortest_ms) = match round % 2 {
                0 => ("pause-leader", "pause", 900),
                _ => ("kill-leader", "kill", 250),
            };
            let begin_ms = u64::from(round) * ROUND_MS;
            let outage_ms = self.random.between(shortest_ms, 2 * shortest_ms);
            let led: Vec<_> = (0..KEYS)
                .filter(|key| self.leaders[*key as usize] == victim)
                .map(Key)
                .collect();
            let note = FaultNote {
                fault: fault.to_owned(),
                phase: Phase::Begin,
                scenario: scenario.to_owned(),
                round,
                nodes: vec![Node(victim)],
                keys: led.clone(),
                detail: String::new(),
            };
            for (phase, at_ms) in Phase::ALL.into_iter().zip([0, 3, 2500, 2700]) {
                let note = FaultNote {
                    phase,
                    ..note.clone()
                };
                let at_ns = (begin_ms + at_ms) * 1_000_000;
                self.operations
                    .push(Operation::nemesis(Action::Fault(note), at_ns));
            }
            let next = Node(victim % NODES + 1);
            for (heir, at_ms) in [(Node(-1), 100), (next, outage_ms)] {
                let leaders = Leaders {
                    controller: (victim == 1).then_some(next),
                    leaders: led.iter().map(|key| (*key, heir)).collect(),
                };
                let at_ns = (begin_ms + at_ms) * 1_000_000;
                self.operations
                    .push(Operation::nemesis(Action::Leaders(leaders), at_ns));
            }
            outages.push((begin_ms, outage_ms, victim));
            led.iter()
                .for_each(|key| self.leaders[key.0 as usize] = next.0);
        }
        outages
    }

    fn sends(&mut self, outages: &[(u64, u64, i32)]) {
        let mut leaders: Vec<_> = (0..KEYS as i32).map(|key| key % NODES + 1).collect();
        let mut outages = outages.iter().peekable();
        let mut down: Option<(u64, i32)> = None;
        for at in 0..u64::from(ROUNDS + 1) * ROUND_MS / SEND_MS {
            let due_ms = at * SEND_MS;
            if let Some((begin_ms, outage_ms, node)) = outages.next_if(|next| next.0 <= due_ms) {
                down = Some((begin_ms + outage_ms, *node));
            }
            if let Some((until_ms, node)) = down.filter(|(until, _)| *until <= due_ms) {
                let moved = leaders.iter_mut().filter(|leader| **leader == node);
                moved.for_each(|leader| *leader = node % NODES + 1);
                down = down.filter(|_| until_ms > due_ms);
            }
            let key = (at % u64::from(KEYS)) as usize;
            let mut ack_us = due_ms * 1000 + self.random.between(400, 2500);
            if let Some((until_ms, node)) = down
                && leaders[key] == node
            {
                ack_us = until_ms * 1000 + self.random.between(3000, 20_000);
            }
            self.send(key, at + 1, due_ms, ack_us);
        }
    }

    fn send(&mut self, key: usize, value: u64, due_ms: u64, ack_us: u64) {
        let offset = self.logs[key].len() as i64;
        let lost = self.lose_a_record && value == 3000;
        // A record that was lost leaves a place that nothing is read from.
        self.logs[key].push(if lost { 0 } else { value });
        let process = Process::Client(10 + value as u32);
        for (kind, offset, at_us) in [
            (Kind::Invoke, None, due_ms * 1000 + 20),
            (Kind::Ok, Some(offset), ack_us),
        ] {
            let key = Key(key as u32);
            let action = Action::Send(vec![MicroOp::Send { key, value, offset }]);
            let mut operation = Operation::new(process, kind, action, at_us * 1000);
            operation.due_ns = (kind == Kind::Invoke).then_some(due_ms * 1_000_000);
            self.operations.push(operation);
        }
    }

    fn read(&mut self) {
        let end_ns = (u64::from(ROUNDS + 2) * ROUND_MS) * 1_000_000;
        let records = self.logs.iter().zip(0..).map(|(log, key)| {
            let pairs = (0..).zip(log).filter(|(_, value)| **value > 0);
            (
                Key(key),
                pairs.map(|(offset, value)| (offset, *value)).collect(),
            )
        });
        let polled = Action::Poll(vec![MicroOp::Poll(records.collect())]);
        let poll = Action::Poll(vec![MicroOp::Poll(Vec::new())]);
        for (kind, action) in [(Kind::Invoke, poll), (Kind::Ok, polled)] {
            self.operations
                .push(Operation::new(Process::Client(0), kind, action, end_ns));
        }
    }
}

/// The report of the drill, which is made once for all tests.
pub(crate) fn report(lose_a_record: bool) -> Report {
    static REPORTS: [LazyLock<Report>; 2] =
        [LazyLock::new(|| read(false)), LazyLock::new(|| read(true))];
    fn read(lose_a_record: bool) -> Report {
        let history = MadeUp::history(1, lose_a_record);
        Report::read(|| Ok(history.as_slice())).unwrap()
    }
    REPORTS[usize::from(lose_a_record)].clone()
}

#[test]
fn a_clean_drill_is_valid_and_its_gaps_are_told() {
    let report = report(false);
    assert!(report.valid);
    assert_eq!(report.operations, []);
    assert_eq!(report.availability.rounds.len(), ROUNDS as usize);
    for round in &report.availability.rounds {
        let least_us = if round.scenario == "kill-leader" {
            250_000
        } else {
            900_000
        };
        let gap_us = round.gap_us();
        assert!((least_us..least_us * 5 / 2).contains(&gap_us), "{round:?}");
        let recovery_us = round.recovery_us.unwrap();
        // Each partition has a request every 30 ms, so its gap begins that late at most.
        assert!(
            (least_us..gap_us + 30_000).contains(&recovery_us),
            "{round:?}"
        );
    }
}

#[test]
fn a_lost_record_is_told_with_the_operations_that_prove_it() {
    let report = report(true);
    assert!(!report.valid);
    let finding = &report.verdict.found[0].first[0];
    assert_eq!(finding.values, [3000]);
    let told: Vec<_> = report
        .operations
        .iter()
        .map(|operation| operation.index)
        .collect();
    assert_eq!(told, finding.operations);
    assert_eq!(report.operations[0].value, "send to 5: 3000 at 499");
    assert_eq!(
        report.operations[1].value,
        "poll 5: [… 2982 at 496, 2988 at 497, 2994 at 498, 3006 at 500, 3012 at 501, 3018 at 502, …]"
    );
}

#[test]
fn the_text_tells_the_verdict_the_gaps_and_what_was_not_drilled() {
    let text = report(true).text();
    for part in [
        "INVALID  1 kind of anomaly: 6,000 records acknowledged",
        "lost-write (1 case): records were acknowledged, and consumers that read past them never saw",
        "  value 3000 was acknowledged at offset 499 of drill-5; it was never read, though offset 999 was",
        "write gap     rounds",
        "kill-leader        2",
        "quiet",
        "remark: node 2 came late <really>",
        "not drilled: cut-leader needs root",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(
        report(false)
            .text()
            .contains("VALID    no anomaly: 6,000 records")
    );
}

#[test]
fn the_json_can_be_read_by_programs() {
    let parsed: serde_json::Value = serde_json::from_str(&report(true).json()).unwrap();
    assert_eq!(parsed["valid"], false);
    assert_eq!(parsed["verdict"]["found"][0]["anomaly"], "lost-write");
    assert_eq!(parsed["availability"]["gaps"][0]["scenario"], "all");
    assert!(
        parsed["availability"]["gaps"][0]["gap"]["p99_us"]
            .as_u64()
            .unwrap()
            > 250_000
    );
    assert_eq!(parsed["availability"]["series"]["bucket_ms"], 100);
}

#[test]
fn a_history_that_cannot_be_opened_is_no_empty_history() {
    let missing = || -> io::Result<&[u8]> { Err(io::ErrorKind::NotFound.into()) };
    let error = Report::read(missing).unwrap_err().to_string();
    assert!(error.starts_with("open it: "), "{error}");
}
