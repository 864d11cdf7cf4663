//! Classic groups: members that agree on a protocol and share an assignment (KIP-62, KIP-345,
//! KIP-394).
//!
//! [`classic`] is the group and its state machine; each request has its own file. A group's
//! surviving state is its record in the log; everything else (sessions, members that have not
//! been assigned anything yet, parked requests) ends with the shard.

mod classic;
mod describe;
mod expire;
mod heartbeat;
mod join;
mod leave;
mod member;
mod rebalance;
mod subscription;
mod sync;

pub(crate) use classic::ClassicGroup;
pub(crate) use describe::{Listing, describe_unknown};
pub(crate) use heartbeat::heartbeat_response;
pub(crate) use join::{Joiner, join_error};
pub(crate) use leave::leave_of_unknown_group;
pub(crate) use sync::sync_error;
