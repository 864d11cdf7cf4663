//! Metadata records and the image they replay into.
//!
//! The controllers agree on a log of records ([`proto`]). Every controller and every broker
//! replays it into an [`Image`]; [`Image::replay`] is the only code that changes one, so equal
//! logs give equal images. Images are values: a clone costs a few reference counts, and a
//! change copies only what it touches.
//!
//! Deciding what to write into the log is not here; that is the controller's.

mod broker;
mod delta;
pub mod feature_level;
#[cfg(test)]
mod history;
mod image;
mod replay;
mod replay_error;
mod snapshot;
mod topic;
mod wire;

/// The records as they travel and lie on disk, compiled from `proto/metadata.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod proto {
    include!(concat!(env!("OUT_DIR"), "/klamm.metadata.v1.rs"));
}

pub use broker::{Broker, Controller, Listener};
pub use delta::Delta;
pub use image::{ConfigResource, Configs, Image};
pub use replay_error::{ApplyError, ReplayError};
pub use topic::{Partition, RecoveryState, Topic};
pub use wire::{broker_ids, broker_numbers, uuid_bytes, uuid_from_bytes};
