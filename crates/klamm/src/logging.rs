//! Log lines go to standard error, filtered by `--log` or `RUST_LOG`.

use crate::failure::{Context, Failure};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// What is logged if nobody says otherwise. openraft tells at this level what it does message by
/// message.
const DEFAULT_FILTER: &str = "info,openraft=warn";

/// Starts logging; `filter` is the argument of `--log`, which wins over `RUST_LOG`.
pub(crate) fn start(filter: Option<&str>) -> Result<(), Failure> {
    let from_environment = std::env::var("RUST_LOG").ok();
    let text = filter
        .or(from_environment.as_deref())
        .unwrap_or(DEFAULT_FILTER);
    let filter = EnvFilter::try_new(text).context(format!("understand the log filter {text:?}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}
