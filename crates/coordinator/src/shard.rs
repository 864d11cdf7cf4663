//! One partition of `__consumer_offsets` and the groups that live in it.
//!
//! The shell first replays the partition's log ([`GroupShard::replay`], then
//! [`GroupShard::loaded`]), then feeds requests, time and the results of appends, and carries
//! out the effects it gets back, in their order. All methods take the time in milliseconds since
//! the Unix epoch; it must not go backwards.
//!
//! Invariants: every request is answered exactly once; a response that tells of records is
//! given out after they are committed; nothing but replayed records survives the shard.

use crate::{
    AppendId, Effect, GroupConfig, ReplayError, Replayed, Request, RequestBody, RequestId,
    Response,
    appends::{Appends, Settled, Then},
    group::{self, ClassicGroup, Joiner, Listing},
    image::GroupImage,
    offsets,
    turn::{NewAppend, Turn},
};
use bytes::Bytes;
use klamm_protocol::messages::{
    leave_group_request::LeaveGroupRequest, list_groups_request::ListGroupsRequest,
    list_groups_response::ListGroupsResponse, offset_commit_request::OffsetCommitRequest,
    offset_fetch_request::OffsetFetchRequestGroup, sync_group_request::SyncGroupRequest,
};
use klamm_types::{ErrorCode, Uuid};
use std::collections::{BTreeMap, BTreeSet};

/// The longest group id that a record can hold, in bytes.
const GROUP_ID_BYTES_MAX: usize = i16::MAX as usize;
/// From this version on, committing to a group that is unknown has an error of its own.
const KNOWS_GROUP_ID_NOT_FOUND: i16 = 9;

/// The groups of one partition of `__consumer_offsets`.
#[derive(Debug)]
pub struct GroupShard {
    config: GroupConfig,
    image: GroupImage,
    groups: BTreeMap<String, ClassicGroup>,
    appends: Appends,
    /// When groups want to be woken, at the latest.
    timers: Timers,
    next_expiry_ms: Option<i64>,
    /// Why the shard is to be dropped.
    failed: Option<ErrorCode>,
}

impl GroupShard {
    /// A shard that knows nothing yet.
    pub fn new(config: GroupConfig) -> GroupShard {
        GroupShard {
            config,
            image: GroupImage::default(),
            groups: BTreeMap::new(),
            appends: Appends::default(),
            timers: Timers::default(),
            next_expiry_ms: None,
            failed: None,
        }
    }

    /// Takes over one record of the log, before [`GroupShard::loaded`].
    ///
    /// Control batches and the records of aborted transactions are the shell's to leave out.
    ///
    /// # Errors
    /// The record is malformed; it has been left out, and loading may go on.
    pub fn replay(&mut self, key: &Bytes, value: Option<&Bytes>) -> Result<Replayed, ReplayError> {
        self.image.replay(key, value)
    }

    /// The log has been replayed to its end: sessions start, requests may come.
    pub fn loaded(&mut self, now_ms: i64) {
        for (group_id, value) in self.image.groups() {
            let group = ClassicGroup::from_metadata(group_id, value, now_ms);
            self.groups.insert(group_id.clone(), group);
        }
        for group_id in self.image.all_offsets().keys() {
            self.groups
                .entry(group_id.clone())
                .or_insert_with(|| ClassicGroup::new(group_id));
        }
        for (group_id, group) in &self.groups {
            self.timers.arm(group_id, group.deadline(), now_ms);
        }
        self.next_expiry_ms = Some(self.expiry_after(now_ms));
    }

    /// Takes a request.
    pub fn handle(&mut self, now_ms: i64, request: Request) -> Vec<Effect> {
        let refusal = self.failed.or_else(|| check_group_id(&request.body));
        if let Some(error) = refusal {
            return vec![Effect::Respond {
                id: request.id,
                response: request.refuse(error),
            }];
        }
        let mut effects = Vec::new();
        self.dispatch(now_ms, request, &mut effects);
        effects
    }

    fn dispatch(&mut self, now_ms: i64, request: Request, effects: &mut Vec<Effect>) {
        let Request {
            id,
            client_id,
            client_host,
            api_version,
            body,
        } = request;
        match body {
            RequestBody::JoinGroup { request, fresh_id } => {
                let joiner = Joiner {
                    id,
                    client_id,
                    client_host,
                    api_version,
                    fresh_id,
                    request,
                };
                self.join(now_ms, joiner, effects);
            }
            RequestBody::SyncGroup(request) => {
                self.sync(now_ms, id, api_version, request, effects);
            }
            RequestBody::Heartbeat(request) => {
                let group = self.groups.get_mut(&request.group_id);
                let unknown = ErrorCode::UnknownMemberId;
                let error = group.map_or(unknown, |group| group.heartbeat(now_ms, &request));
                let response = Response::Heartbeat(group::heartbeat_response(error));
                effects.push(Effect::Respond { id, response });
            }
            RequestBody::LeaveGroup(request) => {
                self.leave(now_ms, id, api_version, request, effects);
            }
            RequestBody::OffsetCommit(request) => {
                self.commit(now_ms, id, api_version, &request, effects);
            }
            RequestBody::OffsetFetch { group, .. } => self.fetch(now_ms, id, &group, effects),
            RequestBody::OffsetDelete(request) => {
                let (mut turn, groups) = self.turn(now_ms, effects);
                let group = groups.get(&request.group_id);
                offsets::delete_offsets(&mut turn, id, group, &request);
                self.settle(now_ms, &request.group_id);
            }
            RequestBody::ListGroups(request) => {
                let response = Response::ListGroups(self.list(&request));
                effects.push(Effect::Respond { id, response });
            }
            RequestBody::DescribeGroup(group_id) => {
                let group = self.groups.get(&group_id);
                let response = Response::DescribeGroup(match group {
                    Some(group) => group.describe(),
                    None => group::describe_unknown(api_version, &group_id),
                });
                effects.push(Effect::Respond { id, response });
            }
            RequestBody::DeleteGroup(group_id) => {
                let (mut turn, groups) = self.turn(now_ms, effects);
                let group = groups.get(&group_id);
                if offsets::delete_group(&mut turn, id, &group_id, group) {
                    groups.remove(&group_id);
                }
                self.settle(now_ms, &group_id);
            }
        }
    }

    fn join(&mut self, now_ms: i64, joiner: Joiner, effects: &mut Vec<Effect>) {
        let request = &joiner.request;
        let timeouts = self.config.session_timeout_min_ms..=self.config.session_timeout_max_ms;
        let group_id = request.group_id.clone();
        let is_known = self.groups.contains_key(&group_id);
        let error = match () {
            () if !timeouts.contains(&request.session_timeout_ms) => {
                Some(ErrorCode::InvalidSessionTimeout)
            }
            () if !is_known && !request.member_id.is_empty() => Some(ErrorCode::UnknownMemberId),
            () => None,
        };
        let (mut turn, groups) = self.turn(now_ms, effects);
        if let Some(error) = error {
            let response = group::join_error(&request.member_id, error);
            turn.respond(joiner.id, Response::JoinGroup(response));
            return;
        }
        groups
            .entry(group_id.clone())
            .or_insert_with(|| ClassicGroup::new(&group_id))
            .join(&mut turn, joiner);
        self.settle(now_ms, &group_id);
    }

    fn sync(
        &mut self,
        now_ms: i64,
        id: RequestId,
        api_version: i16,
        request: SyncGroupRequest,
        effects: &mut Vec<Effect>,
    ) {
        let group_id = request.group_id.clone();
        let (mut turn, groups) = self.turn(now_ms, effects);
        match groups.get_mut(&group_id) {
            Some(group) => group.sync(&mut turn, id, api_version, request),
            None => {
                let response = group::sync_error(ErrorCode::UnknownMemberId);
                turn.respond(id, Response::SyncGroup(response));
            }
        }
        self.settle(now_ms, &group_id);
    }

    fn leave(
        &mut self,
        now_ms: i64,
        id: RequestId,
        api_version: i16,
        request: LeaveGroupRequest,
        effects: &mut Vec<Effect>,
    ) {
        let group_id = request.group_id.clone();
        let (mut turn, groups) = self.turn(now_ms, effects);
        match groups.get_mut(&group_id) {
            Some(group) => group.leave(&mut turn, id, api_version, request),
            None => {
                let response = group::leave_of_unknown_group(api_version, request);
                turn.respond(id, Response::LeaveGroup(response));
            }
        }
        self.settle(now_ms, &group_id);
    }

    fn commit(
        &mut self,
        now_ms: i64,
        id: RequestId,
        api_version: i16,
        request: &OffsetCommitRequest,
        effects: &mut Vec<Effect>,
    ) {
        let group_id = request.group_id.as_str();
        let (mut turn, groups) = self.turn(now_ms, effects);
        let admitted = match groups.get_mut(group_id) {
            Some(group) => group.admit_commit(now_ms, request),
            None if request.generation_id_or_member_epoch < 0 => {
                groups.insert(group_id.to_owned(), ClassicGroup::new(group_id));
                Ok(())
            }
            None if api_version >= KNOWS_GROUP_ID_NOT_FOUND => Err(ErrorCode::GroupIdNotFound),
            None => Err(ErrorCode::IllegalGeneration),
        };
        match admitted {
            Ok(()) => offsets::commit_offsets(&mut turn, id, request),
            Err(error) => {
                let response = offsets::commit_error(request, error);
                turn.respond(id, Response::OffsetCommit(response));
            }
        }
        self.settle(now_ms, group_id);
    }

    fn fetch(
        &mut self,
        now_ms: i64,
        id: RequestId,
        request: &OffsetFetchRequestGroup,
        effects: &mut Vec<Effect>,
    ) {
        let (mut turn, _) = self.turn(now_ms, effects);
        let response = Response::OffsetFetch(offsets::fetch_offsets(turn.image, request));
        turn.respond_committed(&request.group_id, id, response);
    }

    fn list(&self, request: &ListGroupsRequest) -> ListGroupsResponse {
        let listing = Listing::new(request);
        let groups = self.groups.values();
        ListGroupsResponse {
            groups: groups.filter_map(|group| listing.entry(group)).collect(),
            ..Default::default()
        }
    }

    /// The log has an append's records for good, or never will.
    ///
    /// An error means that the records are not in the log, or that leadership has gone: the
    /// shard answers everything it owes and asks to be dropped. Slow appends need no error:
    /// responses stop waiting by themselves after
    /// [`append_timeout_ms`](GroupConfig::append_timeout_ms).
    pub fn on_append_result(
        &mut self,
        now_ms: i64,
        id: AppendId,
        result: Result<(), ErrorCode>,
    ) -> Vec<Effect> {
        if self.failed.is_some() {
            return Vec::new();
        }
        if let Err(error) = result {
            let mut effects = self.give_up(error);
            effects.push(Effect::Reload { error });
            return effects;
        }
        let settled = self.appends.finish(id);
        let mut effects = Vec::new();
        self.carry_out(now_ms, settled, Ok(()), &mut effects);
        effects
    }

    fn carry_out(
        &mut self,
        now_ms: i64,
        settled: Settled,
        result: Result<(), ErrorCode>,
        effects: &mut Vec<Effect>,
    ) {
        for (id, response) in settled.responses {
            let response = match result {
                Ok(()) => response,
                Err(error) => response.into_failed(error),
            };
            effects.push(Effect::Respond { id, response });
        }
        if let Some((group_id, Then::Assign { generation_id })) = settled.then {
            let (mut turn, groups) = self.turn(now_ms, effects);
            if let Some(group) = groups.get_mut(&group_id) {
                group.assignment_settled(&mut turn, generation_id, result);
            }
            self.settle(now_ms, &group_id);
        }
    }

    /// Leadership has gone: answers everything that waits with NOT_COORDINATOR. The shard
    /// refuses whatever comes after.
    pub fn resign(&mut self) -> Vec<Effect> {
        match self.failed {
            Some(_) => Vec::new(),
            None => self.give_up(ErrorCode::NotCoordinator),
        }
    }

    fn give_up(&mut self, error: ErrorCode) -> Vec<Effect> {
        let mapped = crate::append_error(error);
        self.failed = Some(mapped);
        self.timers = Timers::default();
        self.next_expiry_ms = None;
        let mut effects = Vec::new();
        for (id, response) in self.appends.drain() {
            let response = response.into_failed(error);
            effects.push(Effect::Respond { id, response });
        }
        for group in std::mem::take(&mut self.groups).into_values() {
            group.dissolve(mapped, &mut effects);
        }
        effects
    }

    /// Time has passed: ends sessions, join phases, waits, and offsets that have expired.
    pub fn tick(&mut self, now_ms: i64) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.failed.is_some() {
            return effects;
        }
        for settled in self.appends.time_out(now_ms) {
            let result = Err(ErrorCode::RequestTimedOut);
            self.carry_out(now_ms, settled, result, &mut effects);
        }
        for group_id in self.timers.due(now_ms) {
            let (mut turn, groups) = self.turn(now_ms, &mut effects);
            if let Some(group) = groups.get_mut(&group_id) {
                group.expire(&mut turn);
            }
            self.settle(now_ms, &group_id);
        }
        if self.next_expiry_ms.is_some_and(|ms| ms <= now_ms) {
            self.expire_offsets(now_ms, &mut effects);
            self.next_expiry_ms = Some(self.expiry_after(now_ms));
        }
        effects
    }

    /// When [`GroupShard::tick`] has something to do, at the latest. Changes with every call.
    pub fn next_deadline(&self) -> Option<i64> {
        let deadlines = [
            self.timers.next(),
            self.appends.deadline(),
            self.next_expiry_ms,
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Topics (name → id) were deleted: their offsets go.
    pub fn on_topics_deleted(
        &mut self,
        now_ms: i64,
        topics: &BTreeMap<String, Uuid>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.failed.is_none() {
            let records = offsets::deleted_topics(&self.image, topics);
            let (mut turn, _) = self.turn(now_ms, &mut effects);
            let appended = turn.append(NewAppend {
                group_id: None,
                records,
                response: None,
                then: Then::Nothing,
            });
            // Offsets that stay are of a topic id that no topic has: they expire.
            let _: Result<(), ErrorCode> = appended;
        }
        effects
    }

    fn expire_offsets(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        let expired = offsets::expired(&self.image, &self.groups, &self.config, now_ms);
        let (mut turn, groups) = self.turn(now_ms, effects);
        for group in expired {
            let appended = turn.append(NewAppend {
                group_id: Some(&group.group_id),
                records: group.records,
                response: None,
                then: Then::Nothing,
            });
            // What could not be appended expires next time.
            if appended.is_ok() && group.is_gone {
                groups.remove(&group.group_id);
            }
        }
    }

    fn expiry_after(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.config.offsets_retention_check_interval_ms.max(1))
    }

    /// What a call may touch, apart from the groups.
    fn turn<'a>(
        &'a mut self,
        now_ms: i64,
        effects: &'a mut Vec<Effect>,
    ) -> (Turn<'a>, &'a mut BTreeMap<String, ClassicGroup>) {
        let turn = Turn {
            now_ms,
            config: &self.config,
            image: &mut self.image,
            appends: &mut self.appends,
            effects,
        };
        (turn, &mut self.groups)
    }

    /// After a call that may have changed a group: forgets it if there is nothing to know, sets
    /// its timer otherwise.
    fn settle(&mut self, now_ms: i64, group_id: &str) {
        let Some(group) = self.groups.get(group_id) else {
            self.timers.disarm(group_id);
            return;
        };
        if group.is_idle() && !self.image.knows(group_id) {
            self.groups.remove(group_id);
            self.timers.disarm(group_id);
        } else {
            self.timers.arm(group_id, group.deadline(), now_ms);
        }
    }
}

#[cfg(test)]
impl GroupShard {
    pub(crate) fn image(&self) -> &GroupImage {
        &self.image
    }

    pub(crate) fn has(&self, group_id: &str) -> bool {
        self.groups.contains_key(group_id)
    }

    /// Every group is as it should be, and would be woken in time.
    pub(crate) fn assert_consistent(&self) {
        for (group_id, group) in &self.groups {
            group.assert_consistent();
            let woken_ms = self.timers.by_group.get(group_id).copied();
            if let Some(deadline_ms) = group.deadline() {
                assert!(
                    woken_ms.is_some_and(|ms| ms <= deadline_ms.max(ms)),
                    "{group_id}"
                );
            }
        }
        assert_eq!(self.timers.by_time.len(), self.timers.by_group.len());
    }

    /// Nothing is left of anybody.
    pub(crate) fn assert_forgotten(&self) {
        assert_eq!(self.image, GroupImage::default());
        assert!(self.groups.is_empty(), "{:?}", self.groups);
        assert_eq!(self.appends.len(), 0);
        assert!(self.timers.by_time.is_empty() && self.timers.by_group.is_empty());
    }
}

/// Only offsets may be committed and fetched under the empty id, as clients older than groups
/// did; groups with members need a name.
fn check_group_id(body: &RequestBody) -> Option<ErrorCode> {
    let (group_id, may_be_empty) = match body {
        RequestBody::JoinGroup { request, .. } => (&request.group_id, false),
        RequestBody::SyncGroup(request) => (&request.group_id, false),
        RequestBody::Heartbeat(request) => (&request.group_id, false),
        RequestBody::LeaveGroup(request) => (&request.group_id, false),
        RequestBody::OffsetCommit(request) => (&request.group_id, true),
        RequestBody::OffsetFetch { group, .. } => (&group.group_id, true),
        RequestBody::OffsetDelete(request) => (&request.group_id, true),
        RequestBody::DescribeGroup(group_id) | RequestBody::DeleteGroup(group_id) => {
            (group_id, true)
        }
        RequestBody::ListGroups(_) => return None,
    };
    let is_valid = group_id.len() <= GROUP_ID_BYTES_MAX && (may_be_empty || !group_id.is_empty());
    (!is_valid).then_some(ErrorCode::InvalidGroupId)
}

/// One wake-up a group, never later than the group's deadline. Deadlines that move into the
/// future, as every heartbeat moves one, leave it alone: the group looks again when it is woken.
#[derive(Debug, Default)]
struct Timers {
    by_time: BTreeSet<(i64, String)>,
    by_group: BTreeMap<String, i64>,
}

impl Timers {
    fn arm(&mut self, group_id: &str, deadline_ms: Option<i64>, now_ms: i64) {
        let Some(deadline_ms) = deadline_ms else {
            self.disarm(group_id);
            return;
        };
        // A tick wakes each group once; what is due already waits for the next one.
        let wake_ms = deadline_ms.max(now_ms.saturating_add(1));
        let armed_ms = self.by_group.get(group_id).copied();
        if armed_ms.is_some_and(|armed_ms| armed_ms <= wake_ms) {
            return;
        }
        self.disarm(group_id);
        self.by_group.insert(group_id.to_owned(), wake_ms);
        self.by_time.insert((wake_ms, group_id.to_owned()));
    }

    fn disarm(&mut self, group_id: &str) {
        if let Some((group_id, wake_ms)) = self.by_group.remove_entry(group_id) {
            self.by_time.remove(&(wake_ms, group_id));
        }
    }

    fn due(&mut self, now_ms: i64) -> Vec<String> {
        let mut due = Vec::new();
        while let Some((wake_ms, _)) = self.by_time.first()
            && *wake_ms <= now_ms
            && let Some((_, group_id)) = self.by_time.pop_first()
        {
            self.by_group.remove(&group_id);
            due.push(group_id);
        }
        due
    }

    fn next(&self) -> Option<i64> {
        self.by_time.first().map(|(wake_ms, _)| *wake_ms)
    }
}
