//! A bound on what all connections together hold of requests.

use std::{sync::Arc, time::Duration};
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
}

/// A share of the budget; returned when dropped.
#[derive(Default)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

impl MemoryBudget {
    pub(crate) fn new(bytes: usize) -> MemoryBudget {
        let total_units = u32::try_from(bytes / UNIT_BYTES).unwrap_or(u32::MAX >> 4);
        MemoryBudget {
            units: Arc::new(Semaphore::new(total_units as usize)),
            total_units,
        }
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
        let acquire = Arc::clone(&self.units).acquire_many_owned(units);
        match timeout(patience, acquire).await {
            Ok(Ok(permit)) => {
                match &mut share.0 {
                    Some(held) => held.merge(permit),
                    none => *none = Some(permit),
                }
                true
            }
            _ => false,
        }
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
