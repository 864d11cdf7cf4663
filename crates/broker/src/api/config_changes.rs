//! Changes of settings: what AlterConfigs and IncrementalAlterConfigs have in common.
//!
//! The active controller decides, for each resource alone; the answer waits until the partitions
//! of this broker have followed.

use super::{
    config_resource::{
        BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, Refused, TOPIC, check_is_me, invalid,
    },
    forwarding::{Deadline, call_error, error_code, error_message},
};
use crate::context::Context;
use klamm_rpc::controller as rpc;
use klamm_types::ErrorCode;

/// How long a request waits for the controller. It names no time itself; clients wait for half a
/// minute by default.
const PATIENCE_MS: i32 = 30_000;

/// Changes that a client wants.
pub(super) struct Change {
    pub(super) resource_type: i8,
    pub(super) resource_name: String,
    /// What to change, unless it makes no sense.
    pub(super) changes: Result<Vec<rpc::ConfigChange>, Refused>,
    /// What is not named goes back to its default.
    pub(super) replace: bool,
}

/// What became of a change.
pub(super) struct Altered {
    pub(super) error_code: i16,
    /// If there is an error.
    pub(super) error_message: Option<String>,
    pub(super) resource_type: i8,
    pub(super) resource_name: String,
}

/// An error code, with a message if it is one.
type Outcome = (ErrorCode, Option<String>);

/// Has changes carried out; what became of them is in their order.
pub(super) async fn carry_out(
    context: &Context,
    changes: Vec<Change>,
    validate_only: bool,
) -> Vec<Altered> {
    let deadline = Deadline::of(PATIENCE_MS);
    let (named, checked): (Vec<(i8, String)>, Vec<_>) = changes
        .into_iter()
        .map(|change| {
            let named = (change.resource_type, change.resource_name.clone());
            (named, to_forward(context, change))
        })
        .unzip();
    let forwarded = checked.iter().filter_map(|c| c.clone().ok());
    let resources: Vec<rpc::ResourceConfigs> = forwarded.collect();
    let mut outcomes = Vec::new();
    if !resources.is_empty() {
        let count = resources.len();
        let ask = rpc::AlterConfigsRequest {
            resources,
            validate_only,
        };
        let answer = context
            .controller
            .alter_configs(ask, deadline.patience())
            .await;
        match answer {
            Ok(altered) => {
                outcomes.extend(altered.resources.into_iter().map(outcome));
                let known = |image: &klamm_metadata::Image| {
                    validate_only || image.offset() >= altered.metadata_offset
                };
                deadline.wait_until_known(&context.metadata, known).await;
            }
            Err(error) => {
                let (error, message) = call_error(&error);
                outcomes.extend((0..count).map(|_| (error, Some(message.clone()))));
            }
        }
    }
    let mut outcomes = outcomes.into_iter();
    let in_order = checked.into_iter().map(|checked| match checked {
        Ok(_) => outcomes
            .next()
            .unwrap_or((ErrorCode::UnknownServerError, None)),
        Err(Refused(error, message)) => (error, Some(message)),
    });
    let pairs = named.into_iter().zip(in_order);
    pairs
        .map(
            |((resource_type, resource_name), (error, error_message))| Altered {
                error_code: error.code(),
                error_message,
                resource_type,
                resource_name,
            },
        )
        .collect()
}

/// The change as the controller takes it, if it is one for the controller.
fn to_forward(context: &Context, change: Change) -> Result<rpc::ResourceConfigs, Refused> {
    let name = change.resource_name.as_str();
    let (resource_type, resource_name) = match change.resource_type {
        TOPIC | GROUP if name.is_empty() => return Err(invalid("the name must not be empty")),
        TOPIC => (rpc_type(TOPIC), change.resource_name),
        GROUP => (rpc_type(GROUP), change.resource_name),
        BROKER if name.is_empty() => (rpc_type(BROKER), String::new()),
        BROKER => {
            check_is_me(context, name)?;
            (rpc_type(BROKER), context.identity.id.to_string())
        }
        BROKER_LOGGER => {
            check_is_me(context, name)?;
            let message = "no logger has this name: log levels are set by --log or RUST_LOG";
            return Err(Refused(ErrorCode::InvalidConfig, message.to_owned()));
        }
        CLIENT_METRICS => return Err(invalid("subscriptions to client metrics are not served")),
        other => return Err(invalid(format!("there are no resources of type {other}"))),
    };
    Ok(rpc::ResourceConfigs {
        resource_type,
        resource_name,
        changes: change.changes?,
        replace: change.replace,
    })
}

/// Controllers use Kafka's numbers.
fn rpc_type(resource_type: i8) -> i32 {
    i32::from(resource_type)
}

fn outcome(result: rpc::ResourceResult) -> Outcome {
    let error = error_code(result.error_code);
    (error, error_message(error, result.error_message))
}

/// A refusal of configs that are to be set to nothing.
pub(super) fn check_no_nulls<'a>(nulls: impl Iterator<Item = &'a str>) -> Result<(), Refused> {
    let nulls: Vec<&str> = nulls.collect();
    match nulls.as_slice() {
        [] => Ok(()),
        _ => Err(invalid(format!(
            "configs without a value: {}",
            nulls.join(", ")
        ))),
    }
}
