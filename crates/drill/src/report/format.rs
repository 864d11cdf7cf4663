//! Numbers for people.

use crate::availability::Quantiles;

/// A time with as many digits as matter: "340 µs", "12.4 ms", "812 ms", "2.31 s".
pub(super) fn duration(us: u64) -> String {
    let ms = us as f64 / 1000.0;
    match us {
        0..1000 => format!("{us} µs"),
        1000..100_000 => format!("{ms:.1} ms"),
        100_000..1_000_000 => format!("{ms:.0} ms"),
        1_000_000..100_000_000 => format!("{:.2} s", ms / 1000.0),
        _ => format!("{:.0} s", ms / 1000.0),
    }
}

/// How values are spread, in words.
pub(super) struct Told {
    pub(super) p50: String,
    pub(super) p90: String,
    pub(super) p99: String,
    pub(super) p999: String,
    pub(super) max: String,
}

impl Told {
    /// In words; dashes if there are no values.
    pub(super) fn of(quantiles: &Quantiles) -> Self {
        let told = |us| {
            if quantiles.count == 0 {
                "–".to_owned()
            } else {
                duration(us)
            }
        };
        Self {
            p50: told(quantiles.p50_us),
            p90: told(quantiles.p90_us),
            p99: told(quantiles.p99_us),
            p999: told(quantiles.p999_us),
            max: told(quantiles.max_us),
        }
    }
}

/// A moment of the drill: "12.345 s".
pub(super) fn moment(us: u64) -> String {
    format!("{:.3} s", us as f64 / 1_000_000.0)
}

/// A number with its thousands apart: "1,234,567".
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 round", "2 rounds".
pub(super) fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_of_no_values() {
        assert_eq!(Told::of(&Quantiles::default()).max, "–");
        let told = Told::of(&Quantiles::of(&mut [1000, 2000]));
        assert_eq!((told.p50.as_str(), told.max.as_str()), ("1.0 ms", "2.0 ms"));
    }

    #[test]
    fn numbers_are_told_with_the_digits_that_matter() {
        let durations = [0, 340, 12_449, 812_400, 2_314_000, 123_456_789].map(duration);
        assert_eq!(
            durations,
            ["0 µs", "340 µs", "12.4 ms", "812 ms", "2.31 s", "123 s"]
        );
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(moment(12_345_678), "12.346 s");
        assert_eq!(
            [counted(1, "round"), counted(2000, "round")],
            ["1 round", "2,000 rounds"]
        );
    }
}
