//! Which group a request is about, and what becomes of requests about groups nobody knows.

use super::GroupShard;
use crate::{
    Effect, Request, RequestBody, RequestId, Response,
    group::{self, ClassicGroup, Joiner, Listing},
    offsets,
};
use klamm_protocol::messages::{
    leave_group_request::LeaveGroupRequest, list_groups_request::ListGroupsRequest,
    list_groups_response::ListGroupsResponse, offset_commit_request::OffsetCommitRequest,
    offset_fetch_request::OffsetFetchRequestGroup, sync_group_request::SyncGroupRequest,
};
use klamm_types::ErrorCode;

/// The longest group id that a record can hold, in bytes.
const GROUP_ID_BYTES_MAX: usize = i16::MAX as usize;
/// From this version on, committing to a group that is unknown has an error of its own.
const KNOWS_GROUP_ID_NOT_FOUND: i16 = 9;

impl GroupShard {
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
}

/// Offsets may be committed and fetched under the empty id, as clients older than groups did, and
/// asking for such a group is no error; groups with members need a name.
fn check_group_id(body: &RequestBody) -> Option<ErrorCode> {
    let (group_id, may_be_empty) = match body {
        RequestBody::JoinGroup { request, .. } => (&request.group_id, false),
        RequestBody::SyncGroup(request) => (&request.group_id, false),
        RequestBody::Heartbeat(request) => (&request.group_id, false),
        RequestBody::LeaveGroup(request) => (&request.group_id, false),
        RequestBody::OffsetCommit(request) => (&request.group_id, true),
        RequestBody::OffsetFetch { group, .. } => (&group.group_id, true),
        RequestBody::OffsetDelete(request) => (&request.group_id, false),
        RequestBody::DescribeGroup(group_id) | RequestBody::DeleteGroup(group_id) => {
            (group_id, true)
        }
        RequestBody::ListGroups(_) => return None,
    };
    let is_valid = group_id.len() <= GROUP_ID_BYTES_MAX && (may_be_empty || !group_id.is_empty());
    (!is_valid).then_some(ErrorCode::InvalidGroupId)
}
