//! RemoveRaftVoter (81), version 0: a controller loses its vote (KIP-853).
//!
//! The active controller decides. It may remove itself: it steps down once that is committed.

use super::{
    Answer, Call, Refusal,
    forwarding::{Deadline, call_error, error_code, error_message},
};
use crate::context::Context;
use klamm_protocol::{
    Decoder,
    messages::{
        remove_raft_voter_request::RemoveRaftVoterRequest,
        remove_raft_voter_response::RemoveRaftVoterResponse,
    },
};
use klamm_rpc::controller as rpc;
use std::sync::Arc;

/// How long the controllers may take: the request names no time.
const PATIENCE_MS: i32 = 15_000;

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
    request: RemoveRaftVoterRequest,
) -> RemoveRaftVoterResponse {
    let patience = Deadline::of(PATIENCE_MS).patience();
    let ask = rpc::RemoveRaftVoterRequest {
        cluster_id: request.cluster_id.unwrap_or_default(),
        voter_id: request.voter_id,
        directory_id: request.voter_directory_id.as_bytes().to_vec(),
        only_if_silent: false,
    };
    let (error, message) = match context.controller.remove_raft_voter(ask, patience).await {
        Ok(response) => (error_code(response.error_code), response.error_message),
        Err(error) => call_error(&error),
    };
    RemoveRaftVoterResponse {
        error_code: error.code(),
        error_message: error_message(error, message),
        ..Default::default()
    }
}
