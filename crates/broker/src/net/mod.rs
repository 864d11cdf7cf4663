//! Sockets: listeners, connections, frames.

mod acceptor;
mod budget;
mod connection;
mod frame;
mod open_connections;

pub(crate) use acceptor::Acceptor;
pub use acceptor::BindError;
pub(crate) use budget::MemoryBudget;
pub(crate) use connection::{ConnectionInfo, NetLimits};
pub(crate) use open_connections::OpenConnections;
