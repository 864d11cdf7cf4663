//! What the handlers of group APIs have in common.

use super::Call;
use crate::{context::Context, groups::Asked};
use klamm_coordinator::{Request, RequestBody, RequestId};

/// A request to the shard of a group.
pub(super) fn request(call: &Call, body: RequestBody) -> Request {
    Request {
        // Chosen by the shard's owner.
        id: RequestId(0),
        client_id: call.client_id.to_string(),
        client_host: call.client_host(),
        api_version: call.version,
        body,
    }
}

/// Asks the shard of a group.
pub(super) fn ask(context: &Context, call: &Call, group_id: &str, body: RequestBody) -> Asked {
    context.groups.ask(group_id, request(call, body))
}

/// Waits for an answer and takes it out of its [`klamm_coordinator::Response`]. A shard answers each request in its own kind; should
/// it ever not, the client sees UNKNOWN_SERVER_ERROR.
macro_rules! answer {
    ($asked:expr, $kind:ident, $default:expr) => {
        match $asked.answer().await {
            klamm_coordinator::Response::$kind(response) => response,
            other => {
                tracing::error!(?other, "a group answered another question");
                $default
            }
        }
    };
}

pub(super) use answer;
