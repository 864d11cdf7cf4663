//! SyncGroup: how the leader's assignment reaches the members (rule 101).
//!
//! Parked until the leader has sent the assignment and the log has it.

use super::{ClassicGroup, classic::GroupState};
use crate::{
    RequestId, Response,
    appends::Then,
    records,
    turn::{NewAppend, Turn},
};
use bytes::Bytes;
use klamm_protocol::messages::{
    sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment},
    sync_group_response::SyncGroupResponse,
};
use klamm_types::ErrorCode;
use std::collections::BTreeMap;

/// From this version on, members say which protocol they believe in (KIP-559).
const NAMES_PROTOCOL: i16 = 5;

impl ClassicGroup {
    /// Takes a SyncGroup.
    pub(crate) fn sync(
        &mut self,
        turn: &mut Turn<'_>,
        id: RequestId,
        api_version: i16,
        request: SyncGroupRequest,
    ) {
        if let Err(error) = self.admit_sync(api_version, &request) {
            turn.respond(id, Response::SyncGroup(sync_error(error)));
            return;
        }
        let member_id = request.member_id.as_str();
        if let Some(pending_sync) = &mut self.pending_sync {
            pending_sync.members.remove(member_id);
        }
        self.end_pending_sync_if_done();
        if self.state == GroupState::Stable {
            self.touch_session(turn.now_ms, member_id);
            let response = self.assignment_response(member_id);
            turn.respond(id, Response::SyncGroup(response));
            return;
        }
        self.park_sync(turn, id, member_id);
        if self.is_leader(member_id) && !self.assigning {
            self.assign(turn, request.assignments);
        }
    }

    fn admit_sync(&self, api_version: i16, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        let named = request.protocol_type.is_some() && request.protocol_name.is_some();
        if api_version >= NAMES_PROTOCOL && !named {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        self.validate_generation(
            &request.member_id,
            request.group_instance_id.as_deref(),
            request.generation_id,
        )?;
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol_name)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match self.state {
            GroupState::Empty => Err(ErrorCode::UnknownMemberId),
            GroupState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            GroupState::CompletingRebalance | GroupState::Stable => Ok(()),
        }
    }

    /// Lets a SyncGroup wait for the assignment. One that the member sent earlier, over a
    /// connection that must be gone, is answered first.
    fn park_sync(&mut self, turn: &mut Turn<'_>, id: RequestId, member_id: &str) {
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        if let Some(superseded) = member.parked_sync.replace(id) {
            let response = sync_error(ErrorCode::RebalanceInProgress);
            turn.respond(superseded, Response::SyncGroup(response));
        }
    }

    /// The leader has spoken: the log learns the assignment before the members do.
    fn assign(&mut self, turn: &mut Turn<'_>, assignments: Vec<SyncGroupRequestAssignment>) {
        let mut assignments: BTreeMap<String, Bytes> = assignments
            .into_iter()
            .map(|assignment| (assignment.member_id, assignment.assignment))
            .collect();
        for (member_id, member) in &mut self.members {
            let assignment = assignments.remove(member_id).unwrap_or_default();
            // A copy: the leader's request is not to live as long as its members.
            member.assignment = Bytes::copy_from_slice(&assignment);
        }
        let record = records::group_record(&self.group_id, &self.to_metadata());
        let appended = turn.append(NewAppend {
            group_id: Some(&self.group_id),
            records: record.map(|record| vec![record]),
            response: None,
            then: Then::Assign {
                generation_id: self.generation_id,
            },
        });
        self.assigning = true;
        if let Err(error) = appended {
            self.assignment_settled(turn, self.generation_id, Err(error));
        }
    }

    /// The record of a generation's assignment is committed, or will not be in time.
    pub(crate) fn assignment_settled(
        &mut self,
        turn: &mut Turn<'_>,
        generation_id: i32,
        result: Result<(), ErrorCode>,
    ) {
        let awaited = self.state == GroupState::CompletingRebalance
            && self.assigning
            && self.generation_id == generation_id;
        if !awaited {
            return;
        }
        self.assigning = false;
        match result {
            Ok(()) => self.hand_out_assignments(turn),
            Err(error) => {
                self.fail_sync(turn, crate::append_error(error));
                self.rebalance(turn);
            }
        }
    }

    fn hand_out_assignments(&mut self, turn: &mut Turn<'_>) {
        self.transition_to(GroupState::Stable, turn.wall_ms);
        let member_ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in member_ids {
            let Some(member) = self.members.get_mut(&member_id) else {
                continue;
            };
            if let Some(id) = member.parked_sync.take() {
                member.refresh_session(turn.now_ms);
                let response = self.assignment_response(&member_id);
                turn.respond(id, Response::SyncGroup(response));
            }
        }
    }

    fn assignment_response(&self, member_id: &str) -> SyncGroupResponse {
        let member = self.members.get(member_id);
        SyncGroupResponse {
            error_code: ErrorCode::None.code(),
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            assignment: member.map_or_else(Bytes::new, |m| m.assignment.clone()),
            ..Default::default()
        }
    }

    fn end_pending_sync_if_done(&mut self) {
        self.pending_sync = self.pending_sync.take().filter(|p| !p.members.is_empty());
    }
}

/// Whether a member says something, and something else than the group.
fn differs(said: &Option<String>, known: &Option<String>) -> bool {
    matches!((said, known), (Some(said), Some(known)) if said != known)
}

/// A SyncGroup that failed.
pub(crate) fn sync_error(error: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse {
        error_code: error.code(),
        ..Default::default()
    }
}
