//! LeaveGroup: how members go, one by one or many at once (rule 103, KIP-345).

use super::{ClassicGroup, classic::GroupState, join_error, sync_error};
use crate::{RequestId, Response, turn::Turn};
use klamm_protocol::messages::{
    leave_group_request::{LeaveGroupRequest, MemberIdentity},
    leave_group_response::{LeaveGroupResponse, MemberResponse},
};
use klamm_types::ErrorCode;

/// From this version on, many members can leave at once.
const MANY_MEMBERS: i16 = 3;

impl ClassicGroup {
    /// Takes a LeaveGroup. Answered once the log knows, should the group be empty now.
    pub(crate) fn leave(
        &mut self,
        turn: &mut Turn<'_>,
        id: RequestId,
        api_version: i16,
        request: LeaveGroupRequest,
    ) {
        let next_append = turn.appends.next_id();
        let was_member = self.members.len();
        let identities = identities(api_version, request);
        let responses: Vec<MemberResponse> = identities
            .into_iter()
            .map(|identity| {
                let left = self.leave_one(turn, &identity);
                member_response(identity, left.err().unwrap_or(ErrorCode::None))
            })
            .collect();
        match self.members.len() < was_member {
            true => self.rebalance_without_leaver(turn),
            false => self.complete_join_if_all_joined(turn),
        }
        let response = Response::LeaveGroup(leave_response(api_version, responses));
        match turn.appends.next_id() == next_append {
            true => turn.respond(id, response),
            false => turn.respond_committed(&self.group_id, id, response),
        }
    }

    fn leave_one(
        &mut self,
        turn: &mut Turn<'_>,
        identity: &MemberIdentity,
    ) -> Result<(), ErrorCode> {
        let instance_id = identity.group_instance_id.as_deref();
        if identity.member_id.is_empty() {
            let known = instance_id.and_then(|instance_id| self.static_members.get(instance_id));
            let member_id = known.cloned().ok_or(ErrorCode::UnknownMemberId)?;
            self.remove_member(turn, &member_id);
            return Ok(());
        }
        if !self.pending_members.contains_key(&identity.member_id) {
            self.validate_member(&identity.member_id, instance_id)?;
        }
        self.remove_member(turn, &identity.member_id);
        Ok(())
    }

    /// Takes a member or a pending one out and answers what it has parked. The caller decides
    /// about the rebalance.
    pub(super) fn remove_member(&mut self, turn: &mut Turn<'_>, member_id: &str) {
        let Some(member) = self.take_member(member_id) else {
            return;
        };
        // Without an id in the answer, a client that is still there joins anew.
        let error = ErrorCode::UnknownMemberId;
        if let Some(id) = member.parked_join {
            turn.respond(id, Response::JoinGroup(join_error("", error)));
        }
        if let Some(id) = member.parked_sync {
            turn.respond(id, Response::SyncGroup(sync_error(error)));
        }
    }

    /// Members have gone: who stays has to share anew.
    pub(super) fn rebalance_without_leaver(&mut self, turn: &mut Turn<'_>) {
        if self.state != GroupState::Empty {
            self.rebalance(turn);
        }
    }
}

/// Who wants to leave: below version 3, exactly one member.
fn identities(api_version: i16, request: LeaveGroupRequest) -> Vec<MemberIdentity> {
    match api_version {
        MANY_MEMBERS.. => request.members,
        _ => vec![MemberIdentity {
            member_id: request.member_id,
            ..Default::default()
        }],
    }
}

fn member_response(identity: MemberIdentity, error: ErrorCode) -> MemberResponse {
    MemberResponse {
        member_id: identity.member_id,
        group_instance_id: identity.group_instance_id,
        error_code: error.code(),
    }
}

/// The answer to a LeaveGroup: below version 3, the one member's error is the answer's.
pub(crate) fn leave_response(api_version: i16, members: Vec<MemberResponse>) -> LeaveGroupResponse {
    match api_version {
        MANY_MEMBERS.. => LeaveGroupResponse {
            members,
            ..Default::default()
        },
        _ => LeaveGroupResponse {
            error_code: members.first().map_or(0, |member| member.error_code),
            ..Default::default()
        },
    }
}

/// The answer to a LeaveGroup of a group that nobody knows: nor are its members.
pub(crate) fn leave_of_unknown_group(
    api_version: i16,
    request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    let unknown = |identity| member_response(identity, ErrorCode::UnknownMemberId);
    let members = identities(api_version, request).into_iter().map(unknown);
    leave_response(api_version, members.collect())
}
