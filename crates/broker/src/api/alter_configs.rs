//! AlterConfigs (33), versions 0–2: replaces all settings of topics, brokers and groups.
//!
//! Settings that a request does not name go back to their defaults; IncrementalAlterConfigs is the
//! better way. All versions mean the same.

use super::{
    Answer, Call, Refusal,
    config_changes::{Altered, Change, carry_out, check_no_nulls},
};
use crate::context::Context;
use klamm_protocol::{
    Decoder,
    messages::{
        alter_configs_request::{AlterConfigsRequest, AlterConfigsResource},
        alter_configs_response::{AlterConfigsResourceResponse, AlterConfigsResponse},
    },
};
use klamm_rpc::controller as rpc;
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
    _call: Call,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let changes = request.resources.into_iter().map(replacement).collect();
    let altered = carry_out(&context, changes, request.validate_only).await;
    AlterConfigsResponse {
        responses: altered.into_iter().map(response).collect(),
        ..Default::default()
    }
}

fn replacement(resource: AlterConfigsResource) -> Change {
    let nulls = resource.configs.iter().filter(|c| c.value.is_none());
    let changes = resource.configs.iter().map(|config| rpc::ConfigChange {
        name: config.name.clone(),
        operation: rpc::ConfigOperation::Set.into(),
        value: config.value.clone().unwrap_or_default(),
    });
    let checked = check_no_nulls(nulls.map(|c| c.name.as_str()));
    Change {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
        changes: checked.map(|()| changes.collect()),
        replace: true,
    }
}

fn response(altered: Altered) -> AlterConfigsResourceResponse {
    AlterConfigsResourceResponse {
        error_code: altered.error_code,
        error_message: altered.error_message,
        resource_type: altered.resource_type,
        resource_name: altered.resource_name,
    }
}
