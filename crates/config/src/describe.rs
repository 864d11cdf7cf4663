//! What DescribeConfigs answers: every setting, where its value comes from, and what it means.

use crate::{
    broker_configs,
    config_key::{ConfigKey, UpdateMode},
    config_value,
    dynamic_configs::{self, ConfigMap, DynamicConfigs},
    server_config::{ServerConfig, server_value},
    topic_configs::{self, TopicConfigKey},
};
use std::collections::BTreeSet;

/// Where a value comes from, with its number in the protocol (KIP-226, KIP-848).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigSource {
    /// Set for the topic.
    DynamicTopic = 1,
    /// Set for this broker at run time.
    DynamicBroker = 2,
    /// Set for all brokers at run time.
    DynamicDefaultBroker = 3,
    /// Set for the server: its file, its environment or its command line.
    StaticBroker = 4,
    /// Set by nobody.
    Default = 5,
    /// Set for the group.
    DynamicGroup = 8,
}

/// A value that this setting has, or would have without a stronger one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    /// The setting that gives it.
    pub name: String,
    /// Its value; `None` if it is secret.
    pub value: Option<String>,
    /// Where that comes from.
    pub source: ConfigSource,
}

/// A setting as DescribeConfigs shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedConfig {
    /// Its name.
    pub name: String,
    /// Its value; `None` is null or secret.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// The number of its type in the protocol; 0 if the type is unknown.
    pub type_id: i8,
    /// Whether it needs a restart to change.
    pub read_only: bool,
    /// Whether its value must not be shown.
    pub sensitive: bool,
    /// Where its value comes from, the strongest first.
    pub synonyms: Vec<ConfigSynonym>,
    /// What it means.
    pub doc: &'static str,
}

impl DescribedConfig {
    /// A setting with the value of its first synonym.
    pub(crate) fn new(key: &ConfigKey, synonyms: Vec<ConfigSynonym>) -> DescribedConfig {
        let first = synonyms.first();
        DescribedConfig {
            name: key.name.to_owned(),
            value: first.and_then(|synonym| synonym.value.clone()),
            source: first.map_or(ConfigSource::Default, |synonym| synonym.source),
            type_id: key.config_type.wire_id(),
            read_only: key.update_mode == UpdateMode::ReadOnly,
            sensitive: key.is_sensitive(),
            synonyms,
            doc: key.doc,
        }
    }

    /// A setting that no table knows, such as a plugin's. Whether it is a secret, nobody knows.
    fn unknown(name: &str, source: ConfigSource) -> DescribedConfig {
        DescribedConfig {
            name: name.to_owned(),
            value: None,
            source,
            type_id: 0,
            read_only: true,
            sensitive: true,
            synonyms: vec![ConfigSynonym {
                name: name.to_owned(),
                value: None,
                source,
            }],
            doc: "",
        }
    }
}

/// All settings of a topic, by name.
pub fn describe_topic_config(
    overrides: &ConfigMap,
    server: &ServerConfig,
    dynamic: DynamicConfigs,
) -> Vec<DescribedConfig> {
    let inherited = dynamic.over(&server.properties);
    let describe = |row: &'static TopicConfigKey| {
        let own = overrides.get(row.key.name);
        let mut synonyms = Vec::new();
        if let Some(value) = own {
            synonyms.push(synonym(&row.key, value, ConfigSource::DynamicTopic));
        }
        if let Some(name) = row.server_synonym {
            synonyms.extend(broker_synonyms(name, server, dynamic));
        }
        let value = own
            .cloned()
            .or_else(|| server_value(row, &inherited))
            .or_else(|| row.key.default.map(str::to_owned));
        DescribedConfig {
            // Of a synonym in hours, the value is in milliseconds.
            value: value.map(|value| config_value::canonical(&row.key, &value)),
            ..DescribedConfig::new(&row.key, synonyms)
        }
    };
    let public = topic_configs::KEYS.iter().filter(|row| !row.key.internal);
    public.map(describe).collect()
}

/// All settings of a broker, by name, then those that no table knows.
pub fn describe_broker_config(
    server: &ServerConfig,
    dynamic: DynamicConfigs,
) -> Vec<DescribedConfig> {
    let describe = |key: &'static ConfigKey| {
        let synonyms = broker_synonyms(key.name, server, dynamic);
        let given = dynamic.get(key.name).or(server.properties.get(key.name));
        let value = given.map(String::as_str).or(key.default);
        let shown = value.filter(|_| !key.is_sensitive());
        DescribedConfig {
            value: shown.map(|value| config_value::canonical(key, value)),
            ..DescribedConfig::new(key, synonyms)
        }
    };
    let known = broker_configs::all().filter(|key| !key.internal);
    let mut described: Vec<DescribedConfig> = known.map(describe).collect();
    let layers = layers(server, dynamic);
    let names = layers.iter().flat_map(|(configs, _)| configs.keys());
    let others: BTreeSet<&String> = names
        .filter(|name| broker_configs::find(name).is_none())
        .collect();
    for name in others {
        let mut layers = layers.iter();
        let given = layers.find_map(|(configs, source)| Some((configs.get(name)?, *source)));
        described.extend(given.map(|(value, source)| other(name, value, source)));
    }
    described
}

/// What was set at run time for all brokers.
pub fn describe_broker_defaults(cluster: &ConfigMap) -> Vec<DescribedConfig> {
    let source = ConfigSource::DynamicDefaultBroker;
    cluster
        .iter()
        .map(|(name, value)| other(name, value, source))
        .collect()
}

/// A setting of which one value is all there is.
fn other(name: &str, value: &str, source: ConfigSource) -> DescribedConfig {
    match dynamic_configs::find(name) {
        Some(key) => DescribedConfig::new(key, vec![synonym(key, value, source)]),
        None => DescribedConfig::unknown(name, source),
    }
}

/// Where values of brokers may come from, the strongest first.
fn layers<'a>(
    server: &'a ServerConfig,
    dynamic: DynamicConfigs<'a>,
) -> Vec<(&'a ConfigMap, ConfigSource)> {
    let broker = dynamic.broker.map(|c| (c, ConfigSource::DynamicBroker));
    let cluster = dynamic
        .cluster
        .map(|c| (c, ConfigSource::DynamicDefaultBroker));
    let own = Some((&server.properties, ConfigSource::StaticBroker));
    [broker, cluster, own].into_iter().flatten().collect()
}

/// The values behind a broker setting: those given, then the defaults. As in Kafka, the list
/// begins with the setting itself; spellings that would stand before it are left out.
fn broker_synonyms(
    name: &str,
    server: &ServerConfig,
    dynamic: DynamicConfigs,
) -> Vec<ConfigSynonym> {
    let chain: Vec<&'static ConfigKey> = broker_configs::synonyms(name)
        .into_iter()
        .filter_map(broker_configs::find)
        .collect();
    let layers = layers(server, dynamic);
    let given = layers.iter().flat_map(|(configs, source)| {
        let of_layer = chain
            .iter()
            .filter_map(|key| Some(synonym(key, configs.get(key.name)?, *source)));
        of_layer.collect::<Vec<_>>()
    });
    let defaults = chain
        .iter()
        .filter_map(|key| Some(synonym(key, key.default?, ConfigSource::Default)));
    given
        .chain(defaults)
        .skip_while(|synonym| synonym.name != name)
        .collect()
}

fn synonym(key: &ConfigKey, value: &str, source: ConfigSource) -> ConfigSynonym {
    ConfigSynonym {
        name: key.name.to_owned(),
        value: (!key.is_sensitive()).then(|| config_value::canonical(key, value)),
        source,
    }
}
