//! IncrementalAlterConfigs (44), versions 0–1: changes settings of topics, brokers and groups.
//!
//! A setting is set, goes back to its default, or is a list that elements are added to or taken
//! from. Both versions mean the same.

use super::{
    Answer, Call, Refusal,
    config_changes::{Altered, Change, carry_out, check_no_nulls},
    config_resource::{Refused, invalid},
};
use crate::context::Context;
use klamm_protocol::{
    Decoder,
    messages::{
        incremental_alter_configs_request::{AlterableConfig, IncrementalAlterConfigsRequest},
        incremental_alter_configs_response::{
            AlterConfigsResourceResponse, IncrementalAlterConfigsResponse,
        },
    },
};
use klamm_rpc::controller::{ConfigChange, ConfigOperation};
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
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let changes = request.resources.into_iter().map(|resource| Change {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
        changes: changes(&resource.configs),
        replace: false,
    });
    let altered = carry_out(&context, changes.collect(), request.validate_only).await;
    IncrementalAlterConfigsResponse {
        responses: altered.into_iter().map(response).collect(),
        ..Default::default()
    }
}

fn changes(configs: &[AlterableConfig]) -> Result<Vec<ConfigChange>, Refused> {
    let operation = |config: &AlterableConfig| {
        ConfigOperation::try_from(i32::from(config.config_operation))
            .map_err(|_| invalid(format!("there is no operation {}", config.config_operation)))
    };
    let changes = configs
        .iter()
        .map(|config| {
            Ok(ConfigChange {
                name: config.name.clone(),
                operation: operation(config)?.into(),
                value: config.value.clone().unwrap_or_default(),
            })
        })
        .collect::<Result<_, _>>()?;
    let needs_value = |c: &&AlterableConfig| !matches!(operation(c), Ok(ConfigOperation::Delete));
    let nulls = configs.iter().filter(|config| config.value.is_none());
    check_no_nulls(nulls.filter(needs_value).map(|c| c.name.as_str()))?;
    Ok(changes)
}

fn response(altered: Altered) -> AlterConfigsResourceResponse {
    AlterConfigsResourceResponse {
        error_code: altered.error_code,
        error_message: altered.error_message,
        resource_type: altered.resource_type,
        resource_name: altered.resource_name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_types::ErrorCode;

    fn config(operation: i8, value: Option<&str>) -> AlterableConfig {
        AlterableConfig {
            name: "retention.ms".into(),
            config_operation: operation,
            value: value.map(str::to_owned),
        }
    }

    #[test]
    fn only_deletions_need_no_value() {
        for (operation, value, is_fine) in [
            (0, Some("1"), true),
            (0, None, false),
            (1, None, true),
            (1, Some("1"), true),
            (2, None, false),
            (3, None, false),
            (4, Some("1"), false),
            (-1, Some("1"), false),
        ] {
            match changes(&[config(operation, value)]) {
                Ok(_) => assert!(is_fine, "{operation} {value:?}"),
                Err(Refused(code, _)) => {
                    assert!(!is_fine, "{operation} {value:?}");
                    assert_eq!(code, ErrorCode::InvalidRequest);
                }
            }
        }
    }
}
