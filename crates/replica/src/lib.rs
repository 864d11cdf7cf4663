//! The replication rules of one partition, without I/O.
//!
//! [`Leader`] keeps what the leader knows of its followers and decides when the high watermark
//! moves and when the ISR should change; [`divergence`] decides how far a follower cuts its log
//! back, [`take_over`] whether an elected replica leads. All only compute: the shell reads logs, sends requests and passes the time in.
//!
//! Invariants:
//! * The high watermark of a leader never goes back.
//! * It never passes what every member of the *maximal* ISR has made durable, so whichever ISR
//!   the controller knows, each of its members has everything below the high watermark.
//! * One ISR proposal per partition is in flight at most.
//!
//! Deliberately not here: elections (the `controller` crate) and the log itself (`storage`).

pub mod divergence;
mod follower;
mod follower_progress;
mod high_watermark;
mod isr;
mod leader;
mod takeover;

pub use follower::{check_leader_epoch, follower_high_watermark};
pub use follower_progress::{FollowerFetch, FollowerProgress};
pub use high_watermark::high_watermark;
pub use isr::{Isr, IsrProposal};
pub use leader::{Effects, Leader, LocalLog, PartitionState, STALL_MS_MAX};
pub use takeover::{Takeover, committed_floor, take_over};
