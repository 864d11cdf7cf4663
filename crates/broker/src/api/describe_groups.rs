//! DescribeGroups (15), versions 0–6: the state and the members of groups.
//!
//! v1 added the throttle time, v3 authorized operations, v4 static members, v6 an error for
//! groups that do not exist, and messages (rule 108).

use super::{
    Answer, Call, Refusal, authorized_operations as operations,
    group_request::{answer, ask},
};
use crate::{context::Context, groups::Asked};
use klamm_coordinator::RequestBody;
use klamm_protocol::{
    Decoder,
    messages::{
        describe_groups_request::DescribeGroupsRequest,
        describe_groups_response::{DescribeGroupsResponse, DescribedGroup},
    },
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
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let describe = |group_id: &String| {
        let body = RequestBody::DescribeGroup(group_id.clone());
        ask(&context, &call, group_id, body)
    };
    let asked: Vec<Asked> = request.groups.iter().map(describe).collect();
    let with_operations = call.version >= 3 && request.include_authorized_operations;
    let mut groups = Vec::with_capacity(asked.len());
    for (group_id, asked) in request.groups.into_iter().zip(asked) {
        let failed = DescribedGroup {
            error_code: ErrorCode::UnknownServerError.code(),
            group_id,
            ..Default::default()
        };
        let mut group = answer!(asked, DescribeGroup, failed);
        if group.error_code == ErrorCode::None.code() {
            group.authorized_operations = operations::if_asked(with_operations, operations::GROUP);
        }
        if call.version < 6 {
            group.error_message = None;
        }
        groups.push(group);
    }
    DescribeGroupsResponse {
        groups,
        ..Default::default()
    }
}
