//! The steps of consumers through partitions: each pair of records that one was given one after the
//! other.
//!
//! A step from one poll to the next is only taken where the consumer must go on where it was: not for a
//! partition that came or went with a rebalance, and not over an assignment that left it out. A poll
//! that failed is judged, but the consumer goes on from where it was before.

use std::collections::{BTreeMap, HashMap};

use super::evidence::{Deed, Evidence, Read, What};
use crate::history::{Key, Kind};

/// From one record to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) key: Key,
    /// The offset that was read before; −1 if the consumer was to begin at the beginning.
    pub(super) from: i64,
    /// The offset that was read next.
    pub(super) to: i64,
    /// The operation that was given the first, or made the consumer begin.
    pub(super) before: u32,
    /// The operation that was given the second.
    pub(super) after: u32,
}

impl Step {
    /// Whether both were given by one operation.
    pub(super) const fn is_internal(&self) -> bool {
        self.before == self.after
    }
}

type Positions = BTreeMap<Key, (i64, u32)>;

/// Calls `visit` with each step of the history, in order.
pub(super) fn walk(evidence: &Evidence, mut visit: impl FnMut(Step)) {
    let mut processes: HashMap<u32, Positions> = HashMap::new();
    for (at, deed) in evidence.deeds() {
        match deed.what {
            What::Exchange { .. } => {
                let positions = processes.entry(deed.process).or_default();
                exchange(evidence, at, deed, positions, &mut visit);
                if deed.kind == Kind::Info {
                    processes.remove(&deed.process);
                }
            }
            What::Assign { seek_to_beginning } if deed.kind != Kind::Fail => {
                let positions = processes.entry(deed.process).or_default();
                let keys = evidence.keys(deed);
                positions.retain(|key, _| keys.contains(key));
                if seek_to_beginning {
                    positions.extend(keys.iter().map(|key| (*key, (-1, at))));
                }
            }
            What::Subscribe | What::Crash => {
                processes.remove(&deed.process);
            }
            What::Assign { .. } => {}
        }
    }
}

fn exchange(
    evidence: &Evidence,
    at: u32,
    deed: &Deed,
    positions: &mut Positions,
    visit: &mut impl FnMut(Step),
) {
    let rebalanced = evidence.keys(deed);
    positions.retain(|key, _| !rebalanced.contains(key));
    let mut reached = Positions::new();
    for run in evidence.reads(deed).chunk_by(|a, b| a.key == b.key) {
        let Some(Read { key, .. }) = run.first().copied() else {
            continue;
        };
        let mut position = reached.get(&key).or_else(|| positions.get(&key)).copied();
        for read in run {
            // Within an operation that saw a rebalance, positions may change at any moment.
            if let Some((from, before)) = position.filter(|_| !rebalanced.contains(&key)) {
                visit(Step {
                    key,
                    from,
                    to: read.offset,
                    before,
                    after: at,
                });
            }
            position = Some((read.offset, at));
        }
        reached.extend(position.map(|position| (key, position)));
    }
    if deed.kind == Kind::Ok {
        positions.extend(reached);
    }
}
