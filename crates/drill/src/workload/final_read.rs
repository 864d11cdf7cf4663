//! Reading everything once more, when all is quiet: what is not there now is lost.

use super::{Workload, reader};
use crate::history::{Action, Kind};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The ends of all partitions must have been so for this long: a new leader may tell of less at first.
const QUIET: Duration = Duration::from_secs(2);

/// How a final read ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalRead {
    /// Every partition was read to its end.
    Complete,
    /// Some partition could not be read to its end in time.
    Incomplete,
}

/// Reads all partitions from the beginning to their ends with a new client, for `patience` at most.
pub async fn final_read(workload: &Workload, patience: Duration) -> FinalRead {
    let (stage, slot) = (&workload.stage, workload.last_slot());
    stage.record(slot, Kind::Invoke, Action::Crash);
    stage.record(slot, Kind::Info, Action::Crash);
    stage.retire(slot);
    let mut consumer = reader::begin(stage, slot);
    let deadline = Instant::now() + patience;
    let mut quiet_since = Instant::now();
    while !consumer.at_end() || quiet_since.elapsed() < QUIET {
        if !consumer.at_end() {
            quiet_since = Instant::now();
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let poll = reader::poll(stage, slot, &mut consumer);
        if timeout(left, poll).await.is_err() {
            return FinalRead::Incomplete;
        }
    }
    FinalRead::Complete
}
