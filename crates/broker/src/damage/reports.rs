//! Which partitions have met damage and wait to be looked after.

use klamm_types::TopicPartition;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// The partitions that wait; each stands here once.
#[derive(Clone, Default)]
pub(crate) struct DamageReports {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<BTreeSet<TopicPartition>>,
    changed: Notify,
}

impl DamageReports {
    /// A partition cannot vouch for its log.
    pub(crate) fn report(&self, id: TopicPartition) {
        if self.locked().insert(id) {
            self.shared.changed.notify_one();
        }
    }

    /// What was reported since the last call.
    pub(super) fn take(&self) -> BTreeSet<TopicPartition> {
        std::mem::take(&mut *self.locked())
    }

    /// Resolves when something is reported.
    pub(super) async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeSet<TopicPartition>> {
        self.shared
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
