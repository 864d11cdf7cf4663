//! Compacts logs in the background (`log.cleaner.*`).
//!
//! Each thread takes the log that has most to gain, compacts it, and looks again; with nothing
//! to do it sleeps for `log.cleaner.backoff.ms`. What a compaction is stands in `storage`; here
//! is which log, how fast, and what becomes of one that cannot be compacted: it is left out until
//! its damage is healed, or set aside until the broker starts anew where no damage is found, and
//! the others go on.

mod choice;
mod throttle;

use crate::{
    clock::now_ms,
    log_dirs::{cleaned_offset, set_cleaned_offset},
    partition::Partition,
    partitions::Partitions,
};
use choice::{Candidate, order};
use klamm_config::LogSettings;
use klamm_storage::{CheckpointKind, CompactionError, CompactionLimits, ReadError};
use klamm_types::TopicPartition;
use std::{
    collections::HashSet,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use throttle::Throttle;
use tracing::{error, info, warn};

/// A thread's share of `log.cleaner.io.buffer.size` is two buffers of at least this size: one
/// read must hold a few small batches.
const IO_BYTES_MIN: usize = 4 << 10;

/// The threads that compact. They stop when this is dropped.
pub(crate) struct Cleaner {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

struct Shared {
    partitions: Arc<Partitions>,
    limits: CompactionLimits,
    backoff: Duration,
    started: Instant,
    throttle: Mutex<Throttle>,
    state: Mutex<State>,
    stopping: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    in_progress: HashSet<TopicPartition>,
    /// Those that cannot be compacted although nothing in them is damaged.
    set_aside: HashSet<TopicPartition>,
}

impl Cleaner {
    /// Starts the threads, none if the settings say so.
    ///
    /// # Errors
    /// The system has no threads to give.
    pub(crate) fn start(
        settings: &LogSettings,
        partitions: Arc<Partitions>,
    ) -> io::Result<Cleaner> {
        let count = match settings.cleaner_enable {
            true => usize::try_from(settings.cleaner_threads).unwrap_or(0),
            false => 0,
        };
        let shared = Arc::new(Shared {
            partitions,
            limits: limits(settings, count.max(1)),
            backoff: Duration::from_millis(settings.cleaner_backoff_ms.unsigned_abs()),
            started: Instant::now(),
            throttle: Mutex::new(Throttle::new(settings.cleaner_io_max_bytes_per_second)),
            state: Mutex::default(),
            stopping: Condvar::new(),
        });
        let mut cleaner = Cleaner {
            shared,
            threads: Vec::new(),
        };
        for number in 0..count {
            let shared = Arc::clone(&cleaner.shared);
            let thread = thread::Builder::new()
                .name(format!("cleaner-{number}"))
                .spawn(move || shared.run())?;
            cleaner.threads.push(thread);
        }
        Ok(cleaner)
    }

    /// Ends compactions where they are and waits for the threads.
    pub(crate) fn stop(mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                error!("a cleaner thread has panicked");
            }
        }
    }
}

impl Drop for Cleaner {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// One thread's share.
fn limits(settings: &LogSettings, threads: usize) -> CompactionLimits {
    let io_bytes = usize::try_from(settings.cleaner_io_buffer_bytes).unwrap_or(0);
    CompactionLimits {
        map_bytes: settings.cleaner_dedupe_buffer_bytes.unsigned_abs() / threads as u64,
        map_load_factor: settings.cleaner_io_buffer_load_factor,
        io_bytes: (io_bytes / threads / 2).max(IO_BYTES_MIN),
    }
}

impl Shared {
    fn stop(&self) {
        self.state().stopped = true;
        self.stopping.notify_all();
    }

    fn run(&self) {
        while !self.state().stopped {
            let got_on = self.choose().is_some_and(|(partition, candidate)| {
                let got_on = self.compact(&partition, &candidate);
                self.state().in_progress.remove(&partition.id);
                got_on
            });
            if !got_on {
                self.sleep(self.backoff);
            }
        }
    }

    /// Claims the log that has most to gain.
    fn choose(&self) -> Option<(Arc<Partition>, Candidate)> {
        let now_ms = now_ms();
        let mut found = Vec::new();
        for partition in self.partitions.all() {
            // First, for few topics are.
            if !partition.config().cleanup_policy.compact {
                continue;
            }
            // It takes room before it gives room.
            let may_compact = self.is_free(partition.id) && !partition.lacks_room();
            if !may_compact || is_damaged(&partition) {
                continue;
            }
            match partition.cleanable(cleaned_offset(&partition), now_ms) {
                Ok(Some(cleanable)) => found.push((partition, cleanable)),
                Ok(None) => {}
                Err(error) => self.give_up(&partition, &error.into()),
            }
        }
        let candidates = found.iter().map(|(partition, cleanable)| Candidate {
            cleanable: *cleanable,
            min_dirty_ratio: partition.config().min_cleanable_dirty_ratio,
        });
        let candidates: Vec<Candidate> = candidates.collect();
        let mut state = self.state();
        let chosen = order(&candidates)
            .into_iter()
            .find(|&i| state.in_progress.insert(found[i].0.id))?;
        Some((found.swap_remove(chosen).0, candidates[chosen]))
    }

    fn is_free(&self, id: TopicPartition) -> bool {
        let state = self.state();
        !state.in_progress.contains(&id) && !state.set_aside.contains(&id)
    }

    /// Compacts a log; whether that got it on.
    fn compact(&self, partition: &Partition, candidate: &Candidate) -> bool {
        let started = Instant::now();
        let first_dirty_offset = candidate.cleanable.first_dirty_offset;
        match self.try_compact(partition, candidate) {
            Ok((end_offset, stats)) => {
                info!(topic = %partition.topic, partition = partition.id.partition,
                    first_dirty_offset, end_offset, stats.bytes_before, stats.bytes_after,
                    stats.keys, elapsed_ms = started.elapsed().as_millis(), "compacted a log");
                end_offset > first_dirty_offset
            }
            Err(error) => {
                self.give_up(partition, &error);
                false
            }
        }
    }

    fn try_compact(
        &self,
        partition: &Partition,
        candidate: &Candidate,
    ) -> Result<(i64, klamm_storage::CompactionStats), CompactionError> {
        let mut go_on = |bytes| self.go_on(bytes);
        if !partition.may_have_gaps_to(candidate.cleanable.end_offset) {
            return Err(CompactionError::Stopped);
        }
        let compaction = partition.compaction(&candidate.cleanable, self.limits, now_ms());
        let mut rewriting = compaction.map_keys(&mut go_on)?;
        // What lies below the log start was not mapped. Should a crash move the start back, it would
        // be there again, without the tombstones that the rewriting drops.
        self.partitions.checkpoint(&[CheckpointKind::LogStart]);
        while let Some(replacement) = rewriting.next_replacement(&mut go_on)? {
            // A failure takes the partition offline and is told there.
            if !partition.install(replacement).unwrap_or(false) {
                return Err(CompactionError::Stopped);
            }
        }
        if let Err(error) = set_cleaned_offset(partition, rewriting.end_offset()) {
            // It is compacted; the next compaction begins earlier than it would have to.
            warn!(topic = %partition.topic, partition = partition.id.partition, %error,
                "cannot note where a compaction ended");
        }
        Ok((rewriting.end_offset(), rewriting.stats()))
    }

    /// A log that is damaged is left out; others are tried again after a pause.
    fn give_up(&self, partition: &Partition, error: &CompactionError) {
        match error {
            CompactionError::Stopped => {}
            CompactionError::Read(ReadError::Damaged { .. }) => self.leave_out(partition, error),
            CompactionError::Read(_) | CompactionError::Write(_) => {
                warn!(topic = %partition.topic, partition = partition.id.partition, %error,
                    "cannot compact the log now");
            }
        }
    }

    /// Has the damage healed that a compaction has met.
    fn leave_out(&self, partition: &Partition, reason: &CompactionError) {
        let (topic, index) = (&partition.topic, partition.id.partition);
        match self.locate_damage(partition) {
            Ok(true) => {
                warn!(%topic, partition = index, %reason,
                    "the log is damaged: it is not compacted before it is healed");
                partition.report_damage();
            }
            Ok(false) => {
                self.state().set_aside.insert(partition.id);
                error!(%topic, partition = index, %reason,
                    "the log cannot be compacted: it is set aside until the broker starts anew");
            }
            Err(CompactionError::Stopped) => {}
            Err(error) => {
                warn!(%topic, partition = index, %error, "cannot look for the damage of a log");
            }
        }
    }

    /// Reads the log up to the first segment with damage, which is known to readers afterwards;
    /// whether there is one.
    fn locate_damage(&self, partition: &Partition) -> Result<bool, CompactionError> {
        let reader = partition.reader();
        for segment in reader.segment_offsets() {
            let mut next = Some(0);
            while let Some(position) = next {
                let scrubbed = reader.scrub(segment, position, self.limits.io_bytes as u64)?;
                if !self.go_on(scrubbed.bytes) {
                    return Err(CompactionError::Stopped);
                }
                next = scrubbed.next_position;
            }
            if is_damaged(partition) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits as long as the throttle says; whether to go on.
    fn go_on(&self, bytes: u64) -> bool {
        let now = self.started.elapsed();
        let wait = lock(&self.throttle).after(bytes, now);
        if wait.is_zero() {
            return !self.state().stopped;
        }
        self.sleep(wait)
    }

    /// Sleeps unless the cleaner stops; whether to go on.
    fn sleep(&self, duration: Duration) -> bool {
        let (state, _) = self
            .stopping
            .wait_timeout_while(self.state(), duration, |state| !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Whether the log waits to be healed.
fn is_damaged(partition: &Partition) -> bool {
    !partition.reader().damage().is_empty()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
