//! Whose settings a request is about.

use crate::context::Context;
use klamm_types::ErrorCode;

/// Types of resources.
pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const CLIENT_METRICS: i8 = 16;
pub(super) const GROUP: i8 = 32;

/// Why nothing is done for a resource.
#[derive(Clone, Debug)]
pub(super) struct Refused(pub(super) ErrorCode, pub(super) String);

/// A refusal of what makes no sense.
pub(super) fn invalid(message: impl Into<String>) -> Refused {
    Refused(ErrorCode::InvalidRequest, message.into())
}

/// Checks that a resource is this broker: only it knows its settings.
pub(super) fn check_is_me(context: &Context, name: &str) -> Result<(), Refused> {
    let me = context.identity.id.get();
    match name.parse::<i32>() {
        Ok(id) if id == me => Ok(()),
        Ok(id) => Err(invalid(format!(
            "this is broker {me}: ask broker {id} itself for its settings"
        ))),
        Err(_) => Err(invalid(format!("{name:?} is no id of a broker"))),
    }
}
