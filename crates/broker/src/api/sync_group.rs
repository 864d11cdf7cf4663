//! SyncGroup (14), versions 0–5: the leader hands in the assignments, everybody gets theirs.
//!
//! v1 added the throttle time, v3 static members, v5 the protocol, which must match the group's.
//! The answer comes when the leader's assignments are committed (rule 101).

use super::{
    Answer, Call, Refusal,
    group_request::{answer, ask},
};
use crate::context::Context;
use klamm_coordinator::RequestBody;
use klamm_protocol::{
    Decoder,
    messages::{sync_group_request::SyncGroupRequest, sync_group_response::SyncGroupResponse},
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

async fn handle(context: Arc<Context>, call: Call, request: SyncGroupRequest) -> SyncGroupResponse {
    let names_protocol = request.protocol_type.is_some() && request.protocol_name.is_some();
    if call.version >= 5 && !names_protocol {
        return refuse(ErrorCode::InconsistentGroupProtocol);
    }
    let group_id = request.group_id.clone();
    let asked = ask(&context, &call, &group_id, RequestBody::SyncGroup(request));
    answer!(asked, SyncGroup, refuse(ErrorCode::UnknownServerError))
}

fn refuse(error: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse {
        error_code: error.code(),
        ..Default::default()
    }
}
