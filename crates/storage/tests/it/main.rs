//! Logs on a real file system, through the public interface.

// The allowance for tests covers test functions, not the fixtures beside them.
#![allow(clippy::unwrap_used)]

mod concurrency;
mod crash;
mod damage;
mod fixture;
mod log;
mod model;
mod side_files;
