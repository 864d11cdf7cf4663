//! Reads all logs again and again, slowly, so that damage is found while there are replicas to heal
//! from, and not when somebody needs the record.

use super::DamageReports;
use crate::{partition::Partition, partitions::Partitions};
use std::{sync::Arc, time::Duration};
use tokio::{task::spawn_blocking, time::sleep};
use tracing::{debug, error};

/// Bytes that are checked at once.
const STEP_BYTES: u64 = 256 << 10;

/// What looking at a segment counts for at least, so that thousands of small ones take their time.
const SEGMENT_BYTES_MIN: u64 = 4 << 10;

/// Pause between two rounds over all logs.
const ROUND_PAUSE: Duration = Duration::from_secs(1);

/// Checks the logs of a broker.
pub(crate) struct Scrubber {
    pub(crate) partitions: Arc<Partitions>,
    pub(crate) reports: DamageReports,
    /// Most bytes to read in a second, 1 or more.
    pub(crate) bytes_per_second: u64,
}

impl Scrubber {
    /// Works until this future is dropped.
    pub(crate) async fn run(self) {
        loop {
            for partition in self.partitions.all() {
                self.scrub(&partition).await;
            }
            sleep(ROUND_PAUSE).await;
        }
    }

    async fn scrub(&self, partition: &Arc<Partition>) {
        let before = partition.reader().damage();
        for segment in partition.reader().segment_offsets() {
            self.scrub_segment(partition, segment).await;
        }
        if partition.reader().damage() != before {
            self.reports.report(partition.id);
        }
    }

    async fn scrub_segment(&self, partition: &Arc<Partition>, segment: i64) {
        let mut next = Some(0);
        while let Some(position) = next {
            let reader = partition.reader().clone();
            let step = spawn_blocking(move || reader.scrub(segment, position, STEP_BYTES)).await;
            let scrubbed = match step {
                Ok(Ok(scrubbed)) => scrubbed,
                // The partition itself finds out what is wrong with its disk, or it is gone.
                Ok(Err(error)) => {
                    debug!(topic = %partition.topic, partition = partition.id.partition, %error,
                        "cannot check a segment");
                    return;
                }
                Err(error) => {
                    error!(%error, "checking a segment failed");
                    return;
                }
            };
            next = scrubbed.next_position;
            self.rest(scrubbed.bytes.max(SEGMENT_BYTES_MIN)).await;
        }
    }

    async fn rest(&self, bytes: u64) {
        let seconds = bytes as f64 / self.bytes_per_second as f64;
        sleep(Duration::from_secs_f64(seconds)).await;
    }
}
