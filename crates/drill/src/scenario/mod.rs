//! What to do to a cluster: faults as data.
//!
//! A [`Scenario`] has a name; with a seed it becomes a [`Plan`] of [`Round`]s, each a fault that is held,
//! healed and slept over. A plan names *roles* ("the leader"), because who has them is known only when a
//! round begins; [`choose`] then says which nodes that means. Each scenario says what a target must be
//! able to do ([`Capability`]); none of this does anything.

mod choose;
mod fault;
mod plan;

pub use choose::{Choice, ClusterView, NoVictim, choose};
pub use fault::{Capability, Direction, Fault, Victim};
pub use plan::{MissingCapabilities, Plan, Round};

/// The scenarios. They differ in fault, victim and how long it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// kill -9 of a node that leads partitions and is not the active controller.
    KillLeader,
    /// kill -9 of the active controller, which leads nothing if leaders can be moved.
    KillController,
    /// kill -9 of the active controller, which leads partitions as well.
    KillBoth,
    /// kill -9 of all nodes at once.
    KillAll,
    /// A clean restart of each node, one after the other.
    RollingRestart,
    /// SIGSTOP of a leader.
    PauseLeader,
    /// SIGSTOP of the active controller.
    PauseController,
    /// SIGSTOP of a node; counts for what it follows, if it leads nothing.
    PauseFollower,
    /// A leader cut off from the other nodes and from clients.
    CutLeader,
    /// A leader that hears nothing, but is heard.
    CutOneWay,
    /// A node whose network is slow.
    SlowFollower,
    /// A leader whose disk is full.
    DiskFull,
    /// Leaders moved by the cluster's own means.
    LeaderMoves,
    /// The drill's own clients stand still; needs nothing of the cluster.
    ClientPauses,
    /// Any fault that the target can bear, by seed.
    Random,
}

/// What makes a scenario.
struct Definition {
    name: &'static str,
    summary: &'static str,
    fault: Fault,
    victim: Victim,
    /// How long the fault is in force, in milliseconds, from and to.
    hold_ms: (u64, u64),
}

impl Scenario {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 15] = [
        Self::KillLeader,
        Self::KillController,
        Self::KillBoth,
        Self::KillAll,
        Self::RollingRestart,
        Self::PauseLeader,
        Self::PauseController,
        Self::PauseFollower,
        Self::CutLeader,
        Self::CutOneWay,
        Self::SlowFollower,
        Self::DiskFull,
        Self::LeaderMoves,
        Self::ClientPauses,
        Self::Random,
    ];

    /// The scenario of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == name)
    }

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.definition().name
    }

    /// What it does, in a line.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        self.definition().summary
    }

    /// What a target must be able to do for it, in order. [`Scenario::Random`] does what there is.
    #[must_use]
    pub fn needs(self) -> Vec<Capability> {
        if self == Self::Random {
            return Vec::new();
        }
        let Definition { fault, victim, .. } = self.definition();
        fault.needs(victim)
    }

    /// Holds that are short compared with a cluster's time-outs show nothing; those of pauses and cuts
    /// outlast the time-outs of a default configuration, the others leave time to elect and settle.
    const fn definition(self) -> Definition {
        let (name, summary, fault, victim, hold_ms) = match self {
            Self::KillLeader => (
                "kill-leader",
                "kill -9 of a node that leads partitions",
                Fault::Kill,
                Victim::Leader,
                (1500, 3500),
            ),
            Self::KillController => (
                "kill-controller",
                "kill -9 of the active controller, after its partitions moved away",
                Fault::Kill,
                Victim::Controller,
                (1500, 3500),
            ),
            Self::KillBoth => (
                "kill-both",
                "kill -9 of the active controller, which leads partitions as well",
                Fault::Kill,
                Victim::LeadingController,
                (1500, 3500),
            ),
            Self::KillAll => (
                "kill-all",
                "kill -9 of all nodes at once",
                Fault::Kill,
                Victim::All,
                (200, 1500),
            ),
            Self::RollingRestart => (
                "rolling-restart",
                "clean restart of each node, one after the other",
                Fault::Restart,
                Victim::Each,
                (200, 1000),
            ),
            Self::PauseLeader => (
                "pause-leader",
                "SIGSTOP of a node that leads partitions",
                Fault::Pause,
                Victim::Leader,
                (4000, 8000),
            ),
            Self::PauseController => (
                "pause-controller",
                "SIGSTOP of the active controller",
                Fault::Pause,
                Victim::LeadingController,
                (4000, 8000),
            ),
            Self::PauseFollower => (
                "pause-follower",
                "SIGSTOP of a node after its partitions moved away: it only follows",
                Fault::Pause,
                Victim::Follower,
                (4000, 8000),
            ),
            Self::CutLeader => (
                "cut-leader",
                "a node that leads partitions is cut off, both ways",
                Fault::Cut(Direction::Both),
                Victim::Leader,
                (4000, 8000),
            ),
            Self::CutOneWay => (
                "cut-one-way",
                "a node that leads partitions hears nothing any more, but is heard",
                Fault::Cut(Direction::Inbound),
                Victim::Leader,
                (4000, 8000),
            ),
            Self::SlowFollower => (
                "slow-follower",
                "a node that only follows answers late",
                Fault::Slow { delay_ms: 200 },
                Victim::Follower,
                (4000, 8000),
            ),
            Self::DiskFull => (
                "disk-full",
                "the disk of a node that leads partitions is full",
                Fault::FillDisk,
                Victim::Leader,
                (3000, 6000),
            ),
            Self::LeaderMoves => (
                "leader-moves",
                "leaders are moved by the cluster's own means",
                Fault::MoveLeaders,
                Victim::Nobody,
                (500, 1500),
            ),
            Self::ClientPauses => (
                "client-pauses",
                "the drill's own clients stand still",
                Fault::PauseClients,
                Victim::Nobody,
                (1000, 5000),
            ),
            Self::Random => (
                "random",
                "any of the faults that the target can bear, by seed",
                Fault::MoveLeaders,
                Victim::Nobody,
                (0, 0),
            ),
        };
        Definition {
            name,
            summary,
            fault,
            victim,
            hold_ms,
        }
    }
}
