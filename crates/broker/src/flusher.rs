//! Group commit: flushes what has been appended, many partitions at once.
//!
//! A partition that has unflushed appends stands in the queue once. A few threads take
//! partitions from it and flush them; appends that come during a flush put the partition back
//! and share the next one. There is no timer: an idle disk flushes at once, a busy one gathers.

use crate::partition::Partition;
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};
use tokio::sync::watch;

/// Flushes that run at the same time. They mostly wait for the disk, which merges them.
const THREADS: usize = 8;

/// The partitions that wait for a flush.
#[derive(Clone)]
pub(crate) struct FlushQueue {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    failure: watch::Sender<Option<String>>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Partition>>,
    stopped: bool,
}

/// The threads that flush.
pub(crate) struct Flusher {
    queue: FlushQueue,
    threads: Vec<thread::JoinHandle<()>>,
}

impl FlushQueue {
    /// Adds a partition. The partition sees to it that it stands here once.
    pub(crate) fn push(&self, partition: Arc<Partition>) {
        self.locked().waiting.push_back(partition);
        self.shared.changed.notify_one();
    }

    /// A log has failed: the broker hears of the first reason.
    pub(crate) fn report_failure(&self, reason: String) {
        self.shared.failure.send_if_modified(|first| {
            let is_first = first.is_none();
            if is_first {
                *first = Some(reason);
            }
            is_first
        });
    }

    /// Becomes `Some` when a log has failed.
    pub(crate) fn failure(&self) -> watch::Receiver<Option<String>> {
        self.shared.failure.subscribe()
    }

    fn take(&self) -> Option<Arc<Partition>> {
        let mut state = self.locked();
        loop {
            if let Some(partition) = state.waiting.pop_front() {
                return Some(partition);
            }
            if state.stopped {
                return None;
            }
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flusher {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system has no threads to give.
    pub(crate) fn start() -> io::Result<Flusher> {
        let queue = FlushQueue {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                changed: Condvar::new(),
                failure: watch::Sender::new(None),
            }),
        };
        let mut threads = Vec::with_capacity(THREADS);
        for number in 0..THREADS {
            let queue = queue.clone();
            let run = move || {
                while let Some(partition) = queue.take() {
                    partition.flush();
                }
            };
            threads.push(
                thread::Builder::new()
                    .name(format!("flush-{number}"))
                    .spawn(run)?,
            );
        }
        Ok(Flusher { queue, threads })
    }

    /// Where partitions ask for a flush.
    pub(crate) fn queue(&self) -> FlushQueue {
        self.queue.clone()
    }

    /// Flushes what is queued, then ends the threads.
    pub(crate) fn stop(self) {
        self.queue.locked().stopped = true;
        self.queue.shared.changed.notify_all();
        for thread in self.threads {
            // A thread that panicked has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}
