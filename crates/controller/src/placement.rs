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
