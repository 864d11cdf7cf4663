//! What the server refuses to start with, and what it only warns of.

use klamm_config::{ConfigError, ReplicaSelector, ServerConfig};
use std::collections::BTreeMap;

/// A good combined node, with some properties set and others (`""`) removed.
fn start(changes: &[(&str, &str)]) -> Result<(ServerConfig, Vec<String>), ConfigError> {
    let mut properties: BTreeMap<String, String> = [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("controller.quorum.voters", "1@localhost:9093"),
        ("controller.listener.names", "CONTROLLER"),
        ("listeners", "PLAINTEXT://:9092,CONTROLLER://:9093"),
        ("log.dirs", "/var/lib/klamm"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in changes {
        if value.is_empty() {
            properties.remove(*name);
        } else {
            properties.insert(name.to_string(), value.to_string());
        }
    }
    let (config, warnings) = ServerConfig::from_properties(&properties)?;
    Ok((config, warnings.iter().map(ToString::to_string).collect()))
}

/// Every part must occur in the message.
fn refused(changes: &[(&str, &str)], parts: &[&str]) {
    let message = match start(changes) {
        Ok(_) => panic!("{changes:?} is accepted"),
        Err(error) => error.to_string(),
    };
    for part in parts {
        assert!(
            message.contains(part),
            "{changes:?} gives {message:?} without {part:?}"
        );
    }
}

#[test]
fn a_value_of_the_wrong_type_or_range() {
    refused(
        &[("num.partitions", "many")],
        &["num.partitions=many", "whole number"],
    );
    refused(
        &[("num.partitions", "0")],
        &["num.partitions=0", "at least 1"],
    );
    refused(
        &[("auto.create.topics.enable", "yes")],
        &["=yes", "true or false"],
    );
    refused(
        &[("log.segment.bytes", "1000")],
        &["log.segment.bytes=1000", "1048576"],
    );
    refused(
        &[("log.cleanup.policy", "drop")],
        &["=drop", "compact, delete"],
    );
    refused(&[("compression.gzip.level", "0")], &["=0", "1 to 9, or -1"]);
    refused(
        &[("offsets.topic.replication.factor", "70000")],
        &["16 bits"],
    );
    refused(
        &[("log.retention.hours", "0")],
        &["log.retention.hours=0", "-1"],
    );
    refused(
        &[("process.roles", "broker,king")],
        &["process.roles=broker,king", "controller"],
    );
}

#[test]
fn a_missing_identity() {
    refused(&[("process.roles", "")], &["process.roles is not set"]);
    refused(&[("node.id", "")], &["node.id is not set"]);
    refused(&[("broker.id", "7")], &["broker.id=7", "node.id=1"]);
    refused(
        &[("controller.listener.names", "")],
        &["controller.listener.names is not set"],
    );
    let (config, _) = start(&[("node.id", ""), ("broker.id", "1")]).unwrap();
    assert_eq!(config.node_id.get(), 1);
}

#[test]
fn a_quorum_that_nobody_could_join() {
    refused(
        &[("controller.quorum.voters", "")],
        &["controller.quorum.voters is not set", "id@host:port"],
    );
    refused(
        &[("controller.quorum.voters", "2@localhost:9093")],
        &["node.id=1", "must be one of the voters"],
    );
    refused(
        &[
            ("process.roles", "broker"),
            ("listeners", "PLAINTEXT://:9092"),
        ],
        &["node.id=1", "must not be one of the voters"],
    );
}

#[test]
fn listeners_that_do_not_fit_the_role() {
    refused(
        &[("listeners", "PLAINTEXT://:9092")],
        &["listeners=PLAINTEXT://:9092", "must listen on each"],
    );
    refused(
        &[("listeners", "CONTROLLER://:9093")],
        &["needs a listener besides"],
    );
    refused(&[("process.roles", "controller")], &["nothing else"]);
    refused(
        &[("process.roles", "broker"), ("node.id", "2")],
        &["must not listen on controller"],
    );
    refused(
        &[("listeners", "PLAINTEXT://:9092,CONTROLLER://:9092")],
        &["9092 twice"],
    );
    refused(
        &[(
            "listeners",
            "PLAINTEXT://:9092,PLAINTEXT://:9094,CONTROLLER://:9093",
        )],
        &["PLAINTEXT twice"],
    );
    refused(
        &[("listeners", "9092")],
        &["listeners=9092", "NAME://host:port"],
    );
}

#[test]
fn addresses_that_clients_could_not_use() {
    refused(
        &[("advertised.listeners", "PLAINTEXT://0.0.0.0:9092")],
        &["0.0.0.0"],
    );
    refused(
        &[("listeners", "PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093")],
        &["advertised.listeners"],
    );
    refused(
        &[("advertised.listeners", "OTHER://a:1")],
        &["OTHER is not one of the listeners: PLAINTEXT"],
    );
    refused(
        &[("advertised.listeners", "CONTROLLER://a:9093")],
        &["at least one"],
    );
    refused(
        &[("inter.broker.listener.name", "OTHER")],
        &["inter.broker.listener.name=OTHER", "PLAINTEXT"],
    );
}

#[test]
fn encryption_is_not_served_yet() {
    refused(
        &[("listeners", "SSL://:9092,CONTROLLER://:9093")],
        &["listener.security.protocol.map", "SSL", "only PLAINTEXT"],
    );
    refused(
        &[("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT")],
        &["CONTROLLER:PLAINTEXT"],
    );
    refused(
        &[("listener.security.protocol.map", "PLAINTEXT:NONE")],
        &["NONE is no security protocol"],
    );
    let (_, warnings) = start(&[
        ("ssl.keystore.password", "hunter2"),
        ("listener.name.x.ssl.client.auth", "none"),
    ])
    .unwrap();
    assert_eq!(warnings.len(), 2);
    assert!(
        warnings
            .iter()
            .all(|w| w.contains("not in effect") && !w.contains("hunter2"))
    );
}

#[test]
fn numbers_that_bound_each_other() {
    refused(
        &[
            ("broker.heartbeat.interval.ms", "600"),
            ("broker.session.timeout.ms", "1000"),
        ],
        &[
            "broker.heartbeat.interval.ms=600",
            "broker.session.timeout.ms=1000",
        ],
    );
    refused(
        &[("replica.fetch.wait.max.ms", "40000")],
        &["replica.socket.timeout.ms=30000"],
    );
    // A file that sets only one of the two gets a fitting other one.
    let (config, _) = start(&[("broker.heartbeat.interval.ms", "2000")]).unwrap();
    assert_eq!(config.quorum.broker_session_timeout_ms, 8000);
    let (config, _) = start(&[("broker.session.timeout.ms", "200")]).unwrap();
    assert_eq!(config.quorum.broker_heartbeat_interval_ms, 50);
}

#[test]
fn directories() {
    refused(&[("log.dirs", "/a,/b,/a")], &["log.dirs=/a,/b,/a", "twice"]);
    refused(&[("log.dirs", ",")], &["log.dirs is not set"]);
    let (config, _) = start(&[("log.dirs", ""), ("metadata.log.dir", "/m")]).unwrap();
    assert_eq!(config.log_dirs[0].to_str(), Some("/tmp/kafka-logs"));
    assert_eq!(config.metadata_log_dir.to_str(), Some("/m"));
}

#[test]
fn unknown_properties_only_warn() {
    let (config, warnings) = start(&[("num.partition", "3"), ("my.plugin.setting", "x")]).unwrap();
    assert_eq!(
        warnings,
        [
            "my.plugin.setting: no setting has this name",
            "num.partition: no setting has this name. Did you mean num.partitions?"
        ]
    );
    assert_eq!(config.log.num_partitions, 1);
}

#[test]
fn a_replica_selector_that_is_not_there() {
    let name = "replica.selector.class";
    let rack_aware = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
    let (config, _) = start(&[(name, rack_aware)]).unwrap();
    assert_eq!(config.replication.selector, ReplicaSelector::RackAware);
    let (config, _) = start(&[]).unwrap();
    assert_eq!(config.replication.selector, ReplicaSelector::Leader);
    refused(
        &[(name, "com.example.Mine")],
        &[name, "com.example.Mine", rack_aware],
    );
}
