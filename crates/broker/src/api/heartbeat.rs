//! Heartbeat (12), versions 0–4: a member says that it is alive.
//!
//! v1 added the throttle time, v3 static members. The answer tells of a rebalance (rule 102).

use super::{
    Answer, Call, Refusal,
    group_request::{answer, ask},
};
use crate::context::Context;
use klamm_coordinator::RequestBody;
use klamm_protocol::{
    Decoder,
    messages::{heartbeat_request::HeartbeatRequest, heartbeat_response::HeartbeatResponse},
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

async fn handle(context: Arc<Context>, call: Call, request: HeartbeatRequest) -> HeartbeatResponse {
    let group_id = request.group_id.clone();
    let asked = ask(&context, &call, &group_id, RequestBody::Heartbeat(request));
    let failed = HeartbeatResponse {
        error_code: ErrorCode::UnknownServerError.code(),
        ..Default::default()
    };
    answer!(asked, Heartbeat, failed)
}
