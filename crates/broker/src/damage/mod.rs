//! What becomes of partitions whose logs are damaged, or have lost what was committed.
//!
//! ```text
//! a read, the scrubber or a start meets damage
//!   └▶ reports ─▶ healer: says which offsets, resigns where others can lead,
//!                         heals from the new leader, and follows again
//! ```

mod healer;
mod healing;
mod next_step;
mod peer;
mod reports;
mod scrubber;

pub(crate) use healer::Healer;
pub(crate) use reports::DamageReports;
pub(crate) use scrubber::Scrubber;
