//! DescribeConfigs (32), versions 1–4: settings, where they come from and what they mean.
//!
//! v1 added synonyms, v3 types and documentation. Topics, this broker, the defaults of all
//! brokers, groups and subscriptions to client metrics can be described; which other brokers
//! exist is not for this one to say.

use super::{
    Answer, Call, Refusal,
    config_resource::{
        BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, Refused, TOPIC, check_is_me, invalid,
    },
};
use crate::{context::Context, dynamic_configs::dynamic_configs, topic_name};
use klamm_config::{
    DescribedConfig, describe_broker_config, describe_broker_defaults, describe_group_config,
    describe_topic_config,
};
use klamm_metadata::{ConfigResource, Image};
use klamm_protocol::{
    Decoder,
    messages::{
        describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource},
        describe_configs_response::{
            DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult,
            DescribeConfigsSynonym,
        },
    },
};
use klamm_types::ErrorCode;
use std::{collections::BTreeMap, sync::Arc};

pub(super) fn start(
    context: &Arc<Context>,
    call: Call,
    body: &mut Decoder,
) -> Result<Answer, Refusal> {
    super::now(context, call, body, handle)
}

fn handle(
    context: &Arc<Context>,
    _call: &Call,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let image = context.metadata.image();
    let results = request.resources.iter().map(|resource| {
        let mut result = match describe(context, &image, resource) {
            Ok(configs) => DescribeConfigsResult {
                configs: select(configs, resource, &request),
                ..Default::default()
            },
            Err(Refused(error, message)) => DescribeConfigsResult {
                error_code: error.code(),
                error_message: Some(message),
                ..Default::default()
            },
        };
        result.resource_type = resource.resource_type;
        result.resource_name.clone_from(&resource.resource_name);
        result
    });
    DescribeConfigsResponse {
        results: results.collect(),
        ..Default::default()
    }
}

type Described = Vec<DescribeConfigsResourceResult>;

/// Every setting of a resource.
fn describe(
    context: &Context,
    image: &Image,
    resource: &DescribeConfigsResource,
) -> Result<Described, Refused> {
    let name = resource.resource_name.as_str();
    match resource.resource_type {
        TOPIC => describe_topic(context, image, name),
        BROKER if name.is_empty() => {
            let own = own_configs(image, &ConfigResource::Broker(None));
            Ok(entries(describe_broker_defaults(&own)))
        }
        BROKER => {
            check_is_me(context, name)?;
            let dynamic = dynamic_configs(image, context.identity.id);
            Ok(entries(describe_broker_config(&context.config, dynamic)))
        }
        BROKER_LOGGER => {
            check_is_me(context, name)?;
            // There are no loggers to set one by one.
            Ok(Described::new())
        }
        GROUP | CLIENT_METRICS if name.is_empty() => Err(invalid("the name must not be empty")),
        CLIENT_METRICS => Ok(Described::new()),
        GROUP => {
            let own = own_configs(image, &ConfigResource::Group(name.to_owned()));
            Ok(entries(describe_group_config(&own, &context.config)))
        }
        other => Err(invalid(format!("there are no resources of type {other}"))),
    }
}

fn describe_topic(context: &Context, image: &Image, name: &str) -> Result<Described, Refused> {
    if !topic_name::is_valid(name) {
        let message = format!("{name:?} is no name of a topic");
        return Err(Refused(ErrorCode::InvalidTopicException, message));
    }
    if image.topic_id(name).is_none() {
        let message = format!("there is no topic {name}");
        return Err(Refused(ErrorCode::UnknownTopicOrPartition, message));
    }
    let own = own_configs(image, &ConfigResource::Topic(name.to_owned()));
    let dynamic = dynamic_configs(image, context.identity.id);
    let configs = describe_topic_config(&own, &context.config, dynamic);
    Ok(entries(configs))
}

fn own_configs(image: &Image, resource: &ConfigResource) -> BTreeMap<String, String> {
    image.configs(resource).cloned().unwrap_or_default()
}

fn entries(configs: Vec<DescribedConfig>) -> Described {
    configs.into_iter().map(entry).collect()
}

fn entry(config: DescribedConfig) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult {
        name: config.name,
        value: config.value,
        read_only: config.read_only,
        config_source: config.source as i8,
        is_sensitive: config.sensitive,
        synonyms: config
            .synonyms
            .into_iter()
            .map(|synonym| DescribeConfigsSynonym {
                name: synonym.name,
                value: synonym.value,
                source: synonym.source as i8,
            })
            .collect(),
        config_type: config.type_id,
        documentation: Some(config.doc.to_owned()),
    }
}

/// Keeps what the client wants to know.
fn select(
    mut configs: Described,
    resource: &DescribeConfigsResource,
    request: &DescribeConfigsRequest,
) -> Described {
    let keys = resource.configuration_keys.as_deref().unwrap_or_default();
    if !keys.is_empty() {
        configs.retain(|config| keys.contains(&config.name));
    }
    for config in &mut configs {
        if !request.include_synonyms {
            config.synonyms.clear();
        }
        if !request.include_documentation {
            config.documentation = None;
        }
    }
    configs
}
