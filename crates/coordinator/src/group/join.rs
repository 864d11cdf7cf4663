//! JoinGroup: how members enter a generation (rules 97–100, 103).
//!
//! Parked until the join phase ends, unless the group's current generation will do.

use super::{
    ClassicGroup,
    classic::{GroupState, JoinPhase},
    member::{Member, NEW_MEMBER_JOIN_TIMEOUT_MS},
};
use crate::{
    RequestId, Response,
    appends::Then,
    records,
    turn::{NewAppend, Turn},
};
use bytes::Bytes;
use klamm_protocol::messages::{
    join_group_request::JoinGroupRequest,
    join_group_response::{JoinGroupResponse, JoinGroupResponseMember},
};
use klamm_types::{ErrorCode, Uuid};

/// From this version on, a dynamic member must come back with the id it was given (KIP-394).
const REQUIRES_KNOWN_MEMBER_ID: i16 = 4;
/// From this version on, a leader can be told to keep the assignment (KIP-814).
const CAN_SKIP_ASSIGNMENT: i16 = 9;
/// Ids that a group hands out before they are used: a client that never comes back with them
/// must not fill the memory.
const PENDING_MEMBERS_MAX: usize = 10_000;

/// A JoinGroup, and who sent it.
pub(crate) struct Joiner {
    pub(crate) id: RequestId,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) api_version: i16,
    pub(crate) fresh_id: Uuid,
    pub(crate) request: JoinGroupRequest,
}

impl Joiner {
    /// Version 0 had no rebalance timeout.
    fn rebalance_timeout_ms(&self) -> i32 {
        match self.api_version {
            0 => self.request.session_timeout_ms,
            _ => self.request.rebalance_timeout_ms,
        }
    }

    /// The id of a member that has none yet.
    fn new_member_id(&self) -> String {
        let name = match &self.request.group_instance_id {
            Some(instance_id) => instance_id,
            None => &self.client_id,
        };
        format!("{name}-{}", java_uuid(self.fresh_id))
    }

    /// A member made of the request, the request parked with it.
    fn to_member(&self, now_ms: i64) -> Member {
        Member {
            instance_id: self.request.group_instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms(),
            session_timeout_ms: self.request.session_timeout_ms,
            protocols: self.protocols(),
            assignment: Bytes::new(),
            parked_join: Some(self.id),
            parked_sync: None,
            is_new: true,
            session_deadline_ms: now_ms.saturating_add(NEW_MEMBER_JOIN_TIMEOUT_MS),
        }
    }

    fn protocols(&self) -> Vec<super::member::Protocol> {
        let protocols = self.request.protocols.iter().cloned();
        protocols.map(Into::into).collect()
    }
}

impl ClassicGroup {
    /// Takes a JoinGroup whose group id and session timeout are in order.
    pub(crate) fn join(&mut self, turn: &mut Turn<'_>, joiner: Joiner) {
        let refused = match self.refuse_join(&joiner, turn.config.group_max_size) {
            Some(error) => Some(error),
            None => self.admit(turn, &joiner).err(),
        };
        if let Some(error) = refused {
            let member_id = match error {
                ErrorCode::GroupMaxSizeReached => "",
                _ => &joiner.request.member_id,
            };
            turn.respond(joiner.id, Response::JoinGroup(join_error(member_id, error)));
            // The limit may have cost a member its place that others wait for.
            self.complete_join_if_all_joined(turn);
        }
    }

    fn refuse_join(&mut self, joiner: &Joiner, group_max_size: usize) -> Option<ErrorCode> {
        let request = &joiner.request;
        if !self.has_room_for(&request.member_id, group_max_size) {
            self.take_member(&request.member_id);
            return Some(ErrorCode::GroupMaxSizeReached);
        }
        let mut names = request.protocols.iter().map(|p| p.name.as_str());
        let supported = self.supports_protocols(&request.protocol_type, &mut names);
        (!supported).then_some(ErrorCode::InconsistentGroupProtocol)
    }

    /// Whether a member, or one more, is within the limit (KIP-389). In a join phase the first
    /// to come are taken.
    fn has_room_for(&self, member_id: &str, group_max_size: usize) -> bool {
        let member = self.members.get(member_id);
        match self.state {
            GroupState::Empty => true,
            GroupState::PreparingRebalance => {
                let has_joined = |m: &Member| m.parked_join.is_some();
                member.is_some_and(has_joined)
                    || self.members.values().filter(|m| has_joined(m)).count() < group_max_size
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                member.is_some() || self.members.len() < group_max_size
            }
        }
    }

    fn admit(&mut self, turn: &mut Turn<'_>, joiner: &Joiner) -> Result<(), ErrorCode> {
        let request = &joiner.request;
        let member_id = request.member_id.as_str();
        let instance_id = request.group_instance_id.as_deref();
        if !member_id.is_empty() {
            if instance_id.is_none() && self.pending_members.contains_key(member_id) {
                self.join_newcomer(turn, joiner, member_id.to_owned());
                return Ok(());
            }
            self.validate_member(member_id, instance_id)?;
            return self.rejoin(turn, joiner);
        }
        let new_member_id = joiner.new_member_id();
        let known = instance_id.and_then(|instance_id| self.static_members.get(instance_id));
        match (instance_id, known.cloned()) {
            (Some(instance_id), Some(old_member_id)) => {
                self.rejoin_static(turn, joiner, instance_id, &old_member_id, new_member_id);
                Ok(())
            }
            (None, _) if joiner.api_version >= REQUIRES_KNOWN_MEMBER_ID => {
                self.hand_out_member_id(turn, joiner, new_member_id)
            }
            _ => {
                self.join_newcomer(turn, joiner, new_member_id);
                Ok(())
            }
        }
    }

    /// Gives a dynamic newcomer the id to come back with.
    fn hand_out_member_id(
        &mut self,
        turn: &mut Turn<'_>,
        joiner: &Joiner,
        member_id: String,
    ) -> Result<(), ErrorCode> {
        if self.pending_members.len() >= PENDING_MEMBERS_MAX {
            return Err(ErrorCode::GroupMaxSizeReached);
        }
        let timeout_ms = i64::from(joiner.request.session_timeout_ms);
        let response = join_error(&member_id, ErrorCode::MemberIdRequired);
        let deadline_ms = turn.now_ms.saturating_add(timeout_ms);
        self.pending_members.insert(member_id, deadline_ms);
        turn.respond(joiner.id, Response::JoinGroup(response));
        Ok(())
    }

    fn join_newcomer(&mut self, turn: &mut Turn<'_>, joiner: &Joiner, member_id: String) {
        if let Some(JoinPhase::Initial { newcomers, .. }) = &mut self.join_phase {
            *newcomers = true;
        }
        let member = joiner.to_member(turn.now_ms);
        self.add_member(&member_id, member, &joiner.request.protocol_type);
        self.rebalance(turn);
    }

    /// A member of the group joins again.
    fn rejoin(&mut self, turn: &mut Turn<'_>, joiner: &Joiner) -> Result<(), ErrorCode> {
        let member_id = joiner.request.member_id.as_str();
        let member = self.members.get(member_id);
        let unchanged = member.is_some_and(|m| m.matches(&joiner.request.protocols));
        let current_will_do = match self.state {
            GroupState::Empty => return Err(ErrorCode::UnknownMemberId),
            GroupState::PreparingRebalance => false,
            // The response to the previous JoinGroup was lost.
            GroupState::CompletingRebalance => unchanged,
            // A leader that joins again wants to assign anew.
            GroupState::Stable => unchanged && !self.is_leader(member_id),
        };
        if current_will_do {
            let response = match self.state {
                GroupState::Stable => self.follower_response(member_id),
                _ => joined_response(self, member_id),
            };
            turn.respond(joiner.id, Response::JoinGroup(response));
        } else {
            self.park_join(turn, joiner, member_id);
            self.rebalance(turn);
        }
        Ok(())
    }

    /// A static member starts again without its id: it takes over from itself (KIP-345).
    fn rejoin_static(
        &mut self,
        turn: &mut Turn<'_>,
        joiner: &Joiner,
        instance_id: &str,
        old_member_id: &str,
        member_id: String,
    ) {
        let old_leader_id = self.leader_id.clone();
        self.replace_static(turn, instance_id, old_member_id, &member_id);
        match self.state {
            GroupState::Stable => self.rejoin_stable_static(turn, joiner, member_id, old_leader_id),
            // The leader may know the old id already, so its assignment would go astray.
            _ => {
                self.park_join(turn, joiner, &member_id);
                self.rebalance(turn);
            }
        }
    }

    /// Nobody needs to notice, unless the group would now choose another protocol. The log has
    /// to know the new id before the member does.
    fn rejoin_stable_static(
        &mut self,
        turn: &mut Turn<'_>,
        joiner: &Joiner,
        member_id: String,
        old_leader_id: Option<String>,
    ) {
        self.update_member(turn.now_ms, joiner, &member_id);
        if self.select_protocol() != self.protocol_name {
            self.park_join(turn, joiner, &member_id);
            self.rebalance(turn);
            return;
        }
        let mut response = joined_response(self, &member_id);
        if joiner.api_version >= CAN_SKIP_ASSIGNMENT {
            response.skip_assignment = self.is_leader(&member_id);
        } else {
            // A member that saw itself lead would assign; told of its old id, it follows.
            response.leader = old_leader_id.unwrap_or_default();
            response.members.clear();
        }
        let record = records::group_record(&self.group_id, &self.to_metadata());
        let appended = turn.append(NewAppend {
            group_id: Some(&self.group_id),
            records: record.map(|record| vec![record]),
            response: Some((joiner.id, Response::JoinGroup(response))),
            then: Then::Nothing,
        });
        // The member has been told and joins again, with its instance id alone.
        let _: Result<(), ErrorCode> = appended;
    }

    /// Gives a static member a new id. Whoever still waits under the old one is fenced.
    fn replace_static(
        &mut self,
        turn: &mut Turn<'_>,
        instance_id: &str,
        old_member_id: &str,
        member_id: &str,
    ) {
        let Some(mut member) = self.members.remove(old_member_id) else {
            return;
        };
        let error = ErrorCode::FencedInstanceId;
        if let Some(id) = member.parked_join.take() {
            turn.respond(id, Response::JoinGroup(join_error(old_member_id, error)));
        }
        if let Some(id) = member.parked_sync.take() {
            turn.respond(id, Response::SyncGroup(super::sync_error(error)));
        }
        if self.is_leader(old_member_id) {
            self.leader_id = Some(member_id.to_owned());
        }
        if let Some(pending_sync) = &mut self.pending_sync
            && pending_sync.members.remove(old_member_id)
        {
            pending_sync.members.insert(member_id.to_owned());
        }
        self.static_members
            .insert(instance_id.to_owned(), member_id.to_owned());
        self.members.insert(member_id.to_owned(), member);
    }

    /// Takes over what a member says about itself now.
    fn update_member(&mut self, now_ms: i64, joiner: &Joiner, member_id: &str) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.protocols = joiner.protocols();
            member.rebalance_timeout_ms = joiner.rebalance_timeout_ms();
            member.session_timeout_ms = joiner.request.session_timeout_ms;
            member.client_id.clone_from(&joiner.client_id);
            member.client_host.clone_from(&joiner.client_host);
            if !member.is_new {
                member.refresh_session(now_ms);
            }
        }
    }

    /// Lets a member's JoinGroup wait for the end of the join phase. One that it sent earlier,
    /// over a connection that must be gone, is answered first.
    fn park_join(&mut self, turn: &mut Turn<'_>, joiner: &Joiner, member_id: &str) {
        self.update_member(turn.now_ms, joiner, member_id);
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        if let Some(superseded) = member.parked_join.replace(joiner.id) {
            let response = join_error(member_id, ErrorCode::RebalanceInProgress);
            turn.respond(superseded, Response::JoinGroup(response));
        }
    }

    /// The current generation, as followers see it.
    fn follower_response(&self, member_id: &str) -> JoinGroupResponse {
        JoinGroupResponse {
            error_code: ErrorCode::None.code(),
            generation_id: self.generation_id,
            protocol_type: self.protocol_type.clone(),
            protocol_name: Some(self.protocol_name.clone().unwrap_or_default()),
            leader: self.leader_id.clone().unwrap_or_default(),
            member_id: member_id.to_owned(),
            ..Default::default()
        }
    }
}

/// The current generation, as a member sees it: the leader alone learns who else is in it.
pub(super) fn joined_response(group: &ClassicGroup, member_id: &str) -> JoinGroupResponse {
    let mut response = group.follower_response(member_id);
    if group.is_leader(member_id) {
        let protocol_name = group.protocol_name.as_deref().unwrap_or_default();
        let members = group.members.iter();
        response.members = members
            .map(|(member_id, member)| JoinGroupResponseMember {
                member_id: member_id.clone(),
                group_instance_id: member.instance_id.clone(),
                metadata: member.metadata(protocol_name),
            })
            .collect();
    }
    response
}

/// A JoinGroup that failed.
pub(crate) fn join_error(member_id: &str, error: ErrorCode) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: error.code(),
        generation_id: -1,
        protocol_name: Some(String::new()),
        member_id: member_id.to_owned(),
        ..Default::default()
    }
}

/// Java prints its UUIDs in five groups of hexadecimal digits; clients show member ids to people
/// who compare them.
fn java_uuid(id: Uuid) -> String {
    let number = u128::from_be_bytes(*id.as_bytes());
    let digits = format!("{number:032x}");
    [0..8, 8..12, 12..16, 16..20, 20..32]
        .map(|range| digits.get(range).unwrap_or_default())
        .join("-")
}
