//! One operation of a history.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The largest value that is written: EDN and JSON readers elsewhere take integers as signed.
pub const VALUE_MAX: u64 = i64::MAX as u64;

/// A partition, as a small number that [`Setup::keys`] explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub u32);

/// A node of the cluster, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Node(pub i32);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// A client with one operation at a time; [`Processes`](crate::history::Processes) gives the numbers.
    Client(u32),
    /// Whoever injects faults and watches the cluster.
    Nemesis,
}

/// Whether an operation begins, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It begins.
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen and never will.
    Fail,
    /// Nobody knows whether it happened. All operations of the nemesis are of this kind.
    Info,
}

impl Kind {
    /// All kinds, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::Invoke, Self::Ok, Self::Fail, Self::Info];

    /// Jepsen's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

/// One step of a send, a poll or a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MicroOp {
    /// Append `value` to the partition `key`.
    Send {
        /// Where to.
        key: Key,
        /// What, at most [`VALUE_MAX`].
        value: u64,
        /// Where it came to lie. None before it is known, and where the cluster did not say (a batch
        /// that was there already is acknowledged without its offset).
        offset: Option<i64>,
    },
    /// One poll: for each partition that gave something, pairs of offset and value in the order in
    /// which they came. Empty before it is answered, and if nothing came.
    Poll(Vec<(Key, Vec<(i64, u64)>)>),
}

/// What is done: Jepsen's `f` and `value` together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Micro-operations that are all sends, no transaction unless [`Setup::transactional`].
    Send(Vec<MicroOp>),
    /// Micro-operations that are all polls.
    Poll(Vec<MicroOp>),
    /// Sends and polls that take effect together or not at all.
    Txn(Vec<MicroOp>),
    /// The process reads just these partitions from now on. Those it read before go on where they were,
    /// the others begin at the beginning.
    Assign {
        /// The partitions.
        keys: Vec<Key>,
        /// All of them begin at the beginning.
        seek_to_beginning: bool,
    },
    /// The process is a member of a group that reads the topics of these partitions.
    Subscribe(Vec<Key>),
    /// The process drops its clients. It ends as `info`, so a new process with new clients follows.
    Crash,
    /// The states of partitions were asked for; for people who read the history.
    DebugTopicPartitions(Vec<Key>),
    /// The first operation: what the drill is about. By the nemesis.
    Setup(Setup),
    /// Something was done to the cluster. By the nemesis.
    Fault(FaultNote),
    /// Who leads, as far as it differs from what was recorded last. By the nemesis.
    Leaders(Leaders),
    /// Something that readers of the report should know: what could not be done, what was not waited for.
    /// By the nemesis.
    Remark(String),
}

/// A partition in Kafka's words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartitionName {
    /// The topic.
    pub topic: String,
    /// The partition of it.
    pub partition: i32,
}

impl fmt::Display for PartitionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// What a drill is about: the first operation of a history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setup {
    /// The partitions; a [`Key`] is a position in this list.
    pub keys: Vec<PartitionName>,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// What was drilled, in words ("three nodes of klamm dev").
    pub target: String,
    /// What the cluster says it is, where it says so ("klamm 0.1.0").
    pub version: String,
    /// When it began, in words; the history itself counts nanoseconds from there.
    pub started: String,
    /// The scenarios.
    pub scenarios: Vec<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// Sends a second, over all producers, whether or not the cluster keeps up.
    pub sends_per_second: u32,
    /// Idempotent producers.
    pub producers: u32,
    /// Consumers.
    pub consumers: u32,
    /// Every send and poll is a transaction of its own, not only `txn`.
    pub transactional: bool,
    /// What this drill could not do to this cluster, in words.
    pub limits: Vec<String>,
}

/// Where a fault stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It is about to be injected; gaps are counted from here.
    Begin,
    /// It is in force.
    Begun,
    /// It is about to be healed.
    Heal,
    /// It is healed: processes run again, networks are whole.
    Healed,
}

impl Phase {
    /// All phases in their order.
    pub const ALL: [Self; 4] = [Self::Begin, Self::Begun, Self::Heal, Self::Healed];

    /// Its name in histories.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Begun => "begun",
            Self::Heal => "heal",
            Self::Healed => "healed",
        }
    }
}

/// Something that was done to the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultNote {
    /// What, in a word with hyphens ("kill", "pause", "cut"); it is the operation's `f`.
    #[serde(skip)]
    pub fault: String,
    /// Where it stands.
    pub phase: Phase,
    /// The scenario it belongs to.
    #[serde(default)]
    pub scenario: String,
    /// The round of the drill, counted over all scenarios from 1.
    #[serde(default)]
    pub round: u32,
    /// The nodes it is done to.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// The partitions that those nodes led when it began; empty if none, or if nobody knows.
    #[serde(default)]
    pub keys: Vec<Key>,
    /// More, in words ("also the active controller"; why it could not be done).
    #[serde(default)]
    pub detail: String,
}

/// Who leads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leaders {
    /// The active controller, if it is another one than before.
    pub controller: Option<Node>,
    /// The leaders of partitions that have another one than before; −1 for none.
    pub leaders: BTreeMap<Key, Node>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its place in the history, from 0, without holes; [`super::Recorder`] gives it.
    pub index: u64,
    /// Who.
    pub process: Process,
    /// Beginning or outcome.
    pub kind: Kind,
    /// What.
    pub action: Action,
    /// When it was recorded, in nanoseconds since the drill began.
    pub time_ns: u64,
    /// For invocations of sends: when it was due by the fixed rate, which may be before it was invoked.
    /// Latencies and gaps are counted from here, so that a slow cluster cannot hide by being asked less.
    pub due_ns: Option<u64>,
    /// For sends: the producer. One producer has several processes, one a request that it may have
    /// outstanding; the order in which they invoke is the order in which it sends.
    pub producer: Option<u32>,
    /// For polls of group members: partitions that came or went since the poll before.
    pub rebalanced: Vec<Key>,
    /// Why it failed or is not known, for people.
    pub error: Option<String>,
}

impl Operation {
    /// An operation without the fields that few have; its index comes with recording.
    #[must_use]
    pub const fn new(process: Process, kind: Kind, action: Action, time_ns: u64) -> Self {
        Self {
            index: 0,
            process,
            kind,
            action,
            time_ns,
            due_ns: None,
            producer: None,
            rebalanced: Vec::new(),
            error: None,
        }
    }

    /// An operation of the nemesis.
    #[must_use]
    pub const fn nemesis(action: Action, time_ns: u64) -> Self {
        Self::new(Process::Nemesis, Kind::Info, action, time_ns)
    }
}

impl Action {
    /// Jepsen's `f`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Send(_) => "send",
            Self::Poll(_) => "poll",
            Self::Txn(_) => "txn",
            Self::Assign { .. } => "assign",
            Self::Subscribe(_) => "subscribe",
            Self::Crash => "crash",
            Self::DebugTopicPartitions(_) => "debug-topic-partitions",
            Self::Setup(_) => "setup",
            Self::Fault(note) => &note.fault,
            Self::Leaders(_) => "leaders",
            Self::Remark(_) => "remark",
        }
    }

    /// The micro-operations of a send, poll or transaction; none for everything else.
    #[must_use]
    pub fn micro_ops(&self) -> &[MicroOp] {
        match self {
            Self::Send(ops) | Self::Poll(ops) | Self::Txn(ops) => ops,
            _ => &[],
        }
    }
}
