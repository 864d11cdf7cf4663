//! A bound on what all connections together hold of requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Permits are counted in units of this many bytes, so that any budget fits a semaphore.
const UNIT_BYTES: usize = 1024;

/// Bytes that requests in flight may hold, shared by all connections (`queued.max.request.bytes`).
///
/// Small requests do not draw on it: a connection holds at most one of them while it reads, and
/// a bounded number while they are served.
#[derive(Clone)]
pub(crate) struct MemoryBudget {
    units: Arc<Semaphore>,
    total_units: u32,
    /// How many connections wait for a share.
    waiting: Arc<AtomicUsize>,
}

/// A share of the budget; returned when dropped.
#[derive(Default)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

impl Share {
    /// How many bytes it covers.
    pub(crate) fn bytes(&self) -> usize {
        let permit = self.0.as_ref();
        permit.map_or(0, |permit| permit.num_permits() * UNIT_BYTES)
    }
}

/// Counts one waiting connection.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Waiting<'a> {
        waiting.fetch_add(1, Relaxed);
        Waiting(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl MemoryBudget {
    pub(crate) fn new(bytes: usize) -> MemoryBudget {
        let total_units = u32::try_from(bytes / UNIT_BYTES).unwrap_or(u32::MAX >> 4);
        MemoryBudget {
            units: Arc::new(Semaphore::new(total_units as usize)),
            total_units,
            waiting: Arc::default(),
        }
    }

    /// How many bytes there are in all.
    pub(crate) fn total_bytes(&self) -> usize {
        self.total_units as usize * UNIT_BYTES
    }

    /// Whether somebody waits for memory.
    pub(crate) fn is_short(&self) -> bool {
        self.waiting.load(Relaxed) > 0
    }

    /// Adds `bytes` to `share`, waiting for others to give back at most `patience`.
    ///
    /// Returns whether the share was granted. Waiting is bounded because those who wait hold
    /// shares themselves: without a bound, a few half-read requests could wait for each other.
    pub(crate) async fn grow(&self, share: &mut Share, bytes: usize, patience: Duration) -> bool {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        if units > self.total_units {
            return false;
        }
        let units_left = || Arc::clone(&self.units);
        let permit = match units_left().try_acquire_many_owned(units) {
            Ok(permit) => permit,
            Err(_) => {
                let _waiting = Waiting::begin(&self.waiting);
                match timeout(patience, units_left().acquire_many_owned(units)).await {
                    Ok(Ok(permit)) => permit,
                    _ => return false,
                }
            }
        };
        match &mut share.0 {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_dropped_can_be_had_again() {
        let budget = MemoryBudget::new(10 * UNIT_BYTES);
        let mut first = Share::default();
        assert!(
            budget
                .grow(&mut first, 4 * UNIT_BYTES, Duration::ZERO)
                .await
        );
        assert!(
            budget
                .grow(&mut first, 6 * UNIT_BYTES, Duration::ZERO)
                .await
        );
        let mut second = Share::default();
        assert!(!budget.grow(&mut second, 1, Duration::from_millis(1)).await);
        drop(first);
        assert!(
            budget
                .grow(&mut second, 10 * UNIT_BYTES, Duration::ZERO)
                .await
        );
    }

    #[tokio::test]
    async fn more_than_there_is_is_never_granted() {
        let budget = MemoryBudget::new(UNIT_BYTES);
        let mut share = Share::default();
        assert!(
            !budget
                .grow(&mut share, 2 * UNIT_BYTES, Duration::from_secs(3600))
                .await
        );
    }
}
