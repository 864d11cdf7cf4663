//! When a partition is flushed.

use super::{Partition, place::Place};
use crate::clock::now_ms;
use klamm_storage::{FileSystem, StorageError};
use std::sync::{Arc, atomic::Ordering};
use tracing::debug;

/// Bytes of batches behind the latest producer states that make it worth to write them again.
const SNAPSHOT_BYTES: u64 = 1 << 20;

/// How a log stands between its last flush and its end.
///
/// ```text
/// flushed ≤ end of the sealed segments ≤ log end
/// ```
#[derive(Clone, Copy, Debug)]
struct Unflushed {
    /// Offsets between the flushed one and the log end.
    messages: i64,
    /// Whether a segment that takes no more appends is among them.
    has_sealed: bool,
    /// Time since the last flush.
    since_ms: i64,
}

/// Whether a flush is due under `flush.messages` and `flush.ms`. A sealed segment is flushed
/// whatever they say, so that what a crash leaves to be checked is never more than a segment.
fn is_due(unflushed: Unflushed, flush_messages: i64, flush_ms: i64) -> bool {
    unflushed.messages > 0
        && (unflushed.messages >= flush_messages
            || unflushed.since_ms >= flush_ms
            || unflushed.has_sealed)
}

impl Partition {
    /// Sees to it that a flush begins, if one is due. Called after appends, and now and then.
    pub(crate) fn request_flush_if_due(&self, now_ms: i64) {
        let flushed_offset = self.flushed_offset();
        let messages = self.log_end_offset() - flushed_offset;
        if messages <= 0 {
            return; // as most logs are, most of the time
        }
        let unflushed = Unflushed {
            messages,
            has_sealed: flushed_offset < self.place.load().reader.active_base_offset(),
            since_ms: now_ms.saturating_sub(self.flushed_at_ms.load(Ordering::Relaxed)),
        };
        let config = self.config.load();
        if is_due(unflushed, config.flush_messages, config.flush_ms) {
            self.request_flush();
        }
    }

    /// Writes the producer states if a start after a crash would have to read much to know them.
    pub(crate) fn snapshot_producers_if_far(&self) {
        // Most logs have little, and their writers are not to be kept waiting.
        if self.place.load().flusher.bytes_since_snapshot() < SNAPSHOT_BYTES {
            return;
        }
        // What went wrong has been told.
        let _ = self.on_log("write producer states", |log| {
            match log.snapshot_producers() {
                Err(StorageError::Full(_)) => Ok(()),
                written => written,
            }
        });
    }

    /// Flushes what has been appended so far and tells those who wait. Called by the flusher.
    pub(crate) fn flush(&self) {
        self.flush_turn.begin();
        let place = self.place();
        if place.is_online() {
            self.flushed(&place, place.flusher.flush());
        } else {
            self.fail_waiters();
        }
        self.end_flush();
    }

    /// Flushes partitions whose logs lie in one file system. Called by the flusher.
    pub(crate) fn flush_together(partitions: &[Arc<Partition>], file_system: &FileSystem) {
        let mut together = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let place = partition.place();
            let here = place.seat().log_dir().file_system();
            // It may have moved since it was queued.
            if place.is_online() && here.map(|here| here.device()) == Some(file_system.device()) {
                partition.flush_turn.begin();
                together.push((partition, place));
            } else {
                partition.flush();
            }
        }
        let flushers: Vec<_> = together
            .iter()
            .map(|(_, place)| place.flusher.clone())
            .collect();
        let results = klamm_storage::flush_together(&flushers, file_system);
        for ((partition, place), result) in together.into_iter().zip(results) {
            partition.flushed(&place, result);
            partition.end_flush();
        }
    }

    fn flushed(&self, place: &Arc<Place>, result: Result<i64, StorageError>) {
        match result {
            Ok(flushed) => {
                let now_ms = now_ms();
                self.flushed_at_ms.store(now_ms, Ordering::Relaxed);
                self.advance_leader(now_ms);
                super::lock(&self.flushes).release(flushed);
            }
            // Tried again now and then; whoever waits does so until then, or gives up.
            Err(error @ StorageError::Full(_)) => debug!(topic = %self.topic,
                partition = self.id.partition, %error, "a flush must wait for room on the disk"),
            Err(error) => self.fail_at(place, "flush", &error),
        }
    }

    fn end_flush(&self) {
        if self.flush_turn.end() {
            self.queue_flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_is_due_by_count_by_time_and_behind_a_roll() {
        let never = i64::MAX;
        let table = [
            // messages, sealed, ms, flush.messages, flush.ms → due
            ((0, false, 0), (1, never), false),
            ((1, false, 0), (1, never), true),
            ((9, false, 0), (10, never), false),
            ((10, false, 0), (10, never), true),
            ((1, false, 999), (never, 1_000), false),
            ((1, false, 1_000), (never, 1_000), true),
            ((0, false, 1_000), (never, 1_000), false),
            ((1, true, 0), (never, never), true),
            ((1, false, never), (never, never), true),
            ((never - 1, false, 0), (never, never), false),
        ];
        for ((messages, has_sealed, since_ms), (flush_messages, flush_ms), expected) in table {
            let unflushed = Unflushed {
                messages,
                has_sealed,
                since_ms,
            };
            let due = is_due(unflushed, flush_messages, flush_ms);
            assert_eq!(due, expected, "{unflushed:?} {flush_messages} {flush_ms}");
        }
    }
}
