//! Logs on a real file system, through the public interface.

// The allowance for tests covers test functions, not the fixtures beside them.
#![allow(clippy::unwrap_used)]

mod compaction;
mod concurrency;
mod crash;
mod damage;
mod fixture;
mod full_disk;
mod log;
mod model;
mod retention;
mod segment_files;
mod side_files;
mod transactions;
