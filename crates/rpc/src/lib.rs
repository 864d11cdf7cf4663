//! gRPC services and clients of the control plane.
//!
//! [`controller`] and [`raft`] hold what `proto/` generates: messages, server traits, raw
//! clients. Around them stand the things that both ends must agree on: how a channel is set up
//! ([`channel`], [`server`]), how a controller says that it is not the active one
//! ([`NotActive`]), and how brokers find the active one ([`ControllerClient`]).
//!
//! Deliberately not here: what the calls mean. That is decided in `controller`.

mod active;
mod controller_client;
mod not_active;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;

/// The service that controllers offer to brokers (`proto/controller.proto`).
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub)]
pub mod controller {
    tonic::include_proto!("klamm.controller.v1");
}

/// The service that controllers offer each other (`proto/raft.proto`).
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub)]
pub mod raft {
    tonic::include_proto!("klamm.raft.v1");
}

pub use controller::{
    ActiveController, controller_client::ControllerClient as RawControllerClient,
    controller_server::Controller as ControllerService, controller_server::ControllerServer,
};
pub use controller_client::{
    CallError, ControllerClient, ControllerClientConfig, ControllerEndpoint,
};
pub use klamm_metadata::proto as metadata;
pub use not_active::NotActive;
pub use raft::{
    raft_client::RaftClient as RawRaftClient, raft_server::Raft as RaftService,
    raft_server::RaftServer,
};
pub use transport::{ChannelConfig, InvalidEndpoint, MESSAGE_BYTES_MAX, channel, server};
