//! Replicas on their way from one log directory to another (AlterReplicaLogDirs, KIP-113).
//!
//! ```text
//! copying ─ caught up ─▶ promised ─ the controller agrees ─▶ switched
//!    └──────────────┴────── cancelled, or a disk fails ─────▶ given up
//! ```
//!
//! The log serves until the copy takes its place under the append lock. Before that the controller
//! is told of the new directory, as Kafka does (KIP-858): should the process die between the two,
//! and the old directory be found again alone, then that is what it is told instead. The new
//! folder is renamed before the old one: a start may find two logs, never none, and takes the one
//! that the metadata names.
//!
//! One thread works on all moves in turn, and ends with the last of them.

mod log_copy;

pub(crate) use log_copy::{CopyError, LogCopy};

use crate::{
    control::DirectoryAssignments,
    log_dirs::{FoundCopy, LogDir},
    partition::{Partition, Place, Switch},
    replication::ReplicationThrottles,
};
use klamm_types::{TopicPartition, Uuid};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tracing::{error, info, warn};

/// Bytes that one move copies before it is the next one's turn.
const TURN_BYTES: usize = 8 << 20;

/// How long the thread waits when no move has anything to do.
const PAUSE: Duration = Duration::from_millis(10);

/// A replica on its way.
pub(crate) struct Move {
    pub(crate) partition: Arc<Partition>,
    pub(crate) to: Arc<LogDir>,
    is_cancelled: AtomicBool,
    /// The controller was told of the new directory.
    is_promised: AtomicBool,
    /// Where the controller believes the replica to be, as far as is known.
    assigned: Mutex<Uuid>,
    end_offset: AtomicI64,
    size_bytes: AtomicU64,
}

impl Move {
    /// The offset that the copy has reached.
    pub(crate) fn end_offset(&self) -> i64 {
        self.end_offset.load(Ordering::Relaxed)
    }

    /// Bytes of the copy.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
            || !self.to.is_online()
            || self.partition.check_online().is_err()
            || self.partition.is_removed()
    }

    fn assigned(&self) -> MutexGuard<'_, Uuid> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, copy: &LogCopy) {
        self.end_offset
            .store(copy.log_end_offset(), Ordering::Relaxed);
        self.size_bytes.store(copy.size_bytes(), Ordering::Relaxed);
    }
}

/// Deletes the folder of a log or a copy, which is in that directory.
type Delete = Box<dyn Fn(&Path, &LogDir) + Send + Sync>;

/// The moves of this broker.
pub(crate) struct ReplicaMoves {
    shared: Arc<Shared>,
}

struct Shared {
    assignments: DirectoryAssignments,
    throttles: Arc<ReplicationThrottles>,
    delete: Delete,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    moves: BTreeMap<TopicPartition, Arc<Move>>,
    /// Those that the thread has not taken up yet, with what an earlier process has copied.
    newcomers: Vec<(Arc<Move>, Option<FoundCopy>)>,
    thread: Option<JoinHandle<()>>,
    is_stopped: bool,
}

/// What became of a move's turn.
enum Turn {
    /// It has more to do.
    Worked,
    /// It waits for the controller, or for room on the disk.
    Waits,
    /// There is nothing left to do.
    Over,
}

impl ReplicaMoves {
    pub(crate) fn new(
        assignments: DirectoryAssignments,
        throttles: Arc<ReplicationThrottles>,
        delete: impl Fn(&Path, &LogDir) + Send + Sync + 'static,
    ) -> ReplicaMoves {
        ReplicaMoves {
            shared: Arc::new(Shared {
                assignments,
                throttles,
                delete: Box::new(delete),
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// Moves a replica to a directory that it is not in, from now on; a move to another one is given
    /// up. `found` is what an earlier process has copied.
    pub(crate) fn start(
        &self,
        partition: &Arc<Partition>,
        to: &Arc<LogDir>,
        found: Option<FoundCopy>,
    ) {
        let mut state = self.shared.locked();
        let id = partition.id;
        if state.is_stopped {
            return;
        }
        if let Some(known) = state.moves.get(&id) {
            if Arc::ptr_eq(&known.to, to) {
                return;
            }
            known.is_cancelled.store(true, Ordering::Release);
        }
        info!(topic = %partition.topic, partition = id.partition, to = %to.path().display(),
            "moving a replica to another log directory");
        let new = Arc::new(Move {
            partition: Arc::clone(partition),
            to: Arc::clone(to),
            is_cancelled: AtomicBool::new(false),
            is_promised: AtomicBool::new(false),
            assigned: Mutex::new(Uuid::ZERO),
            end_offset: AtomicI64::new(partition.log_start_offset()),
            size_bytes: AtomicU64::new(0),
        });
        state.moves.insert(id, Arc::clone(&new));
        state.newcomers.push((new, found));
        self.shared.changed.notify_one();
        if state.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new().name("move-replicas".to_owned());
            match thread.spawn(move || shared.run()) {
                Ok(thread) => state.thread = Some(thread),
                Err(error) => error!(%error, "cannot start a thread to move replicas"),
            }
        }
    }

    /// Gives a move up, if there is one.
    pub(crate) fn cancel(&self, id: TopicPartition) {
        if let Some(known) = self.shared.locked().moves.get(&id) {
            known.is_cancelled.store(true, Ordering::Release);
            self.shared.changed.notify_one();
        }
    }

    /// The controller knows a replica to live in `directory`. Whether a move has told it so, or is
    /// about to: then nobody else may tell it where the replica is.
    pub(crate) fn on_assigned(&self, id: TopicPartition, directory: Uuid) -> bool {
        let state = self.shared.locked();
        let Some(known) = state.moves.get(&id) else {
            return false;
        };
        *known.assigned() = directory;
        self.shared.changed.notify_one();
        known.is_promised.load(Ordering::Acquire) && !known.is_over()
    }

    /// The moves that are under way.
    pub(crate) fn all(&self) -> Vec<Arc<Move>> {
        self.shared.locked().moves.values().cloned().collect()
    }

    /// Interrupts the moves; the next start goes on with them.
    pub(crate) fn stop(&self) {
        let mut state = self.shared.locked();
        state.is_stopped = true;
        self.shared.changed.notify_one();
        let thread = state.thread.take();
        drop(state);
        if let Some(thread) = thread {
            // A thread that panicked has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut under_way: Vec<(Arc<Move>, Copying)> = Vec::new();
        while let Some(newcomers) = self.newcomers(under_way.is_empty()) {
            let newcomers = newcomers.into_iter();
            under_way.extend(newcomers.map(|(new, found)| (new, Copying::Not(found))));
            let mut has_worked = false;
            under_way.retain_mut(|(moving, copying)| match self.turn(moving, copying) {
                Turn::Worked => {
                    has_worked = true;
                    true
                }
                Turn::Waits => true,
                Turn::Over => false,
            });
            if !has_worked && !under_way.is_empty() {
                self.pause();
            }
        }
        for (moving, copying) in under_way {
            if let Copying::Under(copy) = copying
                && let Err(error) = copy.suspend()
            {
                warn!(topic = %moving.partition.topic, partition = moving.partition.id.partition,
                    %error, "cannot close the copy of a log");
            }
        }
    }

    /// The moves that have come since the last call. `None` if there is nothing left to do, or all
    /// is to stop.
    fn newcomers(&self, is_idle: bool) -> Option<Vec<(Arc<Move>, Option<FoundCopy>)>> {
        let mut state = self.locked();
        if state.is_stopped {
            return None;
        }
        if is_idle && state.newcomers.is_empty() {
            // Whoever comes next starts another thread.
            state.thread = None;
            return None;
        }
        Some(std::mem::take(&mut state.newcomers))
    }

    fn pause(&self) {
        let state = self.locked();
        let waited = self.changed.wait_timeout(state, PAUSE);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn turn(&self, moving: &Arc<Move>, copying: &mut Copying) -> Turn {
        if moving.is_over() {
            self.give_up(moving, copying);
            return Turn::Over;
        }
        match self.advance(moving, copying) {
            Ok(turn) => turn,
            Err(error) => {
                let partition = &moving.partition;
                error!(topic = %partition.topic, partition = partition.id.partition, %error,
                    "cannot move a replica to another log directory");
                match &error {
                    CopyError::Copy(error) => moving.to.on_error(error),
                    CopyError::Source(error) => {
                        partition.read_error(error);
                    }
                    CopyError::Gap { .. } => {}
                }
                self.give_up(moving, copying);
                Turn::Over
            }
        }
    }

    fn advance(&self, moving: &Arc<Move>, copying: &mut Copying) -> Result<Turn, CopyError> {
        let partition = &moving.partition;
        let throttle = &self.throttles.moves;
        if moving.to.space.is_low() || !throttle.wait().is_zero() {
            return Ok(Turn::Waits);
        }
        let copy = copying.open(moving)?;
        let before = copy.size_bytes();
        let is_there = copy.follow(&partition.reader(), partition.high_watermark(), TURN_BYTES)?;
        moving.note(copy);
        throttle.note(copy.size_bytes().saturating_sub(before));
        if !is_there {
            copy.flush()?;
            return Ok(Turn::Worked);
        }
        if !moving.is_promised.swap(true, Ordering::AcqRel) {
            self.assignments.tell(partition.id, moving.to.id());
        }
        if *moving.assigned() != moving.to.id() {
            return Ok(Turn::Waits);
        }
        let Copying::Under(copy) = std::mem::replace(copying, Copying::Not(None)) else {
            return Ok(Turn::Over);
        };
        let leave = |old: &Place| {
            let log_dir = old.seat().log_dir();
            log_dir.forget_later(&partition.topic, partition.id.partition);
            (self.delete)(old.folder(), log_dir);
        };
        match partition.switch_to(copy, leave)? {
            Switch::Done => {
                self.forget(moving);
                info!(topic = %partition.topic, partition = partition.id.partition,
                    to = %moving.to.path().display(), "moved a replica to another log directory");
                Ok(Turn::Over)
            }
            Switch::Behind(copy) => {
                *copying = Copying::Under(copy);
                Ok(Turn::Worked)
            }
            Switch::Removed(copy) => {
                *copying = Copying::Under(copy);
                self.give_up(moving, copying);
                Ok(Turn::Over)
            }
        }
    }

    /// Deletes what was copied, and tells the controller where the replica is after all.
    fn give_up(&self, moving: &Arc<Move>, copying: &mut Copying) {
        let folder = match &*copying {
            Copying::Not(found) => found.as_ref().map(|found| found.dir.as_path()),
            Copying::Under(copy) => Some(copy.abandon()),
        };
        if let Some(folder) = folder {
            (self.delete)(folder, &moving.to);
        }
        self.forget(moving);
        if moving.is_promised.load(Ordering::Acquire) {
            let place = moving.partition.place();
            let actual = place.seat().log_dir().id();
            self.assignments.tell(moving.partition.id, actual);
        }
    }

    fn forget(&self, moving: &Arc<Move>) {
        let mut state = self.locked();
        let id = moving.partition.id;
        // Another one may have taken its place.
        if (state.moves.get(&id)).is_some_and(|known| Arc::ptr_eq(known, moving)) {
            state.moves.remove(&id);
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a move has come on the disk.
enum Copying {
    /// No copy is open; there may be one of an earlier process.
    Not(Option<FoundCopy>),
    Under(Box<LogCopy>),
}

impl Copying {
    fn open(&mut self, moving: &Move) -> Result<&mut LogCopy, CopyError> {
        if let Copying::Not(found) = self {
            let partition = &moving.partition;
            let config = partition.log_config();
            let copy = match found.take() {
                Some(found) => LogCopy::resume(found, config)?,
                None => LogCopy::begin(partition.id, &partition.topic, config, &moving.to)?,
            };
            *self = Copying::Under(Box::new(copy));
        }
        match self {
            Copying::Under(copy) => Ok(copy),
            Copying::Not(_) => Err(CopyError::Copy(crate::log_dirs::LogDirError::AllOffline)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flusher::Flusher,
        partition::lab::{abandon, open_partition},
    };

    #[test]
    fn a_copy_does_not_take_the_place_of_a_log_that_was_deleted() {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let flusher = Flusher::start().unwrap();
        let id = TopicPartition {
            topic_id: Uuid([1; 16]),
            partition: 0,
        };
        let partition = open_partition(&dirs[0].path().join("t-0"), "t", id, flusher.queue());
        let to = LogDir::in_test(dirs[1].path());
        let begin = || Box::new(LogCopy::begin(id, "t", partition.log_config(), &to).unwrap());
        let copies = [begin(), begin()];
        let [first, second] = copies;
        let mut left = None;
        let switched = partition.switch_to(first, |old| left = Some(old.folder().to_owned()));
        assert!(matches!(switched, Ok(Switch::Done)));
        assert_eq!(left, Some(dirs[0].path().join("t-0")));
        assert!(!partition.is_removed(), "it lives on elsewhere");
        let folder = partition.place().folder().to_owned();
        assert_eq!(folder, dirs[1].path().join("t-0"));
        abandon(&partition);
        std::fs::rename(&folder, dirs[1].path().join("t-0-delete")).unwrap();
        let switched = partition.switch_to(second, |_| panic!("there is nothing to leave"));
        assert!(matches!(switched, Ok(Switch::Removed(_))));
        assert!(!folder.exists());
        assert_eq!(partition.check_online(), Ok(()));
        flusher.stop();
    }
}
