//! ListGroups (16), versions 0–5: the groups that this broker coordinates.
//!
//! v1 added the throttle time, v4 states, v5 types, both also to filter by.

use super::{Answer, Call, Refusal, group_request::request};
use crate::context::Context;
use klamm_coordinator::RequestBody;
use klamm_protocol::{
    Decoder,
    messages::{list_groups_request::ListGroupsRequest, list_groups_response::ListGroupsResponse},
};
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
    filters: ListGroupsRequest,
) -> ListGroupsResponse {
    let ask = || request(&call, RequestBody::ListGroups(filters.clone()));
    context.groups.list(ask).await
}
