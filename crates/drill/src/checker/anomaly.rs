//! The names of what can be wrong.

use serde::Serialize;

/// A kind of anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "&'static str")]
pub enum Anomaly {
    /// Acknowledged, never read, although something behind it was.
    LostWrite,
    /// Acknowledged or read, and not there at the end.
    Unseen,
    /// Two values at one offset.
    InconsistentOffsets,
    /// One value at several offsets.
    Duplicate,
    /// A value that nobody had sent there.
    Phantom,
    /// G1a: a value that failed or was aborted was read.
    AbortedRead,
    /// A transaction read what it had sent itself.
    PrecommittedRead,
    /// Part of a transaction is visible, another part is not.
    TornTransaction,
    /// A consumer passed over values between two polls.
    PollSkip,
    /// A consumer went back between two polls.
    NonmonotonicPoll,
    /// A consumer passed over values within one poll.
    IntPollSkip,
    /// A consumer went back within one poll.
    IntNonmonotonicPoll,
    /// A producer's sends lie in another order than it sent them.
    NonmonotonicSend,
    /// The sends of one operation lie in another order than it sent them.
    IntNonmonotonicSend,
    /// G1c: transactions that read from one another, in a circle.
    ReadCycle,
    /// G0: transactions that wrote over one another, in a circle.
    WriteCycle,
}

impl Anomaly {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 16] = [
        Self::LostWrite,
        Self::Unseen,
        Self::InconsistentOffsets,
        Self::Duplicate,
        Self::Phantom,
        Self::AbortedRead,
        Self::PrecommittedRead,
        Self::TornTransaction,
        Self::PollSkip,
        Self::NonmonotonicPoll,
        Self::IntPollSkip,
        Self::IntNonmonotonicPoll,
        Self::NonmonotonicSend,
        Self::IntNonmonotonicSend,
        Self::ReadCycle,
        Self::WriteCycle,
    ];

    /// Its name: Jepsen's, where Jepsen has one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LostWrite => "lost-write",
            Self::Unseen => "unseen",
            Self::InconsistentOffsets => "inconsistent-offsets",
            Self::Duplicate => "duplicate",
            Self::Phantom => "phantom",
            Self::AbortedRead => "G1a",
            Self::PrecommittedRead => "precommitted-read",
            Self::TornTransaction => "torn-transaction",
            Self::PollSkip => "poll-skip",
            Self::NonmonotonicPoll => "nonmonotonic-poll",
            Self::IntPollSkip => "int-poll-skip",
            Self::IntNonmonotonicPoll => "int-nonmonotonic-poll",
            Self::NonmonotonicSend => "nonmonotonic-send",
            Self::IntNonmonotonicSend => "int-nonmonotonic-send",
            Self::ReadCycle => "G1c",
            Self::WriteCycle => "G0",
        }
    }

    /// What it means to somebody who uses the cluster.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::LostWrite => {
                "records were acknowledged, and consumers that read past them never saw them"
            }
            Self::Unseen => {
                "records were acknowledged or read, and were not there when everything was read at the end"
            }
            Self::InconsistentOffsets => "different records were seen at the same offset",
            Self::Duplicate => "one record was stored more than once",
            Self::Phantom => "records were read that nobody had sent to that partition",
            Self::AbortedRead => "records were read whose sending had failed or was aborted",
            Self::PrecommittedRead => "a transaction read its own records before it was committed",
            Self::TornTransaction => "some records of a transaction are visible, others are not",
            Self::PollSkip => {
                "a consumer passed over records that others did read, between two polls"
            }
            Self::NonmonotonicPoll => {
                "a consumer was given records again, or went back, between two polls"
            }
            Self::IntPollSkip => {
                "a consumer passed over records that others did read, within one poll"
            }
            Self::IntNonmonotonicPoll => "a consumer went back within one poll",
            Self::NonmonotonicSend => {
                "records of one producer are stored in another order than it sent them"
            }
            Self::IntNonmonotonicSend => {
                "records of one operation are stored in another order than it sent them"
            }
            Self::ReadCycle => "transactions read from one another in a circle",
            Self::WriteCycle => {
                "transactions wrote around one another; Kafka does not keep their writes apart"
            }
        }
    }

    /// Whether Kafka's promises allow it. It is told, but the history is not condemned for it.
    #[must_use]
    pub const fn is_tolerated(self) -> bool {
        matches!(self, Self::WriteCycle)
    }
}

impl From<Anomaly> for &'static str {
    fn from(anomaly: Anomaly) -> Self {
        anomaly.name()
    }
}
