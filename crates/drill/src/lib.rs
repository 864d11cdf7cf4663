//! `klamm drill`: faults on purpose, and the proof of what they cost.
//!
//! A drill writes unique values at a fixed rate while nodes are killed, frozen and cut off, keeps a
//! [`history`] of every operation, and judges it afterwards. Planning and judging ([`scenario`],
//! [`checker`], and what the report is made of) are plain functions over plain values, without a clock, a
//! thread, a socket or a runtime. [`run()`] and what it stands on ([`target`], [`fault`], [`workload`])
//! carry a plan out.
//!
//! ```text
//! scenario ──plan──▶ run (workload, faults, target) ──operations──▶ history.jsonl, history.edn
//!                                                                      │
//!                                                  checker, availability ──▶ report (text, JSON, HTML)
//! ```

pub mod availability;
pub mod checker;
pub mod fault;
pub mod history;
pub mod journal;
pub mod leadership;
pub mod random;
pub mod report;
mod run;
pub mod scenario;
pub mod target;
pub mod workload;

pub use run::{DrillError, DrillOptions, Drilled, Selection, run};
