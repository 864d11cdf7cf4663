//! What changes while brokers run: who may change what, what topics inherit, how it is described.

#![allow(clippy::unwrap_used, reason = "tests")]

use klamm_config::{
    ConfigMap, ConfigSource, DescribedConfig, DynamicConfigs, ReplicationRates, ServerConfig,
    broker_list_default, describe_broker_config, describe_broker_defaults, describe_group_config,
    describe_topic_config, topic_list_default, validate_broker_config, validate_broker_configs,
    validate_group_config,
};

fn map(pairs: &[(&str, &str)]) -> ConfigMap {
    pairs
        .iter()
        .map(|(k, v)| (k.to_string(), v.to_string()))
        .collect()
}

fn server(changes: &[(&str, &str)]) -> ServerConfig {
    let mut properties = map(&[
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("controller.quorum.voters", "1@localhost:9093"),
        ("controller.listener.names", "CONTROLLER"),
        ("listeners", "PLAINTEXT://:9092,CONTROLLER://:9093"),
    ]);
    properties.extend(map(changes));
    ServerConfig::from_properties(&properties).unwrap().0
}

#[test]
fn some_settings_change_at_run_time_and_some_do_not() {
    // Name, value, fine for all brokers, fine for one.
    for (name, value, of_all, of_one) in [
        ("log.retention.ms", "1000", true, true),
        ("log.retention.ms", "soon", false, false),
        ("log.retention.hours", "1", false, false),
        ("min.insync.replicas", "0", false, false),
        ("compression.type", "zip", false, false),
        ("log.segment.bytes", "5000", false, false),
        ("node.id", "2", false, false),
        ("log.dirs", "/x", false, false),
        ("listeners", "PLAINTEXT://:1", false, false),
        ("sasl.jaas.config", "x", false, true),
        ("ssl.key.password", "x", false, false),
        ("leader.replication.throttled.rate", "7", true, true),
        ("leader.replication.throttled.rate", "-7", false, false),
        // As in Kafka, what nobody knows may be somebody else's.
        ("some.plugin.thing", "7", true, true),
    ] {
        for (is_of_all, expected) in [(true, of_all), (false, of_one)] {
            let checked = validate_broker_config(name, value, is_of_all);
            assert_eq!(checked.is_ok(), expected, "{name}={value}: {checked:?}");
        }
    }
}

#[test]
fn settings_that_change_must_fit_the_others() {
    let check = |pairs: &[(&str, &str)]| {
        let cluster = map(pairs);
        let dynamic = DynamicConfigs {
            cluster: Some(&cluster),
            broker: None,
        };
        validate_broker_configs(dynamic, &server(&[]))
    };
    assert_eq!(check(&[("log.retention.ms", "-1")]), Ok(()));
    assert!(check(&[("log.retention.ms", "0")]).is_err());
    assert!(check(&[("log.roll.ms", "0")]).is_err());
    assert_eq!(check(&[("log.cleaner.threads", "128")]), Ok(()));
    assert!(check(&[("log.cleaner.threads", "129")]).is_err());
}

#[test]
fn topics_inherit_what_changed() {
    let server = server(&[("log.retention.hours", "24"), ("min.insync.replicas", "2")]);
    let cluster = map(&[
        ("log.retention.ms", "7000"),
        ("compression.type", "zstd"),
        ("message.max.bytes", " 5000 "),
        ("log.roll.hours", "1"),
        ("log.cleanup.policy", "burn"),
    ]);
    let broker = map(&[("message.max.bytes", "6000")]);
    let of_all = DynamicConfigs {
        cluster: Some(&cluster),
        broker: None,
    };
    let config = of_all.topic_defaults(&server);
    assert_eq!(config.retention_ms, 7000);
    assert_eq!(config.max_message_bytes, 5000);
    assert_eq!(config.min_insync_replicas, 2);
    assert_eq!(config.segment_ms, 604_800_000, "read-only ones stay");
    assert!(config.cleanup_policy.delete, "wrong ones are passed over");
    let of_one = DynamicConfigs {
        broker: Some(&broker),
        ..of_all
    };
    assert_eq!(of_one.topic_defaults(&server).max_message_bytes, 6000);
}

/// Value, source, and synonyms as `source name=value`.
fn told(described: &[DescribedConfig], name: &str) -> (Option<String>, i8, Vec<String>) {
    let config = described.iter().find(|config| config.name == name).unwrap();
    let synonyms = config.synonyms.iter().map(|s| {
        let value = s.value.as_deref().unwrap_or("null");
        format!("{} {}={value}", s.source as i8, s.name)
    });
    let source = config.source as i8;
    (config.value.clone(), source, synonyms.collect())
}

fn assert_told(
    described: &[DescribedConfig],
    name: &str,
    value: Option<&str>,
    source: ConfigSource,
    synonyms: &[&str],
) {
    let (found, found_source, found_synonyms) = told(described, name);
    assert_eq!(found.as_deref(), value, "{name}");
    assert_eq!(found_source, source as i8, "{name}");
    assert_eq!(found_synonyms, synonyms, "{name}");
}

/// The expectations were read off an Apache Kafka 4.3.1 server.
#[test]
fn every_layer_is_told() {
    use ConfigSource::*;
    let server = server(&[("min.insync.replicas", "1")]);
    let cluster = map(&[
        ("min.insync.replicas", "1"),
        ("log.retention.ms", "70000"),
        ("unclean.leader.election.enable", " TRUE"),
        ("some.plugin.thing", "hunter2"),
    ]);
    let broker = map(&[
        ("log.retention.ms", "80000"),
        ("sasl.jaas.config", "hunter2"),
    ]);
    let dynamic = DynamicConfigs {
        broker: Some(&broker),
        cluster: Some(&cluster),
    };
    let of_broker = describe_broker_config(&server, dynamic);
    let own = [
        "2 log.retention.ms=80000",
        "3 log.retention.ms=70000",
        "5 log.retention.hours=168",
    ];
    assert_told(
        &of_broker,
        "log.retention.ms",
        Some("80000"),
        DynamicBroker,
        &own,
    );
    let hours = ["5 log.retention.hours=168"];
    assert_told(
        &of_broker,
        "log.retention.hours",
        Some("168"),
        Default,
        &hours,
    );
    let secret = ["2 sasl.jaas.config=null"];
    assert_told(&of_broker, "sasl.jaas.config", None, DynamicBroker, &secret);
    let unclean = [
        "3 unclean.leader.election.enable=true",
        "5 unclean.leader.election.enable=false",
    ];
    let name = "unclean.leader.election.enable";
    assert_told(
        &of_broker,
        name,
        Some("true"),
        DynamicDefaultBroker,
        &unclean,
    );

    let overrides = map(&[("min.insync.replicas", " 1")]);
    let of_topic = describe_topic_config(&overrides, &server, dynamic);
    let in_sync = [
        "1 min.insync.replicas=1",
        "3 min.insync.replicas=1",
        "4 min.insync.replicas=1",
        "5 min.insync.replicas=1",
    ];
    assert_told(
        &of_topic,
        "min.insync.replicas",
        Some("1"),
        DynamicTopic,
        &in_sync,
    );
    assert_told(
        &of_topic,
        "retention.ms",
        Some("80000"),
        DynamicBroker,
        &own,
    );

    let defaults = describe_broker_defaults(&cluster);
    let only = ["3 log.retention.ms=70000"];
    assert_told(
        &defaults,
        "log.retention.ms",
        Some("70000"),
        DynamicDefaultBroker,
        &only,
    );
    let unknown = ["3 some.plugin.thing=null"];
    assert_told(
        &defaults,
        "some.plugin.thing",
        None,
        DynamicDefaultBroker,
        &unknown,
    );
    for described in [&of_broker, &defaults] {
        assert!(!format!("{described:?}").contains("hunter2"));
    }
}

#[test]
fn lists_have_a_default_to_add_to() {
    let server = server(&[("log.cleanup.policy", "compact")]);
    let cluster = map(&[("log.cleanup.policy", "")]);
    let none = DynamicConfigs::default();
    let dynamic = DynamicConfigs {
        broker: None,
        cluster: Some(&cluster),
    };
    let topic = |name, dynamic| topic_list_default(name, &server, dynamic);
    assert_eq!(topic("cleanup.policy", none).as_deref(), Some("compact"));
    assert_eq!(topic("cleanup.policy", dynamic).as_deref(), Some(""));
    let throttled = "leader.replication.throttled.replicas";
    assert_eq!(topic(throttled, none).as_deref(), Some(""));
    assert_eq!(topic("retention.ms", none), None);
    assert_eq!(topic("no.such", none), None);
    let broker = |name| broker_list_default(name, &server);
    assert_eq!(broker("log.cleanup.policy").as_deref(), Some("compact"));
    assert_eq!(broker("log.retention.ms"), None);
}

#[test]
fn groups() {
    let server = server(&[]);
    for (name, value, is_fine) in [
        ("consumer.session.timeout.ms", "50000", true),
        ("consumer.session.timeout.ms", "1", false),
        ("consumer.session.timeout.ms", "70000", false),
        ("consumer.session.timeout.ms", "x", false),
        ("consumer.heartbeat.interval.ms", "50", false),
        ("streams.num.standby.replicas", "3", false),
        ("share.auto.offset.reset", "earliest", true),
        ("share.auto.offset.reset", "never", false),
        ("no.such", "1", false),
    ] {
        let checked = validate_group_config(name, value, &server);
        assert_eq!(checked.is_ok(), is_fine, "{name}={value}: {checked:?}");
    }
    let own = map(&[("consumer.session.timeout.ms", "50000")]);
    let described = describe_group_config(&own, &server);
    assert_eq!(described.len(), 17);
    let synonyms = [
        "8 consumer.session.timeout.ms=50000",
        "5 group.consumer.session.timeout.ms=45000",
    ];
    let name = "consumer.session.timeout.ms";
    assert_told(
        &described,
        name,
        Some("50000"),
        ConfigSource::DynamicGroup,
        &synonyms,
    );
    let level = "share.isolation.level";
    let synonyms = ["5 share.isolation.level=read_uncommitted"];
    assert_told(
        &described,
        level,
        Some("read_uncommitted"),
        ConfigSource::Default,
        &synonyms,
    );
}

#[test]
fn replication_is_as_fast_as_was_set_last_and_never_stands_still() {
    let own = map(&[("leader.replication.throttled.rate", "500")]);
    let all = map(&[
        ("leader.replication.throttled.rate", "1"),
        ("follower.replication.throttled.rate", " 700 "),
        ("replica.alter.log.dirs.io.max.bytes.per.second", "0"),
    ]);
    let dynamic = DynamicConfigs {
        broker: Some(&own),
        cluster: Some(&all),
    };
    let expected = ReplicationRates {
        leader: 500,
        follower: 700,
        moves: 1,
    };
    assert_eq!(dynamic.replication_rates(), expected);
    let none = DynamicConfigs::default();
    assert_eq!(none.replication_rates(), ReplicationRates::UNLIMITED);
}
