//! Changes of settings, as clients ask for them.

use crate::asking::Asking;
use klamm_protocol::messages::{
    alter_configs_request::{
        AlterConfigsRequest, AlterConfigsResource as Replaced, AlterableConfig as Replacement,
    },
    describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource},
    describe_configs_response::DescribeConfigsResourceResult,
    incremental_alter_configs_request::{
        AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
    },
    incremental_alter_configs_response::AlterConfigsResourceResponse,
};

/// Kafka's numbers for kinds of resources.
pub(crate) const TOPIC: i8 = 2;
pub(crate) const BROKER: i8 = 4;
pub(crate) const BROKER_LOGGER: i8 = 8;
pub(crate) const CLIENT_METRICS: i8 = 16;
pub(crate) const GROUP: i8 = 32;

/// Kafka's numbers for what may be done to a setting.
pub(crate) const SET: i8 = 0;
pub(crate) const DELETE: i8 = 1;
pub(crate) const APPEND: i8 = 2;
pub(crate) const SUBTRACT: i8 = 3;

/// What to do, to which setting, with which value.
pub(crate) type Op<'a> = (i8, &'a str, Option<&'a str>);

/// A request to change one resource.
pub(crate) fn alteration(
    kind: i8,
    name: &str,
    ops: &[Op],
    validate_only: bool,
) -> IncrementalAlterConfigsRequest {
    let configs = ops.iter().map(|(operation, name, value)| AlterableConfig {
        name: (*name).to_owned(),
        config_operation: *operation,
        value: value.map(str::to_owned),
    });
    IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            configs: configs.collect(),
        }],
        validate_only,
    }
}

/// A request to replace all settings of one resource.
pub(crate) fn replacement(
    kind: i8,
    name: &str,
    configs: &[(&str, Option<&str>)],
) -> AlterConfigsRequest {
    let configs = configs.iter().map(|(name, value)| Replacement {
        name: (*name).to_owned(),
        value: value.map(str::to_owned),
    });
    AlterConfigsRequest {
        resources: vec![Replaced {
            resource_type: kind,
            resource_name: name.to_owned(),
            configs: configs.collect(),
        }],
        validate_only: false,
    }
}

/// Changes one resource.
pub(crate) fn alter(
    broker: &mut Asking,
    kind: i8,
    name: &str,
    ops: &[Op],
) -> AlterConfigsResourceResponse {
    let request = alteration(kind, name, ops, false);
    broker.ask(&request, 1).responses.remove(0)
}

/// The settings of a resource.
pub(crate) fn describe(
    broker: &mut Asking,
    kind: i8,
    name: &str,
) -> Vec<DescribeConfigsResourceResult> {
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            configuration_keys: None,
        }],
        include_synonyms: true,
        include_documentation: false,
    };
    broker.ask(&request, 4).results.remove(0).configs
}

/// The value of one setting, and where it comes from in Kafka's numbers.
pub(crate) fn value(
    broker: &mut Asking,
    kind: i8,
    name: &str,
    config: &str,
) -> (Option<String>, i8) {
    let described = describe(broker, kind, name);
    let found = described.into_iter().find(|one| one.name == config);
    let found = found.unwrap_or_else(|| panic!("{name} has no {config}"));
    (found.value, found.config_source)
}
