//! Logs on a real file system, through the public interface.

mod concurrency;
mod crash;
mod fixture;
mod log;
mod model;
mod side_files;
