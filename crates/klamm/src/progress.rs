//! A line that moves while something takes longer than a second, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

/// What is quicker needs no progress.
const QUIET: Duration = Duration::from_secs(1);

/// How often the line is drawn.
const TICK: Duration = Duration::from_millis(100);

/// A progress line; dropping it clears the line.
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
    on_terminal: bool,
    drawn: bool,
}

impl Progress {
    /// Begins; nothing is drawn for the first second.
    pub(crate) fn begin(message: impl Into<String>) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_style(ProgressStyle::default_spinner());
        bar.set_message(message.into());
        Progress {
            bar,
            begun: Instant::now(),
            on_terminal: std::io::stderr().is_terminal(),
            drawn: false,
        }
    }

    /// Says how it stands; to be called now and then while the work goes on.
    pub(crate) fn update(&mut self, message: impl Into<String>) {
        self.bar.set_message(message.into());
        if !self.drawn && self.on_terminal && self.begun.elapsed() >= QUIET {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(TICK);
            self.drawn = true;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Waits for `work` behind a progress line.
pub(crate) async fn during<T>(message: &str, work: impl Future<Output = T>) -> T {
    let mut progress = Progress::begin(message);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(QUIET) => progress.update(message.to_owned()),
        }
    }
}
