//! LeaveGroup (13), versions 0–5: members leave.
//!
//! v1 added the throttle time, v3 several members at once, also by their static ids alone, v5 a
//! reason (rule 103).

use super::{
    Answer, Call, Refusal,
    group_request::{answer, ask},
};
use crate::context::Context;
use klamm_coordinator::RequestBody;
use klamm_protocol::{
    Decoder,
    messages::{leave_group_request::LeaveGroupRequest, leave_group_response::LeaveGroupResponse},
};
use klamm_types::ErrorCode;
use std::sync::Arc;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::later(context, call, body, handle)
}

async fn handle(
    context: Arc<Context>,
    call: Call,
    request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    let group_id = request.group_id.clone();
    let asked = ask(&context, &call, &group_id, RequestBody::LeaveGroup(request));
    let failed = LeaveGroupResponse {
        error_code: ErrorCode::UnknownServerError.code(),
        ..Default::default()
    };
    answer!(asked, LeaveGroup, failed)
}
