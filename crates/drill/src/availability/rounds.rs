//! The rounds of a drill: what was done when, and what it cost.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::gaps::Gap;
use super::latency::Quantiles;
use super::observer::{Request, longest};
use crate::history::{FaultNote, Key, Node, Phase};

/// How long after the last healing of a round requests still count as around its faults, in microseconds.
const AROUND_AFTER_HEALING_US: u64 = 1_000_000;

/// A moment of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// When.
    pub at_us: u64,
    /// Of which fault.
    pub fault: String,
    /// What of it.
    pub phase: Phase,
    /// To whom.
    pub nodes: Vec<Node>,
}

/// A round and what it cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundResult {
    /// Its number, from 1.
    pub round: u32,
    /// Its scenario.
    pub scenario: String,
    /// What was done when, in order.
    pub marks: Vec<Mark>,
    /// The nodes that were concerned.
    pub nodes: Vec<Node>,
    /// The partitions that those nodes led; empty if none is named.
    pub keys: Vec<Key>,
    /// What there was to say, from all of its faults.
    pub details: Vec<String>,
    /// When it began.
    pub begin_us: u64,
    /// When it was healed; None if the history ends before.
    pub healed_us: Option<u64>,
    /// When the next round began, or the last request was over.
    pub end_us: u64,
    /// The longest gap of any partition.
    pub gap: Option<Gap>,
    /// The longest time in which no partition at all was acknowledged anything.
    pub gap_of_all: Option<Gap>,
    /// From the begin to the first acknowledgement of a request that became due later, for the slowest of
    /// the partitions that were befallen. None if one of them never came back.
    pub recovery_us: Option<u64>,
}

impl RoundResult {
    /// How long its longest gap was, in microseconds.
    #[must_use]
    pub fn gap_us(&self) -> u64 {
        self.gap.map_or(0, |gap| gap.length_us())
    }

    /// The faults of it, each once.
    #[must_use]
    pub fn faults(&self) -> Vec<&str> {
        let faults: BTreeSet<_> = self.marks.iter().map(|mark| mark.fault.as_str()).collect();
        faults.into_iter().collect()
    }
}

/// How the gaps of rounds are spread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GapDistribution {
    /// The scenario, or "all" if there are several.
    pub scenario: String,
    /// Longest gaps, one a round.
    pub gap: Quantiles,
    /// Recoveries, one a round that came back.
    pub recovery: Quantiles,
    /// Rounds with a partition that never came back.
    pub never_recovered: u64,
}

/// The times of all rounds, in order.
#[derive(Debug, Default)]
pub(super) struct Windows {
    windows: Vec<RoundResult>,
}

impl Windows {
    /// By the notes on faults, in their order.
    pub(super) fn new(faults: &[(u64, FaultNote)], end_ns: u64) -> Self {
        let mut windows: Vec<RoundResult> = Vec::new();
        for (time_ns, note) in faults {
            let at_us = time_ns / 1000;
            if windows
                .last()
                .is_none_or(|window| window.round != note.round)
            {
                if let Some(before) = windows.last_mut() {
                    before.end_us = at_us;
                }
                windows.push(begun(note, at_us, (end_ns / 1000).max(at_us)));
            }
            if let Some(window) = windows.last_mut() {
                add(window, note, at_us);
            }
        }
        Self { windows }
    }

    /// The scenario around whose faults a request was outstanding: that in which it became due, else the
    /// first that began before it was acknowledged. One that never was counts by when it was due.
    pub(super) fn around(&self, request: &Request) -> Option<&str> {
        let due_us = request.due_ns / 1000;
        let done_us = request.acknowledged_ns().map_or(due_us, |at| at / 1000);
        let later = self
            .windows
            .partition_point(|window| window.begin_us <= due_us);
        let before = later.checked_sub(1).and_then(|at| self.windows.get(at));
        let due_in = before.filter(|window| due_us < around_until_us(window));
        let outstanding_in = || {
            self.windows
                .get(later)
                .filter(|next| next.begin_us < done_us)
        };
        due_in
            .or_else(outstanding_in)
            .map(|window| window.scenario.as_str())
    }

    /// Whether any part of a gap lies around the faults of a round.
    pub(super) fn touch(&self, gap: &Gap) -> bool {
        let around = |window: &RoundResult| {
            gap.to_us > window.begin_us && gap.from_us < around_until_us(window)
        };
        self.windows.iter().any(around)
    }

    /// The rounds with what they cost. `gaps` are those of each partition, `together` those of all.
    pub(super) fn results(
        &self,
        requests: &[Request],
        gaps: &[Vec<Gap>],
        together: &[Gap],
    ) -> Vec<RoundResult> {
        let costs = self.windows.iter().map(|window| {
            let in_it = |gaps: &[Gap]| {
                let parts: Vec<_> = within(gaps, window)
                    .iter()
                    .map(|gap| part_in(gap, window))
                    .collect();
                longest(parts.iter())
            };
            let worst: Vec<_> = gaps.iter().filter_map(|gaps| in_it(gaps)).collect();
            RoundResult {
                gap: longest(worst.iter()),
                gap_of_all: in_it(together),
                recovery_us: recovery_us(requests, window),
                ..window.clone()
            }
        });
        costs.collect()
    }
}

fn begun(note: &FaultNote, at_us: u64, end_us: u64) -> RoundResult {
    RoundResult {
        round: note.round,
        scenario: note.scenario.clone(),
        marks: Vec::new(),
        nodes: Vec::new(),
        keys: Vec::new(),
        details: Vec::new(),
        begin_us: at_us,
        healed_us: None,
        end_us,
        gap: None,
        gap_of_all: None,
        recovery_us: None,
    }
}

fn add(window: &mut RoundResult, note: &FaultNote, at_us: u64) {
    for node in &note.nodes {
        if !window.nodes.contains(node) {
            window.nodes.push(*node);
        }
    }
    window.keys.extend(&note.keys);
    window.keys.sort_unstable();
    window.keys.dedup();
    if !note.detail.is_empty() && !window.details.contains(&note.detail) {
        window.details.push(note.detail.clone());
    }
    // A round of several faults is healed when the last is.
    window.healed_us = (note.phase == Phase::Healed).then_some(at_us);
    window.marks.push(Mark {
        at_us,
        fault: note.fault.clone(),
        phase: note.phase,
        nodes: note.nodes.clone(),
    });
}

/// What a round answers for of a gap: all of it if half of it or more lies in the round, else what lies in
/// it. A gap begins a little before the fault that caused it, which the round before must not pay for.
fn part_in(gap: &Gap, window: &RoundResult) -> Gap {
    let part = Gap {
        from_us: gap.from_us.max(window.begin_us),
        to_us: gap.to_us.min(window.end_us),
        ..*gap
    };
    if part.length_us().saturating_mul(2) >= gap.length_us() {
        *gap
    } else {
        part
    }
}

/// When requests that become due are no longer around the faults of a round.
fn around_until_us(window: &RoundResult) -> u64 {
    window.healed_us.map_or(u64::MAX, |healed_us| {
        healed_us.saturating_add(AROUND_AFTER_HEALING_US)
    })
}

/// The gaps that lie in a round; they are ordered and do not overlap.
fn within<'a>(gaps: &'a [Gap], window: &RoundResult) -> &'a [Gap] {
    let from = gaps.partition_point(|gap| gap.to_us <= window.begin_us);
    let to = gaps.partition_point(|gap| gap.from_us < window.end_us);
    gaps.get(from..to).unwrap_or_default()
}

fn recovery_us(requests: &[Request], window: &RoundResult) -> Option<u64> {
    let from = requests.partition_point(|request| request.due_ns / 1000 < window.begin_us);
    let to = requests.partition_point(|request| request.due_ns / 1000 < window.end_us);
    let in_it = requests.get(from..to)?;
    let mut first: BTreeMap<Key, Option<u64>> = BTreeMap::new();
    for request in in_it {
        if !window.keys.is_empty() && !window.keys.contains(&request.key) {
            continue;
        }
        let at_us = request.acknowledged_ns().map(|at| at / 1000);
        let first = first.entry(request.key).or_default();
        *first = match (*first, at_us) {
            (Some(first), Some(at)) => Some(first.min(at)),
            (first, at) => first.or(at),
        };
    }
    let slowest = first
        .into_values()
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .max()?;
    Some(slowest.saturating_sub(window.begin_us))
}

/// The spread of gaps, of each scenario and, if there are several, of all together first.
pub(super) fn distributions(rounds: &[RoundResult]) -> Vec<GapDistribution> {
    let scenarios: BTreeSet<_> = rounds.iter().map(|round| round.scenario.as_str()).collect();
    let all = (scenarios.len() > 1).then(|| distribution("all", rounds.iter()));
    let each = scenarios.into_iter().map(|scenario| {
        distribution(
            scenario,
            rounds.iter().filter(|round| round.scenario == scenario),
        )
    });
    all.into_iter().chain(each).collect()
}

fn distribution<'a>(
    scenario: &str,
    rounds: impl Iterator<Item = &'a RoundResult> + Clone,
) -> GapDistribution {
    let mut gaps: Vec<_> = rounds.clone().map(RoundResult::gap_us).collect();
    let mut recoveries: Vec<_> = rounds
        .clone()
        .filter_map(|round| round.recovery_us)
        .collect();
    GapDistribution {
        scenario: scenario.to_owned(),
        never_recovered: (gaps.len() - recoveries.len()) as u64,
        gap: Quantiles::of(&mut gaps),
        recovery: Quantiles::of(&mut recoveries),
    }
}
