//! Heartbeat: how members stay, and learn about rebalances (rule 102).

use super::{ClassicGroup, classic::GroupState};
use klamm_protocol::messages::{
    heartbeat_request::HeartbeatRequest, heartbeat_response::HeartbeatResponse,
};
use klamm_types::ErrorCode;

impl ClassicGroup {
    /// Takes a Heartbeat. One that is told of a rebalance counts, too.
    pub(crate) fn heartbeat(&mut self, now_ms: i64, request: &HeartbeatRequest) -> ErrorCode {
        let known = self.validate_generation(
            &request.member_id,
            request.group_instance_id.as_deref(),
            request.generation_id,
        );
        if let Err(error) = known {
            return error;
        }
        match self.state {
            GroupState::Empty => ErrorCode::UnknownMemberId,
            GroupState::PreparingRebalance => {
                self.touch_session(now_ms, &request.member_id);
                ErrorCode::RebalanceInProgress
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                self.touch_session(now_ms, &request.member_id);
                ErrorCode::None
            }
        }
    }

    /// A member was heard of. A newcomer's time to join is not extended.
    pub(crate) fn touch_session(&mut self, now_ms: i64, member_id: &str) {
        if let Some(member) = self.members.get_mut(member_id)
            && !member.is_new
        {
            member.refresh_session(now_ms);
        }
    }
}

/// The answer to a Heartbeat.
pub(crate) fn heartbeat_response(error: ErrorCode) -> HeartbeatResponse {
    HeartbeatResponse {
        error_code: error.code(),
        ..Default::default()
    }
}
