//! The history while it is written: one clock, one order, two files.

use crate::history::{Operation, Recorder};
use std::{
    fs::File,
    io::{self, BufWriter},
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Where histories are kept in the folder of a drill.
pub const HISTORY_JSON: &str = "history.jsonl";
/// The same in Jepsen's notation.
pub const HISTORY_EDN: &str = "history.edn";

type Files = Recorder<BufWriter<File>, BufWriter<File>>;

/// Records operations of all tasks of a drill in the order of the calls. The first failure to write is kept, and ends
/// the drill: a history with holes proves nothing.
#[derive(Debug)]
pub struct Journal {
    begun: Instant,
    files: Mutex<(Files, Option<String>)>,
    acknowledged: AtomicU64,
}

impl Journal {
    /// Begins a history in `folder`.
    ///
    /// # Errors
    /// The files cannot be made.
    pub fn create(folder: &Path) -> io::Result<Journal> {
        let json = BufWriter::new(File::create(folder.join(HISTORY_JSON))?);
        let edn = BufWriter::new(File::create(folder.join(HISTORY_EDN))?);
        Ok(Journal {
            begun: Instant::now(),
            files: Mutex::new((Recorder::new(json, edn), None)),
            acknowledged: AtomicU64::new(0),
        })
    }

    /// When the drill began.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// A time as nanoseconds since the drill began.
    pub fn nanos(&self, at: Instant) -> u64 {
        let since: Duration = at.saturating_duration_since(self.begun);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Records an operation; its time becomes now.
    pub fn record(&self, mut operation: Operation) {
        let mut files = self.lock();
        operation.time_ns = self.nanos(Instant::now());
        let (recorder, failure) = &mut *files;
        if failure.is_none()
            && let Err(error) = recorder.record(operation)
        {
            *failure = Some(error.to_string());
        }
    }

    /// Counts a send that was acknowledged.
    pub fn acknowledge(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// How many sends were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Why the history could not be written, if so.
    pub fn failure(&self) -> Option<String> {
        self.lock().1.clone()
    }

    /// Ends the history: everything is in the files.
    ///
    /// # Errors
    /// The files cannot be written, or could not before.
    pub fn finish(&self) -> io::Result<()> {
        let mut files = self.lock();
        if let Some(failure) = &files.1 {
            return Err(io::Error::other(failure.clone()));
        }
        files.0.flush()
    }

    fn lock(&self) -> MutexGuard<'_, (Files, Option<String>)> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Whoever wanted to know whether this works has called `finish`.
        let _ = self.finish();
    }
}
