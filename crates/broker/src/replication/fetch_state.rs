//! What a follower asks of one leader, and the fetch session it has there. No I/O.

use klamm_protocol::messages::fetch_request::{
    FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, ReplicaState,
};
use klamm_types::{BrokerEpoch, BrokerId, LeaderEpoch, TopicPartition, Uuid};
use std::collections::BTreeMap;

/// Where a follower stands with one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Everything below is durable here.
    pub(super) fetch_offset: i64,
    pub(super) log_start_offset: i64,
    pub(super) leader_epoch: LeaderEpoch,
    pub(super) last_fetched_epoch: LeaderEpoch,
    /// Everything below is known to be committed.
    pub(super) high_watermark: i64,
}

/// How a follower fetches (`replica.fetch.…`).
#[derive(Clone, Copy, Debug)]
pub(super) struct FetchLimits {
    pub(super) wait_max_ms: i32,
    pub(super) bytes_min: i32,
    pub(super) partition_bytes_max: i32,
    pub(super) response_bytes_max: i32,
}

/// The session with one leader (KIP-227): what the leader has been told.
#[derive(Default)]
pub(super) struct SessionState {
    id: i32,
    epoch: i32,
    told: BTreeMap<TopicPartition, Position>,
}

impl SessionState {
    /// The next request, for exactly the partitions in `wanted`: all of them when the session
    /// begins, what changed after that.
    pub(super) fn request(
        &mut self,
        me: BrokerId,
        broker_epoch: BrokerEpoch,
        wanted: &BTreeMap<TopicPartition, Position>,
        limits: &FetchLimits,
    ) -> FetchRequest {
        let changed = wanted
            .iter()
            .filter(|(id, position)| self.told.get(id) != Some(position))
            .map(|(id, position)| (id.topic_id, partition(*id, position, limits)));
        let mut topics: BTreeMap<Uuid, Vec<FetchPartition>> = BTreeMap::new();
        for (topic_id, partition) in changed {
            topics.entry(topic_id).or_default().push(partition);
        }
        let mut forgotten: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for id in self.told.keys().filter(|id| !wanted.contains_key(id)) {
            forgotten.entry(id.topic_id).or_default().push(id.partition);
        }
        self.told.clone_from(wanted);
        FetchRequest {
            replica_state: ReplicaState {
                replica_id: me.get(),
                replica_epoch: broker_epoch.get(),
            },
            max_wait_ms: limits.wait_max_ms,
            min_bytes: limits.bytes_min,
            max_bytes: limits.response_bytes_max,
            session_id: self.id,
            session_epoch: self.epoch,
            topics: topics
                .into_iter()
                .map(|(topic_id, partitions)| FetchTopic {
                    topic_id,
                    partitions,
                    ..Default::default()
                })
                .collect(),
            forgotten_topics_data: forgotten
                .into_iter()
                .map(|(topic_id, partitions)| ForgottenTopic {
                    topic_id,
                    partitions,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }
    }

    /// The leader answered with this session id: 0 if it keeps none.
    pub(super) fn answered(&mut self, session_id: i32) {
        if session_id == 0 {
            *self = SessionState::default();
        } else {
            self.id = session_id;
            self.epoch = if self.epoch == i32::MAX {
                1
            } else {
                self.epoch + 1
            };
        }
    }

    /// The leader has lost the session: the next request begins a new one.
    pub(super) fn lost(&mut self) {
        *self = SessionState::default();
    }
}

fn partition(id: TopicPartition, position: &Position, limits: &FetchLimits) -> FetchPartition {
    FetchPartition {
        partition: id.partition,
        current_leader_epoch: position.leader_epoch.get(),
        fetch_offset: position.fetch_offset,
        last_fetched_epoch: position.last_fetched_epoch.get(),
        log_start_offset: position.log_start_offset,
        partition_max_bytes: limits.partition_bytes_max,
        high_watermark: position.high_watermark,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FetchLimits = FetchLimits {
        wait_max_ms: 500,
        bytes_min: 1,
        partition_bytes_max: 1 << 20,
        response_bytes_max: 10 << 20,
    };

    fn id(partition: i32) -> TopicPartition {
        TopicPartition {
            topic_id: Uuid::ONE,
            partition,
        }
    }

    fn at(fetch_offset: i64) -> Position {
        Position {
            fetch_offset,
            log_start_offset: 0,
            leader_epoch: LeaderEpoch(3),
            last_fetched_epoch: LeaderEpoch(2),
            high_watermark: 4,
        }
    }

    /// (session epoch, partitions named, partitions forgotten)
    fn ask(session: &mut SessionState, wanted: &[(i32, i64)]) -> (i32, Vec<i32>, Vec<i32>) {
        let wanted = wanted
            .iter()
            .map(|(p, offset)| (id(*p), at(*offset)))
            .collect();
        let request = session.request(BrokerId(2), BrokerEpoch(7), &wanted, &LIMITS);
        let named = request.topics.iter().flat_map(|t| &t.partitions);
        let forgotten = request
            .forgotten_topics_data
            .iter()
            .flat_map(|t| &t.partitions);
        (
            request.session_epoch,
            named.map(|p| p.partition).collect(),
            forgotten.copied().collect(),
        )
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut session = SessionState::default();
        assert_eq!(
            ask(&mut session, &[(0, 5), (1, 5)]),
            (0, vec![0, 1], vec![])
        );
        session.answered(42);
        assert_eq!(ask(&mut session, &[(0, 5), (1, 6)]), (1, vec![1], vec![]));
        session.answered(42);
        assert_eq!(ask(&mut session, &[(1, 6), (2, 0)]), (2, vec![2], vec![0]));
    }

    #[test]
    fn without_a_session_everything_is_told_each_time() {
        let mut session = SessionState::default();
        let _ = ask(&mut session, &[(0, 5)]);
        session.answered(0);
        assert_eq!(ask(&mut session, &[(0, 5)]), (0, vec![0], vec![]));
        session.answered(42);
        session.lost();
        assert_eq!(ask(&mut session, &[(0, 5)]), (0, vec![0], vec![]));
    }
}
