//! Log lines go to standard error, filtered by `--log` or `RUST_LOG`.

use crate::failure::{Context as _, Failure};
use std::{
    collections::HashMap,
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tracing::{Event, Level, Metadata, callsite::Identifier};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::FilterExt,
    fmt,
    layer::{Context, Filter, SubscriberExt},
    util::SubscriberInitExt,
};

/// What is logged if nobody says otherwise. openraft tells at this level what it does message by
/// message.
const DEFAULT_FILTER: &str = "info,openraft=warn";

/// How long openraft's warnings of one place in its code stay away after one of them: while a
/// controller is down, it has several a second, all the same.
const REPEAT_INTERVAL: Duration = Duration::from_secs(30);

/// Starts logging; `filter` is the argument of `--log`, which wins over `RUST_LOG`.
pub(crate) fn start(filter: Option<&str>) -> Result<(), Failure> {
    let from_environment = std::env::var("RUST_LOG").ok();
    let text = filter
        .or(from_environment.as_deref())
        .unwrap_or(DEFAULT_FILTER);
    let filter = EnvFilter::try_new(text).context(format!("understand the log filter {text:?}"))?;
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(lines.with_filter(filter.and(Repeats::default())))
        .init();
    Ok(())
}

/// Keeps away warnings of openraft that were there a moment ago.
#[derive(Default)]
struct Repeats {
    passed_at: Mutex<HashMap<Identifier, Instant>>,
}

impl Repeats {
    /// Whether a warning of this place passes now.
    fn pass(&self, place: Identifier, now: Instant) -> bool {
        let mut passed_at = self
            .passed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let passes = is_due(passed_at.get(&place).copied(), now);
        if passes {
            passed_at.insert(place, now);
        }
        passes
    }
}

/// Whether what was logged `before` may be logged again.
fn is_due(before: Option<Instant>, now: Instant) -> bool {
    before.is_none_or(|before| now.duration_since(before) >= REPEAT_INTERVAL)
}

impl<S> Filter<S> for Repeats {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let metadata = event.metadata();
        let may_repeat =
            *metadata.level() == Level::WARN && metadata.target().starts_with("openraft");
        !may_repeat || self.pass(metadata.callsite(), Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io, sync::Arc};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn openraft_warns_of_the_same_once_in_a_while() {
        let lines = Lines::default();
        let written = lines.clone();
        let layer = fmt::layer().with_writer(move || written.clone());
        let logging = tracing_subscriber::registry().with(layer.with_filter(Repeats::default()));
        tracing::subscriber::with_default(logging, || {
            for _ in 0..3 {
                tracing::warn!(target: "openraft::replication", "first place");
                tracing::warn!(target: "openraft::replication", "second place");
                tracing::error!(target: "openraft::replication", "an error");
                tracing::warn!("ours");
            }
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let count = |what| text.matches(what).count();
        assert_eq!(
            (count("first place"), count("second place")),
            (1, 1),
            "{text}"
        );
        assert_eq!((count("an error"), count("ours")), (3, 3), "{text}");
    }

    #[test]
    fn a_warning_comes_back_after_a_while() {
        let start = Instant::now();
        assert!(is_due(None, start));
        for (seconds, expected) in [(0, false), (29, false), (30, true)] {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(is_due(Some(start), now), expected, "{seconds}");
        }
    }
}
