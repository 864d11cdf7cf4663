//! Spreads I/O over time.

use std::time::Duration;

/// How far I/O has run ahead of its rate. Times count from any fixed moment.
#[derive(Debug)]
pub(crate) struct Throttle {
    bytes_per_second: f64,
    /// When what was read and written so far is paid for.
    paid_at: Duration,
}

impl Throttle {
    pub(crate) fn new(bytes_per_second: f64) -> Throttle {
        Throttle {
            bytes_per_second,
            paid_at: Duration::ZERO,
        }
    }

    /// Notes bytes read or written; how long to wait before the next ones.
    pub(crate) fn after(&mut self, bytes: u64, now: Duration) -> Duration {
        self.paid_at = self.paid_at.max(now).saturating_add(self.cost(bytes));
        self.wait(now)
    }

    /// How long to wait before the next bytes.
    pub(crate) fn wait(&self, now: Duration) -> Duration {
        self.paid_at.saturating_sub(now)
    }

    /// Another rate from now on, for what is not paid for yet as well.
    pub(crate) fn set_rate(&mut self, bytes_per_second: f64, now: Duration) {
        let unpaid = self.wait(now).as_secs_f64() * self.bytes_per_second;
        self.bytes_per_second = bytes_per_second;
        self.paid_at = now.saturating_add(self.cost(unpaid as u64));
    }

    fn cost(&self, bytes: u64) -> Duration {
        let seconds = bytes as f64 / self.bytes_per_second;
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_rate_holds_over_all_who_share_it_and_idle_time_is_not_saved_up() {
        let mut throttle = Throttle::new(1_000.0);
        for (bytes, now, wait) in [
            (100, ms(0), ms(100)),
            (100, ms(0), ms(200)),
            (0, ms(50), ms(150)),
            (100, ms(200), ms(100)),
            (100, ms(9_000), ms(100)),
        ] {
            assert_eq!(throttle.after(bytes, now), wait, "{bytes} at {now:?}");
        }
    }

    #[test]
    fn another_rate_holds_for_what_is_owed_already() {
        let mut throttle = Throttle::new(100.0);
        assert_eq!(throttle.after(1_000, ms(0)), ms(10_000));
        throttle.set_rate(1_000.0, ms(5_000));
        assert_eq!(throttle.wait(ms(5_000)), ms(500));
        throttle.set_rate(i64::MAX as f64, ms(5_000));
        assert_eq!(throttle.wait(ms(5_000)), ms(0));
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        for unlimited in [f64::MAX, f64::INFINITY, 0.0, -1.0, f64::NAN] {
            let mut throttle = Throttle::new(unlimited);
            assert_eq!(throttle.after(1 << 40, ms(5)), ms(0), "{unlimited}");
        }
    }
}
