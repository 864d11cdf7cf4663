//! The quorum of controllers, the metadata log and the roles of a node.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "process.roles": List = none, ListOf(&["broker", "controller"]), ReadOnly, High,
        "What this process is: broker, controller, or both.";
    "node.id": Int = none, AtLeast(0), ReadOnly, High,
        "The id of this node, unique among brokers and controllers.";
    "initial.broker.registration.timeout.ms": Int = "60000", Any, ReadOnly, Medium,
        "How long a starting broker tries to register before it gives up and exits.";
    // Kafka: 2000. Shorter, so that a frozen broker is noticed within the session below.
    "broker.heartbeat.interval.ms": Int = "100", Any, ReadOnly, Medium,
        "Time between two heartbeats of a broker to the active controller.";
    // Kafka: 9000. Shorter, because failover within a second is the point; 15 missed heartbeats.
    "broker.session.timeout.ms": Int = "1500", Any, ReadOnly, Medium,
        "A broker that has sent no heartbeat for so long is fenced.";
    "controller.listener.names": List = none, Any, ReadOnly, High,
        "Names of the listeners that controllers use, by comma.";
    "sasl.mechanism.controller.protocol": String = "GSSAPI", Any, ReadOnly, High,
        "SASL mechanism between brokers and controllers.";
    "controller.performance.sample.period.ms": Long = "60000", AtLeast(100), ReadOnly, Medium internal,
        "Time between two summaries of how the controller performs.";
    "controller.performance.always.log.threshold.ms": Long = "2000", AtLeast(0), ReadOnly, Medium internal,
        "Controller events that take longer are always logged.";
    "server.max.startup.time.ms": Long = "9223372036854775807", AtLeast(0), ReadOnly, Medium internal,
        "How long a server may take to start.";
    "metadata.log.max.record.bytes.between.snapshots": Long = "20971520", AtLeast(1), ReadOnly, High,
        "Bytes of committed metadata after which a snapshot is due.";
    "metadata.log.max.snapshot.interval.ms": Long = "3600000", AtLeast(0), ReadOnly, High,
        "Time after which a snapshot is due if there is anything new; 0 turns it off.";
    "metadata.log.dir": String = none, Any, ReadOnly, High,
        "Folder of the metadata log; by default the first log directory.";
    "metadata.log.segment.bytes": Int = "1073741824", AtLeast(8388608), ReadOnly, High,
        "Size at which the metadata log begins a new segment.";
    "metadata.log.segment.ms": Long = "604800000", Any, ReadOnly, High,
        "Age at which the metadata log begins a new segment.";
    "metadata.max.retention.bytes": Long = "104857600", Any, ReadOnly, High,
        "Old metadata segments and snapshots are deleted beyond this total size.";
    "metadata.max.retention.ms": Long = "604800000", Any, ReadOnly, High,
        "Old metadata segments and snapshots are deleted beyond this age.";
    "metadata.max.idle.interval.ms": Int = "500", AtLeast(0), ReadOnly, Low,
        "How often an idle active controller writes an empty record; 0 never.";
    "internal.metadata.log.segment.bytes": Int = none, Any, ReadOnly, Low internal,
        "Segment size of the metadata log below the usual minimum, for tests.";
    "internal.metadata.max.batch.size.in.bytes": Int = "8388608", Any, ReadOnly, Low internal,
        "Largest batch of the metadata log, for tests.";
    "internal.metadata.delete.delay.millis": Long = "60000", Any, ReadOnly, Low internal,
        "Delay before metadata files are unlinked, for tests.";
    "controller.quorum.voters": List = "", Any, ReadOnly, High,
        "The controllers that vote, each as id@host:port, by comma.";
    "controller.quorum.bootstrap.servers": List = "", Any, ReadOnly, High,
        "Controllers to ask for the quorum, each as host:port, by comma.";
    // Kafka: 1000. Shorter, because failover within a second includes the active controller.
    "controller.quorum.election.timeout.ms": Int = "400", AtLeast(0), ReadOnly, High,
        "Time without a word from the active controller after which a voter calls an election.";
    "controller.quorum.fetch.timeout.ms": Int = "2000", AtLeast(0), ReadOnly, High,
        "Time without contact to the majority after which a leader or follower gives up on the other.";
    "controller.quorum.election.backoff.max.ms": Int = "1000", AtLeast(0), ReadOnly, High,
        "Longest random pause before a failed election is tried again.";
    "controller.quorum.append.linger.ms": Int = "25", AtLeast(0), ReadOnly, Medium,
        "How long the active controller gathers records before it flushes them.";
    "controller.quorum.request.timeout.ms": Int = "2000", AtLeast(0), ReadOnly, Medium,
        "How long a controller waits for the answer of another.";
    "controller.quorum.retry.backoff.ms": Int = "20", AtLeast(0), ReadOnly, Low,
        "Pause before a failed request between controllers is sent again.";
    "controller.quorum.auto.join.enable": Boolean = "false", Any, ReadOnly, Low,
        "Whether a new controller joins the voters by itself.";
    "klamm.version.max": Int = "2147483647", AtLeast(1), ReadOnly, Low internal,
        "Highest klamm.version that this node claims to support, for tests of mixed clusters.";
    "controller.quorum.fetch.snapshot.max.bytes": Int = "1048576", AtLeast(1), ReadOnly, Low,
        "Most bytes of a snapshot that one answer carries.";
    "controller.quorum.fetch.max.bytes": Int = "1048576", AtLeast(1), ReadOnly, Low,
        "Most bytes of the metadata log that one answer carries.";
};
