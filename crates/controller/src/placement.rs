//! Which brokers keep the replicas of new partitions.
//!
//! Stripes over racks, as Kafka does: the racks take turns in leading, the brokers of a rack
//! take turns within it, and the replicas of a partition go to as many racks as there are.
//! A fenced broker never leads and is taken only when its rack has nobody else left.

use klamm_types::BrokerId;
use std::collections::BTreeMap;

/// Why replicas cannot be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// There is nobody to lead.
    #[error("all brokers are fenced or in controlled shutdown")]
    NobodyActive,
    /// There are fewer brokers than replicas wanted.
    #[error("{wanted} replicas need as many brokers, {registered} are registered")]
    TooFewBrokers {
        /// The replication factor.
        wanted: usize,
        /// How many brokers there are.
        registered: usize,
    },
}

/// A broker that replicas may be placed on.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) id: BrokerId,
    pub(crate) rack: Option<String>,
    pub(crate) is_active: bool,
}

/// Assigns replicas to `partitions` new partitions, each the preferred leader first.
///
/// `brokers`: id, rack and whether it is active. The same `seed` gives the same assignment.
///
/// # Errors
/// Nobody is active, or there are fewer brokers than `replication_factor`.
pub fn place_replicas<'a>(
    brokers: impl IntoIterator<Item = (BrokerId, Option<&'a str>, bool)>,
    partitions: usize,
    replication_factor: usize,
    seed: u64,
) -> Result<Vec<Vec<BrokerId>>, PlacementError> {
    let candidates: Vec<_> = brokers
        .into_iter()
        .map(|(id, rack, is_active)| Candidate {
            id,
            rack: rack.map(str::to_owned),
            is_active,
        })
        .collect();
    let active = candidates.iter().filter(|broker| broker.is_active).count();
    if candidates.len() < replication_factor {
        return Err(PlacementError::TooFewBrokers {
            wanted: replication_factor,
            registered: candidates.len(),
        });
    }
    if active == 0 {
        return Err(PlacementError::NobodyActive);
    }
    let mut stripes = Stripes::new(&candidates, Draw(seed));
    Ok((0..partitions)
        .map(|index| {
            // After each broker has led once, another order avoids repeating the same sets.
            if index > 0 && index % active == 0 {
                stripes.shuffle();
            }
            stripes.place(index, replication_factor)
        })
        .collect())
}

/// The racks in the order in which they take turns.
struct Stripes {
    racks: Vec<Rack>,
    draw: Draw,
}

/// The brokers of a rack in the order in which they take turns.
#[derive(Default)]
struct Rack {
    active: Vec<BrokerId>,
    inactive: Vec<BrokerId>,
}

impl Stripes {
    fn new(candidates: &[Candidate], draw: Draw) -> Stripes {
        let mut racks: BTreeMap<Option<&str>, Rack> = BTreeMap::new();
        for broker in candidates {
            let rack = racks.entry(broker.rack.as_deref()).or_default();
            if broker.is_active {
                rack.active.push(broker.id);
            } else {
                rack.inactive.push(broker.id);
            }
        }
        let racks = racks.into_values().collect();
        let mut stripes = Stripes { racks, draw };
        stripes.shuffle();
        stripes
    }

    fn shuffle(&mut self) {
        self.draw.shuffle(&mut self.racks);
        for rack in &mut self.racks {
            self.draw.shuffle(&mut rack.active);
            self.draw.shuffle(&mut rack.inactive);
        }
    }

    /// The replicas of the partition whose turn is `turn`.
    fn place(&self, turn: usize, replication_factor: usize) -> Vec<BrokerId> {
        let count = self.racks.len();
        let racks = || (0..count).map(move |step| (turn + step) % count);
        // Within a rack the turn advances whenever all racks had theirs.
        let lap = turn / count;
        let first = racks().find(|rack| !self.racks[*rack].active.is_empty());
        let mut queues: Vec<_> = racks().map(|rack| self.racks[rack].queue(lap)).collect();
        let mut replicas = Vec::with_capacity(replication_factor);
        // The leader's rack begins, even if racks without an active broker come before it.
        if let Some(first) = first {
            queues.rotate_left((first + count - turn % count) % count);
        }
        let mut depth = 0;
        while replicas.len() < replication_factor && queues.iter().any(|q| depth < q.len()) {
            let of_depth = queues.iter().filter_map(|queue| queue.get(depth));
            replicas.extend(of_depth.take(replication_factor - replicas.len()));
            depth += 1;
        }
        replicas
    }
}

impl Rack {
    /// The rack's brokers, active ones first, as turn `lap` takes them.
    fn queue(&self, lap: usize) -> Vec<BrokerId> {
        let turned = |list: &[BrokerId]| {
            let mut list = list.to_vec();
            let by = lap % list.len().max(1);
            list.rotate_left(by);
            list
        };
        let mut queue = turned(&self.active);
        queue.extend(turned(&self.inactive));
        queue
    }
}

/// Numbers out of a seed (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            let bound = i as u64 + 1;
            list.swap(i, (self.next() % bound) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    type Broker<'a> = (i32, Option<&'a str>, bool);

    fn place(brokers: &[Broker], partitions: usize, rf: usize, seed: u64) -> Vec<Vec<i32>> {
        let brokers = brokers
            .iter()
            .map(|(id, rack, ok)| (BrokerId(*id), *rack, *ok));
        let placed = place_replicas(brokers, partitions, rf, seed).unwrap();
        let numbers = |ids: Vec<BrokerId>| ids.into_iter().map(|id| id.0).collect();
        placed.into_iter().map(numbers).collect()
    }

    fn count(placed: &[Vec<i32>], of: impl Fn(&Vec<i32>) -> bool) -> usize {
        placed.iter().filter(|replicas| of(replicas)).count()
    }

    #[test]
    fn everybody_leads_and_keeps_the_same_share() {
        let brokers: Vec<_> = (0..6).map(|id| (id, None, true)).collect();
        for seed in 0..20 {
            let placed = place(&brokers, 60, 3, seed);
            for id in 0..6 {
                assert_eq!(count(&placed, |replicas| replicas[0] == id), 10);
                assert_eq!(count(&placed, |replicas| replicas.contains(&id)), 30);
            }
        }
    }

    #[test]
    fn replicas_differ_and_go_to_different_racks() {
        let racks = ["a", "b", "c"];
        let brokers: Vec<_> = (0..9)
            .map(|id| (id, Some(racks[id as usize % 3]), true))
            .collect();
        for seed in 0..20 {
            for replicas in place(&brokers, 50, 3, seed) {
                let racks: BTreeSet<_> = replicas.iter().map(|id| id % 3).collect();
                assert_eq!(racks.len(), 3);
            }
            for replicas in place(&brokers, 50, 5, seed) {
                let set: BTreeSet<_> = replicas.iter().collect();
                assert_eq!(set.len(), 5);
                let racks: BTreeSet<_> = replicas.iter().map(|id| id % 3).collect();
                assert_eq!(racks.len(), 3);
            }
        }
    }

    #[test]
    fn the_fenced_never_lead_and_come_last() {
        let brokers = [
            (0, None, true),
            (1, None, false),
            (2, None, true),
            (3, None, true),
        ];
        for seed in 0..20 {
            for replicas in place(&brokers, 10, 3, seed) {
                assert!(!replicas.contains(&1), "{replicas:?}");
            }
            for replicas in place(&brokers, 10, 4, seed) {
                assert_eq!(replicas[3], 1);
            }
        }
        // A rack without anybody active is still a rack, but not to lead from.
        let brokers = [
            (0, Some("a"), false),
            (1, Some("b"), true),
            (2, Some("b"), true),
        ];
        for seed in 0..20 {
            for replicas in place(&brokers, 10, 2, seed) {
                assert!(replicas[0] != 0 && replicas[1] == 0, "{replicas:?}");
            }
        }
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let brokers: Vec<_> = (0..5).map(|id| (id, None, true)).collect();
        assert_eq!(place(&brokers, 20, 3, 1), place(&brokers, 20, 3, 1));
        let first: BTreeSet<_> = (0..50).map(|seed| place(&brokers, 1, 3, seed)).collect();
        assert!(first.len() > 10, "topics of one partition are spread");
    }

    #[test]
    fn impossible_wishes() {
        let error = |brokers: &[Broker], rf| {
            let brokers = brokers
                .iter()
                .map(|(id, rack, ok)| (BrokerId(*id), *rack, *ok));
            place_replicas(brokers, 1, rf, 0).unwrap_err()
        };
        let too_few = PlacementError::TooFewBrokers {
            wanted: 2,
            registered: 1,
        };
        assert_eq!(error(&[(0, None, true)], 2), too_few);
        assert_eq!(error(&[(0, None, false)], 1), PlacementError::NobodyActive);
    }
}
