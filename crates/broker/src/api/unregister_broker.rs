//! UnregisterBroker (64), version 0: forgets a broker that will not come back.
//!
//! Its replicas stay assigned to it until they are reassigned. The active controller decides; the
//! response waits until this broker knows.

use super::{
    Answer, Call, Refusal,
    forwarding::{Deadline, call_error, error_code, error_message},
};
use crate::context::Context;
use klamm_protocol::{
    Decoder,
    messages::{
        unregister_broker_request::UnregisterBrokerRequest,
        unregister_broker_response::UnregisterBrokerResponse,
    },
};
use klamm_rpc::controller as rpc;
use klamm_types::BrokerId;
use std::sync::Arc;

/// How long the controllers may take: the request names no time.
const PATIENCE_MS: i32 = 10_000;

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
    request: UnregisterBrokerRequest,
) -> UnregisterBrokerResponse {
    let deadline = Deadline::of(PATIENCE_MS);
    let id = BrokerId(request.broker_id);
    let ask = rpc::UnregisterBrokerRequest {
        broker_id: request.broker_id,
    };
    let answer = context
        .controller
        .unregister_broker(ask, deadline.patience());
    let (error, message) = match answer.await {
        Ok(response) => (error_code(response.error_code), response.error_message),
        Err(error) => call_error(&error),
    };
    if error.is_none() {
        let known =
            deadline.wait_until_known(&context.metadata, |image| image.broker(id).is_none());
        known.await;
    }
    UnregisterBrokerResponse {
        error_code: error.code(),
        error_message: error_message(error, message),
        ..Default::default()
    }
}
