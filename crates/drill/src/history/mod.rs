//! The history of a drill: what was asked of the cluster and what came back, one operation a line.
//!
//! The shape is that of Jepsen's Kafka workload, so that Jepsen's own checker can judge a history as
//! well: a *process* invokes one operation at a time and completes it as `ok` (it happened), `fail`
//! (it certainly did not) or `info` (nobody knows). A process whose operation ended as `info` invokes
//! nothing any more; see [`Processes`]. What was done to the cluster is in the same history, as
//! operations of the process `nemesis`.
//!
//! * Values are unique in a history and at most [`VALUE_MAX`]; partitions are small integers, [`Key`]s,
//!   which the first operation ([`Setup`]) maps to topics and partitions.
//! * An invocation is recorded before the client is asked, a completion after it answered. The checker
//!   trusts this order (the index), never the order of times.

mod edn;
mod json;
mod operation;
mod processes;
mod reader;
mod recorder;

pub use edn::to_edn;
pub use json::{MalformedOperation, from_json, to_json};
pub use operation::{
    Action, FaultNote, Key, Kind, Leaders, MicroOp, Node, Operation, PartitionName, Phase, Process,
    Setup, VALUE_MAX,
};
pub use processes::Processes;
pub use reader::{HistoryError, HistoryReader, LINE_BYTES_MAX};
pub use recorder::Recorder;
