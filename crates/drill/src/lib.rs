//! `klamm drill`: faults on purpose, and the proof of what they cost.
//!
//! A drill writes unique values at a fixed rate while nodes are killed, frozen and cut off, keeps a
//! [`history`] of every operation, and judges it afterwards. The modules below are the judging half:
//! plain functions over plain values, without a clock, a thread, a socket or a runtime.
//!
//! ```text
//! scenario ──plan──▶ (shell: workload, faults) ──operations──▶ history.jsonl, history.edn
//!                                                                  │
//!                                              checker, availability ──▶ report (text, JSON, HTML)
//! ```

pub mod availability;
pub mod checker;
pub mod history;
pub mod random;
pub mod report;
pub mod scenario;
