//! Whole controllers in this process, over loopback: what a cluster of them does.

mod elections;
mod nodes;
mod restarts;
