//! A shard with a log, a clock and clients, all under the test's hand.

use crate::*;
use bytes::Bytes;
use klamm_protocol::{
    messages::{
        consumer_protocol_subscription::ConsumerProtocolSubscription,
        heartbeat_request::HeartbeatRequest,
        join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol},
        join_group_response::JoinGroupResponse,
        leave_group_request::{LeaveGroupRequest, MemberIdentity},
        leave_group_response::LeaveGroupResponse,
        offset_commit_request::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
        },
        offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics},
        sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment},
        sync_group_response::SyncGroupResponse,
    },
    record,
};
use klamm_types::{ErrorCode, Uuid};
use std::collections::{BTreeMap, BTreeSet};

/// The session timeout of members unless a test says otherwise.
pub(super) const SESSION_MS: i32 = 10_000;
/// The rebalance timeout of members unless a test says otherwise.
pub(super) const REBALANCE_MS: i32 = 60_000;
/// The topic that exists.
pub(super) const TOPIC: &str = "topic";
/// Its id.
pub(super) const TOPIC_ID: Uuid = Uuid([9; 16]);

pub(super) struct Lab {
    pub(super) shard: GroupShard,
    pub(super) config: GroupConfig,
    pub(super) now_ms: i64,
    /// Every record appended, in order, but those the log refused; with the append if it was
    /// this coordinator's.
    pub(super) log: Vec<(Option<AppendId>, Record)>,
    /// Appends without a result yet.
    pub(super) outstanding: Vec<AppendId>,
    /// Whether appends are committed at once.
    pub(super) commits: bool,
    pub(super) asked: BTreeSet<RequestId>,
    pub(super) answers: BTreeMap<RequestId, Response>,
    pub(super) reload: Option<ErrorCode>,
    next_id: u64,
}

impl Lab {
    /// No initial rebalance delay: groups form at once.
    pub(super) fn new() -> Lab {
        Lab::with(GroupConfig {
            initial_rebalance_delay_ms: 0,
            ..Default::default()
        })
    }

    pub(super) fn with(config: GroupConfig) -> Lab {
        let mut lab = Lab {
            shard: GroupShard::new(config.clone()),
            config,
            now_ms: 1_000_000,
            log: Vec::new(),
            outstanding: Vec::new(),
            commits: true,
            asked: BTreeSet::new(),
            answers: BTreeMap::new(),
            reload: None,
            next_id: 1,
        };
        lab.shard.loaded(lab.now_ms);
        lab
    }

    /// A new coordinator: the log is all it gets.
    pub(super) fn load_again(&mut self) {
        let effects = self.shard.resign();
        self.absorb(effects);
        self.outstanding.clear();
        for (appended, _) in &mut self.log {
            *appended = None;
        }
        self.shard = load(&self.config, &self.log, self.now_ms);
        self.reload = None;
    }

    pub(super) fn ask(&mut self, api_version: i16, body: RequestBody) -> RequestId {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.asked.insert(id);
        let request = Request {
            id,
            client_id: "client".into(),
            client_host: "/127.0.0.1".into(),
            api_version,
            body,
        };
        let effects = self.shard.handle(self.now_ms, request);
        self.absorb(effects);
        id
    }

    pub(super) fn absorb(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append { id, records } => {
                    assert!(!records.is_empty(), "an append without records");
                    let newest = self.outstanding.last();
                    assert!(newest < Some(&id), "appends are numbered in order");
                    let records = records.into_iter().map(|record| (Some(id), record));
                    self.log.extend(records);
                    self.outstanding.push(id);
                }
                Effect::Respond { id, response } => {
                    assert!(self.asked.contains(&id), "{id:?} was never asked");
                    let earlier = self.answers.insert(id, response);
                    assert_eq!(earlier, None, "{id:?} is answered twice");
                }
                Effect::Reload { error } => self.reload = Some(error),
            }
        }
        if self.commits {
            self.commit_outstanding();
        }
    }

    /// The high watermark reaches the end of the log.
    pub(super) fn commit_outstanding(&mut self) {
        while !self.outstanding.is_empty() {
            let id = self.outstanding.remove(0);
            let effects = self.shard.on_append_result(self.now_ms, id, Ok(()));
            self.absorb(effects);
        }
    }

    /// The log takes none of the outstanding appends.
    pub(super) fn refuse_outstanding(&mut self, error: ErrorCode) {
        for id in std::mem::take(&mut self.outstanding) {
            self.refuse(id, error);
        }
    }

    /// The log does not take an append.
    pub(super) fn refuse(&mut self, id: AppendId, error: ErrorCode) {
        self.outstanding.retain(|outstanding| *outstanding != id);
        self.log.retain(|(appended, _)| *appended != Some(id));
        let effects = self.shard.on_append_result(self.now_ms, id, Err(error));
        self.absorb(effects);
    }

    /// Time passes, the shard being woken exactly when it asks for it.
    pub(super) fn advance(&mut self, ms: i64) {
        let end_ms = self.now_ms + ms;
        let mut wakes = 0;
        while let Some(deadline_ms) = self.shard.next_deadline()
            && deadline_ms <= end_ms
        {
            self.now_ms = self.now_ms.max(deadline_ms);
            let effects = self.shard.tick(self.now_ms);
            self.absorb(effects);
            wakes += 1;
            assert!(wakes < 100_000, "the shard does not come to rest");
        }
        self.now_ms = end_ms;
    }

    pub(super) fn answer(&self, id: RequestId) -> Option<&Response> {
        self.answers.get(&id)
    }

    pub(super) fn is_parked(&self, id: RequestId) -> bool {
        self.answer(id).is_none()
    }

    /// A JoinGroup of version 9.
    pub(super) fn join(&mut self, request: JoinGroupRequest) -> RequestId {
        self.join_version(9, request)
    }

    pub(super) fn join_version(&mut self, version: i16, request: JoinGroupRequest) -> RequestId {
        let fresh_id = Uuid(u128::from(self.next_id).to_be_bytes());
        self.ask(version, RequestBody::JoinGroup { request, fresh_id })
    }

    pub(super) fn joined(&self, id: RequestId) -> JoinGroupResponse {
        match self.answer(id) {
            Some(Response::JoinGroup(response)) => response.clone(),
            other => panic!("not a JoinGroup answer: {other:?}"),
        }
    }

    /// A dynamic newcomer's two JoinGroups: its id, and the second of them.
    pub(super) fn newcomer(&mut self, group_id: &str) -> (String, RequestId) {
        let first = self.join(joining(group_id, ""));
        let response = self.joined(first);
        check(response.error_code, ErrorCode::MemberIdRequired);
        let member_id = response.member_id;
        let second = self.join(joining(group_id, &member_id));
        (member_id, second)
    }

    pub(super) fn sync(
        &mut self,
        group_id: &str,
        generation_id: i32,
        member_id: &str,
        assignments: &[(&str, &str)],
    ) -> RequestId {
        let assignments = assignments.iter();
        let request = SyncGroupRequest {
            assignments: assignments
                .map(|(member_id, assignment)| SyncGroupRequestAssignment {
                    member_id: (*member_id).to_owned(),
                    assignment: Bytes::copy_from_slice(assignment.as_bytes()),
                })
                .collect(),
            ..syncing(group_id, generation_id, member_id)
        };
        self.ask(5, RequestBody::SyncGroup(request))
    }

    pub(super) fn synced(&self, id: RequestId) -> SyncGroupResponse {
        match self.answer(id) {
            Some(Response::SyncGroup(response)) => response.clone(),
            other => panic!("not a SyncGroup answer: {other:?}"),
        }
    }

    /// A stable group of `size` dynamic members, the leader first, each with its number as
    /// assignment: the members' ids and the generation.
    pub(super) fn stable_group(&mut self, group_id: &str, size: usize) -> (Vec<String>, i32) {
        let mut joins: Vec<(String, RequestId)> = Vec::new();
        for _ in 0..size {
            joins.push(self.newcomer(group_id));
            for (member_id, join) in &mut joins {
                if !self.is_parked(*join) {
                    *join = self.join(joining(group_id, member_id));
                }
            }
        }
        let generation_id = self.joined(joins[0].1).generation_id;
        let leader_id = self.joined(joins[0].1).leader;
        let mut member_ids: Vec<String> = joins.into_iter().map(|(id, _)| id).collect();
        member_ids.sort_by_key(|member_id| *member_id != leader_id);
        let numbers: Vec<String> = (0..size).map(|i| i.to_string()).collect();
        let assignments: Vec<(&str, &str)> = member_ids
            .iter()
            .zip(&numbers)
            .map(|(member_id, number)| (member_id.as_str(), number.as_str()))
            .collect();
        for member_id in &member_ids {
            self.sync(group_id, generation_id, member_id, &assignments);
        }
        assert_eq!(self.state(group_id), "Stable");
        (member_ids, generation_id)
    }

    pub(super) fn heartbeat(
        &mut self,
        group_id: &str,
        generation_id: i32,
        member_id: &str,
    ) -> ErrorCode {
        let request = HeartbeatRequest {
            group_id: group_id.into(),
            generation_id,
            member_id: member_id.into(),
            ..Default::default()
        };
        self.heartbeat_with(request)
    }

    pub(super) fn heartbeat_with(&mut self, request: HeartbeatRequest) -> ErrorCode {
        let id = self.ask(4, RequestBody::Heartbeat(request));
        match self.answer(id) {
            Some(Response::Heartbeat(response)) => error(response.error_code),
            other => panic!("not a Heartbeat answer: {other:?}"),
        }
    }

    /// A LeaveGroup of members, each by member id and instance id.
    pub(super) fn leave(
        &mut self,
        group_id: &str,
        members: &[(&str, Option<&str>)],
    ) -> LeaveGroupResponse {
        let members = members.iter();
        let request = LeaveGroupRequest {
            group_id: group_id.into(),
            members: members
                .map(|(member_id, instance_id)| MemberIdentity {
                    member_id: (*member_id).to_owned(),
                    group_instance_id: instance_id.map(str::to_owned),
                    reason: None,
                })
                .collect(),
            ..Default::default()
        };
        let id = self.ask(5, RequestBody::LeaveGroup(request));
        self.left(id)
    }

    pub(super) fn left(&self, id: RequestId) -> LeaveGroupResponse {
        match self.answer(id) {
            Some(Response::LeaveGroup(response)) => response.clone(),
            other => panic!("not a LeaveGroup answer: {other:?}"),
        }
    }

    pub(super) fn commit(
        &mut self,
        group_id: &str,
        generation_id: i32,
        member_id: &str,
        offset: i64,
    ) -> RequestId {
        let request = committing(group_id, generation_id, member_id, offset);
        self.ask(9, RequestBody::OffsetCommit(request))
    }

    /// The one error of an OffsetCommit's answer.
    pub(super) fn committed(&self, id: RequestId) -> ErrorCode {
        match self.answer(id) {
            Some(Response::OffsetCommit(response)) => {
                error(response.topics[0].partitions[0].error_code)
            }
            other => panic!("not an OffsetCommit answer: {other:?}"),
        }
    }

    /// The committed offset of partition 0 of the topic, −1 if there is none.
    pub(super) fn fetch(&mut self, group_id: &str) -> i64 {
        let id = self.ask(8, fetching(group_id, TOPIC_ID));
        match self.answer(id) {
            Some(Response::OffsetFetch(response)) => {
                response.topics[0].partitions[0].committed_offset
            }
            other => panic!("not an OffsetFetch answer: {other:?}"),
        }
    }

    pub(super) fn state(&mut self, group_id: &str) -> String {
        let id = self.ask(5, RequestBody::DescribeGroup(group_id.into()));
        match self.answer(id) {
            Some(Response::DescribeGroup(response)) => response.group_state.clone(),
            other => panic!("not a DescribeGroups answer: {other:?}"),
        }
    }

    pub(super) fn delete_group(&mut self, group_id: &str) -> ErrorCode {
        let id = self.ask(2, RequestBody::DeleteGroup(group_id.into()));
        match self.answer(id) {
            Some(Response::DeleteGroup(response)) => error(response.error_code),
            other => panic!("not a DeleteGroups answer: {other:?}"),
        }
    }
}

pub(super) fn load(
    config: &GroupConfig,
    log: &[(Option<AppendId>, Record)],
    now_ms: i64,
) -> GroupShard {
    let mut shard = GroupShard::new(config.clone());
    for (_, record) in log {
        shard.replay(&record.key, record.value.as_ref()).unwrap();
    }
    shard.loaded(now_ms);
    shard
}

pub(super) fn joining(group_id: &str, member_id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group_id.into(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: REBALANCE_MS,
        member_id: member_id.into(),
        protocol_type: "consumer".into(),
        protocols: protocols(&["range"]),
        ..Default::default()
    }
}

pub(super) fn syncing(group_id: &str, generation_id: i32, member_id: &str) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: group_id.into(),
        generation_id,
        member_id: member_id.into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        ..Default::default()
    }
}

pub(super) fn protocols(names: &[&str]) -> Vec<JoinGroupRequestProtocol> {
    let names = names.iter();
    names
        .map(|name| JoinGroupRequestProtocol {
            name: (*name).to_owned(),
            metadata: subscription(&[TOPIC]),
        })
        .collect()
}

pub(super) fn subscription(topics: &[&str]) -> Bytes {
    let topics = topics.iter();
    let message = ConsumerProtocolSubscription {
        topics: topics.map(|topic| (*topic).to_owned()).collect(),
        ..Default::default()
    };
    record::encode_versioned(3, &message).unwrap()
}

pub(super) fn committing(
    group_id: &str,
    generation_id: i32,
    member_id: &str,
    offset: i64,
) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: group_id.into(),
        generation_id_or_member_epoch: generation_id,
        member_id: member_id.into(),
        topics: vec![OffsetCommitRequestTopic {
            name: TOPIC.into(),
            topic_id: TOPIC_ID,
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: offset,
                committed_leader_epoch: 4,
                committed_metadata: Some("note".into()),
            }],
        }],
        ..Default::default()
    }
}

pub(super) fn fetching(group_id: &str, topic_id: Uuid) -> RequestBody {
    RequestBody::OffsetFetch {
        group: OffsetFetchRequestGroup {
            group_id: group_id.into(),
            topics: Some(vec![OffsetFetchRequestTopics {
                name: TOPIC.into(),
                topic_id,
                partition_indexes: vec![0],
            }]),
            ..Default::default()
        },
        require_stable: false,
    }
}

pub(super) fn error(code: i16) -> ErrorCode {
    ErrorCode::from_code(code).unwrap()
}

#[track_caller]
pub(super) fn check(code: i16, expected: ErrorCode) {
    assert_eq!(error(code), expected);
}
