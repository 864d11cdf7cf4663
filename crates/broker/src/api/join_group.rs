//! JoinGroup (11), versions 0–9: a member joins a classic group, or joins again.
//!
//! v1 added the rebalance timeout, v2 the throttle time, v4 asks newcomers to come again with
//! the id they are given, v5 static members, v7 the protocol type, v8 a reason, v9 lets a leader
//! keep the assignment. The answer comes when the group's join phase ends (rules 97–100, 103).

use super::{
    Answer, Call, Refusal,
    group_request::{answer, ask},
};
use crate::context::Context;
use klamm_coordinator::RequestBody;
use klamm_protocol::{
    Decoder,
    messages::{join_group_request::JoinGroupRequest, join_group_response::JoinGroupResponse},
};
use klamm_types::{ErrorCode, Uuid};
use std::sync::Arc;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::later(context, call, body, handle)
}

async fn handle(context: Arc<Context>, call: Call, request: JoinGroupRequest) -> JoinGroupResponse {
    let group_id = request.group_id.clone();
    let Ok(fresh_id) = Uuid::random() else {
        return refuse(
            call.version,
            &request.member_id,
            ErrorCode::UnknownServerError,
        );
    };
    let member_id = request.member_id.clone();
    let body = RequestBody::JoinGroup { request, fresh_id };
    let asked = ask(&context, &call, &group_id, body);
    let mut response = answer!(
        asked,
        JoinGroup,
        refuse(call.version, &member_id, ErrorCode::UnknownServerError)
    );
    set_no_protocol(call.version, &mut response);
    response
}

fn refuse(version: i16, member_id: &str, error: ErrorCode) -> JoinGroupResponse {
    let mut response = JoinGroupResponse {
        error_code: error.code(),
        member_id: member_id.to_owned(),
        ..Default::default()
    };
    set_no_protocol(version, &mut response);
    response
}

/// No protocol is null from version 7 on, and an empty name before.
fn set_no_protocol(version: i16, response: &mut JoinGroupResponse) {
    match response.protocol_name.as_deref() {
        Some("") if version >= 7 => response.protocol_name = None,
        None if version < 7 => response.protocol_name = Some(String::new()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_protocol_reads_as_each_version_has_it() {
        let name = |version| refuse(version, "m", ErrorCode::NotCoordinator).protocol_name;
        assert_eq!(name(6).as_deref(), Some(""));
        assert_eq!(name(7), None);
        let mut response = JoinGroupResponse {
            protocol_name: Some("range".into()),
            ..Default::default()
        };
        set_no_protocol(9, &mut response);
        assert_eq!(response.protocol_name.as_deref(), Some("range"));
    }
}
