//! DescribeConfigs (32), versions 1–4: settings, where they come from and what they mean.
//!
//! v1 added synonyms, v3 types and documentation. Topics, this broker, the defaults of all
//! brokers, groups and subscriptions to client metrics can be described; which other brokers
//! exist is not for this one to say.

use super::{Answer, Call, Refusal};
use crate::{context::Context, topic_name};
use klamm_config::{
    ConfigSource, DescribedConfig, broker_configs, describe_broker_config, describe_topic_config,
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

/// Types of resources.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

/// The source of a setting that all brokers got at run time (KIP-226).
const DYNAMIC_DEFAULT_BROKER: i8 = 3;

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

/// Why a resource is not described.
struct Refused(ErrorCode, String);

fn invalid(message: impl Into<String>) -> Refused {
    Refused(ErrorCode::InvalidRequest, message.into())
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
        BROKER if name.is_empty() => Ok(defaults_of_all_brokers(image)),
        BROKER => {
            check_is_me(context, name)?;
            let configs = describe_broker_config(&context.config);
            Ok(configs.into_iter().map(entry).collect())
        }
        BROKER_LOGGER => {
            check_is_me(context, name)?;
            // There are no loggers to set one by one.
            Ok(Described::new())
        }
        GROUP | CLIENT_METRICS if name.is_empty() => Err(invalid("the name must not be empty")),
        CLIENT_METRICS => Ok(Described::new()),
        GROUP => Ok(describe_group(context, image, name)),
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
    let configs = describe_topic_config(&own, &context.config);
    Ok(configs.into_iter().map(entry).collect())
}

fn check_is_me(context: &Context, name: &str) -> Result<(), Refused> {
    let me = context.identity.id.get();
    match name.parse::<i32>() {
        Ok(id) if id == me => Ok(()),
        Ok(id) => Err(invalid(format!(
            "this is broker {me}: ask broker {id} itself for its settings"
        ))),
        Err(_) => Err(invalid(format!("{name:?} is no id of a broker"))),
    }
}

fn own_configs(image: &Image, resource: &ConfigResource) -> BTreeMap<String, String> {
    image.configs(resource).cloned().unwrap_or_default()
}

/// What was set for all brokers at run time.
fn defaults_of_all_brokers(image: &Image) -> Described {
    own_configs(image, &ConfigResource::Broker(None))
        .into_iter()
        .map(|(name, value)| {
            let key = broker_configs::find(&name);
            // Whether an unknown setting is a secret, nobody knows.
            let sensitive = key.is_none_or(|key| key.is_sensitive());
            let value = Some(value).filter(|_| !sensitive);
            DescribeConfigsResourceResult {
                synonyms: vec![DescribeConfigsSynonym {
                    name: name.clone(),
                    value: value.clone(),
                    source: DYNAMIC_DEFAULT_BROKER,
                }],
                name,
                value,
                config_source: DYNAMIC_DEFAULT_BROKER,
                is_sensitive: sensitive,
                config_type: key.map_or(0, |key| key.config_type.wire_id()),
                documentation: key.map(|key| key.doc.to_owned()),
                ..Default::default()
            }
        })
        .collect()
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
                name: synonym.name.to_owned(),
                value: synonym.value,
                source: synonym.source as i8,
            })
            .collect(),
        config_type: config.type_id,
        documentation: Some(config.doc.to_owned()),
    }
}

/// The source of a setting of a group (KIP-848).
const GROUP_CONFIG: i8 = 8;

/// Settings of groups that take their default from the broker setting `group.NAME`.
const GROUP_CONFIGS: [&str; 6] = [
    "consumer.assignment.interval.ms",
    "consumer.heartbeat.interval.ms",
    "consumer.session.timeout.ms",
    "streams.heartbeat.interval.ms",
    "streams.num.standby.replicas",
    "streams.session.timeout.ms",
];

fn describe_group(context: &Context, image: &Image, group_id: &str) -> Described {
    let own = own_configs(image, &ConfigResource::Group(group_id.to_owned()));
    let described = GROUP_CONFIGS.iter().filter_map(|name| {
        let broker_name = format!("group.{name}");
        let key = broker_configs::find(&broker_name)?;
        let given = context.config.properties.get(&broker_name).cloned();
        let mut synonyms: Vec<(&str, Option<String>, i8)> = Vec::new();
        if let Some(value) = own.get(*name) {
            synonyms.push((name, Some(value.clone()), GROUP_CONFIG));
        }
        if given.is_some() {
            synonyms.push((key.name, given, ConfigSource::StaticBroker as i8));
        }
        let default = key.default.map(str::to_owned);
        synonyms.push((key.name, default, ConfigSource::Default as i8));
        Some(DescribeConfigsResourceResult {
            name: (*name).to_owned(),
            value: synonyms[0].1.clone(),
            config_source: synonyms[0].2,
            synonyms: synonyms
                .into_iter()
                .map(|(name, value, source)| DescribeConfigsSynonym {
                    name: name.to_owned(),
                    value,
                    source,
                })
                .collect(),
            config_type: key.config_type.wire_id(),
            documentation: Some(key.doc.to_owned()),
            ..Default::default()
        })
    });
    described.collect()
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
