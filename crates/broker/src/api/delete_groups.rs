//! DeleteGroups (42), versions 0–3: removes groups without members, and their offsets.
//!
//! v1 added the throttle time, v3 messages (rule 108).

use super::{
    Answer, Call, Refusal,
    group_request::{answer, ask},
};
use crate::{context::Context, groups::Asked};
use klamm_coordinator::RequestBody;
use klamm_protocol::{
    Decoder,
    messages::{
        delete_groups_request::DeleteGroupsRequest,
        delete_groups_response::{DeletableGroupResult, DeleteGroupsResponse},
    },
};
use klamm_types::ErrorCode;
use std::{collections::BTreeSet, sync::Arc};

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
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let mut seen = BTreeSet::new();
    let mut group_ids = request.groups_names;
    group_ids.retain(|group_id| seen.insert(group_id.clone()));
    let delete = |group_id: &String| {
        let body = RequestBody::DeleteGroup(group_id.clone());
        ask(&context, &call, group_id, body)
    };
    let asked: Vec<Asked> = group_ids.iter().map(delete).collect();
    let mut results = Vec::with_capacity(asked.len());
    for (group_id, asked) in group_ids.into_iter().zip(asked) {
        let failed = DeletableGroupResult {
            error_code: ErrorCode::UnknownServerError.code(),
            group_id,
            ..Default::default()
        };
        results.push(answer!(asked, DeleteGroup, failed));
    }
    DeleteGroupsResponse {
        results,
        ..Default::default()
    }
}
