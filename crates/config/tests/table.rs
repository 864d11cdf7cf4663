//! The table is whole and agrees with itself, and what is described follows from it.

#![allow(clippy::unwrap_used, reason = "tests")]

use klamm_config::{
    ConfigKey, ConfigSource, DynamicConfigs, ServerConfig, TopicConfig, broker_configs,
    describe_broker_config, describe_topic_config, topic_configs, validate_topic_config,
    validate_topic_configs,
};
use std::collections::BTreeMap;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
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
fn every_setting_of_kafka_4_3_is_there() {
    let kafkas = broker_configs::all().filter(|key| !key.name.starts_with("klamm."));
    assert_eq!(kafkas.count(), 360);
    assert_eq!(topic_configs::KEYS.len(), 34);
    assert!(topic_configs::KEYS.is_sorted_by_key(|row| row.key.name));
}

#[test]
fn every_row_is_documented_and_its_default_is_valid() {
    let check = |key: &ConfigKey| {
        assert!(!key.doc.is_empty(), "{} has no doc", key.name);
        assert!(
            key.doc.ends_with('.'),
            "{} has a doc that is no sentence",
            key.name
        );
    };
    broker_configs::all().for_each(check);
    for row in topic_configs::KEYS {
        check(&row.key);
        if let Some(default) = row.key.default {
            assert_eq!(validate_topic_config(row.key.name, default), Ok(()));
        }
    }
    // A file that spells out every default is accepted, as far as defaults fit together.
    let identity = [
        "node.id",
        "broker.id",
        "listeners",
        "controller.quorum.voters",
        "security.inter.broker.protocol",
        "inter.broker.listener.name",
        "listener.security.protocol.map",
    ];
    let defaults: Vec<(&str, &str)> = broker_configs::all()
        .filter(|key| !identity.contains(&key.name))
        .filter_map(|key| Some((key.name, key.default?)))
        .collect();
    let config = server(&defaults);
    assert_eq!(config.topic_defaults, TopicConfig::default());
}

#[test]
fn typed_topic_settings_agree_with_the_table() {
    let defaults: BTreeMap<String, String> = topic_configs::KEYS
        .iter()
        .filter_map(|row| Some((row.key.name.to_owned(), row.key.default?.to_owned())))
        .collect();
    assert_eq!(
        TopicConfig::resolve(&defaults, &TopicConfig::default()),
        TopicConfig::default()
    );
    for row in topic_configs::KEYS {
        if let Some(synonym) = row.server_synonym {
            assert!(broker_configs::find(synonym).is_some(), "{synonym}");
        }
    }
}

#[test]
fn topics_inherit_from_the_server() {
    let server = server(&[
        ("log.retention.minutes", "10"),
        ("log.retention.hours", "7"),
        ("log.roll.hours", "2"),
        ("log.cleanup.policy", "compact,delete"),
        ("min.insync.replicas", "2"),
    ]);
    let config = TopicConfig::resolve(
        &map(&[("segment.ms", "5000"), ("flush.ms", "nonsense")]),
        &server.topic_defaults,
    );
    assert_eq!(config.retention_ms, 600_000);
    assert_eq!(server.topic_defaults.segment_ms, 7_200_000);
    assert_eq!(config.segment_ms, 5000);
    assert_eq!(config.flush_ms, i64::MAX);
    assert!(config.cleanup_policy.compact && config.cleanup_policy.delete);
    assert_eq!(config.min_insync_replicas, 2);
}

#[test]
fn topic_settings_are_checked() {
    for (name, value, part) in [
        ("segment.ms", "0", "at least 1"),
        ("segment.bytes", "abc", "whole number"),
        ("retention.ms", "-5", "at least -1"),
        ("cleanup.policy", "foo", "compact, delete"),
        ("compression.type", "x", "zstd"),
        ("min.cleanable.dirty.ratio", "2", "from 0 to 1"),
        ("preallocate", "1", "true or false"),
        ("leader.replication.throttled.replicas", "zz", "0:1"),
        ("retention.m", "1", "Did you mean retention.ms?"),
        ("cleanup.policy", "compact,,delete", "compact, delete"),
        ("cleanup.policy", ",", "compact, delete"),
        ("leader.replication.throttled.replicas", "0:1,", "0:1"),
        ("follower.replication.throttled.replicas", "*,0:1", "0:1"),
    ] {
        let message = validate_topic_config(name, value).unwrap_err();
        assert!(
            message.contains(name) && message.contains(part),
            "{message}"
        );
    }
    for (name, value) in [
        ("cleanup.policy", ""),
        ("cleanup.policy", "compact,compact"),
        ("cleanup.policy", " "),
        ("cleanup.policy", "compact, delete"),
        ("leader.replication.throttled.replicas", "*"),
        ("leader.replication.throttled.replicas", ""),
        ("retention.ms", " +5 "),
        ("unclean.leader.election.enable", "TRUE"),
    ] {
        assert_eq!(validate_topic_config(name, value), Ok(()), "{name}={value}");
    }
    let together =
        |pairs: &[(&str, &str)]| validate_topic_configs(&map(pairs), &TopicConfig::default());
    assert!(
        together(&[
            ("min.compaction.lag.ms", "5"),
            ("max.compaction.lag.ms", "4")
        ])
        .is_err()
    );
    for (name, value) in [
        ("remote.storage.enable", "true"),
        ("remote.log.copy.disable", " TRUE"),
        ("local.retention.ms", "5"),
    ] {
        let message = together(&[(name, value)]).unwrap_err();
        assert!(message.contains(name), "{message}");
    }
    assert!(
        together(&[
            ("remote.storage.enable", "False"),
            ("local.retention.ms", "-2")
        ])
        .is_ok()
    );
    assert!(together(&[("min.compaction.lag.ms", "5")]).is_ok());
}

#[test]
fn messages_do_not_repeat_values_of_any_length() {
    let long = "9".repeat(32_767);
    for name in ["retention.ms", "cleanup.policy", &long] {
        let message = validate_topic_config(name, &long).unwrap_err();
        assert!(message.len() < 1_000, "{} bytes", message.len());
    }
}

#[test]
fn the_segment_size_of_tests_stands_above_the_usual_one() {
    let resolve = |pairs: &[(&str, &str)]| {
        TopicConfig::resolve(&map(pairs), &TopicConfig::default()).segment_bytes
    };
    let usual = ("segment.bytes", "2000000");
    assert_eq!(resolve(&[usual]), 2_000_000);
    assert_eq!(resolve(&[usual, ("internal.segment.bytes", "500")]), 500);
    assert_eq!(
        resolve(&[usual, ("internal.segment.bytes", "-1")]),
        2_000_000
    );
}

/// The synonyms of one topic setting, as `source name=value`.
fn synonyms(
    name: &str,
    overrides: &[(&str, &str)],
    server: &ServerConfig,
) -> (String, Vec<String>) {
    let described = describe_topic_config(&map(overrides), server, DynamicConfigs::default());
    let config = described.into_iter().find(|c| c.name == name).unwrap();
    let synonyms = config.synonyms.iter().map(|s| {
        format!(
            "{} {}={}",
            s.source as i8,
            s.name,
            s.value.as_deref().unwrap_or("null")
        )
    });
    (config.value.unwrap(), synonyms.collect())
}

/// The expectations were read off an Apache Kafka 4.3.1 server.
#[test]
fn topic_settings_are_described_as_kafka_does() {
    let server = server(&[("log.retention.hours", "24"), ("log.roll.ms", "1000000")]);
    let check = |name, overrides: &[(&str, &str)], value: &str, expected: &[&str]| {
        let (found, synonyms) = synonyms(name, overrides, &server);
        assert_eq!(found, value, "{name}");
        assert_eq!(synonyms, expected, "{name}");
    };
    check("retention.ms", &[], "86400000", &[]);
    check(
        "segment.ms",
        &[],
        "1000000",
        &["4 log.roll.ms=1000000", "5 log.roll.hours=168"],
    );
    check("segment.jitter.ms", &[], "0", &[]);
    check("remote.storage.enable", &[], "false", &[]);
    check(
        "cleanup.policy",
        &[("cleanup.policy", "compact")],
        "compact",
        &["1 cleanup.policy=compact", "5 log.cleanup.policy=delete"],
    );
}

#[test]
fn broker_settings_are_described_as_kafka_does() {
    let server = server(&[
        ("log.retention.hours", "24"),
        ("ssl.keystore.password", "hunter2"),
        ("rsm.config.key", "s3cret"),
    ]);
    let described = describe_broker_config(&server, DynamicConfigs::default());
    let get = |name: &str| described.iter().find(|c| c.name == name).unwrap();
    let hours = get("log.retention.hours");
    assert_eq!(
        (hours.value.as_deref(), hours.source, hours.read_only),
        (Some("24"), ConfigSource::StaticBroker, true)
    );
    assert_eq!(hours.synonyms.len(), 2);
    assert_eq!(
        (
            get("log.retention.ms").value.as_deref(),
            get("log.retention.ms").synonyms.len()
        ),
        (None, 0)
    );
    assert_eq!(get("broker.id").value.as_deref(), Some("1"));
    assert!(!get("num.io.threads").read_only);
    assert!(
        !described
            .iter()
            .any(|c| c.name == "unstable.api.versions.enable")
    );
    for secret in ["ssl.keystore.password", "rsm.config.key"] {
        assert!(
            get(secret).sensitive && get(secret).value.is_none(),
            "{secret}"
        );
    }
    let text = format!("{described:?}");
    assert!(!text.contains("hunter2") && !text.contains("s3cret"));
}
