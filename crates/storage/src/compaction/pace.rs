//! Lets the owner of a compaction slow it down or stop it.

use super::error::CompactionError;

/// Tells the owner of every read and write.
pub(crate) struct Pace<'a> {
    go_on: &'a mut dyn FnMut(u64) -> bool,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(go_on: &'a mut dyn FnMut(u64) -> bool) -> Pace<'a> {
        Pace { go_on }
    }

    /// Notes bytes that were read or written.
    pub(crate) fn after(&mut self, bytes: u64) -> Result<(), CompactionError> {
        if (self.go_on)(bytes) {
            Ok(())
        } else {
            Err(CompactionError::Stopped)
        }
    }
}
