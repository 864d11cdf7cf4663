//! The group coordinators: classic, consumer, share and streams groups.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "group.coordinator.rebalance.protocols": List = "classic,consumer,streams", ListOf(&["consumer", "classic", "share", "streams"]), ReadOnly, Medium,
        "";
    "group.coordinator.threads": Int = "4", AtLeast(1), ReadOnly, High,
        "";
    "group.coordinator.background.threads": Int = "2", AtLeast(1), ReadOnly, High,
        "";
    "group.coordinator.append.linger.ms": Int = "-1", AtLeast(-1), ReadOnly, Medium,
        "";
    "offsets.commit.timeout.ms": Int = "5000", AtLeast(1), ReadOnly, High,
        "";
    "offsets.load.buffer.size": Int = "5242880", AtLeast(1), ReadOnly, High,
        "";
    "offsets.topic.replication.factor": Short = "3", AtLeast(1), ReadOnly, High,
        "";
    "offsets.topic.num.partitions": Int = "50", AtLeast(1), ReadOnly, High,
        "";
    "offsets.topic.segment.bytes": Int = "104857600", AtLeast(1), ReadOnly, High,
        "";
    "offsets.topic.compression.codec": Int = "0", Any, ReadOnly, High,
        "";
    "group.coordinator.cached.buffer.max.bytes": Int = "1048588", AtLeast(524288), ClusterWide, Medium,
        "";
    "offset.metadata.max.bytes": Int = "4096", Any, ReadOnly, High,
        "";
    "offsets.retention.minutes": Int = "10080", AtLeast(1), ReadOnly, High,
        "";
    "offsets.retention.check.interval.ms": Long = "600000", AtLeast(1), ReadOnly, High,
        "";
    "group.min.session.timeout.ms": Int = "6000", Any, ReadOnly, Medium,
        "";
    "group.max.session.timeout.ms": Int = "1800000", Any, ReadOnly, Medium,
        "";
    "group.initial.rebalance.delay.ms": Int = "3000", Any, ReadOnly, Medium,
        "";
    "group.max.size": Int = "2147483647", AtLeast(1), ReadOnly, Medium,
        "";
    "group.consumer.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.consumer.min.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.consumer.max.session.timeout.ms": Int = "60000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.consumer.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.consumer.min.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.consumer.max.heartbeat.interval.ms": Int = "15000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.consumer.max.size": Int = "2147483647", AtLeast(1), ReadOnly, Medium,
        "";
    "group.consumer.assignors": List = "uniform,range", Any, ReadOnly, Medium,
        "";
    "group.consumer.migration.policy": String = "bidirectional", OneOfIgnoringCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]), ReadOnly, Medium,
        "";
    "group.consumer.assignment.interval.ms": Int = "1000", AtLeast(0), ClusterWide, Medium,
        "";
    "group.consumer.min.assignment.interval.ms": Int = "0", AtLeast(0), ReadOnly, Medium,
        "";
    "group.consumer.max.assignment.interval.ms": Int = "15000", AtLeast(0), ReadOnly, Medium,
        "";
    "group.consumer.regex.refresh.interval.ms": Int = "600000", AtLeast(10000), ReadOnly, Medium internal,
        "";
    "group.share.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.share.min.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.share.max.session.timeout.ms": Int = "60000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.share.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.share.min.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.share.max.heartbeat.interval.ms": Int = "15000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.share.max.size": Int = "200", Between(1, 1000), ReadOnly, Medium,
        "";
    "group.share.assignors": List = "simple", Any, ReadOnly, Medium,
        "";
    "group.share.assignment.interval.ms": Int = "1000", AtLeast(0), ClusterWide, Medium,
        "";
    "group.share.min.assignment.interval.ms": Int = "0", AtLeast(0), ReadOnly, Medium,
        "";
    "group.share.max.assignment.interval.ms": Int = "15000", AtLeast(0), ReadOnly, Medium,
        "";
    "group.share.initialize.retry.interval.ms": Int = "30000", AtLeast(1), ReadOnly, Low internal,
        "";
    "group.streams.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.streams.min.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.streams.max.session.timeout.ms": Int = "60000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.streams.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.streams.min.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.streams.max.heartbeat.interval.ms": Int = "15000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.streams.max.size": Int = "2147483647", AtLeast(1), ReadOnly, Medium,
        "";
    "group.streams.num.standby.replicas": Int = "0", AtLeast(0), ReadOnly, Medium,
        "";
    "group.streams.max.standby.replicas": Int = "2", AtLeast(0), ReadOnly, Medium,
        "";
    "group.streams.initial.rebalance.delay.ms": Int = "3000", AtLeast(0), ReadOnly, Medium,
        "";
    "group.streams.assignment.interval.ms": Int = "1000", AtLeast(0), ClusterWide, Medium,
        "";
    "group.streams.min.assignment.interval.ms": Int = "0", AtLeast(0), ReadOnly, Medium,
        "";
    "group.streams.max.assignment.interval.ms": Int = "15000", AtLeast(0), ReadOnly, Medium,
        "";
    "group.share.delivery.count.limit": Int = "5", Between(2, 10), ReadOnly, Medium,
        "";
    "group.share.max.delivery.count.limit": Int = "10", Between(5, 25), ReadOnly, Medium,
        "";
    "group.share.min.delivery.count.limit": Int = "2", Between(2, 5), ReadOnly, Medium,
        "";
    "group.share.record.lock.duration.ms": Int = "30000", Between(1000, 3600000), ReadOnly, Medium,
        "";
    "group.share.min.record.lock.duration.ms": Int = "15000", Between(1000, 30000), ReadOnly, Medium,
        "";
    "group.share.max.record.lock.duration.ms": Int = "60000", Between(30000, 3600000), ReadOnly, Medium,
        "";
    "group.share.partition.max.record.locks": Int = "2000", Between(100, 10000), ReadOnly, Medium,
        "";
    "group.share.max.partition.max.record.locks": Int = "4000", Between(2000, 10000), ReadOnly, Medium,
        "";
    "group.share.min.partition.max.record.locks": Int = "100", Between(100, 2000), ReadOnly, Medium,
        "";
    "share.fetch.purgatory.purge.interval.requests": Int = "1000", Any, ReadOnly, Medium,
        "";
    "group.share.max.share.sessions": Int = "2000", AtLeast(1), ReadOnly, Medium,
        "";
    "group.share.persister.class.name": String = "org.apache.kafka.server.share.persister.DefaultStatePersister", Any, ReadOnly, Medium internal,
        "";
    "share.coordinator.state.topic.num.partitions": Int = "50", AtLeast(1), ReadOnly, High,
        "";
    "share.coordinator.state.topic.replication.factor": Short = "3", AtLeast(1), ReadOnly, High,
        "";
    "share.coordinator.state.topic.min.isr": Short = "2", AtLeast(1), ReadOnly, High,
        "";
    "share.coordinator.state.topic.segment.bytes": Int = "104857600", AtLeast(1), ReadOnly, High,
        "";
    "share.coordinator.threads": Int = "1", AtLeast(1), ReadOnly, Medium,
        "";
    "share.coordinator.snapshot.update.records.per.snapshot": Int = "500", Between(0, 500), ReadOnly, Medium,
        "";
    "share.coordinator.load.buffer.size": Int = "5242880", AtLeast(1), ReadOnly, High,
        "";
    "share.coordinator.state.topic.compression.codec": Int = "0", Any, ReadOnly, High,
        "";
    "share.coordinator.append.linger.ms": Int = "-1", AtLeast(-1), ReadOnly, Medium,
        "";
    "share.coordinator.write.timeout.ms": Int = "5000", AtLeast(1), ReadOnly, High,
        "";
    "share.coordinator.state.topic.prune.interval.ms": Int = "300000", AtLeast(1), ReadOnly, Low internal,
        "";
    "share.coordinator.cold.partition.snapshot.interval.ms": Int = "300000", AtLeast(1), ReadOnly, Low internal,
        "";
    "share.coordinator.cached.buffer.max.bytes": Int = "1048588", AtLeast(524288), ClusterWide, Medium,
        "";
};
