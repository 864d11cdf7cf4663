//! The wall clock without its jumps.

use crate::clock::now_ms;
use std::time::Duration;
use tokio::time::Instant;

/// Starts at the time of day and then runs evenly, so that sessions neither end nor go on when
/// somebody sets the machine's clock.
#[derive(Clone, Copy)]
pub(super) struct SteadyClock {
    started_ms: i64,
    started: Instant,
}

impl SteadyClock {
    pub(super) fn start() -> SteadyClock {
        SteadyClock {
            started_ms: now_ms(),
            started: Instant::now(),
        }
    }

    /// Milliseconds since the Unix epoch. Never goes backwards.
    pub(super) fn now_ms(&self) -> i64 {
        let elapsed = self.started.elapsed().as_millis();
        self.started_ms
            .saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }

    /// When the clock will show `time_ms`; now if it already has.
    pub(super) fn instant(&self, time_ms: i64) -> Instant {
        let since = time_ms.saturating_sub(self.started_ms);
        // Rounded up: whoever wakes then finds the time reached. A year stands for ever.
        let since = u64::try_from(since).unwrap_or(0).min(365 * 24 * 3_600_000);
        self.started + Duration::from_millis(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_has_passed_when_its_instant_is_there() {
        let clock = SteadyClock::start();
        let deadline_ms = clock.now_ms() + 1_500;
        tokio::time::sleep_until(clock.instant(deadline_ms)).await;
        assert_eq!(clock.now_ms(), deadline_ms);
        assert!(clock.instant(0) <= Instant::now());
        assert!(clock.instant(i64::MAX) > Instant::now());
    }
}
