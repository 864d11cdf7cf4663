//! Settings of groups, most of which the broker gives a default and bounds.

use crate::{
    broker_configs,
    config_key::{ConfigKey, Validator::*, config_keys},
    config_value,
    describe::{ConfigSource, ConfigSynonym, DescribedConfig},
    dynamic_configs::ConfigMap,
    server_config::{ServerConfig, Values},
};

/// All settings of groups, by name. Where there is a broker setting `group.NAME`, that is the
/// default.
const KEYS: &[ConfigKey] = config_keys! {
    "consumer.assignment.interval.ms": Int = "1000", AtLeast(0), ClusterWide, Medium,
        "Least time between two assignments of a consumer group.";
    "consumer.heartbeat.interval.ms": Int = "5000", AtLeast(1), ClusterWide, Medium,
        "Time between two heartbeats of a member of a consumer group.";
    "consumer.session.timeout.ms": Int = "45000", AtLeast(1), ClusterWide, Medium,
        "Silence after which a member of a consumer group is out.";
    "share.assignment.interval.ms": Int = "1000", AtLeast(0), ClusterWide, Medium,
        "Least time between two assignments of a share group.";
    "share.auto.offset.reset": String = "latest", NonEmpty, ClusterWide, Medium,
        "Where a share group begins: latest, earliest, or by_duration:PERIOD.";
    "share.delivery.count.limit": Int = "5", AtLeast(2), ClusterWide, Medium,
        "How often a record is delivered before it is given up.";
    "share.heartbeat.interval.ms": Int = "5000", AtLeast(1), ClusterWide, Medium,
        "Time between two heartbeats of a member of a share group.";
    "share.isolation.level": String = "read_uncommitted", OneOf(&["read_committed", "read_uncommitted"]), ClusterWide, Medium,
        "Whether a share group sees records of open transactions.";
    "share.partition.max.record.locks": Int = "2000", AtLeast(100), ClusterWide, Medium,
        "Records of a partition that may be held at a time.";
    "share.record.lock.duration.ms": Int = "30000", AtLeast(1000), ClusterWide, Medium,
        "How long a member may hold a record before others get it.";
    "share.renew.acknowledge.enable": Boolean = "true", Any, ClusterWide, Medium,
        "Whether members may renew their hold on records.";
    "share.session.timeout.ms": Int = "45000", AtLeast(1), ClusterWide, Medium,
        "Silence after which a member of a share group is out.";
    "streams.assignment.interval.ms": Int = "1000", AtLeast(0), ClusterWide, Medium,
        "Least time between two assignments of a streams group.";
    "streams.heartbeat.interval.ms": Int = "5000", AtLeast(1), ClusterWide, Medium,
        "Time between two heartbeats of a member of a streams group.";
    "streams.initial.rebalance.delay.ms": Int = "3000", AtLeast(0), ClusterWide, Medium,
        "How long a new streams group waits for more members.";
    "streams.num.standby.replicas": Int = "0", AtLeast(0), ClusterWide, Medium,
        "Standby copies of each task.";
    "streams.session.timeout.ms": Int = "45000", AtLeast(1), ClusterWide, Medium,
        "Silence after which a member of a streams group is out.";
};

/// Checks one setting of a group, against the bounds that the server sets as well.
///
/// # Errors
/// The name is unknown or the value breaks its rule; the message goes into an INVALID_CONFIG
/// answer.
pub fn validate_group_config(name: &str, value: &str, server: &ServerConfig) -> Result<(), String> {
    let Some(key) = KEYS.iter().find(|key| key.name == name) else {
        return Err(format!("Unknown group config name: {name}"));
    };
    config_value::check(key, value).map_err(config_value::in_answer)?;
    if name == "share.auto.offset.reset" && !is_reset(value.trim()) {
        return Err(format!(
            "Invalid value {} for configuration {name}: it must be latest, earliest or \
             by_duration: and a period such as PT1H",
            config_value::shown(value)
        ));
    }
    let Ok(number) = value.trim().parse::<i64>() else {
        return Ok(());
    };
    let values = Values(&server.properties);
    let bound = |which| values.number::<i64>(&bound_name(name, which)).ok();
    match (bound("min"), bound("max")) {
        (Some(min), _) if number < min => Err(format!(
            "{name} must be at least {}, which is {min}",
            bound_name(name, "min")
        )),
        (_, Some(max)) if number > max => Err(format!(
            "{name} must be at most {}, which is {max}",
            bound_name(name, "max")
        )),
        _ => Ok(()),
    }
}

/// The broker setting that bounds a setting of groups, if there is one of that name.
fn bound_name(name: &str, which: &str) -> String {
    let (kind, rest) = name.split_once('.').unwrap_or((name, ""));
    let rest = rest.strip_prefix("num.").unwrap_or(rest);
    format!("group.{kind}.{which}.{rest}")
}

fn is_reset(value: &str) -> bool {
    let period = value.strip_prefix("by_duration:P");
    matches!(value, "latest" | "earliest") || period.is_some_and(|period| period.len() > 1)
}

/// All settings of a group, by name.
pub fn describe_group_config(own: &ConfigMap, server: &ServerConfig) -> Vec<DescribedConfig> {
    let describe = |key: &'static ConfigKey| {
        let of_broker = broker_configs::find(&format!("group.{}", key.name));
        let mut synonyms = Vec::new();
        let mut push = |name: &str, value: &str, source| {
            let value = Some(config_value::canonical(key, value));
            let name = name.to_owned();
            synonyms.push(ConfigSynonym {
                name,
                value,
                source,
            });
        };
        if let Some(value) = own.get(key.name) {
            push(key.name, value, ConfigSource::DynamicGroup);
        }
        let inherits = of_broker.unwrap_or(key);
        if let Some(value) = server.properties.get(inherits.name) {
            push(inherits.name, value, ConfigSource::StaticBroker);
        }
        if let Some(value) = inherits.default {
            push(inherits.name, value, ConfigSource::Default);
        }
        DescribedConfig::new(key, synonyms)
    };
    KEYS.iter().map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_named_after_the_setting() {
        for key in KEYS {
            let has = |which| broker_configs::find(&bound_name(key.name, which)).is_some();
            let is_bounded = !matches!(
                key.name,
                "share.auto.offset.reset"
                    | "share.isolation.level"
                    | "share.renew.acknowledge.enable"
                    | "streams.initial.rebalance.delay.ms"
            );
            assert_eq!(has("max"), is_bounded, "{}", key.name);
        }
        assert!(KEYS.is_sorted_by_key(|key| key.name));
    }

    #[test]
    fn share_groups_begin_somewhere() {
        for (value, is_fine) in [
            ("latest", true),
            ("earliest", true),
            ("by_duration:PT1H", true),
            ("by_duration:P", false),
            ("by_duration", false),
            ("now", false),
        ] {
            assert_eq!(is_reset(value), is_fine, "{value}");
        }
    }
}
