//! Configuration in Kafka's words: one typed table of property names feeds parsing,
//! validation, DescribeConfigs and help.
//!
//! The way of a setting: [`properties::parse`] reads a file, [`env::properties`] the
//! environment, [`ServerConfig::from_properties`] checks every key against [`broker_configs`]
//! and hands out typed values. Topics override some of them: [`TopicConfig`].
//!
//! Nothing here reads files, sockets or clocks; texts come in, values and errors go out.

pub mod broker_configs;
mod config_key;
mod config_value;
mod describe;
mod dynamic_configs;
pub mod env;
mod error;
mod group_configs;
mod listener;
pub mod properties;
mod quorum_rules;
mod quorum_voters;
mod server_config;
mod server_rules;
mod server_settings;
mod suggestion;
mod throttled_replicas;
mod topic_config;
pub mod topic_configs;

pub use config_key::{ConfigKey, ConfigType, Importance, UpdateMode, Validator};
pub use describe::{
    ConfigSource, ConfigSynonym, DescribedConfig, describe_broker_config, describe_broker_defaults,
    describe_topic_config,
};
pub use dynamic_configs::{
    ConfigMap, DynamicConfigs, ReplicationRates, broker_list_default, validate_broker_config,
    validate_broker_configs,
};
pub use error::{ConfigError, Warning};
pub use group_configs::{describe_group_config, validate_group_config};
pub use listener::Listener;
pub use quorum_voters::{HostPort, QuorumVoter};
pub use server_config::{ProcessRoles, ServerConfig};
pub use server_settings::{
    GroupSettings, LogSettings, NetworkSettings, QuorumSettings, ReplicaSelector,
    ReplicationSettings, TransactionSettings,
};
pub use throttled_replicas::ThrottledReplicas;
pub use topic_config::{
    CleanupPolicy, CompressionType, TimestampType, TopicConfig, topic_list_default,
    validate_topic_config, validate_topic_configs,
};
