//! Reads all logs again and again, slowly, so that damage is found while there are replicas to heal
//! from, and not when somebody needs the record.

use super::DamageReports;
use crate::{partition::Partition, partitions::Partitions};
use std::{sync::Arc, time::Duration};
use tokio::{task::spawn_blocking, time::sleep};
use tracing::{debug, error};

/// Bytes that are checked at once.
const STEP_BYTES: u64 = 256 << 10;

/// What looking at a log counts for, so that thousands of small ones take their time.
const LOG_BYTES: u64 = 4 << 10;

/// Shorter rests are put together to one: waking up for each would cost more than the work.
const REST_MIN: Duration = Duration::from_millis(50);

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
        let mut rests = Rests {
            bytes_per_second: self.bytes_per_second,
            due: Duration::ZERO,
        };
        loop {
            for partition in self.partitions.all() {
                self.scrub(&partition, &mut rests).await;
            }
            sleep(ROUND_PAUSE).await;
        }
    }

    async fn scrub(&self, partition: &Arc<Partition>, rests: &mut Rests) {
        let segments = partition.reader().segment_offsets();
        rests.after(LOG_BYTES).await;
        if segments.is_empty() {
            return;
        }
        let before = partition.reader().damage();
        for segment in segments {
            self.scrub_segment(partition, segment, rests).await;
        }
        if partition.reader().damage() != before {
            self.reports.report(partition.id);
        }
    }

    async fn scrub_segment(&self, partition: &Arc<Partition>, segment: i64, rests: &mut Rests) {
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
            rests.after(scrubbed.bytes).await;
        }
    }
}

/// What keeps the reading as slow as it shall be.
struct Rests {
    bytes_per_second: u64,
    /// Not rested yet.
    due: Duration,
}

impl Rests {
    /// Rests for as long as reading some bytes takes at most, now or after the next ones.
    async fn after(&mut self, bytes: u64) {
        self.due += Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        if self.due >= REST_MIN {
            sleep(std::mem::take(&mut self.due)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn many_small_logs_take_as_long_as_few_large_ones() {
        for (bytes, count) in [(4 << 10, 256), (256 << 10, 4), (1 << 20, 1)] {
            let begin = Instant::now();
            let mut rests = Rests {
                bytes_per_second: 1 << 20,
                due: Duration::ZERO,
            };
            for _ in 0..count {
                rests.after(bytes).await;
            }
            let took = begin.elapsed() + rests.due;
            assert!(took.as_millis().abs_diff(1_000) < 50, "{bytes}: {took:?}");
        }
    }
}
