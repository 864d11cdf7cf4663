//! Processes that end with the one that started them.

use crate::failure::Failure;

/// Asks the operating system for a SIGTERM when the parent ends, so that no node outlives the
/// cluster that it was started for.
#[cfg(target_os = "linux")]
pub(crate) fn stop_with() -> Result<(), Failure> {
    use crate::failure::Context;
    use rustix::process::{Signal, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::TERM)).context("follow the parent process")
}

/// Nothing of the kind here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stop_with() -> Result<(), Failure> {
    Ok(())
}
