//! The data broker: sockets, APIs, partitions, replication, coordinators.
//!
//! ```text
//! net ─▶ api ─▶ partitions ─▶ partition ─▶ storage
//!         │         ▲   ▲          │
//!         ▼         │   │          ▼
//!       groups      │   └── replication ─▶ other brokers
//!                control ─▶ controllers
//! ```
//!
//! Controllers are met only through `rpc`. Deliberately not here: elections and everything else
//! that the controller decides, and the rules of replication and groups (`replica`,
//! `coordinator`), which are called from here.

mod api;
mod auto_topics;
mod broker;
mod cleaner;
mod clock;
mod context;
mod control;
mod damage;
mod deleted_folders;
mod dynamic_configs;
mod fetch_session;
mod flusher;
mod groups;
mod housekeeping;
mod listeners;
mod log_dirs;
mod metadata;
mod metadata_changes;
mod net;
mod partition;
mod partitions;
mod producer_ids;
mod recovery_backlog;
mod replica_moves;
mod replication;
mod segment_jitter;
mod throttle;
mod topic_name;

pub use broker::{Broker, BrokerError};
pub use control::RegistrationError;
pub use listeners::host_name;
pub use log_dirs::LogDirError;
pub use net::BindError;
