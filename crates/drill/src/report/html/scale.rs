//! From values to places on a chart.

/// A range of values over a range of places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    is_log: bool,
}

impl Scale {
    /// Evenly; an empty range is widened.
    pub(super) fn linear((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self {
            low,
            high,
            from,
            to,
            is_log: false,
        }
    }

    /// By powers of ten, which the ends are widened to. `low` and `high` are positive.
    pub(super) fn log((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let low = low.max(1.0).log10().floor();
        let high = high.max(1.0).log10().ceil().max(low + 1.0);
        Self {
            low,
            high,
            from,
            to,
            is_log: true,
        }
    }

    /// Where `value` lies; values beyond the ends lie at the ends.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = if self.is_log {
            value.max(1.0).log10()
        } else {
            value
        };
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.from + part * (self.to - self.from)
    }

    /// The ends, as powers of ten for logarithmic scales.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The powers of ten on a logarithmic scale.
    pub(super) fn decades(&self) -> impl Iterator<Item = f64> {
        (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power))
    }

    /// Round values on a linear scale, `count` or fewer, but for one.
    pub(super) fn ticks(&self, count: f64) -> impl Iterator<Item = f64> {
        let step = round_step((self.high - self.low) / count);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(move |tick| tick as f64 * step)
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-9).log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let fits = factors
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least);
    fits.unwrap_or(power * 10.0)
}

/// A line through points; where there is none, it is broken.
pub(super) fn line(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut path = String::new();
    let mut pen_is_down = false;
    for point in points {
        if let Some((x, y)) = point {
            path.push_str(&format!(
                "{}{x:.1} {y:.1}",
                if pen_is_down { "L" } else { "M" }
            ));
            if !pen_is_down {
                // A point by itself would not be seen.
                path.push_str("h.5");
            }
        }
        pen_is_down = point.is_some();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_find_their_places() {
        let linear = Scale::linear((0.0, 10.0), (100.0, 0.0));
        assert_eq!(
            [0.0, 5.0, 10.0, 99.0].map(|v| linear.at(v)),
            [100.0, 50.0, 0.0, 0.0]
        );
        let log = Scale::log((150.0, 90_000.0), (0.0, 30.0));
        assert_eq!(
            log.decades().collect::<Vec<_>>(),
            [100.0, 1000.0, 10_000.0, 100_000.0]
        );
        assert_eq!(log.at(1000.0), 10.0);
        assert_eq!(Scale::linear((3.0, 3.0), (0.0, 1.0)).at(3.0), 0.0);
        let ticks = |high| {
            Scale::linear((0.0, high), (0.0, 1.0))
                .ticks(5.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(ticks(10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(7.0), [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(ticks(430.0), [0.0, 100.0, 200.0, 300.0, 400.0]);
    }

    #[test]
    fn lines_are_broken_where_nothing_is_known() {
        let points = [Some((0.0, 1.0)), Some((1.0, 2.0)), None, Some((3.0, 4.0))];
        assert_eq!(line(points.into_iter()), "M0.0 1.0h.5L1.0 2.0M3.0 4.0h.5");
    }
}
