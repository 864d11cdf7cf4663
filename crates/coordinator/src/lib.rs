//! Group coordinators: request in, records and response out.
//!
//! A [`GroupShard`] is a pure state machine over one partition of `__consumer_offsets`: it
//! answers the requests about the groups in it ([`group_partition`] tells which those are) and
//! says which records to append. It knows no clock, no randomness and no log; the shell brings
//! the time and fresh ids, carries out [`Effect`]s and reports what became of appends.
//!
//! What survives a shard is what its records say, and only replaying records changes that.
//! Sessions, ids that were handed out but not used, and parked requests end with it.
//!
//! Not here: finding a group's coordinator, authorization, whether topics exist, and offsets of
//! transactions.

mod append_error;
mod appends;
mod config;
mod effect;
mod group;
mod group_partition;
mod image;
mod offsets;
mod records;
mod request;
mod response;
mod shard;
mod timers;
mod turn;

pub use append_error::append_error;
pub use config::GroupConfig;
pub use effect::{AppendId, Effect};
pub use group_partition::group_partition;
pub use image::Replayed;
pub use records::{OffsetAndMetadata, Record, ReplayError};
pub use request::{Request, RequestBody, RequestId};
pub use response::Response;
pub use shard::GroupShard;

#[cfg(test)]
mod tests;
