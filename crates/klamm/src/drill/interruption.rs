//! Signals that end a drill early, but in order.

use super::complain;
use crate::failure::{Context, Failure};
use std::fs;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Turns true with the first ctrl-C or SIGTERM, or when the terminal goes away. The drill then ends in order; further
/// signals change nothing.
pub(super) fn begin() -> Result<watch::Receiver<bool>, Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("wait for SIGTERM")?;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut hangup = match ignores_hangup(&status) {
        true => None,
        false => Some(signal(SignalKind::hangup()).context("wait for SIGHUP")?),
    };
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let hangup = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup => {}
        }
        sender.send_replace(true);
        complain("the drill ends: faults are healed, then everything is read once more");
        // Whoever listened may be gone; the signals stay caught.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}

/// Whether the process was started to outlive its terminal, as by `nohup`. Where that cannot be told it was not.
fn ignores_hangup(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is the first signal, and that is SIGHUP.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_started_by_nohup_outlives_the_terminal() {
        assert!(ignores_hangup(
            "Name:\tklamm\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"
        ));
        assert!(!ignores_hangup("SigBlk:\t1\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}
