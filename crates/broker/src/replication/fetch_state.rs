//! What a follower asks of one leader, and the fetch session it has there. No I/O.

use klamm_protocol::messages::fetch_request::{
    FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, ReplicaState,
};
use klamm_types::{BrokerEpoch, BrokerId, LeaderEpoch, TopicPartition, Uuid};
use std::collections::{BTreeMap, BTreeSet};

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

/// The session with one leader (KIP-227): what is wanted there, and what the leader has been told.
/// A request costs what has changed since the one before.
#[derive(Default)]
pub(super) struct SessionState {
    id: i32,
    epoch: i32,
    wanted: BTreeMap<TopicPartition, Position>,
    told: BTreeMap<TopicPartition, Position>,
    /// Where the two may differ.
    untold: BTreeSet<TopicPartition>,
}

impl SessionState {
    /// Asks for a partition from here on, `None`: not any more.
    pub(super) fn set(&mut self, id: TopicPartition, position: Option<Position>) {
        let before = match position {
            Some(position) => self.wanted.insert(id, position),
            None => self.wanted.remove(&id),
        };
        if before != position {
            self.untold.insert(id);
        }
    }

    /// Whether there is nothing to ask for.
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// What is asked for.
    #[cfg(test)]
    pub(super) fn wanted(&self) -> impl Iterator<Item = TopicPartition> {
        self.wanted.keys().copied()
    }

    /// What the leader was last asked for.
    pub(super) fn asked(&self, id: TopicPartition) -> Option<Position> {
        self.told.get(&id).copied()
    }

    /// The next request: for all that is wanted when the session begins, what changed after that.
    pub(super) fn request(
        &mut self,
        me: BrokerId,
        broker_epoch: BrokerEpoch,
        limits: &FetchLimits,
    ) -> FetchRequest {
        let mut topics: BTreeMap<Uuid, Vec<FetchPartition>> = BTreeMap::new();
        let mut forgotten: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for id in std::mem::take(&mut self.untold) {
            if let Some(position) = self.wanted.get(&id) {
                if self.told.insert(id, *position) != Some(*position) {
                    let partition = partition(id, position, limits);
                    topics.entry(id.topic_id).or_default().push(partition);
                }
            } else if self.told.remove(&id).is_some() {
                forgotten.entry(id.topic_id).or_default().push(id.partition);
            }
        }
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
        self.id = session_id;
        self.epoch = match self.epoch {
            i32::MAX => 1,
            epoch => epoch + 1,
        };
    }

    /// Whether the leader keeps no session.
    pub(super) fn is_over(&self) -> bool {
        self.id == 0
    }

    /// The leader has lost the session: the next request begins a new one.
    pub(super) fn lost(&mut self) {
        (self.id, self.epoch) = (0, 0);
        self.told.clear();
        self.untold.extend(self.wanted.keys().copied());
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
    fn ask(session: &mut SessionState, wanted: &[(i32, Option<i64>)]) -> (i32, Vec<i32>, Vec<i32>) {
        for (partition, offset) in wanted {
            session.set(id(*partition), offset.map(at));
        }
        let request = session.request(BrokerId(2), BrokerEpoch(7), &LIMITS);
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
        let both = [(0, Some(5)), (1, Some(5))];
        assert_eq!(ask(&mut session, &both), (0, vec![0, 1], vec![]));
        session.answered(42);
        let next = [(0, Some(5)), (1, Some(6))];
        assert_eq!(ask(&mut session, &next), (1, vec![1], vec![]));
        assert_eq!(session.asked(id(1)), Some(at(6)));
        session.answered(42);
        assert_eq!(ask(&mut session, &[]), (2, vec![], vec![]));
        session.answered(42);
        let other = [(0, None), (2, Some(0)), (3, Some(0)), (3, None)];
        assert_eq!(ask(&mut session, &other), (3, vec![2], vec![0]));
        assert_eq!(session.asked(id(0)), None);
        session.answered(42);
        // There and back again.
        let nothing = [(1, Some(9)), (1, Some(6)), (2, None), (2, Some(0))];
        assert_eq!(ask(&mut session, &nothing), (4, vec![], vec![]));
    }

    #[test]
    fn without_a_session_everything_is_told_each_time() {
        let mut session = SessionState::default();
        let _ = ask(&mut session, &[(0, Some(5))]);
        session.answered(0);
        assert!(session.is_over());
        session.lost();
        assert_eq!(ask(&mut session, &[]), (0, vec![0], vec![]));
        session.answered(42);
        assert!(!session.is_over());
        session.lost();
        assert_eq!(ask(&mut session, &[(1, Some(3))]), (0, vec![0, 1], vec![]));
        session.lost();
        assert_eq!(ask(&mut session, &[(0, None)]), (0, vec![1], vec![]));
        assert!(!session.is_empty());
    }
}
