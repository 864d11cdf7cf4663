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
pub mod env;
mod error;
mod listener;
pub mod properties;
mod quorum_voters;
mod server_config;
mod server_rules;
mod server_settings;
mod suggestion;
mod topic_config;
pub mod topic_configs;

pub use config_key::{ConfigKey, ConfigType, Importance, UpdateMode, Validator};
pub use config_value::validate_broker_config;
pub use describe::{
    ConfigSource, ConfigSynonym, DescribedConfig, describe_broker_config, describe_topic_config,
};
pub use error::{ConfigError, Warning};
pub use listener::Listener;
pub use quorum_voters::{HostPort, QuorumVoter};
pub use server_config::{ProcessRoles, ServerConfig};
pub use server_settings::{
    GroupSettings, LogSettings, NetworkSettings, QuorumSettings, ReplicationSettings,
    TransactionSettings,
};
pub use topic_config::{
    CleanupPolicy, CompressionType, TimestampType, TopicConfig, validate_topic_config,
    validate_topic_configs,
};
