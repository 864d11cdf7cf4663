//! AddRaftVoter (80), versions 0–1: a controller that observes becomes a voter (KIP-853).
//!
//! v1 added answers that do not wait for the commit. The active controller decides: one change at a
//! time, and only a controller that has caught up.

use super::{
    Answer, Call, Refusal,
    forwarding::{call_error, error_code, error_message},
};
use crate::context::Context;
use klamm_protocol::{
    Decoder,
    messages::{
        add_raft_voter_request::{AddRaftVoterRequest, Listener},
        add_raft_voter_response::AddRaftVoterResponse,
    },
};
use klamm_rpc::{controller as rpc, metadata};
use std::{sync::Arc, time::Duration};

/// Bounds of how long a change may take, whatever the request names.
const PATIENCE_MIN: Duration = Duration::from_secs(5);
const PATIENCE_MAX: Duration = Duration::from_secs(60);
/// The answer of the controller that has given up is worth waiting for.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

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
    request: AddRaftVoterRequest,
) -> AddRaftVoterResponse {
    let asked = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let patience = asked.clamp(PATIENCE_MIN, PATIENCE_MAX);
    let ask = rpc::AddRaftVoterRequest {
        cluster_id: request.cluster_id.unwrap_or_default(),
        timeout_ms: i32::try_from(patience.as_millis()).unwrap_or(i32::MAX),
        voter_id: request.voter_id,
        directory_id: request.voter_directory_id.as_bytes().to_vec(),
        listeners: request.listeners.iter().map(listener).collect(),
        ack_when_committed: request.ack_when_committed,
    };
    let answer = context
        .controller
        .add_raft_voter(ask, patience + ANSWER_PATIENCE);
    let (error, message) = match answer.await {
        Ok(response) => (error_code(response.error_code), response.error_message),
        Err(error) => call_error(&error),
    };
    AddRaftVoterResponse {
        error_code: error.code(),
        error_message: error_message(error, message),
        ..Default::default()
    }
}

fn listener(listener: &Listener) -> metadata::Listener {
    metadata::Listener {
        name: listener.name.clone(),
        host: listener.host.clone(),
        port: listener.port.into(),
        security_protocol: 0,
    }
}
