//! What DescribeConfigs answers: every setting, where its value comes from, and what it means.

use crate::{
    broker_configs,
    config_key::{ConfigKey, UpdateMode},
    server_config::{ServerConfig, server_value},
    topic_configs::{self, TopicConfigKey},
};
use std::collections::BTreeMap;

/// Where a value comes from, with its number in the protocol (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigSource {
    /// Set for the topic.
    DynamicTopic = 1,
    /// Set for the server: its file, its environment or its command line.
    StaticBroker = 4,
    /// Set by nobody.
    Default = 5,
}

/// Another setting that this one takes its value from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    /// Its name.
    pub name: &'static str,
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

/// All settings of a topic, by name.
pub fn describe_topic_config(
    overrides: &BTreeMap<String, String>,
    server: &ServerConfig,
) -> Vec<DescribedConfig> {
    topic_configs::KEYS
        .iter()
        .filter(|row| !row.key.internal)
        .map(|row| describe_topic_row(row, overrides.get(row.key.name), server))
        .collect()
}

fn describe_topic_row(
    row: &'static TopicConfigKey,
    own_value: Option<&String>,
    server: &ServerConfig,
) -> DescribedConfig {
    let mut synonyms = Vec::new();
    if let Some(value) = own_value {
        synonyms.push(ConfigSynonym {
            name: row.key.name,
            value: Some(value.clone()),
            source: ConfigSource::DynamicTopic,
        });
    }
    if let Some(name) = row.server_synonym {
        synonyms.extend(broker_synonyms(name, server));
    }
    let value = own_value
        .cloned()
        .or_else(|| server_value(row, &server.properties))
        .or_else(|| row.key.default.map(str::to_owned));
    described(&row.key, value, synonyms, false)
}

/// All settings of a broker, by name, those of plugins included.
pub fn describe_broker_config(server: &ServerConfig) -> Vec<DescribedConfig> {
    let known = broker_configs::all()
        .filter(|key| !key.internal)
        .map(|key| {
            let read_only = key.update_mode == UpdateMode::ReadOnly;
            let value = broker_value(key, server);
            described(key, value, broker_synonyms(key.name, server), read_only)
        });
    let of_plugins = server
        .properties
        .keys()
        .filter(|name| broker_configs::find(name).is_none())
        .map(|name| DescribedConfig {
            name: name.clone(),
            // Nobody knows whether it is a secret.
            value: None,
            source: ConfigSource::StaticBroker,
            type_id: 0,
            read_only: true,
            sensitive: true,
            synonyms: Vec::new(),
            doc: "",
        });
    known.chain(of_plugins).collect()
}

fn broker_value(key: &ConfigKey, server: &ServerConfig) -> Option<String> {
    let given = server.properties.get(key.name).map(String::as_str);
    given.or(key.default).map(str::to_owned)
}

/// The values behind a broker setting: those given, then the defaults. As in Kafka, the list
/// begins with the setting itself; spellings that would stand before it are left out.
fn broker_synonyms(name: &'static str, server: &ServerConfig) -> Vec<ConfigSynonym> {
    let chain: Vec<&'static ConfigKey> = broker_configs::synonyms(name)
        .into_iter()
        .filter_map(broker_configs::find)
        .collect();
    let given = chain.iter().filter_map(|key| {
        let value = server.properties.get(key.name)?;
        Some(synonym(key, value, ConfigSource::StaticBroker))
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
        name: key.name,
        value: (!key.is_sensitive()).then(|| value.to_owned()),
        source,
    }
}

fn described(
    key: &ConfigKey,
    value: Option<String>,
    synonyms: Vec<ConfigSynonym>,
    read_only: bool,
) -> DescribedConfig {
    DescribedConfig {
        name: key.name.to_owned(),
        value: value.filter(|_| !key.is_sensitive()),
        source: synonyms
            .first()
            .map_or(ConfigSource::Default, |synonym| synonym.source),
        type_id: key.config_type.wire_id(),
        read_only,
        sensitive: key.is_sensitive(),
        synonyms,
        doc: key.doc,
    }
}
