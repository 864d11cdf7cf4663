//! Partition logs on disk: segments, indexes, recovery.
//!
//! A [`Log`] is a folder of segments in Kafka's exact format. It has one writer, the [`Log`]
//! itself; any number of [`LogReader`]s read beside it without waiting for it, and a
//! [`LogFlusher`] makes appends durable while further ones go on.
//!
//! ```text
//! log start ≤ flushed ≤ log end
//!     │          │         │
//!     │          │         └ the next append goes here; readers see everything before it
//!     │          └ survives a power failure: the recovery point
//!     └ nothing before it is readable
//! ```
//!
//! Invariants:
//! * A failed write or sync poisons the log for good; the first reason wins. A disk that is full
//!   fails the append alone, of which nothing is left.
//! * Indexes are hints. Whatever they say is checked against the batches, and a damaged one is
//!   made anew.
//! * Indexes are searched through read-only maps, but written with positioned I/O: a store into a
//!   mapped file on a full disk would kill the process, where a failed write poisons one log.
//!
//! Everything is synchronous. Clocks are arguments; nothing here starts a thread.

#[cfg(test)]
extern crate self as klamm_storage;

mod active_segment;
mod ballast;
mod batch_scan;
mod batch_walk;
mod boot_mark;
mod checked_bytes;
mod checkpoint_file;
mod checksum_file;
mod clean_shutdown;
mod compaction;
mod config;
mod damage;
mod dir_lock;
mod disk;
mod disk_space;
#[cfg(test)]
mod disk_trace;
mod epochs_check;
mod epochs_recovery;
mod error;
mod file_system;
mod flush;
mod index_file;
mod index_map;
mod leader_epochs;
mod log;
mod log_append;
mod log_files;
mod log_flusher;
mod log_install;
mod log_reader;
mod log_retention;
mod log_state;
mod log_transactions;
mod log_truncation;
mod meta_properties;
mod offset_checkpoint;
mod offset_index;
mod open_files;
mod partition_metadata;
mod producer_recovery;
mod producer_snapshot;
mod producer_states;
mod recovery;
mod removed_files;
mod repair;
mod replacement;
mod retention;
mod roll;
mod scrub;
mod segment;
mod segment_recovery;
mod segment_search;
mod small_files;
mod swap_recovery;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod time_index;
mod timestamp_lookup;
mod transaction_index;
mod transactions_check;
mod transactions_reader;
mod undecided_transactions;

pub use ballast::Ballast;
pub use boot_mark::BootMark;
pub use checkpoint_file::CheckpointError;
pub use clean_shutdown::{CleanShutdown, CleanShutdownFile};
pub use compaction::{
    Cleanable, Compaction, CompactionError, CompactionLimits, CompactionStats, Rewriting,
};
pub use config::LogConfig;
pub use damage::DamagedRange;
pub use dir_lock::{DirLock, DirLockError};
pub use disk_space::DiskSpace;
pub use error::{ReadError, StorageError};
pub use file_system::FileSystem;
pub use leader_epochs::{EpochEndOffset, LeaderEpochs};
pub use log::{Appended, Log};
pub use log_flusher::{LogFlusher, flush_together};
pub use log_reader::{LogRead, LogReader};
pub use log_retention::Retained;
pub use meta_properties::{MetaProperties, MetaPropertiesError};
pub use offset_checkpoint::{CheckpointKind, OffsetCheckpoint};
pub use open_files::OpenFiles;
pub use partition_metadata::PartitionMetadata;
pub use producer_states::{MarkerRequest, ProducerState, ProducerStates, SequencedBatch, Verdict};
pub use recovery::{Interruption, OpenOptions, RecoveryReport};
pub use repair::{Repair, RepairError};
pub use replacement::Replacement;
pub use scrub::Scrubbed;
pub use timestamp_lookup::TimestampOffset;
pub use transaction_index::AbortedTransaction;
