//! Going on with the log in another directory.

use super::{Partition, Place, lock};
use crate::{
    clock::now_ms,
    replica_moves::{CopyError, LogCopy},
};
use klamm_storage::LogConfig;
use std::sync::Arc;

/// Bytes that are copied at most while nobody can append.
const LOCKED_BYTES_MAX: usize = 1 << 20;

/// What became of the switch.
pub(crate) enum Switch {
    /// The copy is the log now.
    Done,
    /// The copy lags too far behind.
    Behind(Box<LogCopy>),
    /// The replica was removed, and its log with it.
    Removed(Box<LogCopy>),
}

impl Partition {
    /// Has a copy take the log's place. Appends wait meanwhile, readers do not. `leave` gets rid of
    /// the old place, before the replica can be removed: a namesake might have the folder then.
    ///
    /// # Errors
    /// A disk failed. The log is what it was.
    pub(crate) fn switch_to(
        &self,
        mut copy: Box<LogCopy>,
        leave: impl FnOnce(&Place),
    ) -> Result<Switch, CopyError> {
        // Before the lock: only what comes from now on is synced under it.
        copy.flush()?;
        let mut log = lock(&self.log);
        if self.is_removed() {
            return Ok(Switch::Removed(copy));
        }
        let high_watermark = self.high_watermark();
        if !copy.follow(&log.reader(), high_watermark, LOCKED_BYTES_MAX)? {
            return Ok(Switch::Behind(copy));
        }
        let found = copy.settle(&log, &self.topic, self.id, high_watermark)?;
        let place = Place::of(&found.log, found.dir, found.seat);
        let old_log = std::mem::replace(&mut *log, found.log);
        let old = self.place.swap(Arc::new(place));
        // Afterwards: whose place is abandoned has been removed.
        old_log.abandon();
        leave(&old);
        drop(log);
        self.tell_log_moved();
        // All of it is durable, and so counts.
        self.advance_leader(now_ms());
        lock(&self.flushes).release(self.flushed_offset());
        Ok(Switch::Done)
    }

    /// The settings of the log.
    pub(crate) fn log_config(&self) -> LogConfig {
        *lock(&self.log).config()
    }
}
