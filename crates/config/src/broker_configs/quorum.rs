//! The quorum of controllers, the metadata log and the roles of a node.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "process.roles": List = none, ListOf(&["broker", "controller"]), ReadOnly, High,
        "";
    "node.id": Int = none, AtLeast(0), ReadOnly, High,
        "";
    "initial.broker.registration.timeout.ms": Int = "60000", Any, ReadOnly, Medium,
        "";
    // Kafka: 2000. Shorter, so that a frozen broker is noticed within the session below.
    "broker.heartbeat.interval.ms": Int = "100", Any, ReadOnly, Medium,
        "";
    // Kafka: 9000. Shorter, because failover within a second is the point; 15 missed heartbeats.
    "broker.session.timeout.ms": Int = "1500", Any, ReadOnly, Medium,
        "";
    "controller.listener.names": List = none, Any, ReadOnly, High,
        "";
    "sasl.mechanism.controller.protocol": String = "GSSAPI", Any, ReadOnly, High,
        "";
    "controller.performance.sample.period.ms": Long = "60000", AtLeast(100), ReadOnly, Medium internal,
        "";
    "controller.performance.always.log.threshold.ms": Long = "2000", AtLeast(0), ReadOnly, Medium internal,
        "";
    "server.max.startup.time.ms": Long = "9223372036854775807", AtLeast(0), ReadOnly, Medium internal,
        "";
    "metadata.log.max.record.bytes.between.snapshots": Long = "20971520", AtLeast(1), ReadOnly, High,
        "";
    "metadata.log.max.snapshot.interval.ms": Long = "3600000", AtLeast(0), ReadOnly, High,
        "";
    "metadata.log.dir": String = none, Any, ReadOnly, High,
        "";
    "metadata.log.segment.bytes": Int = "1073741824", AtLeast(8388608), ReadOnly, High,
        "";
    "metadata.log.segment.ms": Long = "604800000", Any, ReadOnly, High,
        "";
    "metadata.max.retention.bytes": Long = "104857600", Any, ReadOnly, High,
        "";
    "metadata.max.retention.ms": Long = "604800000", Any, ReadOnly, High,
        "";
    "metadata.max.idle.interval.ms": Int = "500", AtLeast(0), ReadOnly, Low,
        "";
    "internal.metadata.log.segment.bytes": Int = none, Any, ReadOnly, Low internal,
        "";
    "internal.metadata.max.batch.size.in.bytes": Int = "8388608", Any, ReadOnly, Low internal,
        "";
    "internal.metadata.delete.delay.millis": Long = "60000", Any, ReadOnly, Low internal,
        "";
    "controller.quorum.voters": List = "", Any, ReadOnly, High,
        "";
    "controller.quorum.bootstrap.servers": List = "", Any, ReadOnly, High,
        "";
    // Kafka: 1000. Shorter, because failover within a second includes the active controller.
    "controller.quorum.election.timeout.ms": Int = "500", AtLeast(0), ReadOnly, High,
        "";
    "controller.quorum.fetch.timeout.ms": Int = "2000", AtLeast(0), ReadOnly, High,
        "";
    "controller.quorum.election.backoff.max.ms": Int = "1000", AtLeast(0), ReadOnly, High,
        "";
    "controller.quorum.append.linger.ms": Int = "25", AtLeast(0), ReadOnly, Medium,
        "";
    "controller.quorum.request.timeout.ms": Int = "2000", AtLeast(0), ReadOnly, Medium,
        "";
    "controller.quorum.retry.backoff.ms": Int = "20", AtLeast(0), ReadOnly, Low,
        "";
    "controller.quorum.auto.join.enable": Boolean = "false", Any, ReadOnly, Low,
        "";
    "controller.quorum.fetch.snapshot.max.bytes": Int = "1048576", AtLeast(1), ReadOnly, Low,
        "";
    "controller.quorum.fetch.max.bytes": Int = "1048576", AtLeast(1), ReadOnly, Low,
        "";
};
