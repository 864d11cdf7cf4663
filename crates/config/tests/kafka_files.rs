//! The files that ship with Apache Kafka start this server too.

#![allow(clippy::unwrap_used, reason = "tests")]

use klamm_config::{ServerConfig, properties};

fn load(text: &str) -> (ServerConfig, Vec<String>) {
    let properties = properties::parse(text).unwrap();
    let (config, warnings) = ServerConfig::from_properties(&properties).unwrap();
    (config, warnings.iter().map(ToString::to_string).collect())
}

/// The settings of Kafka 4.3's `config/server.properties`.
const COMBINED: &str = "
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
";

#[test]
fn combined() {
    let (config, warnings) = load(COMBINED);
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(config.node_id.get(), 1);
    assert!(config.roles.broker && config.roles.controller);
    assert_eq!(config.quorum.voters.len(), 1);
    assert_eq!(config.quorum.voters[0].to_string(), "1@localhost:9093");
    let network = &config.network;
    assert_eq!(network.broker_listeners[0].to_string(), "PLAINTEXT://:9092");
    assert_eq!(
        network.controller_listeners[0].to_string(),
        "CONTROLLER://:9093"
    );
    assert_eq!(network.advertised_listeners.len(), 1);
    assert_eq!(
        network.advertised_listeners[0].to_string(),
        "PLAINTEXT://localhost:9092"
    );
    assert_eq!(network.inter_broker_listener_name, "PLAINTEXT");
    assert_eq!(
        config.log_dirs,
        [std::path::PathBuf::from("/tmp/kraft-combined-logs")]
    );
    assert_eq!(config.metadata_log_dir, config.log_dirs[0]);
    assert_eq!(config.topic_defaults.retention_ms, 168 * 3_600_000);
}

#[test]
fn broker_only() {
    let (config, warnings) = load(
        "process.roles=broker
node.id=2
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://localhost:9092
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
log.dirs=/tmp/kraft-broker-logs",
    );
    assert_eq!(warnings, Vec::<String>::new());
    assert!(config.roles.broker && !config.roles.controller);
    assert!(config.quorum.voters.is_empty());
    assert_eq!(config.quorum.endpoints()[0].to_string(), "localhost:9093");
    assert!(config.network.controller_listeners.is_empty());
}

#[test]
fn controller_only() {
    let (config, warnings) = load(
        "process.roles=controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=CONTROLLER://:9093
advertised.listeners=CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL
log.dirs=/tmp/kraft-controller-logs",
    );
    assert_eq!(warnings, Vec::<String>::new());
    assert!(config.network.broker_listeners.is_empty());
    assert!(config.network.advertised_listeners.is_empty());
}

#[test]
fn three_voters() {
    let text = COMBINED.replace(
        "controller.quorum.bootstrap.servers=localhost:9093",
        "controller.quorum.voters=1@a:9093,2@b:9093,3@c:9093",
    );
    let (config, _) = load(&text);
    let ids: Vec<i32> = config
        .quorum
        .voters
        .iter()
        .map(|v| v.node_id.get())
        .collect();
    assert_eq!(ids, [1, 2, 3]);
}

#[test]
fn a_controller_whose_bootstrap_servers_are_others_joins_them() {
    for servers in ["a:9093", "localhost:9094", "localhost:9093,b:9093"] {
        let given = format!("controller.quorum.bootstrap.servers={servers}");
        let text = COMBINED.replace("controller.quorum.bootstrap.servers=localhost:9093", &given);
        let (config, _) = load(&format!("{text}controller.quorum.auto.join.enable=true\n"));
        assert!(config.quorum.voters.is_empty(), "{servers}");
        assert!(config.quorum.auto_join);
        let advertised = config.network.advertised_controller_listener.unwrap();
        assert_eq!(advertised.to_string(), "CONTROLLER://localhost:9093");
    }
    let text = COMBINED.replace("CONTROLLER://localhost:9093", "CONTROLLER://me:9093");
    let (config, _) = load(&text.replace("servers=localhost:9093", "servers=me:9093"));
    assert_eq!(config.quorum.voters[0].to_string(), "1@me:9093");
}
