//! Whose turn it is to flush a partition.

use std::sync::atomic::{AtomicU8, Ordering};

const IDLE: u8 = 0;
const QUEUED: u8 = 1;
const FLUSHING: u8 = 2;
const FLUSHING_THEN_AGAIN: u8 = 3;

/// Keeps a partition in the queue once at most, and with one thread at a time: a busy or slow
/// one cannot take every flushing thread, and what comes during its flush shares the next.
#[derive(Debug, Default)]
pub(super) struct FlushTurn(AtomicU8);

impl FlushTurn {
    /// Asks for a flush that begins after this call; whether the caller is to queue it.
    pub(super) fn request(&self) -> bool {
        let next = |state| match state {
            IDLE => Some(QUEUED),
            FLUSHING => Some(FLUSHING_THEN_AGAIN),
            _ => None,
        };
        let before = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        before == Ok(IDLE)
    }

    /// The flush that was queued begins.
    pub(super) fn begin(&self) {
        self.0.store(FLUSHING, Ordering::Release);
    }

    /// The flush has ended; whether the caller is to queue another one.
    pub(super) fn end(&self) -> bool {
        let next = |state| match state {
            FLUSHING_THEN_AGAIN => Some(QUEUED),
            _ => Some(IDLE),
        };
        let before = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        before == Ok(FLUSHING_THEN_AGAIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_queued_once_and_flushed_again_after_an_append_during_its_flush() {
        let turn = FlushTurn::default();
        assert!(turn.request());
        assert!(!turn.request());
        turn.begin();
        assert!(!turn.end());
        assert!(turn.request());
        turn.begin();
        assert!(!turn.request());
        assert!(!turn.request());
        assert!(turn.end());
        assert!(!turn.request());
        turn.begin();
        assert!(!turn.end());
    }
}
