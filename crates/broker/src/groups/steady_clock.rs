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

    /// How far the time of day is ahead of this clock, in milliseconds. Changes when somebody sets
    /// the machine's clock.
    pub(super) fn wall_ahead_ms(&self) -> i64 {
        now_ms().saturating_sub(self.now_ms())
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

    #[test]
    fn times_and_instants_belong_together() {
        let clock = SteadyClock::start();
        let instant = clock.instant(clock.started_ms + 1_500);
        assert_eq!(instant, clock.started + Duration::from_millis(1_500));
        assert!(clock.now_ms() >= clock.started_ms);
        assert_eq!(clock.instant(0), clock.started);
        assert!(clock.instant(i64::MAX) > clock.started);
    }
}
