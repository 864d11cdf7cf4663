//! How long a writer pauses between attempts.
//!
//! Pauses double, up to a limit. A broker that answers that it does not lead is alive, and mostly about to hear that it
//! does: it is asked again soon for a while, so that an outage does not last longer for its writers than for others.

use std::time::Duration;
use tokio::time::Instant;

/// How often a leader is asked that does not know of it yet, and for how long.
const HANDOVER_PAUSE: Duration = Duration::from_millis(100);
const HANDOVER: Duration = Duration::from_secs(2);

/// The pauses between the attempts of one writer at one leader.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
    failing_since: Option<Instant>,
}

impl Backoff {
    /// Pauses from `first` to `max`.
    pub(super) fn new(first: Duration, max: Duration) -> Backoff {
        Backoff {
            first,
            max,
            next: first,
            failing_since: None,
        }
    }

    /// Begins anew: an attempt succeeded, or another broker leads.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
        self.failing_since = None;
    }

    /// The pause after an attempt that failed at `now`; `is_no_leader` if the broker said that it does not lead.
    pub(super) fn pause(&mut self, now: Instant, is_no_leader: bool) -> Duration {
        let since = *self.failing_since.get_or_insert(now);
        let in_handover = is_no_leader && now.saturating_duration_since(since) < HANDOVER;
        let pause = match in_handover {
            true => self.next.min(HANDOVER_PAUSE.max(self.first)),
            false => self.next,
        };
        self.next = (pause * 2).min(self.max);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times of attempts that all fail, in milliseconds.
    fn attempts(count: usize, is_no_leader: bool) -> Vec<u128> {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let begun = Instant::now();
        let mut now = begun;
        let mut attempt = || {
            now += backoff.pause(now, is_no_leader);
            (now - begun).as_millis()
        };
        (0..count).map(|_| attempt()).collect()
    }

    #[test]
    fn pauses_double_up_to_the_limit() {
        assert_eq!(attempts(7, false), [50, 150, 350, 750, 1550, 2550, 3550]);
    }

    #[test]
    fn a_leader_that_does_not_know_of_it_is_asked_again_soon_for_a_while() {
        let times = attempts(26, true);
        assert_eq!(times[..4], [50, 150, 250, 350]);
        assert_eq!(times[19..], [1950, 2050, 2250, 2650, 3450, 4450, 5450]);
    }

    #[test]
    fn success_begins_anew() {
        let (first, now) = (Duration::from_millis(50), Instant::now());
        let mut backoff = Backoff::new(first, Duration::from_secs(1));
        backoff.pause(now, false);
        backoff.reset();
        assert_eq!(backoff.pause(now, false), first);
    }
}
