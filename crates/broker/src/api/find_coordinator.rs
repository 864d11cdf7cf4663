//! FindCoordinator (10), versions 0–6: which broker coordinates a group.
//!
//! v1 added the kind of key and messages, v4 asks for several keys at once, v6 knows share
//! coordinators. A group's coordinator is the leader of its partition of `__consumer_offsets`,
//! which is created when it is first asked for. Transactions are not served: their keys are
//! answered with the one error that makes every client give up at once.

use super::{Answer, Call, Refusal};
use crate::{context::Context, topic_name};
use klamm_coordinator::group_partition;
use klamm_metadata::Image;
use klamm_protocol::{
    Decoder,
    messages::{
        find_coordinator_request::FindCoordinatorRequest,
        find_coordinator_response::{Coordinator, FindCoordinatorResponse},
    },
};
use klamm_types::ErrorCode;
use std::sync::Arc;
use tracing::warn;

/// Kinds of keys.
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;

/// What a transactional producer is told: neither the Java client nor librdkafka retries it.
pub(super) const NO_TRANSACTIONS: ErrorCode = ErrorCode::TransactionalIdAuthorizationFailed;

/// The version from which several keys are asked for at once.
const BATCHED_FROM: i16 = 4;

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::now(context, call, body, handle)
}

fn handle(
    context: &Arc<Context>,
    call: &Call,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    let image = context.metadata.image();
    let find = |key: &str| find(&image, &call.connection.listener, request.key_type, key);
    let response = if call.version < BATCHED_FROM {
        single(find(&request.key))
    } else {
        let keys = request.coordinator_keys.iter();
        FindCoordinatorResponse {
            coordinators: keys.map(|key| coordinator(key, find(key))).collect(),
            ..Default::default()
        }
    };
    match request.key_type {
        GROUP if image.topic_by_name(topic_name::CONSUMER_OFFSETS).is_none() => {
            context.auto_topics.create([topic_name::CONSUMER_OFFSETS]);
        }
        TRANSACTION => log_no_transactions(call),
        _ => {}
    }
    response
}

/// A broker as clients reach it.
struct Node {
    id: i32,
    host: String,
    port: i32,
}

/// Why there is no coordinator.
struct NotFound(ErrorCode, String);

fn find(image: &Image, listener: &str, key_type: i8, key: &str) -> Result<Node, NotFound> {
    match key_type {
        GROUP => group_coordinator(image, listener, key).ok_or_else(|| {
            let error = ErrorCode::CoordinatorNotAvailable;
            NotFound(error, "the coordinator is not available now".to_owned())
        }),
        TRANSACTION => {
            let message = "transactions are not served by this cluster";
            Err(NotFound(NO_TRANSACTIONS, message.to_owned()))
        }
        SHARE => {
            let message = "share groups are not served by this cluster";
            Err(NotFound(ErrorCode::InvalidRequest, message.to_owned()))
        }
        other => {
            let message = format!("there are no coordinators of type {other}");
            Err(NotFound(ErrorCode::InvalidRequest, message))
        }
    }
}

fn group_coordinator(image: &Image, listener: &str, group_id: &str) -> Option<Node> {
    let topic = image.topic_by_name(topic_name::CONSUMER_OFFSETS)?;
    let count = u32::try_from(topic.partitions.len()).ok()?;
    let index = usize::try_from(group_partition(group_id, count)).ok()?;
    let leader = topic.partitions.get(index)?.leader;
    let broker = image.broker(leader).filter(|broker| !broker.fenced)?;
    let endpoint = broker.listener(listener)?;
    Some(Node {
        id: leader.get(),
        host: endpoint.host.clone(),
        port: i32::from(endpoint.port),
    })
}

fn single(found: Result<Node, NotFound>) -> FindCoordinatorResponse {
    match found {
        Ok(node) => FindCoordinatorResponse {
            node_id: node.id,
            host: node.host,
            port: node.port,
            error_message: Some(ErrorCode::None.to_string()),
            ..Default::default()
        },
        Err(NotFound(error, message)) => FindCoordinatorResponse {
            error_code: error.code(),
            error_message: Some(message),
            node_id: -1,
            port: -1,
            ..Default::default()
        },
    }
}

fn coordinator(key: &str, found: Result<Node, NotFound>) -> Coordinator {
    match found {
        Ok(node) => Coordinator {
            key: key.to_owned(),
            node_id: node.id,
            host: node.host,
            port: node.port,
            ..Default::default()
        },
        Err(NotFound(error, message)) => Coordinator {
            key: key.to_owned(),
            node_id: -1,
            port: -1,
            error_code: error.code(),
            error_message: Some(message),
            ..Default::default()
        },
    }
}

/// Says why a transactional producer does not start.
pub(super) fn log_no_transactions(call: &Call) {
    warn!(client_id = %call.client_id, client = %call.connection.peer,
        "a producer asked for transactions, which are not served yet");
}
