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
///
/// What comes while a request is under way is asked for by another one right behind it. That names
/// nothing which the leader was told of already: so the answer to the first one still is to what was asked.
#[derive(Default)]
pub(super) struct SessionState {
    id: i32,
    epoch: i32,
    wanted: BTreeMap<TopicPartition, Position>,
    told: BTreeMap<TopicPartition, Position>,
    /// Where the two may differ.
    untold: BTreeSet<TopicPartition>,
    /// The leader has no room for a session.
    is_refused: bool,
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

    /// The next request: for all that is wanted when the session begins, what changed after that. The first one is
    /// answered at once: others can go on in the session from then on.
    pub(super) fn request(
        &mut self,
        me: BrokerId,
        broker_epoch: BrokerEpoch,
        limits: &FetchLimits,
    ) -> FetchRequest {
        let untold = std::mem::take(&mut self.untold);
        self.request_for(untold, me, broker_epoch, limits)
    }

    /// A request for what the leader was never told of, to be sent before the last one is answered.
    /// `None` if there is nothing such, or it is not known in which session.
    pub(super) fn request_for_new(
        &mut self,
        me: BrokerId,
        broker_epoch: BrokerEpoch,
        limits: &FetchLimits,
    ) -> Option<FetchRequest> {
        if self.id == 0 {
            return None;
        }
        let is_new =
            |id: &TopicPartition| self.wanted.contains_key(id) && !self.told.contains_key(id);
        let untold = std::mem::take(&mut self.untold);
        let (new, others): (BTreeSet<_>, _) = untold.into_iter().partition(is_new);
        self.untold = others;
        (!new.is_empty()).then(|| self.request_for(new, me, broker_epoch, limits))
    }

    fn request_for(
        &mut self,
        untold: BTreeSet<TopicPartition>,
        me: BrokerId,
        broker_epoch: BrokerEpoch,
        limits: &FetchLimits,
    ) -> FetchRequest {
        let mut topics: BTreeMap<Uuid, Vec<FetchPartition>> = BTreeMap::new();
        let mut forgotten: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for id in untold {
            if let Some(position) = self.wanted.get(&id) {
                if self.told.insert(id, *position) != Some(*position) {
                    let partition = partition(id, position, limits);
                    topics.entry(id.topic_id).or_default().push(partition);
                }
            } else if self.told.remove(&id).is_some() {
                forgotten.entry(id.topic_id).or_default().push(id.partition);
            }
        }
        let session_epoch = self.epoch;
        self.epoch = self.epoch.checked_add(1).unwrap_or(1);
        let begins = session_epoch == 0 && !self.is_refused;
        FetchRequest {
            replica_state: ReplicaState {
                replica_id: me.get(),
                replica_epoch: broker_epoch.get(),
            },
            max_wait_ms: if begins { 0 } else { limits.wait_max_ms },
            min_bytes: limits.bytes_min,
            max_bytes: limits.response_bytes_max,
            session_id: self.id,
            session_epoch,
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
        self.is_refused = session_id == 0;
    }

    /// Whether the leader keeps no session.
    pub(super) fn is_over(&self) -> bool {
        self.id == 0
    }

    /// Whether the leader had no room for a session: each request stands for itself then.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused
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

    #[test]
    fn what_comes_is_asked_for_before_the_last_answer() {
        let mut session = SessionState::default();
        let more = |session: &mut SessionState| {
            let request = session.request_for_new(BrokerId(2), BrokerEpoch(7), &LIMITS)?;
            assert!(request.forgotten_topics_data.is_empty());
            let named = request.topics.iter().flat_map(|t| &t.partitions);
            Some((
                request.session_epoch,
                named.map(|p| p.partition).collect::<Vec<_>>(),
            ))
        };
        let _ = ask(&mut session, &[(0, Some(5)), (1, Some(5))]);
        session.set(id(2), Some(at(0)));
        assert_eq!(more(&mut session), None, "the session is not known yet");
        session.answered(42);
        assert_eq!(ask(&mut session, &[]), (1, vec![2], vec![]));
        for (partition, position) in [(0, Some(at(9))), (1, None), (3, Some(at(0))), (4, None)] {
            session.set(id(partition), position);
        }
        assert_eq!(more(&mut session), Some((2, vec![3])));
        assert_eq!(session.asked(id(0)), Some(at(5)), "the leader was not told");
        assert_eq!(session.asked(id(1)), Some(at(5)));
        assert_eq!(more(&mut session), None);
        session.answered(42);
        session.answered(42);
        assert_eq!(ask(&mut session, &[]), (3, vec![0], vec![1]));
    }

    #[test]
    fn only_the_first_request_of_a_session_is_answered_at_once() {
        let mut session = SessionState::default();
        let wait = |session: &mut SessionState, session_id| {
            session.set(id(0), Some(at(5)));
            let request = session.request(BrokerId(2), BrokerEpoch(7), &LIMITS);
            session.answered(session_id);
            if session.is_over() {
                session.lost();
            }
            request.max_wait_ms
        };
        assert_eq!(wait(&mut session, 42), 0);
        assert_eq!(wait(&mut session, 42), LIMITS.wait_max_ms);
        session.lost();
        assert_eq!(wait(&mut session, 0), 0);
        // There is no session to go on in.
        assert_eq!(wait(&mut session, 0), LIMITS.wait_max_ms);
        assert_eq!(wait(&mut session, 43), LIMITS.wait_max_ms);
        assert_eq!(wait(&mut session, 43), LIMITS.wait_max_ms);
    }
}
