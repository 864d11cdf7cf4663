//! Settings of brokers that change while they run, and what topics inherit of them.

use crate::{
    broker_configs,
    config_key::{ConfigKey, UpdateMode, Validator::AtLeast, config_keys},
    config_value,
    server_config::{ServerConfig, Values, topic_defaults},
    server_rules,
    topic_config::TopicConfig,
};
use std::{borrow::Cow, collections::BTreeMap};

/// What was set at run time, by name.
pub type ConfigMap = BTreeMap<String, String>;

const LEADER_RATE: &str = "leader.replication.throttled.rate";
const FOLLOWER_RATE: &str = "follower.replication.throttled.rate";
const MOVES_RATE: &str = "replica.alter.log.dirs.io.max.bytes.per.second";

/// Settings of brokers that exist at run time alone.
const RUN_TIME_ONLY: &[ConfigKey] = config_keys! {
    "follower.replication.throttled.rate": Long = "9223372036854775807", AtLeast(0), ClusterWide, Medium,
        "Most bytes a second that throttled replicas fetch.";
    "leader.replication.throttled.rate": Long = "9223372036854775807", AtLeast(0), ClusterWide, Medium,
        "Most bytes a second that throttled replicas are served.";
    "replica.alter.log.dirs.io.max.bytes.per.second": Long = "9223372036854775807", AtLeast(0), ClusterWide, Medium,
        "Most bytes a second that moves between log directories copy.";
};

/// Settings that Kafka changes at run time and this server does not.
const NEEDS_RESTART: [&str; 2] = ["listeners", "listener.security.protocol.map"];

/// What was set at run time on top of a server's own properties.
#[derive(Clone, Copy, Debug, Default)]
pub struct DynamicConfigs<'a> {
    /// For this broker alone; stronger.
    pub broker: Option<&'a ConfigMap>,
    /// For all brokers.
    pub cluster: Option<&'a ConfigMap>,
}

/// How fast throttled replicas are copied at most, in bytes a second, at least 1; the largest
/// number is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicationRates {
    /// `leader.replication.throttled.rate`: what leaders here serve.
    pub leader: i64,
    /// `follower.replication.throttled.rate`: what followers here fetch.
    pub follower: i64,
    /// `replica.alter.log.dirs.io.max.bytes.per.second`: what moves between log directories copy.
    pub moves: i64,
}

impl ReplicationRates {
    /// What holds where nothing is set.
    pub const UNLIMITED: ReplicationRates = ReplicationRates {
        leader: i64::MAX,
        follower: i64::MAX,
        moves: i64::MAX,
    };
}

impl<'a> DynamicConfigs<'a> {
    /// The value of a setting, if one was set at run time.
    pub(crate) fn get(&self, name: &str) -> Option<&'a String> {
        let of = |configs: Option<&'a ConfigMap>| configs?.get(name);
        of(self.broker).or_else(|| of(self.cluster))
    }

    /// The server's properties with what was set at run time over them.
    pub(crate) fn over<'p>(&self, properties: &'p ConfigMap) -> Cow<'p, ConfigMap> {
        let mut merged = Cow::Borrowed(properties);
        for (name, value) in [self.cluster, self.broker].into_iter().flatten().flatten() {
            // What another version wrote and this one does not take is passed over.
            if is_in_effect(name, value) {
                let value = value.trim().to_owned();
                merged.to_mut().insert(name.clone(), value);
            }
        }
        merged
    }

    /// How fast throttled replicas are copied.
    pub fn replication_rates(&self) -> ReplicationRates {
        let rate = |name: &str| {
            let set = self.get(name).and_then(|value| value.trim().parse().ok());
            set.map_or(i64::MAX, |rate: i64| rate.max(1))
        };
        ReplicationRates {
            leader: rate(LEADER_RATE),
            follower: rate(FOLLOWER_RATE),
            moves: rate(MOVES_RATE),
        }
    }

    /// The settings of topics without their own, as they are now.
    pub fn topic_defaults(&self, server: &ServerConfig) -> TopicConfig {
        topic_defaults(&Values(&self.over(&server.properties)))
    }
}

fn is_in_effect(name: &str, value: &str) -> bool {
    broker_configs::find(name).is_some_and(|key| {
        key.update_mode != UpdateMode::ReadOnly && config_value::check(key, value).is_ok()
    })
}

/// The row of a setting that brokers have, those that exist at run time alone among them.
pub(crate) fn find(name: &str) -> Option<&'static ConfigKey> {
    let run_time_only = || RUN_TIME_ONLY.iter().find(|key| key.name == name);
    broker_configs::find(name).or_else(run_time_only)
}

/// The default of a broker's list setting, the server's own value considered; `None` if the
/// setting is no list.
pub fn broker_list_default(name: &str, server: &ServerConfig) -> Option<String> {
    let key = find(name).filter(|key| key.is_list())?;
    let given = server.properties.get(name).map(String::as_str);
    Some(given.or(key.default).unwrap_or_default().to_owned())
}

/// Checks a setting that is to change while brokers run, of one broker (`of_all` is false) or of
/// all that have no value of their own.
///
/// Names that nobody knows pass, as in Kafka: they may be another version's.
///
/// # Errors
/// The setting needs a restart, cannot be the same for all, or the value breaks its rule.
pub fn validate_broker_config(name: &str, value: &str, of_all: bool) -> Result<(), String> {
    let Some(key) = find(name) else {
        return Ok(());
    };
    if key.update_mode == UpdateMode::ReadOnly || NEEDS_RESTART.contains(&name) {
        return Err(format!(
            "Cannot update {name} while brokers run: it needs a restart"
        ));
    }
    if name.starts_with("ssl.") {
        return Err(format!(
            "Cannot update {name} for a whole broker: it belongs to a listener, as \
             listener.name.LISTENER.{name}"
        ));
    }
    if of_all && key.update_mode == UpdateMode::PerBroker {
        return Err(format!(
            "Cannot update {name} for all brokers at once: name a broker"
        ));
    }
    config_value::check(key, value).map_err(config_value::in_answer)
}

/// Checks what was set at run time together with the server's own properties.
///
/// # Errors
/// Settings contradict each other.
pub fn validate_broker_configs(
    dynamic: DynamicConfigs,
    server: &ServerConfig,
) -> Result<(), String> {
    let merged = dynamic.over(&server.properties);
    server_rules::check_numbers(&Values(&merged)).map_err(|error| error.to_string())
}
