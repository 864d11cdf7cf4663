//! What the controller is to be told of partitions, many in one call.

use klamm_types::TopicPartition;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Partitions in one call.
const BATCH_MAX: usize = 1_000;

/// What waits to be sent: one thing for each partition at most, the newest.
pub(super) struct Outbox<T> {
    waiting: Mutex<BTreeMap<TopicPartition, T>>,
    changed: Notify,
}

impl<T> Outbox<T> {
    /// Adds something; it replaces what is older of the same partition.
    pub(super) fn put(&self, id: TopicPartition, newest: T) {
        self.locked().insert(id, newest);
        self.changed.notify_one();
    }

    /// Waits for something to send, and takes what there is, up to a limit. For one sender.
    pub(super) async fn next(&self) -> Vec<(TopicPartition, T)> {
        loop {
            let batch = self.take();
            if !batch.is_empty() {
                return batch;
            }
            self.changed.notified().await;
        }
    }

    fn take(&self) -> Vec<(TopicPartition, T)> {
        let mut waiting = self.locked();
        let first = std::iter::from_fn(|| waiting.pop_first());
        first.take(BATCH_MAX).collect()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<TopicPartition, T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Outbox {
            waiting: Mutex::default(),
            changed: Notify::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_types::Uuid;

    #[tokio::test]
    async fn the_newest_of_each_partition_is_sent_in_bounded_batches() {
        let outbox = Outbox::default();
        let id = |partition| TopicPartition {
            topic_id: Uuid::ONE,
            partition,
        };
        for round in [1, 2] {
            (0..=BATCH_MAX).for_each(|i| outbox.put(id(i32::try_from(i).unwrap()), round));
        }
        let first = outbox.next().await;
        assert_eq!(first.len(), BATCH_MAX);
        assert!(first.iter().all(|(_, round)| *round == 2));
        let last = i32::try_from(BATCH_MAX).unwrap();
        assert_eq!(outbox.next().await, [(id(last), 2)]);
    }
}
