//! What happened, in words, for whoever wants to read it.

/// Collects lines if it is wanted; costs nothing otherwise.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) is_wanted: bool,
    pub(crate) text: String,
}

impl Trace {
    pub(crate) fn line(&mut self, now: u64, line: &str) {
        use std::fmt::Write;
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{:>10.3} {line}", now as f64 / 1000.0);
    }
}
