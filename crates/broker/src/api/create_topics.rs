//! CreateTopics (19), versions 2–7.
//!
//! v4 made −1 partitions and replicas mean the defaults, v5 added what was chosen and every
//! setting of the topic to the response, v6 a new kind of quota error, v7 topic ids. The active
//! controller decides; the response waits until this broker knows the topics.

use super::{
    Answer, Call, Refusal,
    forwarding::{Deadline, call_error, count, error_code, error_message, uuid},
};
use crate::{context::Context, dynamic_configs::dynamic_configs, topic_name};
use klamm_config::describe_topic_config;
use klamm_protocol::{
    Decoder,
    messages::{
        create_topics_request::{CreatableTopic, CreateTopicsRequest},
        create_topics_response::{
            CreatableTopicConfigs, CreatableTopicResult, CreateTopicsResponse,
        },
    },
};
use klamm_rpc::controller as rpc;
use klamm_types::ErrorCode;
use std::{collections::BTreeMap, sync::Arc};

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
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let deadline = Deadline::of(request.timeout_ms);
    let (mut topics, forwarded) = sort_out(&request.topics);
    if !forwarded.is_empty() {
        let ask = rpc::CreateTopicsRequest {
            topics: forwarded.iter().map(|topic| creatable(topic)).collect(),
            validate_only: request.validate_only,
        };
        match context
            .controller
            .create_topics(ask, deadline.patience())
            .await
        {
            Ok(created) => {
                let pairs = forwarded.iter().zip(&created.topics);
                topics.extend(pairs.map(|(topic, created)| result(topic, created, &context)));
            }
            Err(error) => {
                let (error, message) = call_error(&error);
                topics.extend(forwarded.iter().map(|t| refuse(&t.name, error, &message)));
            }
        }
    }
    if !request.validate_only {
        let known = |image: &klamm_metadata::Image| {
            let mut created = topics
                .iter()
                .filter(|t| t.error_code == ErrorCode::None.code());
            created.all(|t| image.topic(t.topic_id).is_some())
        };
        deadline.wait_until_known(&context.metadata, known).await;
    }
    CreateTopicsResponse {
        topics,
        ..Default::default()
    }
}

/// Splits a request into topics that are refused here and topics for the controller.
fn sort_out(topics: &[CreatableTopic]) -> (Vec<CreatableTopicResult>, Vec<&CreatableTopic>) {
    let counts = count(topics.iter().map(|topic| topic.name.as_str()));
    let refused = counts.iter().filter_map(|(name, count)| {
        let message = refusal(name, *count)?;
        Some(refuse(name, ErrorCode::InvalidRequest, message))
    });
    let accepted = |topic: &&CreatableTopic| {
        refusal(
            &topic.name,
            counts.get(topic.name.as_str()).copied().unwrap_or(1),
        )
        .is_none()
    };
    (refused.collect(), topics.iter().filter(accepted).collect())
}

fn refusal(name: &str, count: usize) -> Option<&'static str> {
    match name {
        _ if count > 1 => Some("the request names this topic more than once"),
        topic_name::CLUSTER_METADATA => Some("nobody may create this topic"),
        _ => None,
    }
}

fn refuse(name: &str, error: ErrorCode, message: &str) -> CreatableTopicResult {
    CreatableTopicResult {
        name: name.to_owned(),
        error_code: error.code(),
        error_message: Some(message.to_owned()),
        ..Default::default()
    }
}

fn creatable(topic: &CreatableTopic) -> rpc::CreatableTopic {
    rpc::CreatableTopic {
        name: topic.name.clone(),
        num_partitions: topic.num_partitions,
        replication_factor: i32::from(topic.replication_factor),
        assignments: topic
            .assignments
            .iter()
            .map(|assignment| rpc::ReplicaAssignment {
                partition: assignment.partition_index,
                broker_ids: assignment.broker_ids.clone(),
            })
            .collect(),
        configs: topic
            .configs
            .iter()
            .map(|config| rpc::ConfigEntry {
                name: config.name.clone(),
                value: config.value.clone(),
            })
            .collect(),
    }
}

fn result(
    topic: &CreatableTopic,
    created: &rpc::CreatedTopic,
    context: &Context,
) -> CreatableTopicResult {
    let error = error_code(created.error_code);
    if !error.is_none() {
        return CreatableTopicResult {
            error_message: error_message(error, created.error_message.clone()),
            ..refuse(&topic.name, error, "")
        };
    }
    CreatableTopicResult {
        name: topic.name.clone(),
        topic_id: uuid(&created.topic_id),
        num_partitions: created.num_partitions,
        replication_factor: i16::try_from(created.replication_factor).unwrap_or(-1),
        configs: Some(configs(topic, context)),
        error_message: None,
        ..Default::default()
    }
}

/// Every setting of a new topic.
fn configs(topic: &CreatableTopic, context: &Context) -> Vec<CreatableTopicConfigs> {
    let given: BTreeMap<String, String> = topic
        .configs
        .iter()
        .filter_map(|config| Some((config.name.clone(), config.value.clone()?)))
        .collect();
    let image = context.metadata.image();
    let dynamic = dynamic_configs(&image, context.identity.id);
    describe_topic_config(&given, &context.config, dynamic)
        .into_iter()
        .map(|described| CreatableTopicConfigs {
            name: described.name,
            value: described.value,
            read_only: described.read_only,
            config_source: described.source as i8,
            is_sensitive: described.sensitive,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_twice_are_refused_once() {
        let topics =
            ["a", "b", "a", topic_name::CLUSTER_METADATA, "c"].map(|name| CreatableTopic {
                name: name.to_owned(),
                ..Default::default()
            });
        let (refused, forwarded) = sort_out(&topics);
        let refused: Vec<_> = refused
            .iter()
            .map(|t| (t.name.as_str(), t.error_code))
            .collect();
        let invalid = ErrorCode::InvalidRequest.code();
        assert_eq!(
            refused,
            [(topic_name::CLUSTER_METADATA, invalid), ("a", invalid)]
        );
        let forwarded: Vec<_> = forwarded.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(forwarded, ["b", "c"]);
    }
}
