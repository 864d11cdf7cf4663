//! What Raft must not forget: the log, the vote, and how far it was committed.
//!
//! Appends are written at once and synced by one thread, which gathers everything that waits
//! into one sync. The vote goes through the same thread, behind the appends that were made
//! before it. The first write or sync that fails poisons the store for good; a full disk is waited
//! for.

use crate::{
    durable_file::{self, ScratchFile},
    entry_log::EntryLog,
    identity::FolderLock,
    raft_types::{Entry, LogId, TypeConfig, Vote},
    room::{Room, io_error, is_full},
    wire,
};
use klamm_storage::LogFlusher;
use openraft::{
    LogState, OptionalSend, RaftLogReader,
    storage::{IOFlushed, RaftLogStorage},
};
use serde::{Deserialize, Serialize};
use std::{
    fmt::Debug,
    io,
    ops::{Bound, RangeBounds},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};
use tokio::sync::oneshot;

/// Bytes of entries that go into one replication message.
const REPLICATION_BYTES_MAX: usize = 4 << 20;

/// The log, the vote and the commit mark of one controller.
#[derive(Debug)]
pub(crate) struct LogStore {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
}

/// Reads the log and the vote while the store writes.
#[derive(Clone, Debug)]
pub(crate) struct LogReader(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    log: Mutex<EntryLog>,
    marks: Mutex<Marks>,
    marks_path: PathBuf,
    committed_path: PathBuf,
    committed_file: ScratchFile,
    room: Room,
}

/// What changes rarely and must survive: written whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Marks {
    vote: Option<Vote>,
    /// The last entry that was purged; the log itself knows only its index.
    purged: Option<LogId>,
}

enum Job {
    /// Sync everything appended so far, then report.
    Flush(IOFlushed<TypeConfig>),
    /// Sync everything appended so far, then do this.
    Then(
        Box<dyn FnOnce() -> io::Result<()> + Send>,
        oneshot::Sender<io::Result<()>>,
    ),
}

impl LogStore {
    /// Opens or makes the store in `folder`.
    ///
    /// # Errors
    /// The disk refused, or what lies there is damaged.
    pub(crate) fn open(folder: &Path, lock: FolderLock) -> io::Result<LogStore> {
        let marks_path = folder.join("quorum-state");
        let marks = match durable_file::read(&marks_path)? {
            Some(payload) => wire::decode(&payload)?,
            None => Marks::default(),
        };
        let start_index = marks.purged.map_or(0, |purged| purged.index + 1);
        let log = EntryLog::open(&folder.join("log"), start_index)?;
        let committed_path = folder.join("committed");
        let committed_file = ScratchFile::open(&committed_path)?;
        let flusher = log.flusher();
        let room = Room::of(folder);
        let shared = Arc::new(Shared {
            log: Mutex::new(log),
            marks: Mutex::new(marks),
            marks_path,
            committed_path,
            room: room.clone(),
            committed_file,
        });
        let (jobs, receiver) = mpsc::channel();
        thread::Builder::new()
            .name("raft-flush".into())
            .spawn(move || {
                flush_loop(&flusher, &receiver, &room);
                drop(lock);
            })?;
        Ok(LogStore { shared, jobs })
    }

    /// The last entry that was purged.
    pub(crate) fn purged(&self) -> Option<LogId> {
        self.shared.marks().purged
    }

    /// Whether there are entries, or were before they were purged.
    ///
    /// # Errors
    /// The disk refused.
    pub(crate) fn has_entries(&self) -> io::Result<bool> {
        Ok(self.purged().is_some() || self.shared.log().last_log_id()?.is_some())
    }

    /// Does `work` on the flush thread, behind everything appended so far.
    async fn in_order(
        &self,
        work: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let (done, result) = oneshot::channel();
        self.submit(Job::Then(Box::new(work), done))?;
        result.await.map_err(|_| gone())?
    }

    fn submit(&self, job: Job) -> io::Result<()> {
        self.jobs.send(job).map_err(|_| gone())
    }
}

/// Serves jobs until the store is dropped: all that wait share one sync.
fn flush_loop(flusher: &LogFlusher, jobs: &mpsc::Receiver<Job>, room: &Room) {
    /// Jobs that share one sync; bounds how long the first of them waits for the others.
    const GROUP_MAX: usize = 1024;
    let mut failed: Option<io::Error> = None;
    while let Ok(first) = jobs.recv() {
        let group: Vec<Job> = std::iter::once(first)
            .chain(jobs.try_iter().take(GROUP_MAX - 1))
            .collect();
        if failed.is_none() {
            failed = room.wait(|| flusher.flush().map_err(io_error)).err();
        }
        for job in group {
            match job {
                Job::Flush(callback) => callback.io_completed(result_of(&failed)),
                Job::Then(work, done) => {
                    let result = match result_of(&failed) {
                        Ok(()) => work(),
                        failed => failed,
                    };
                    if let Err(error) = &result {
                        failed.get_or_insert_with(|| copy_of(error));
                    }
                    // Whoever asked may be gone: openraft is shutting down.
                    let _ = done.send(result);
                }
            }
        }
    }
}

fn result_of(failed: &Option<io::Error>) -> io::Result<()> {
    match failed {
        None => Ok(()),
        Some(error) => Err(copy_of(error)),
    }
}

fn copy_of(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

fn gone() -> io::Error {
    io::Error::other("the flush thread is gone")
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, EntryLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the marks on disk, then here.
    fn change_marks(&self, change: impl FnOnce(&mut Marks)) -> io::Result<()> {
        let mut marks = self.marks().clone();
        change(&mut marks);
        let payload = wire::encode(&marks)?;
        self.room
            .wait(|| durable_file::replace(&self.marks_path, &payload))?;
        *self.marks() = marks;
        Ok(())
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = LogReader;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let last_purged_log_id = self.shared.marks().purged;
        let last_log_id = self.shared.log().last_log_id()?.max(last_purged_log_id);
        Ok(LogState {
            last_purged_log_id,
            last_log_id,
        })
    }

    async fn get_log_reader(&mut self) -> LogReader {
        LogReader(self.shared.clone())
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let (shared, vote) = (self.shared.clone(), *vote);
        self.in_order(move || shared.change_marks(|marks| marks.vote = Some(vote)))
            .await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        // Not synced: losing it costs a look at the leader's commit after a power cut, syncing
        // it would cost every write a sync.
        let written = self
            .shared
            .committed_file
            .overwrite(&committed_mark(committed));
        match written {
            // Only a hint, and a full disk is no reason to stop.
            Err(error) if is_full(&error) => Ok(()),
            written => written,
        }
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        let committed = match durable_file::read(&self.shared.committed_path) {
            Ok(payload) => payload.as_deref().and_then(parse_committed_mark),
            // Never synced, so a power cut may tear it; it is only a hint.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            Err(error) => return Err(error),
        };
        // A power cut may also take the end of the log and leave the mark: a majority had those
        // entries, this controller gets them again.
        let last_log_id = self.get_log_state().await?.last_log_id;
        Ok(committed.min(last_log_id))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let (room, shared) = (&self.shared.room, &self.shared);
        room.wait_async(|| shared.log().append(&entries)).await?;
        self.submit(Job::Flush(callback))
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> io::Result<()> {
        let shared = self.shared.clone();
        let next_index = last_log_id.map_or(0, |log_id| log_id.index + 1);
        self.in_order(move || shared.log().truncate(next_index))
            .await
    }

    async fn purge(&mut self, log_id: LogId) -> io::Result<()> {
        let shared = self.shared.clone();
        self.in_order(move || {
            shared.change_marks(|marks| marks.purged = Some(log_id))?;
            shared.log().purge(log_id.index + 1)
        })
        .await
    }
}

impl RaftLogReader<TypeConfig> for LogReader {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> io::Result<Vec<Entry>>
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (start, end) = bounds_of(&range);
        self.0.log().read(start, end, usize::MAX)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        self.0.log().read(start, end, REPLICATION_BYTES_MAX)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.0.marks().vote)
    }
}

fn bounds_of(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(before) => before + 1,
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(last) => last + 1,
        Bound::Excluded(end) => *end,
        Bound::Unbounded => u64::MAX,
    };
    (start, end)
}

/// present u64 | term u64 | index u64
fn committed_mark(committed: Option<LogId>) -> [u8; 24] {
    let mut mark = [0; 24];
    if let Some(log_id) = committed {
        mark[0] = 1;
        mark[8..16].copy_from_slice(&log_id.leader_id.term.to_le_bytes());
        mark[16..].copy_from_slice(&log_id.index.to_le_bytes());
    }
    mark
}

fn parse_committed_mark(mark: &[u8]) -> Option<LogId> {
    let mark: &[u8; 24] = mark.try_into().ok()?;
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&mark[at..at + 8]);
        u64::from_le_bytes(word)
    };
    (mark[0] == 1).then(|| LogId::new(word(8).into(), word(16)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state_machine::StateMachine;
    use openraft::{
        StorageError,
        testing::log::{StoreBuilder, Suite},
    };
    use tempfile::TempDir;

    struct Builder;

    impl StoreBuilder<TypeConfig, LogStore, StateMachine, TempDir> for Builder {
        async fn build(
            &self,
        ) -> Result<(TempDir, LogStore, StateMachine), StorageError<TypeConfig>> {
            // Dozens of stores, each with many syncs: in memory, where there is such a folder.
            let temp = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
            let temp = temp.unwrap();
            let log_store = LogStore::open(temp.path(), FolderLock::default()).unwrap();
            let state_machine = StateMachine::open(temp.path(), FolderLock::default()).unwrap();
            Ok((temp, log_store, state_machine))
        }
    }

    // Paused time: the suite sleeps after each purge, which is done here when it returns.
    #[tokio::test(start_paused = true)]
    async fn the_store_keeps_openrafts_contract() {
        Suite::test_all(Builder).await.unwrap();
    }

    #[test]
    fn the_committed_mark_round_trips() {
        for committed in [None, Some(LogId::new(3.into(), 14))] {
            assert_eq!(parse_committed_mark(&committed_mark(committed)), committed);
        }
        assert_eq!(parse_committed_mark(&[]), None);
    }

    #[tokio::test]
    async fn vote_purge_and_commit_survive_a_restart() {
        let temp = TempDir::new().unwrap();
        let (vote, purged) = (Vote::new(4, 2), LogId::new(3.into(), 9));
        let mut store = LogStore::open(temp.path(), FolderLock::default()).unwrap();
        store.save_vote(&vote).await.unwrap();
        store.save_committed(Some(purged)).await.unwrap();
        store.purge(purged).await.unwrap();
        let ahead = LogId::new(3.into(), 12);
        store.save_committed(Some(ahead)).await.unwrap();
        drop(store);

        let mut store = LogStore::open(temp.path(), FolderLock::default()).unwrap();
        let mut reader = store.get_log_reader().await;
        assert_eq!(reader.read_vote().await.unwrap(), Some(vote));
        assert_eq!(store.read_committed().await.unwrap(), Some(purged));
        let state = store.get_log_state().await.unwrap();
        assert_eq!(state.last_purged_log_id, Some(purged));
        assert_eq!(state.last_log_id, Some(purged));
    }
}
