//! Group commit: flushes what has been appended, many partitions at once.
//!
//! A partition that has unflushed appends stands in the queue once. A few threads take
//! partitions from it and flush them; appends that come during a flush put the partition back
//! and share the next one. There is no timer: an idle disk flushes at once, a busy one gathers.
//! A few partitions are flushed one by one; where many wait, one sync of their file system serves
//! them all, if it can be trusted and nobody else has much to write (`unwritten.rs`).

mod turn;
mod unwritten;

use crate::partition::Partition;
use klamm_storage::FileSystem;
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};
use tokio::sync::watch;
use tracing::warn;
use turn::{Going, Turn};
use unwritten::Unwritten;

/// Flushes that run at the same time. They mostly wait for the disk, which merges them.
const THREADS: usize = 8;

/// Partitions that are flushed together at most.
const TOGETHER_MAX: usize = 4_096;

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
    lanes: Vec<Lane>,
    unwritten: Option<Unwritten>,
    stopped: bool,
}

/// The partitions of one file system; those of all file systems that are not synced as a whole.
struct Lane {
    file_system: Option<Arc<FileSystem>>,
    waiting: VecDeque<Arc<Partition>>,
    /// Partitions that are being flushed one by one.
    alone: usize,
    /// Whether partitions are being flushed together.
    is_together: bool,
}

/// What a thread has to do, and for which lane.
enum Work {
    /// Many wait, and how much others have to write is not known.
    Look,
    Alone(usize, Arc<Partition>),
    Together(usize, Arc<FileSystem>, Vec<Arc<Partition>>),
}

impl State {
    fn lane(&mut self, file_system: Option<&Arc<FileSystem>>) -> &mut Lane {
        let device = |system: &Arc<FileSystem>| system.device();
        let wanted = file_system.map(device);
        let is_it = |lane: &Lane| lane.file_system.as_ref().map(device) == wanted;
        let found = self.lanes.iter().position(is_it);
        let index = found.unwrap_or_else(|| {
            self.lanes.push(Lane {
                file_system: file_system.cloned(),
                waiting: VecDeque::new(),
                alone: 0,
                is_together: false,
            });
            self.lanes.len() - 1
        });
        &mut self.lanes[index]
    }

    fn take(&mut self) -> Option<Work> {
        let is_little = self.unwritten.and_then(|unwritten| unwritten.is_little());
        let mut lanes = self.lanes.iter_mut().enumerate();
        lanes.find_map(|(number, lane)| lane.take(number, is_little))
    }

    /// Notes that a thread has done its work.
    fn done(&mut self, lane: usize, was_together: bool) {
        let lane = &mut self.lanes[lane];
        match was_together {
            true => lane.is_together = false,
            false => lane.alone -= 1,
        }
    }
}

impl Lane {
    fn going(&self, is_little_unwritten: bool) -> Going {
        let is_trusted = |system: &Arc<FileSystem>| system.is_trusted();
        Going {
            waiting: self.waiting.len(),
            alone: self.alone,
            is_together: self.is_together,
            may_be_together: is_little_unwritten
                && self.file_system.as_ref().is_some_and(is_trusted),
        }
    }

    /// Whether there may be something to do for one more thread.
    fn is_due(&self) -> bool {
        turn::next_turn(self.going(true)).is_some()
    }

    fn take(&mut self, number: usize, is_little_unwritten: Option<bool>) -> Option<Work> {
        let turn = turn::next_turn(self.going(is_little_unwritten.unwrap_or(true)))?;
        match (turn, &self.file_system) {
            (Turn::Together, _) if is_little_unwritten.is_none() => Some(Work::Look),
            (Turn::Together, Some(file_system)) => {
                self.is_together = true;
                let count = self.waiting.len().min(TOGETHER_MAX);
                let partitions = self.waiting.drain(..count).collect();
                Some(Work::Together(number, Arc::clone(file_system), partitions))
            }
            _ => {
                let partition = self.waiting.pop_front()?;
                self.alone += 1;
                Some(Work::Alone(number, partition))
            }
        }
    }
}

/// The threads that flush.
pub(crate) struct Flusher {
    queue: FlushQueue,
    threads: Vec<thread::JoinHandle<()>>,
}

impl FlushQueue {
    /// Adds a partition. The partition sees to it that it stands here once.
    pub(crate) fn push(&self, partition: Arc<Partition>) {
        let place = partition.place();
        let mut state = self.locked();
        let lane = state.lane(place.seat().log_dir().file_system());
        lane.waiting.push_back(partition);
        // Otherwise whoever is at work there takes it up: a thread that wakes for nothing is dear.
        let is_due = lane.is_due();
        drop(state);
        if is_due {
            self.shared.changed.notify_one();
        }
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

    /// Waits for work; `None` once the flusher is to stop and nothing is left.
    fn take(&self) -> Option<Work> {
        let mut state = self.locked();
        loop {
            if let Some(work) = state.take() {
                // Who looks comes back for what is due.
                if !matches!(work, Work::Look) && state.lanes.iter().any(Lane::is_due) {
                    self.shared.changed.notify_one();
                }
                return Some(work);
            }
            if state.stopped && state.lanes.iter().all(|lane| lane.waiting.is_empty()) {
                self.shared.changed.notify_all();
                return None;
            }
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn carry_out(&self, work: Work) {
        let (lane, was_together) = match work {
            Work::Look => {
                let unwritten = Unwritten::look();
                self.locked().unwritten = Some(unwritten);
                return;
            }
            Work::Alone(lane, partition) => {
                partition.flush();
                (lane, false)
            }
            Work::Together(lane, file_system, partitions) => {
                Partition::flush_together(&partitions, &file_system);
                if !file_system.is_trusted() {
                    warn!(
                        device = file_system.device(),
                        "a sync of a whole file system has failed: its files are synced one by one from now on"
                    );
                }
                (lane, true)
            }
        };
        self.locked().done(lane, was_together);
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
                while let Some(work) = queue.take() {
                    queue.carry_out(work);
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
