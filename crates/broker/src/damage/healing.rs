//! The partitions that are being healed at once.

use klamm_types::TopicPartition;
use std::{collections::HashMap, future::Future};
use tokio::task::{Id, JoinSet};
use tracing::error;

/// How many partitions are healed at once: a slow peer holds up no more than one of them.
const HEALS_MAX: usize = 8;

/// Heals under way; they end when this is dropped.
#[derive(Default)]
pub(super) struct Healing {
    tasks: JoinSet<bool>,
    ids: HashMap<Id, TopicPartition>,
}

impl Healing {
    /// Whether a partition can be begun with now: it is not under way, and there is a place.
    pub(super) fn may_begin(&self, id: TopicPartition) -> bool {
        self.ids.len() < HEALS_MAX && !self.has(id)
    }

    /// Whether a partition is under way.
    pub(super) fn has(&self, id: TopicPartition) -> bool {
        self.ids.values().any(|known| *known == id)
    }

    /// Begins with a partition; `heal` tells whether there is nothing to try again later.
    pub(super) fn begin(
        &mut self,
        id: TopicPartition,
        heal: impl Future<Output = bool> + Send + 'static,
    ) {
        let task = self.tasks.spawn(heal);
        self.ids.insert(task.id(), id);
    }

    /// Those that are to be tried again, of all that have ended since the last call.
    pub(super) fn failed(&mut self) -> Vec<TopicPartition> {
        let mut failed = Vec::new();
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            let (task, is_done) = match ended {
                Ok(ended) => ended,
                Err(error) => {
                    error!(%error, "healing a log has panicked");
                    (error.id(), false)
                }
            };
            if let Some(id) = self.ids.remove(&task).filter(|_| !is_done) {
                failed.push(id);
            }
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_types::Uuid;
    use std::future::{pending, ready};

    fn id(partition: i32) -> TopicPartition {
        TopicPartition {
            topic_id: Uuid([1; 16]),
            partition,
        }
    }

    #[tokio::test]
    async fn a_slow_heal_takes_one_place_and_no_other_partition_waits() {
        let mut healing = Healing::default();
        healing.begin(id(0), pending());
        assert!(!healing.may_begin(id(0)), "it is under way");
        healing.begin(id(1), ready(true));
        healing.begin(id(2), ready(false));
        healing.begin(id(3), async { panic!("of the test") });
        let mut failed = Vec::new();
        while healing.ids.len() > 1 {
            tokio::task::yield_now().await;
            failed.extend(healing.failed());
        }
        failed.sort();
        assert_eq!(failed, [id(2), id(3)]);
        assert!(healing.has(id(0)) && healing.may_begin(id(1)));
        for index in 1..HEALS_MAX as i32 {
            assert!(healing.may_begin(id(index)));
            healing.begin(id(index), pending());
        }
        assert!(!healing.may_begin(id(100)), "all places are taken");
    }
}
