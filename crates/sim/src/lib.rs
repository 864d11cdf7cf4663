//! A whole cluster's cores under a seeded scheduler.
//!
//! Brokers with model disks, controllers, clients and the network between them live in one thread
//! and one simulated time. Decisions are the product's own: `klamm-replica` for leaders and
//! followers, `klamm-controller` for elections, sessions and ISRs, `klamm-metadata` for replay, the
//! leader epochs of `klamm-storage`. Around them is a thin shell that does what the broker's and the
//! quorum's shells do. Messages are late, lost, repeated and reordered; links are cut, one way too;
//! processes are killed and paused, hosts lose power and with it what was not flushed.
//!
//! A run follows from its seed alone: the same seed gives the same trace, byte by byte. What must
//! hold is in [`invariants`](self), one file each. [`Bug`]s can be planted to see it hold.
//!
//! Not here: sockets, files, and Raft itself, of which only the guarantees are modelled.

mod agenda;
mod broker;
mod bug;
mod client;
mod event;
mod faults;
mod ghost;
mod invariants;
mod metadata;
mod model_log;
mod network;
mod office;
mod quorum;
mod random;
mod reassign;
mod replica;
mod replication;
mod scenario;
mod spoil;
mod trace;
mod world;

pub use bug::Bug;
pub use world::Violation;

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The first invariant that did not hold.
    pub violation: Option<Violation>,
    /// Events that happened.
    pub events: u64,
    /// Records that were committed.
    pub committed: usize,
    /// Leaders that took over.
    pub leaders: usize,
    /// Reassignments that came to their end, be it by being cancelled.
    pub reassigned: usize,
    /// Partitions, and those of which everything promised was looked for in the end, and was there.
    pub partitions: usize,
    /// See `partitions`.
    pub survived: usize,
    /// What happened, a line each, if it was wanted.
    pub trace: String,
}

/// Runs the simulation of a seed, with a mistake planted if `bug` names one.
pub fn simulate(seed: u64, bug: Option<Bug>, is_traced: bool) -> Outcome {
    let mut world = world::World::new(seed, bug, is_traced);
    world.run();
    Outcome {
        violation: world.violation.clone(),
        events: world.events,
        committed: world.ghosts.iter().map(|ghost| ghost.committed.len()).sum(),
        leaders: world.ghosts.iter().map(|ghost| ghost.leaders.len()).sum(),
        reassigned: world.ghosts.iter().map(|ghost| ghost.reassigned).sum(),
        partitions: world.ghosts.len(),
        survived: world.survived,
        trace: world.into_trace(),
    }
}
