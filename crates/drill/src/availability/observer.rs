//! Gathers requests, faults and leaders from a history.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::gaps::{Gap, gaps_of};
use super::latency::latencies;
use super::rounds::{Windows, distributions};
use super::series::series;
use super::{Availability, Requests};
use crate::history::{Action, FaultNote, Key, Kind, Leaders, MicroOp, Node, Operation, Process};

/// One request to one partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) key: Key,
    pub(super) due_ns: u64,
    /// When its outcome was known, or known to be unknown; [`u64::MAX`] if nothing was heard of it.
    pub(super) done_ns: u64,
    pub(super) acknowledged: bool,
}

impl Request {
    pub(super) fn acknowledged_ns(&self) -> Option<u64> {
        self.acknowledged.then_some(self.done_ns)
    }
}

/// A time during which one node led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reign {
    /// When it was first seen to lead.
    pub from_us: u64,
    /// The node; −1 for none.
    pub node: Node,
}

/// Who led when, as far as metadata told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Leadership {
    /// The active controllers.
    pub controller: Vec<Reign>,
    /// The leaders of each partition.
    pub partitions: BTreeMap<Key, Vec<Reign>>,
}

/// Takes a history one operation after the other.
#[derive(Debug, Default)]
pub struct Observer {
    open: HashMap<u32, Vec<Request>>,
    requests: Vec<Request>,
    counts: Requests,
    faults: Vec<(u64, FaultNote)>,
    leadership: Leadership,
}

impl Observer {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next operation.
    pub fn observe(&mut self, operation: &Operation) {
        match (operation.process, &operation.action) {
            (Process::Client(process), Action::Send(ops) | Action::Txn(ops)) => {
                self.exchange(process, operation, ops);
            }
            (Process::Nemesis, Action::Fault(note)) => {
                self.faults.push((operation.time_ns, note.clone()));
            }
            (Process::Nemesis, Action::Leaders(leaders)) => {
                self.lead(operation.time_ns, leaders);
            }
            _ => {}
        }
    }

    fn exchange(&mut self, process: u32, operation: &Operation, ops: &[MicroOp]) {
        if operation.kind == Kind::Invoke {
            let keys: BTreeSet<_> = ops
                .iter()
                .filter_map(|op| match op {
                    MicroOp::Send { key, .. } => Some(*key),
                    MicroOp::Poll(_) => None,
                })
                .collect();
            let requests = keys.into_iter().map(|key| Request {
                key,
                due_ns: operation.due_ns.unwrap_or(operation.time_ns),
                done_ns: u64::MAX,
                acknowledged: false,
            });
            self.open.insert(process, requests.collect());
            return;
        }
        for mut request in self.open.remove(&process).unwrap_or_default() {
            request.done_ns = operation.time_ns;
            request.acknowledged = operation.kind == Kind::Ok;
            match operation.kind {
                Kind::Ok => self.counts.acknowledged += 1,
                Kind::Fail => self.counts.failed += 1,
                Kind::Info | Kind::Invoke => self.counts.unknown += 1,
            }
            self.requests.push(request);
        }
    }

    fn lead(&mut self, time_ns: u64, leaders: &Leaders) {
        let reign = |node: Node| Reign {
            from_us: time_ns / 1000,
            node,
        };
        self.leadership
            .controller
            .extend(leaders.controller.map(reign));
        for (key, node) in &leaders.leaders {
            self.leadership
                .partitions
                .entry(*key)
                .or_default()
                .push(reign(*node));
        }
    }

    /// What all of it amounts to.
    #[must_use]
    pub fn finish(mut self) -> Availability {
        let unanswered: Vec<_> = self
            .open
            .drain()
            .flat_map(|(_, requests)| requests)
            .collect();
        self.counts.unknown += unanswered.len() as u64;
        self.requests.extend(unanswered);
        self.counts.sent = self.requests.len() as u64;
        self.requests
            .sort_by_key(|request| (request.due_ns, request.key));
        let start_ns = self.requests.first().map_or(0, |request| request.due_ns);
        let ends = self
            .requests
            .iter()
            .map(|request| request.acknowledged_ns().unwrap_or(request.due_ns));
        let end_ns = ends.max().unwrap_or(0);
        let windows = Windows::new(&self.faults, end_ns);
        let gaps = gaps_by_partition(&self.requests, end_ns);
        let together = gaps_of(&self.requests, None, end_ns);
        let rounds = windows.results(&self.requests, &gaps, &together);
        let all = gaps.iter().flatten();
        let quiet = all.clone().filter(|gap| !windows.touch(gap));
        Availability {
            requests: self.counts,
            measured_us: end_ns.saturating_sub(start_ns) / 1000,
            longest: longest(all),
            longest_quiet: longest(quiet),
            gaps: distributions(&rounds),
            latencies: latencies(&self.requests, &windows),
            series: series(&self.requests, end_ns),
            leadership: self.leadership,
            rounds,
        }
    }
}

/// The longest; of several, the earliest.
pub(super) fn longest<'a>(gaps: impl Iterator<Item = &'a Gap>) -> Option<Gap> {
    let order = |gap: &&Gap| (gap.length_us(), std::cmp::Reverse(gap.from_us));
    gaps.max_by_key(order).copied()
}

/// The gaps of each partition.
fn gaps_by_partition(requests: &[Request], end_ns: u64) -> Vec<Vec<Gap>> {
    let mut by_key: BTreeMap<Key, Vec<Request>> = BTreeMap::new();
    for request in requests {
        by_key.entry(request.key).or_default().push(*request);
    }
    by_key
        .iter()
        .map(|(key, requests)| gaps_of(requests, Some(*key), end_ns))
        .collect()
}
