//! AlterConfigs (33), versions 0–2: replaces all settings of topics, brokers and groups.
//!
//! Settings that a request does not name go back to their defaults; IncrementalAlterConfigs is the
//! better way. All versions mean the same.

use super::{
    Answer, Call, Refusal,
    config_changes::{Change, Outcome, carry_out, check_no_nulls},
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
    let changes = request.resources.iter().map(replacement).collect();
    let outcomes = carry_out(&context, changes, request.validate_only).await;
    let pairs = request.resources.into_iter().zip(outcomes);
    AlterConfigsResponse {
        responses: pairs
            .map(|(resource, told)| result(resource, told))
            .collect(),
        ..Default::default()
    }
}

fn replacement(resource: &AlterConfigsResource) -> Change {
    let nulls = resource.configs.iter().filter(|c| c.value.is_none());
    let changes = resource.configs.iter().map(|config| rpc::ConfigChange {
        name: config.name.clone(),
        operation: rpc::ConfigOperation::Set.into(),
        value: config.value.clone().unwrap_or_default(),
    });
    Change {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
        changes: check_no_nulls(nulls.map(|c| c.name.as_str())).map(|()| changes.collect()),
        replace: true,
    }
}

fn result(
    resource: AlterConfigsResource,
    (error, error_message): Outcome,
) -> AlterConfigsResourceResponse {
    AlterConfigsResourceResponse {
        error_code: error.code(),
        error_message,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
    }
}
