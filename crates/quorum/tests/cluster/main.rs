//! Whole controllers in this process, over loopback: what a cluster of them does.
#![allow(clippy::unwrap_used)]

mod elections;
mod nodes;
mod restarts;
mod slow_joiner;
mod voters;
