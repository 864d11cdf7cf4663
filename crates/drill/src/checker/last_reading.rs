//! The last reading: what consumers were given that began at the beginning when all sending was over.
//!
//! Nothing is removed from the partitions of a drill, so whatever was there before is there in the last reading.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{Deed, Evidence, What};
use crate::history::{Key, Kind};

/// Which partitions were read to their ends when all was quiet, and what was found there.
#[derive(Debug)]
pub(super) struct LastReading {
    keys: BTreeSet<Key>,
    /// For each send, whether its value was found.
    found: Vec<bool>,
}

impl LastReading {
    /// The last reading of a history; of no partition if there is none.
    pub(super) fn of(evidence: &Evidence) -> LastReading {
        let sends = |deed: &Deed| deed.kind == Kind::Ok && !evidence.sends(deed).is_empty();
        let acknowledged = evidence.deeds().filter(|(_, deed)| sends(deed));
        let quiet_from = acknowledged.map(|(_, deed)| deed.index).max().unwrap_or(0);
        let mut last = LastReading {
            keys: BTreeSet::new(),
            found: vec![false; evidence.all_sends().len()],
        };
        let mut readers: BTreeMap<u32, BTreeSet<Key>> = BTreeMap::new();
        for (_, deed) in evidence.deeds().filter(|(_, deed)| deed.kind == Kind::Ok) {
            if is_beginning(deed) && deed.invoked > quiet_from {
                let keys = evidence.keys(deed);
                last.keys.extend(keys);
                readers.entry(deed.process).or_default().extend(keys);
            }
            let Some(assigned) = readers.get(&deed.process) else {
                continue;
            };
            for read in evidence.reads(deed) {
                if assigned.contains(&read.key)
                    && let Some(place) = evidence.place(read.key, read.value)
                {
                    last.found[place] = true;
                }
            }
        }
        last
    }

    /// Whether the partition was read.
    pub(super) fn covers(&self, key: Key) -> bool {
        self.keys.contains(&key)
    }

    /// Whether the value of the send at this place was found.
    pub(super) fn found(&self, place: usize) -> bool {
        self.found.get(place).copied().unwrap_or(false)
    }
}

fn is_beginning(deed: &Deed) -> bool {
    let seek_to_beginning = true;
    deed.what == What::Assign { seek_to_beginning }
}
