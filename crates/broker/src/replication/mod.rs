//! Copying from leaders, and telling the controller who is in sync.

mod fetch_loop;
mod fetch_state;
mod fetchers;
mod following;
mod isr_updates;
mod outbox;
mod resignations;
mod suspects;
mod throttles;

pub(crate) use fetchers::Fetchers;
pub(crate) use isr_updates::IsrUpdates;
pub(crate) use resignations::Resignations;
pub(crate) use suspects::Suspects;
pub(crate) use throttles::ReplicationThrottles;
