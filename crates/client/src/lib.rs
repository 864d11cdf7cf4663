//! A small asynchronous Kafka client: connections, metadata, administration, produce, fetch.
//!
//! [`Connection`] is one socket with pipelined requests; brokers use it towards each other. [`Client`] knows a
//! cluster: it finds leaders and repeats what may be repeated until a deadline. [`Admin`], [`Producer`] and
//! [`Consumer`] stand on it.
//!
//! Deliberately not here: transactions, TLS and SASL, fetch sessions.

mod chunks;
mod connection;
mod error;
mod versions;

pub use connection::{Connection, ConnectionOptions};
pub use error::ClientError;
pub use versions::Versions;
