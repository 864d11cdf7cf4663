//! DeleteTopics (20), versions 1–6.
//!
//! v3 has an error of its own where deletion is disabled, v5 added messages, v6 topic ids: a
//! topic is named by its name or by its id, not by both (rule 24). The active controller
//! decides; the response waits until this broker has forgotten the topics.

use super::{
    Answer, Call, Refusal,
    forwarding::{Deadline, call_error, count, error_code, error_message, uuid},
};
use crate::context::Context;
use klamm_metadata::Image;
use klamm_protocol::{
    Decoder,
    messages::{
        delete_topics_request::{DeleteTopicState, DeleteTopicsRequest},
        delete_topics_response::{DeletableTopicResult, DeleteTopicsResponse},
    },
};
use klamm_rpc::controller as rpc;
use klamm_types::{ErrorCode, Uuid};
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
    call: Call,
    mut request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let deadline = Deadline::of(request.timeout_ms);
    let names = std::mem::take(&mut request.topic_names);
    request
        .topics
        .extend(names.into_iter().map(|name| DeleteTopicState {
            name: Some(name),
            topic_id: Uuid::ZERO,
        }));
    if !context.config.log.delete_topic_enable {
        return refuse_all(&request.topics, disabled(call.version));
    }
    let (mut responses, forwarded) = sort_out(&request.topics);
    if !forwarded.is_empty() {
        let ask = rpc::DeleteTopicsRequest {
            topics: forwarded.iter().map(|topic| topic_ref(topic)).collect(),
        };
        match context
            .controller
            .delete_topics(ask, deadline.patience())
            .await
        {
            Ok(deleted) => {
                let pairs = forwarded.iter().zip(&deleted.topics);
                responses.extend(pairs.map(|(topic, deleted)| result(topic, deleted)));
            }
            Err(error) => {
                let (error, message) = call_error(&error);
                responses.extend(forwarded.iter().map(|topic| refuse(topic, error, &message)));
            }
        }
    }
    let gone = |image: &Image| {
        let mut deleted = responses
            .iter()
            .filter(|r| r.error_code == ErrorCode::None.code());
        deleted.all(|r| image.topic(r.topic_id).is_none())
    };
    deadline.wait_until_known(&context.metadata, gone).await;
    DeleteTopicsResponse {
        responses,
        ..Default::default()
    }
}

fn disabled(version: i16) -> ErrorCode {
    if version < 3 {
        ErrorCode::InvalidRequest
    } else {
        ErrorCode::TopicDeletionDisabled
    }
}

fn refuse_all(topics: &[DeleteTopicState], error: ErrorCode) -> DeleteTopicsResponse {
    let message = "this cluster does not allow that topics are deleted";
    DeleteTopicsResponse {
        responses: topics.iter().map(|t| refuse(t, error, message)).collect(),
        ..Default::default()
    }
}

/// Splits a request into topics that are refused here and topics for the controller. What comes
/// more than once is refused once.
fn sort_out(topics: &[DeleteTopicState]) -> (Vec<DeletableTopicResult>, Vec<&DeleteTopicState>) {
    let key = |topic: &DeleteTopicState| (topic.name.clone(), topic.topic_id);
    let counts = count(topics.iter().map(key));
    let mut refused = Vec::new();
    let mut forwarded = Vec::new();
    let mut refused_before = std::collections::BTreeSet::new();
    for topic in topics {
        let occurrences = counts.get(&key(topic)).copied().unwrap_or(1);
        match refusal(topic, occurrences) {
            None => forwarded.push(topic),
            Some(message) if occurrences == 1 || refused_before.insert(key(topic)) => {
                refused.push(refuse(topic, ErrorCode::InvalidRequest, message));
            }
            Some(_) => {}
        }
    }
    (refused, forwarded)
}

fn refusal(topic: &DeleteTopicState, occurrences: usize) -> Option<&'static str> {
    match (&topic.name, topic.topic_id.is_zero()) {
        (None, true) => Some("neither a name nor an id is given"),
        (Some(_), false) => Some("a name and an id are given: only one of them may be"),
        _ if occurrences > 1 => Some("the request names this topic more than once"),
        _ => None,
    }
}

fn refuse(topic: &DeleteTopicState, error: ErrorCode, message: &str) -> DeletableTopicResult {
    DeletableTopicResult {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        error_code: error.code(),
        error_message: Some(message.to_owned()),
    }
}

fn topic_ref(topic: &DeleteTopicState) -> rpc::TopicRef {
    rpc::TopicRef {
        name: topic.name.clone(),
        topic_id: (!topic.topic_id.is_zero()).then(|| topic.topic_id.as_bytes().to_vec()),
    }
}

fn result(topic: &DeleteTopicState, deleted: &rpc::DeletedTopic) -> DeletableTopicResult {
    let error = error_code(deleted.error_code);
    let topic_id = uuid(&deleted.topic_id);
    DeletableTopicResult {
        name: deleted.name.clone().or_else(|| topic.name.clone()),
        topic_id: if topic_id.is_zero() {
            topic.topic_id
        } else {
            topic_id
        },
        error_code: error.code(),
        error_message: error_message(error, deleted.error_message.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_named_by_name_or_by_id_and_once() {
        let id = Uuid([7; 16]);
        let by_name = |name: &str| DeleteTopicState {
            name: Some(name.to_owned()),
            topic_id: Uuid::ZERO,
        };
        let by_id = |topic_id| DeleteTopicState {
            name: None,
            topic_id,
        };
        let both = DeleteTopicState {
            topic_id: id,
            ..by_name("both")
        };
        let topics = [
            by_name("a"),
            by_name("twice"),
            by_name("twice"),
            by_id(id),
            by_id(Uuid::ZERO),
            both,
        ];
        let (refused, forwarded) = sort_out(&topics);
        assert_eq!(forwarded, [&topics[0], &topics[3]]);
        let refused: Vec<_> = refused.iter().map(|r| r.name.as_deref()).collect();
        assert_eq!(refused, [Some("twice"), None, Some("both")]);
    }
}
