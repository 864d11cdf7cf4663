//! Telling the controller in which log directories replicas live (KIP-858), many in one call.
//!
//! A broker with a single directory never calls: the controller knows by itself.

use crate::{api::error_code, context::Identity};
use klamm_metadata::uuid_bytes;
use klamm_rpc::{
    ControllerClient,
    controller::{AssignDirectoriesRequest, PartitionDirectory},
};
use klamm_types::{ErrorCode, TopicPartition, Uuid};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};
use tracing::debug;

/// One call, through changes of the controller.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause before what was not taken is told again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Replicas in one call.
const BATCH_MAX: usize = 2000;

/// What waits to be told: one directory for each replica at most, the last.
#[derive(Clone, Default)]
pub(crate) struct DirectoryAssignments {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<BTreeMap<TopicPartition, Uuid>>,
    changed: Notify,
}

impl DirectoryAssignments {
    /// Has the controller told that a replica lives in `directory`.
    pub(crate) fn tell(&self, id: TopicPartition, directory: Uuid) {
        self.locked().insert(id, directory);
        self.shared.changed.notify_one();
    }

    /// Tells until this future is dropped.
    pub(crate) async fn run(self, identity: Arc<Identity>, controller: ControllerClient) {
        loop {
            let batch = self.take();
            if batch.is_empty() {
                self.shared.changed.notified().await;
                continue;
            }
            let request = request(&identity, &batch);
            let answer = controller.assign_directories(request, CALL_TIMEOUT).await;
            let refusal = match answer {
                Ok(response) => match error_code(response.error_code) {
                    ErrorCode::None => continue,
                    error => error.to_string(),
                },
                Err(error) => error.to_string(),
            };
            debug!(
                reason = refusal,
                "the controller was not told of directories"
            );
            self.put_back(batch);
            sleep(RETRY_PAUSE).await;
        }
    }

    fn take(&self) -> Vec<(TopicPartition, Uuid)> {
        let mut waiting = self.locked();
        std::iter::from_fn(|| waiting.pop_first())
            .take(BATCH_MAX)
            .collect()
    }

    /// What was told meanwhile is newer.
    fn put_back(&self, batch: Vec<(TopicPartition, Uuid)>) {
        let mut waiting = self.locked();
        for (id, directory) in batch {
            waiting.entry(id).or_insert(directory);
        }
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<TopicPartition, Uuid>> {
        self.shared
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn request(identity: &Identity, batch: &[(TopicPartition, Uuid)]) -> AssignDirectoriesRequest {
    let partitions = batch.iter().map(|(id, directory)| PartitionDirectory {
        topic_id: uuid_bytes(id.topic_id),
        partition: id.partition,
        directory: uuid_bytes(*directory),
    });
    AssignDirectoriesRequest {
        broker_id: identity.id.get(),
        broker_epoch: identity.epoch().get(),
        partitions: partitions.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_a_replica_is_told_in_batches() {
        let told = DirectoryAssignments::default();
        let id = |partition| TopicPartition {
            topic_id: Uuid([1; 16]),
            partition,
        };
        let many = i32::try_from(BATCH_MAX).unwrap() + 1;
        for partition in 0..many {
            told.tell(id(partition), Uuid([1; 16]));
        }
        told.tell(id(0), Uuid([2; 16]));
        let batch = told.take();
        assert_eq!(batch.len(), BATCH_MAX);
        assert_eq!(batch[0], (id(0), Uuid([2; 16])));
        told.tell(id(0), Uuid([3; 16]));
        told.put_back(batch);
        assert_eq!(told.take()[0], (id(0), Uuid([3; 16])));
        assert_eq!(told.take(), [(id(many - 1), Uuid([1; 16]))]);
        assert!(told.take().is_empty());
    }
}
