//! Faults, whom they befall, and what a target must be able to do for them.

use std::fmt;

/// What is done to a node, or to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// SIGKILL; healed by a start.
    Kill,
    /// A clean stop; healed by a start.
    Restart,
    /// SIGSTOP; healed by SIGCONT.
    Pause,
    /// Packets are dropped; healed when they are not.
    Cut(Direction),
    /// Each packet comes late.
    Slow {
        /// By so much, in milliseconds.
        delay_ms: u64,
    },
    /// The file system of its log directories is filled to the last byte; healed when the filling is removed.
    FillDisk,
    /// Other replicas are made leaders, by an election or a reassignment.
    MoveLeaders,
    /// The drill's own producers and consumers stand still.
    PauseClients,
}

/// Which packets of a node are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// All.
    Both,
    /// Those to it.
    Inbound,
    /// Those from it.
    Outbound,
}

/// Whom a fault befalls, by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Victim {
    /// A node that leads partitions and is not the active controller.
    Leader,
    /// The active controller, after what it leads was moved away if that can be done.
    Controller,
    /// The active controller together with what it leads.
    LeadingController,
    /// A node that is not the active controller, after what it leads was moved away if that can be done.
    Follower,
    /// All nodes at once.
    All,
    /// All nodes, one after the other.
    Each,
    /// No node.
    Nobody,
}

/// Something that a drill can do to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Kill the process of a node, and start it again.
    Kill,
    /// Stop a node cleanly, and start it again.
    Stop,
    /// Freeze a node and let it go on.
    Pause,
    /// Drop all packets of a node.
    Cut,
    /// Drop packets in one direction only.
    CutOneWay,
    /// Delay packets of a node.
    Slow,
    /// Fill the disk of a node.
    FillDisk,
    /// Move leaders.
    MoveLeaders,
    /// Find the active controller and the node it runs on.
    FindController,
}

impl Fault {
    /// Its name in histories and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::Cut(Direction::Both) => "cut",
            Self::Cut(Direction::Inbound) => "cut-inbound",
            Self::Cut(Direction::Outbound) => "cut-outbound",
            Self::Slow { .. } => "slow",
            Self::FillDisk => "fill-disk",
            Self::MoveLeaders => "move-leaders",
            Self::PauseClients => "pause-clients",
        }
    }

    /// What a target must be able to do to befall `victim` with it.
    #[must_use]
    pub fn needs(self, victim: Victim) -> Vec<Capability> {
        let fault = match self {
            Self::Kill => Some(Capability::Kill),
            Self::Restart => Some(Capability::Stop),
            Self::Pause => Some(Capability::Pause),
            Self::Cut(Direction::Both) => Some(Capability::Cut),
            Self::Cut(_) => Some(Capability::CutOneWay),
            Self::Slow { .. } => Some(Capability::Slow),
            Self::FillDisk => Some(Capability::FillDisk),
            Self::MoveLeaders => Some(Capability::MoveLeaders),
            Self::PauseClients => None,
        };
        let role = match victim {
            Victim::Controller | Victim::LeadingController => Some(Capability::FindController),
            _ => None,
        };
        fault.into_iter().chain(role).collect()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow { delay_ms } => write!(f, "slow by {delay_ms} ms"),
            other => f.write_str(other.name()),
        }
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leader => "a leader",
            Self::Controller => "the controller",
            Self::LeadingController => "the controller and what it leads",
            Self::Follower => "a follower",
            Self::All => "all nodes at once",
            Self::Each => "each node in turn",
            Self::Nobody => "no node",
        })
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill and start nodes",
            Self::Stop => "stop and start nodes",
            Self::Pause => "freeze nodes",
            Self::Cut => "cut nodes off",
            Self::CutOneWay => "cut nodes off one way",
            Self::Slow => "delay a node's packets",
            Self::FillDisk => "fill a node's disk",
            Self::MoveLeaders => "move leaders",
            Self::FindController => "find the active controller",
        })
    }
}
