//! How much a start would have to check if the broker crashed now.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Bytes that may lie behind the recorded recovery points before they are recorded anew, so that a
/// start after a crash takes well below a second at any size of the logs.
const BYTES_MAX: u64 = 128 << 20;

/// Bytes appended to any log since the recovery points were last recorded. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecoveryBacklog(Arc<AtomicU64>);

impl RecoveryBacklog {
    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Whether recovery points should be recorded.
    pub(crate) fn is_long(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= BYTES_MAX
    }

    /// Recovery points are about to be recorded.
    pub(crate) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
